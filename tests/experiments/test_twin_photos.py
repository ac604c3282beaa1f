"""Photographs under two names: planted prints are found, and the page lists those of LFW."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from common.data.lfw import find_lfw
from common.data.lfw_benchmark import open_lfw
from experiments.twin_photos import (
    AT_LEAST,
    SIDE,
    TwinPhotos,
    find,
    likeness,
    main,
    numbered_names,
    shrunken,
)

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


@pytest.fixture(scope="module")
def scenes():
    """Blurred noise, 250 x 250, whose pictures have nothing in common."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(7):
        noise = np.stack([gaussian_filter(rng.normal(size=(300, 300)), 5) for _ in range(3)], -1)
        made.append(np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8))
    return made


def printed(scene, *, top=25, left=25, size=250, brighter=0):
    """A print of a scene: cut out, brought to 250 x 250, brighter, and through JPEG."""
    cut = Image.fromarray(scene[top : top + size, left : left + size]).resize((250, 250))
    stream = io.BytesIO()
    brightened = np.clip(np.asarray(cut, int) * 0.8 + brighter, 0, 255).astype(np.uint8)
    Image.fromarray(brightened).save(stream, "JPEG", quality=60)
    return shrunken(np.asarray(Image.open(stream)))


def test_prints_of_one_photograph_under_two_names_are_found(scenes):
    pictures = np.stack([printed(scene) for scene in scenes])
    twin = printed(scenes[3], top=27, left=22, size=244, brighter=30)
    again = printed(scenes[5], brighter=20)  # under the same name: no error of a label
    names = [*[f"Somebody_{n}_0001" for n in range(7)], "Another_0001", "Somebody_5_0002"]
    pictures = np.concatenate([pictures, twin[None], again[None]])
    found = find(pictures, numbered_names(names))
    assert (found[0].first, found[0].second) == (3, 7) and found[0].likeness > AT_LEAST
    assert all(twins.likeness < AT_LEAST for twins in found[1:])
    assert (5, 8) not in [(twins.first, twins.second) for twins in found]
    renamed = [*names[:-1], "Third_0001"]
    alike = [t for t in find(pictures, numbered_names(renamed)) if t.likeness > AT_LEAST]
    assert {(t.first, t.second) for t in alike} == {(3, 7), (5, 8)}


def test_different_photographs_are_not_alike(scenes):
    pictures = [printed(scene) for scene in scenes]
    assert all(picture.shape == (SIDE, SIDE) for picture in pictures)
    for first in range(7):
        assert likeness(pictures[first], pictures[first]) > 0.99
        assert (
            max(likeness(pictures[first], pictures[n]) for n in range(first)) < 0.6 if first else 1
        )
    flat = np.full((SIDE, SIDE), 90, np.uint8)
    assert np.isfinite(likeness(flat, pictures[0])) and not find(np.stack([flat] * 3), np.arange(3))


def test_names_are_numbered_by_person():
    numbers = numbered_names(["Ann_Lee_0002", "Ben_0001", "Ann_Lee_0010", "Ann_0001"])
    assert numbers[0] == numbers[2] and len(set(numbers.tolist())) == 3


def test_without_lfw_the_command_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("LFW_DIR", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert main(TwinPhotos()) == 1
    assert "LFW is not on this machine" in capsys.readouterr().err


def test_the_page_names_twins():
    folder = find_lfw(download=False)
    if folder is None:
        pytest.skip("LFW is not on this machine")
    listed = re.findall(r"^- `(\w+)` and `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == 3
    benchmark = open_lfw(folder)
    number = {name: place for place, name in enumerate(benchmark.names)}
    pictures = {
        name: shrunken(np.asarray(benchmark.images[number[name]]))
        for pair in listed
        for name in pair
    }
    for first, second in listed:
        assert likeness(pictures[first], pictures[second]) > AT_LEAST
        for other in set(pictures) - {first, second}:
            assert likeness(pictures[first], pictures[other]) < AT_LEAST
