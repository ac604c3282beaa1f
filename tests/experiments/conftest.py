"""Fixtures of the command's tests."""

import pytest

from common.landmarks.predict import Landmarker
from experiments.alignment import align_photos
from tests.experiments.alignment.aligning import ByColor, save


@pytest.fixture
def by_color(monkeypatch):
    """The codes of the canvases that were aligned, two at a time."""
    monkeypatch.setattr(align_photos, "Aligner", ByColor)
    monkeypatch.setattr(Landmarker, "load", lambda batch: None)
    monkeypatch.setattr(align_photos, "BATCH", 2)
    monkeypatch.setattr(ByColor, "seen", [])
    return ByColor.seen


@pytest.fixture
def tree(tmp_path):
    """Five photos at several depths, and files that are none."""
    root = tmp_path / "photos"
    for place, code in [("a.png", 10), ("Ann/b.PNG", 20), ("Ann/deep/er/c.png", 31)]:
        save(root / place, code)
    save(root / "d.jpeg", 40, format="JPEG", quality=100)
    save(root / "e [red] .JPG", 50, format="JPEG", quality=100)
    (root / "notes.txt").write_text("no photo")
    (root / ".hidden.png").write_text("no photo")
    save(root / ".trash" / "f.png", 60)
    return root
