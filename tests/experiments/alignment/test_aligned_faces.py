"""Aligned faces in the cache: killed and resumed, and never stale."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import common.landmarks
from common.data import cache
from common.landmarks.crops import lfw_squares
from common.landmarks.predict import Landmarker
from common.types import Benchmark, Pairs, Provenance
from deepface_jax.aligner import Aligner, FoundFaces
from deepface_jax.config import AlignConfig
from deepface_jax.face_model import generic_face
from deepface_jax.placement import reference_landmarks
from experiments.alignment import aligned_faces as module
from experiments.alignment.aligned_faces import aligned_benchmark, aligned_faces, alignment_digest

FACES, SIDE = 11, 40
CROP = AlignConfig(stage="crop", size=24)


class Source:
    """Noise; notes what is asked for, and breaks at one image."""

    def __init__(self, breaks_at=None):
        rng = np.random.default_rng(0)
        self.pictures = rng.integers(0, 256, (FACES, SIDE, SIDE, 3), np.uint8)
        self.breaks_at, self.asked = breaks_at, []

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        if index == self.breaks_at:
            raise KeyboardInterrupt
        self.asked.append(index)
        return self.pictures[index]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache of the test's own, batches of four, and no network, which center crops do not ask."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(module, "BATCH", 4)
    monkeypatch.setattr(Landmarker, "load", lambda: None)
    alignment_digest.cache_clear()
    yield tmp_path / "cache" / "aligned"
    alignment_digest.cache_clear()


def align(source, config=CROP, content="a", squares=None):
    return aligned_faces(source, squares or lfw_squares(FACES, SIDE), config, content=content)


def test_faces_are_those_of_the_aligner_and_made_once(own_cache):
    source = Source()
    made = align(source)
    direct = Aligner(config=CROP, batch=4)(source.pictures, lfw_squares(FACES, SIDE))
    np.testing.assert_array_equal(made.images, direct.images)
    np.testing.assert_array_equal(made.status, direct.status)
    assert made.fallbacks == 0 and source.asked == list(range(FACES))
    again = align(source)
    assert source.asked == list(range(FACES))
    np.testing.assert_array_equal(again.images, made.images)


@pytest.mark.parametrize("killed_at", [0, 3, 4, 9, 10])
def test_a_killed_run_goes_on_behind_its_last_whole_batch(killed_at):
    whole = align(Source(), content="uninterrupted")
    with pytest.raises(KeyboardInterrupt):
        align(Source(breaks_at=killed_at))
    source = Source()
    resumed = align(source)
    assert source.asked == list(range(killed_at // 4 * 4, FACES))
    np.testing.assert_array_equal(resumed.images, whole.images)
    np.testing.assert_array_equal(resumed.status, whole.status)


class Finding(Aligner):
    """Finds the generic face's landmarks on every picture; counts the pictures."""

    found = 0

    def find(self, pictures, squares):
        Finding.found += len(pictures)
        points = np.tile(
            reference_landmarks(generic_face(), self.config)[:, :2], (len(pictures), 1, 1)
        )
        none = np.zeros(len(pictures))
        return FoundFaces(points.astype(np.float32), none.astype(np.int64), none.astype(np.float32))


def test_landmarks_are_found_once_whatever_is_done_with_them(monkeypatch):
    monkeypatch.setattr(module, "Aligner", Finding)
    monkeypatch.setattr(Finding, "found", 0)
    two_d, three_d = replace(CROP, stage="2d"), replace(CROP, stage="3d")
    source = Source(breaks_at=6)
    align(Source(), two_d)
    for config in (three_d, replace(three_d, blending=False), replace(three_d, residual=False)):
        with pytest.raises(KeyboardInterrupt):
            align(source, config)
        align(Source(), config)
    align(Source())
    assert Finding.found == FACES
    direct = Finding(config=three_d)
    drawn = direct.frontalize(source.pictures, direct.find(source.pictures, None).landmarks)
    np.testing.assert_array_equal(align(Source(), three_d).images, drawn.images)
    for number, other in enumerate((replace(two_d, eyes_y=50.0), replace(two_d, iterations=3)), 3):
        align(Source(), other)
        assert Finding.found == number * FACES


def test_fallbacks_are_counted(monkeypatch):
    class Failing(Aligner):
        def frontalize(self, pictures, landmarks):
            drawn = super().frontalize(pictures, landmarks)
            drawn.status[0] = 4
            return drawn

    monkeypatch.setattr(module, "Aligner", Failing)
    made = align(Source())
    assert made.fallbacks == 3 and np.flatnonzero(made.status).tolist() == [0, 4, 8]


def weights_elsewhere(tmp_path, monkeypatch, change):
    """The package's files in another folder, with other weights."""
    folder = tmp_path / "landmarks"
    shutil.copytree(Path(str(common.landmarks.__file__)).parent, folder)
    weights = folder / "weights.npz"
    weights.write_bytes(weights.read_bytes() + change)
    monkeypatch.setattr(common.landmarks, "__file__", str(folder / "__init__.py"))
    alignment_digest.cache_clear()


def keys(own_cache):
    return {path.name for path in own_cache.iterdir() if path.is_dir()}


def test_all_that_matters_is_in_the_key(own_cache, tmp_path, monkeypatch):
    align(Source())
    moved = lfw_squares(FACES, SIDE)
    moved.center[3] += 1
    for changed in (
        lambda: align(Source(), content="b"),
        lambda: align(Source(), replace(CROP, eyes_y=50.0)),
        lambda: align(Source(), replace(CROP, blending=False)),
        lambda: align(Source(), squares=moved),
        lambda: (weights_elsewhere(tmp_path, monkeypatch, b" "), align(Source())),
    ):
        before = keys(own_cache)
        changed()
        assert len(keys(own_cache) - before) == 1
    before = keys(own_cache)
    align(Source())
    assert keys(own_cache) == before


def test_the_same_weights_in_another_place_are_the_same(tmp_path, monkeypatch):
    digest = alignment_digest()
    weights_elsewhere(tmp_path, monkeypatch, b"")
    assert alignment_digest() == digest


def test_a_benchmark_is_looked_at_where_lfw_has_its_faces(own_cache):
    source, none = Source(), np.zeros(0, np.int64)
    pairs = Pairs(none, none, none.astype(bool), none)
    people = np.arange(FACES)
    about = Provenance("synthetic", "synthetic", "c" * 64, FACES, FACES, synthetic=True)
    benchmark = Benchmark(
        source, [str(k) for k in people], people, pairs, pairs, pairs, people < 0, people, about
    )
    made = aligned_benchmark(benchmark, CROP)
    count = len(source.asked)
    # The same key as content and order of the images give: nothing is aligned again.
    again = align(source, content=" ".join(["c" * 64, *benchmark.names]))
    np.testing.assert_array_equal(made.images, again.images)
    assert len(keys(own_cache)) == 1 and len(source.asked) == count


def test_no_images_at_all():
    class Nothing(Source):
        def __init__(self):
            self.pictures = np.zeros((0, SIDE, SIDE, 3), np.uint8)

    made = align(Nothing(), squares=lfw_squares(0, SIDE))
    assert made.images.shape == (0, 24, 24, 3) and made.fallbacks == 0
