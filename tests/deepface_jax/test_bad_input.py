"""What no landmarks should look like: every such face has its fallback, and no other is touched."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from deepface_jax.config import PAPER
from deepface_jax.face_model import generic_face
from deepface_jax.fallback import Fallback, check_camera
from deepface_jax.frontalize import fit_affine_camera, frontalize_batch, residual

FACE = generic_face()
SIDE = 120
SMALL = replace(PAPER, size=76, interocular=27.0, eyes_x=37.5, eyes_y=26.0)


def good_points():
    return (FACE.landmarks[:, :2] * 24 + [48, 38]).astype(np.float32)


def picture(seed=0):
    return np.random.default_rng(seed).random((SIDE, SIDE, 3)).astype(np.float32)


def bad_faces():
    """Image, landmarks, and what must come of them."""
    image, good = picture(1), good_points()
    holes = image.copy()
    holes[0, 0] = np.nan  # where the output does not even look
    line = np.stack([np.linspace(20, 80, 68), np.linspace(30, 70, 68)], 1)
    four = good.copy()
    four[[0, 16, 36, 45], 1] = 40
    eyes = good.copy()
    eyes[36:48] = [[48, 38]]
    flat = good.copy()
    flat[:, 1] = 50
    return {
        "NaN pixel": (holes, good, Fallback.CROP_PIXELS),
        "NaN pixel and no landmarks": (holes, good * np.nan, Fallback.CROP_PIXELS),
        "one landmark is NaN": (image, np.where(np.arange(68)[:, None] == 67, np.nan, good), 4),
        "all landmarks outside": (image, good - [90, 0], Fallback.CROP_OUTSIDE),
        "above the image": (image, good - [0, 70], Fallback.CROP_OUTSIDE),
        "largest float": (image, np.full((68, 2), 3e38), Fallback.CROP_OUTSIDE),
        "all on a slanted line": (image, line, Fallback.TWO_D_CAMERA),
        "all on a level line": (image, flat, Fallback.TWO_D_CAMERA),
        "four on a line": (image, four, Fallback.NONE),
        "eyes in one place": (image, eyes, None),
        "upside down": (image, good * -1 + [SIDE, SIDE - 10], Fallback.NONE),
        "mirrored": (image, good * [-1, 1] + [SIDE, 0], None),
    }


@pytest.mark.parametrize("name", list(bad_faces()))
def test_a_bad_face_has_a_fallback_and_changes_no_other(name):
    image, points, code = bad_faces()[name]
    good, plain = good_points() + [2, 3], picture(7)

    def beside(other, its_points):
        images = np.stack([plain, other, plain[::-1]])
        landmarks = np.stack([good, its_points, good]).astype(np.float32)
        return frontalize_batch(images, landmarks, FACE, SMALL)

    found, before = beside(image, points), beside(plain, good)
    if code is not None:
        assert found.status[1] == code
    for leaf, leaf_before in zip(found, before, strict=True):
        assert np.isfinite(np.asarray(leaf)).all()
        np.testing.assert_array_equal(np.asarray(leaf)[[0, 2]], np.asarray(leaf_before)[[0, 2]])


def fit(points_3d, points_2d):
    camera = fit_affine_camera(points_3d, points_2d, np.eye(2 * len(points_3d)))
    return camera, residual(points_3d, points_2d, camera)


def status(camera, left_over):
    over = jnp.zeros((67, 2)).at[: len(left_over)].set(left_over)
    return check_camera(camera, over, SMALL)


def test_four_points_on_a_line_of_the_image_give_a_camera_that_is_refused():
    solid = np.array([[0, 0, 0], [30, 0, 5], [0, 40, -8], [10, 15, 30]], np.float32)
    line = np.array([[10, 10], [20, 15], [40, 25], [60, 35]], np.float32)
    camera, left_over = fit(solid, line)
    np.testing.assert_allclose(left_over, 0, atol=1e-3)  # it fits, and is flat
    assert status(camera, left_over) == Fallback.TWO_D_CAMERA


def test_four_reference_points_on_a_line_give_no_camera_and_that_is_refused_too():
    line = np.array([[0, 0, 0], [1, 2, 3], [2, 4, 6], [4, 8, 12]], np.float32)
    found = np.array([[0, 0], [50, 1], [3, 60], [44, 52]], np.float32)
    camera, left_over = fit(line, found)
    assert status(camera, left_over) == Fallback.TWO_D_CAMERA


def test_no_number_at_all_is_refused():
    nothing = jnp.full((2, 4), jnp.nan)
    assert status(nothing, jnp.zeros((67, 2))) == Fallback.TWO_D_CAMERA
    front = jnp.eye(2, 4)
    assert status(front, jnp.zeros((67, 2))) == Fallback.NONE
    assert status(front, jnp.full((67, 2), jnp.nan)) == Fallback.TWO_D_CAMERA
