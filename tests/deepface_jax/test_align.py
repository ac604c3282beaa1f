"""2D alignment with detectors that are known to be right, wrong, or blind."""

from dataclasses import replace

import numpy as np

from common.geometry import apply
from deepface_jax.align import align, similarity_to_anchors
from deepface_jax.config import PAPER
from deepface_jax.face_model import generic_face
from deepface_jax.placement import anchors, six_fiducials

FACE = generic_face()
SIDE = 90


def marked(landmarks):
    """Images that carry their landmarks: all pixels of a channel tell where pixel (x, y) is."""
    rows, columns = np.indices((SIDE, SIDE), dtype=np.float32)
    picture = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    return np.tile(picture, (len(landmarks), 1, 1, 1))


def detector(landmarks, error=lambda views, truth: 0.0):
    """Reads off the warped coordinates where the view looks, and shows the true landmarks there."""

    def detect(views):
        middle = np.asarray(views)[:, 60:90, 60:90].astype(np.float64)  # inside the image
        found = []
        for view, truth in zip(middle, landmarks, strict=True):
            rows, columns = np.indices((30, 30))
            x, y = (columns + 60).ravel(), (rows + 60).ravel()
            design = np.column_stack([view[..., 0].ravel(), view[..., 1].ravel(), np.ones(900)])
            to_view = np.linalg.lstsq(design, np.stack([x, y], 1), rcond=None)[0]
            found.append(np.column_stack([truth, np.ones(68)]) @ to_view)
        return np.array(found) + error(views, landmarks)

    return detect


def faces(count=3, seed=0):
    rng = np.random.default_rng(seed)
    shape = FACE.landmarks[:, :2]
    out = []
    for _ in range(count):
        angle, scale = rng.uniform(-0.4, 0.4), rng.uniform(18, 22)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        out.append(scale * shape @ turn.T + rng.uniform(40, 46, 2))
    return np.array(out)


def test_fiducials_land_on_their_anchors():
    truth = faces()
    aligned = align(marked(truth), detector(truth), FACE)
    fiducials = six_fiducials(np.asarray(apply(aligned.transform, truth.astype(np.float32))))
    np.testing.assert_allclose(fiducials, np.tile(anchors(FACE, PAPER), (3, 1, 1)), atol=0.05)
    np.testing.assert_allclose(aligned.landmarks, truth, atol=0.05)
    assert aligned.settled.all() and (aligned.rounds == 2).all()  # one to move, one to see it stay


def test_one_round_is_the_similarity_of_the_landmarks():
    truth = faces() + np.random.default_rng(1).normal(size=(3, 68, 2))
    once = align(marked(truth), detector(truth), FACE, replace(PAPER, iterations=1))
    expected = similarity_to_anchors(truth.astype(np.float32), FACE)
    np.testing.assert_allclose(once.transform, expected, rtol=1e-3, atol=0.05)
    assert not once.settled.any()


def test_a_detector_that_sees_better_upright_gains_from_iteration():
    truth = faces(4, seed=2)

    def error(views, landmarks):  # grows with the turn that is left in the view
        x = np.asarray(views)[:, 75, 60:90, :2].astype(np.float64)
        across = x[:, -1] - x[:, 0]
        tilt = np.arctan2(across[:, 1], across[:, 0])
        wanted = np.array([np.arctan2(*(f[16] - f[0])[::-1]) for f in landmarks])
        direction = np.stack([np.linspace(-30, 30, 68), np.linspace(20, -20, 68)], -1)
        return (wanted - tilt)[:, None, None] * direction

    def distance(iterations):
        config = replace(PAPER, iterations=iterations)
        found = align(marked(truth), detector(truth, error), FACE, config)
        at = six_fiducials(np.asarray(apply(found.transform, truth.astype(np.float32))))
        return np.abs(at - anchors(FACE, PAPER)).max()

    assert distance(4) < distance(1) / 3


def test_a_blind_detector_keeps_the_start_and_leaves_others_alone():
    truth = faces()
    good = align(marked(truth), detector(truth), FACE)

    def blind(views, landmarks):
        return np.where(np.arange(3) == 1, np.nan, 0.0)[:, None, None]

    some = align(marked(truth), detector(truth, blind), FACE)
    np.testing.assert_array_equal(some.transform[::2], good.transform[::2])
    assert np.isnan(some.landmarks[1]).all() and some.rounds[1] == 0 and not some.settled[1]
    assert np.isfinite(some.transform).all()
