"""Detect, align, frontalize in one call: with a landmarker that knows, and with the shipped one."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render
from common.images import resize, to_grey
from common.landmarks.crops import LFW_CENTER, LFW_SIDE, lfw_squares
from common.landmarks.predict import UNSTABLE_ABOVE, Landmarker, Outcome, Prediction
from common.landmarks.squares import Squares, cut, squares_around
from deepface_jax.aligner import Aligner
from deepface_jax.config import PAPER
from deepface_jax.face_model import generic_face
from deepface_jax.fallback import Fallback
from deepface_jax.frontalize import frontalize_batch

SIDE, BATCH = 120, 3
SMALL = replace(PAPER, size=76, interocular=27.0, eyes_x=37.5, eyes_y=26.0)


@cache
def heads():
    """Five people, and where their points are; tilted, so that rounded charts do not beat."""
    rng = np.random.default_rng(8)
    scenes = random_scenes(random_identities(5, rng), np.arange(5), rng)
    pose = 0.4 * scenes.pose
    pose[:, 2] = [12, -9, 15, -14, 10]
    return render(scenes._replace(pose=pose), SIDE)


@cache
def charted():
    """The heads in blue, in pictures whose red and green tell where a pixel is."""
    rows, columns = np.indices((SIDE, SIDE), np.uint8)
    return np.stack([np.stack([columns, rows, to_grey(i)], -1) for i in heads().images])


class Knowing(Landmarker):
    """Shows the true points wherever it looks, once the first look is over."""

    def __init__(self, outcomes=None, moved=None):
        self.outcomes, self.calls, self.faces = outcomes or {}, 0, []
        self.truth = heads().landmarks.astype(np.float64)
        for face, points in (moved or {}).items():
            self.truth[face] = points
        self.known = {picture.tobytes(): face for face, picture in enumerate(charted())}

    def __call__(self, pictures, squares=None):
        self.calls += 1
        self.faces = [self.known[picture.tobytes()] for picture in pictures]
        first = self.truth[self.faces] + [4, -3]  # which must not count in the end
        outcome = np.array([self.outcomes.get(face, Outcome.FOUND) for face in self.faces])
        disagreement = np.array(self.faces, np.float32) / 100
        return Prediction(
            first.astype(np.float32), np.zeros((len(first), 68), np.float32), outcome, disagreement
        )

    def once(self, pictures, squares):
        self.calls += 1
        found = [self._read(*each) for each in zip(pictures, self.faces, strict=True)]
        return np.array(found)

    def _read(self, view, face):
        charts = view[..., :2].astype(float)
        inside = ((charts > 0) & (charts < SIDE - 1)).all(-1)
        rows, columns = np.nonzero(inside)
        design = np.column_stack([charts[inside], np.ones(len(rows))])
        to_view = np.linalg.lstsq(design, np.column_stack([columns, rows]), rcond=None)[0]
        return np.column_stack([self.truth[face], np.ones(68)]) @ to_view


def squares(faces):
    return squares_around(heads().landmarks[faces].astype(np.float64))


def aligned(faces, landmarker=None, config=SMALL):
    aligner = Aligner(landmarker or Knowing(), config=config, batch=BATCH)
    return aligner(charted()[faces], squares(faces))


def test_true_landmarks_give_what_frontalization_gives():
    faces = np.arange(5)
    found = aligned(faces)
    points = heads().landmarks.astype(np.float32)
    np.testing.assert_allclose(found.landmarks, points, atol=0.1)
    for three in ([0, 1, 2], [2, 3, 4]):
        pictures = charted()[three].astype(np.float32) / 255
        direct = frontalize_batch(pictures, points[three], generic_face(), SMALL)
        difference = np.abs(found.images[three] - np.asarray(direct.image) * 255)
        assert np.quantile(difference, 0.999) <= 1 and difference.mean() < 0.3
        np.testing.assert_array_equal(found.status[three], direct.status)
    assert (found.status == Fallback.NONE).all() and (found.outcome == Outcome.FOUND).all()
    np.testing.assert_allclose(found.disagreement, faces / 100)


@pytest.mark.parametrize("count", [1, 5, 70])
def test_a_face_is_the_same_in_any_company(count):
    faces = np.random.default_rng(count).integers(0, 5, count)
    many = aligned(faces)
    for face in set(faces.tolist()):
        alone = aligned(np.array([face]))
        for column, single in zip(many, alone, strict=True):
            here = column[faces == face]
            np.testing.assert_array_equal(here, np.broadcast_to(single, here.shape))


def test_no_faces_give_no_rows():
    found = aligned(np.zeros(0, int))
    assert found.images.shape == (0, 76, 76, 3) and found.status.shape == (0,)


def test_the_center_crop_never_asks_the_landmarker():
    landmarker = Knowing()
    found = aligned(np.arange(5), landmarker, replace(SMALL, stage="crop"))
    assert landmarker.calls == 0
    assert (found.status == Fallback.NONE).all() and np.isnan(found.disagreement).all()
    assert np.isnan(found.landmarks).all()


def line():
    return np.stack([np.linspace(35, 85, 68), np.linspace(45, 80, 68)], axis=1)


def profile():
    return generic_face().landmarks[:, [2, 1]] * 24 + [50, 45]


@pytest.mark.parametrize(
    ("landmarker", "fallback"),
    [
        (lambda: Knowing({2: Outcome.UNSTABLE}), Fallback.CROP_LANDMARKS),
        (lambda: Knowing({2: Outcome.BLANK}), Fallback.CROP_LANDMARKS),
        (lambda: Knowing({2: Outcome.NOT_FINITE}), Fallback.CROP_LANDMARKS),
        (lambda: Knowing(moved={2: np.nan}), Fallback.CROP_LANDMARKS),
        (lambda: Knowing(moved={2: heads().landmarks[2] - [70, 0]}), Fallback.CROP_OUTSIDE),
        (lambda: Knowing(moved={2: line()}), Fallback.TWO_D_CAMERA),
        (lambda: Knowing(moved={2: profile()}), Fallback.TWO_D_POSE),
    ],
    ids=["unstable", "blank", "not finite", "lost", "outside", "collinear", "profile"],
)
def test_a_bad_face_falls_back_by_name_and_changes_no_other(landmarker, fallback):
    faces, others = np.arange(5), [0, 1, 3, 4]
    good, bad = aligned(faces), aligned(faces, landmarker())
    assert bad.status.tolist() == [0, 0, fallback, 0, 0]
    plain = aligned(faces, landmarker(), replace(SMALL, stage=fallback.stage))
    np.testing.assert_array_equal(bad.images[2], plain.images[2])
    assert (bad.images[2] != good.images[2]).any()
    for column, before in zip(bad, good, strict=True):
        np.testing.assert_array_equal(column[others], before[others])


# With the shipped network, whose accuracy is not tested here


@cache
def shipped():
    return Aligner(Landmarker.load(batch=BATCH), config=SMALL, batch=BATCH)


def canvases():
    """The heads as LFW would show them, in smaller pictures."""
    where = squares(np.arange(5))
    side = where.side / LFW_SIDE
    center = where.center - (np.array(LFW_CENTER) - 0.5) * side[:, None]
    whole = Squares(center, side, where.roll)
    return np.stack([cut(picture, whole, k, SIDE) for k, picture in enumerate(heads().images)])


def bad_canvases():
    good = canvases()[0]
    tiny = resize(good, 20, 20)
    return {
        "black": np.zeros_like(good),
        "constant": np.full_like(good, 130),
        "noise": np.random.default_rng(0).integers(0, 256, good.shape, np.uint8),
        "upside down": np.ascontiguousarray(good[::-1, ::-1]),
        "20 pixels": np.pad(tiny, ((50, 50), (50, 50), (0, 0)), "edge"),
        "cut": np.concatenate([good[:, 60:], np.zeros_like(good[:, 60:])], 1),
    }


@cache
def beside(name):
    """Two good faces with another between them; by default a third good one."""
    good = canvases()
    other = bad_canvases()[name] if name else good[2]
    return shipped()(np.stack([good[0], other, good[1]]), lfw_squares(3, SIDE))


def test_synthetic_heads_come_through():
    found = beside("")
    assert (found.status == Fallback.NONE).any()
    assert (found.disagreement < UNSTABLE_ABOVE).any()
    assert np.isfinite(found.landmarks[found.outcome == Outcome.FOUND]).all()


@pytest.mark.parametrize("name", ["black", "constant", "noise", "upside down", "20 pixels", "cut"])
def test_a_bad_picture_has_a_status_and_changes_no_other(name):
    found, good = beside(name), beside("")
    status, outcome = Fallback(int(found.status[1])), Outcome(int(found.outcome[1]))
    if name in ("black", "constant"):
        assert outcome == Outcome.BLANK
    if outcome != Outcome.FOUND:
        assert status == Fallback.CROP_LANDMARKS
    assert np.isfinite(found.disagreement).all()
    for column, before in zip(found, good, strict=True):
        np.testing.assert_array_equal(column[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e12])
def test_a_square_that_is_none_is_cropped_and_changes_no_other(broken):
    where = lfw_squares(3, SIDE)
    where.center[1, 0] = broken
    good = canvases()
    found = shipped()(good[[0, 2, 1]], where)
    assert found.status[1] == Fallback.CROP_LANDMARKS and found.outcome[1] == Outcome.NOT_FINITE
    np.testing.assert_array_equal(found.images[[0, 2]], beside("").images[[0, 2]])
