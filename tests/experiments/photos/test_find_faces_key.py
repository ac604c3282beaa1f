"""What a template depends on is in its key, so that none is taken for one of other code."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import common
import common.landmarks
import deepface_jax
import facenet_jax
import sphereface_jax
from experiments.face_sets import ALIGNMENTS
from experiments.photos import photo_embedders
from experiments.photos.find_faces import FaceFinder
from experiments.photos.photo_embedders import PhotoEmbedder

PACKAGES = {"facenet": facenet_jax, "sphereface": sphereface_jax, "deepface-small": deepface_jax}
POINTS = [{"wanted": rate, "squared_distance": 1.0, "false_accept_rate": rate,
           "true_accept_rate": 0.5} for rate in (0.1, 0.001)]  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def load(row, weights, *, batch):
        facts = {"thresholds": POINTS}
        return PhotoEmbedder(
            lambda faces: faces, 4, ALIGNMENTS["aligned"], facts, weights, PACKAGES[row]
        )

    monkeypatch.setattr(photo_embedders, "load", load)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"arrays")
    path.with_suffix(".json").write_text("{}")
    return path


def key(weights, where="haar", false_accept_rate=0.001, row="facenet"):
    return FaceFinder(row, weights, where, false_accept_rate).method


def test_the_row(weights):
    assert len({key(weights, row=row) for row in PACKAGES}) == 3


@pytest.mark.parametrize(
    ("package", "row"),
    [(facenet_jax, "facenet"), (sphereface_jax, "sphereface"), (deepface_jax, "deepface-small"),
     (common, "facenet"), (common.landmarks, "sphereface")],
)  # fmt: skip
def test_any_module_of_a_package(package, row, weights, tmp_path, monkeypatch):
    before, source = key(weights, row=row), Path(package.__file__).parent
    folder = tmp_path / source.name
    folder.mkdir()
    for path in source.glob("*.*"):
        shutil.copy(path, folder)
    monkeypatch.setattr(package, "__file__", str(folder / "__init__.py"))
    assert key(weights, row=row) == before  # wherever it is installed
    modules = sorted(folder.glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        whole = module.read_bytes()
        module.write_bytes(whole + b"\n")
        assert key(weights, row=row) != before, module.name
        module.write_bytes(whole)
    (folder / "new.py").write_text("x = 1\n")
    assert key(weights, row=row) != before


def test_the_weights_and_what_is_beside_them(weights):
    before = key(weights)
    for path in (weights, weights.with_suffix(".json")):
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        assert key(weights) != before, path.name
        path.write_bytes(whole)
    assert key(weights) == before


def test_the_alignment_and_the_search(weights, monkeypatch):
    before = key(weights)
    assert key(weights, where="whole") != before
    monkeypatch.setitem(ALIGNMENTS, "aligned", replace(ALIGNMENTS["aligned"], eyes_y=50.0))
    assert key(weights) != before


def test_a_threshold_asks_for_no_other_templates(weights):
    assert key(weights, false_accept_rate=0.1) == key(weights)
