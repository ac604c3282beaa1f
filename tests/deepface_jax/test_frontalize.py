"""The whole of frontalization: what it must do exactly, and what a bad face may not do."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.geometry import apply, fit_similarity, invert, pixel_grid, signed_areas
from deepface_jax.config import PAPER
from deepface_jax.face_model import ANCHORS, MIRROR_68, generic_face
from deepface_jax.fallback import Fallback
from deepface_jax.frontalize import frontalize, frontalize_batch
from deepface_jax.placement import anchors, center_crop, reference, six_fiducials

FACE = generic_face()
SIDE = 120  # of the images; the output is smaller than the paper's, to be quick
SMALL = replace(PAPER, size=76, interocular=27.0, eyes_x=37.5, eyes_y=26.0)
UNBLENDED = replace(SMALL, blending=False)


def landmarks(yaw=0.0, pitch=0.0, noise=0.0, seed=0, scale=26.0, middle=(58.0, 42.0)):
    y, p = np.radians([yaw, pitch])
    turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    turn_p = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    points = scale * FACE.landmarks @ (turn_p @ turn_y)[:2].T + middle
    own = np.random.default_rng(seed).normal(size=(68, 2)) * noise
    return (points + own).astype(np.float32)


def ramp():
    return np.concatenate([pixel_grid(SIDE, SIDE), np.ones((SIDE, SIDE, 1), np.float32)], axis=-1)


def noise_image(seed=0):
    return np.random.default_rng(seed).random((SIDE, SIDE, 3)).astype(np.float32)


def one(image, points, config=SMALL):
    found = frontalize_batch(image[None], points[None], FACE, config)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[0], found)


@pytest.mark.parametrize("config", [UNBLENDED, replace(UNBLENDED, residual=False)])
def test_landmarks_land_on_their_targets(config):
    points = landmarks(35, -10, noise=0.5)
    found = one(ramp(), points, config)
    assert found.status == Fallback.NONE
    target = found.target.astype(np.float64)
    # Where a pixel's own triangle has its corners at the targets, its source follows from the
    # corners' landmarks: so the landmarks land there, and what is between them between them.
    pixels = np.concatenate([pixel_grid(76, 76), np.ones((76, 76, 1))], -1)
    own = {int(a): points[ANCHORS[a]] for a in range(67)}
    own |= {number: own[int(a)] for number, a in enumerate(FACE.anchor)}
    areas = np.asarray(signed_areas(jnp.asarray(target[FACE.triangles])))
    checked, owners = 0, np.zeros((76, 76), int)
    inverse = {
        number: np.linalg.inv(np.column_stack([target[corners], np.ones(3)]))
        for number, corners in enumerate(FACE.triangles)
        if areas[number] > 0.05
    }
    inside = {number: (pixels @ matrix).min(axis=-1) for number, matrix in inverse.items()}
    for weights in inside.values():
        owners += weights > -1e-3
    for number, corners in enumerate(FACE.triangles):
        if number not in inverse or not all(int(corner) in own for corner in corners):
            continue
        here = (inside[number] > 1e-3) & (owners == 1)
        expected = (pixels @ inverse[number])[here] @ np.array([own[int(c)] for c in corners])
        np.testing.assert_allclose(found.image[here][:, :2], expected, atol=0.01)
        checked += here.sum()
    assert checked > 1000


def test_a_face_that_already_fits_is_left_as_it_is():
    image = np.random.default_rng(0).random((76, 76, 3)).astype(np.float32)
    points = (FACE.landmarks[:, :2] * 27 + [37.5, 26]).astype(np.float32)
    found = one(image, points)
    np.testing.assert_allclose(found.image, image, atol=1e-3)
    np.testing.assert_allclose(found.camera, [[1, 0, 0, 0], [0, 1, 0, 0]], atol=1e-3)


def test_the_residual_keeps_a_frontal_faces_own_shape():
    points = landmarks(noise=0.8)
    kept = one(ramp(), points, UNBLENDED)
    aligned = np.asarray(apply(jnp.asarray(kept.transform), points))[ANCHORS]
    placed = reference(FACE, SMALL)[:67, :2]
    # x~ = X + (x_2d - P X) differs from x_2d by what the camera does to the reference alone.
    moved = np.column_stack([reference(FACE, SMALL)[:67], np.ones(67)]) @ kept.camera.T
    np.testing.assert_allclose(kept.target[:67], placed + aligned - moved, atol=1e-3)
    without = one(ramp(), points, replace(UNBLENDED, residual=False))
    np.testing.assert_allclose(without.target[:67], placed, atol=1e-5)


def test_mirroring_commutes():
    rng = np.random.default_rng(3)
    smooth = np.cos(pixel_grid(SIDE, SIDE) @ rng.random((2, 3)) / 6).astype(np.float32)
    points = landmarks(30, 5, noise=0.3)
    there = one(smooth, points).image
    mirrored = (points * [-1, 1] + [SIDE - 1, 0])[MIRROR_68].astype(np.float32)
    back = one(np.ascontiguousarray(smooth[:, ::-1]), mirrored).image[:, ::-1]
    different = np.abs(there - back).max(axis=-1)
    assert np.quantile(different, 0.99) < 2e-3 and different.mean() < 2e-3


def test_hidden_pixels_are_those_of_the_other_side():
    points = landmarks(55)
    found, flat = one(ramp(), points), one(ramp(), points, UNBLENDED)
    # Nose to the image's right: the output's right half is hidden, and shows what the left shows.
    left, right = found.image[20:60, 14:30, :2], found.image[20:60, 76 - 30 : 76 - 14, :2]
    assert np.quantile(np.abs(left - right[:, ::-1]), 0.95) < 0.05  # some is blended by halves
    np.testing.assert_allclose(left, flat.image[20:60, 14:30, :2], atol=1e-3)
    assert np.abs(found.image - flat.image)[20:60, 46:62].mean() > 3
    half = len(FACE.triangles) // 2
    assert found.visible[:half].mean() > found.visible[half:].mean() + 0.3


def test_stages():
    image, points = noise_image(), landmarks(20, noise=0.4)
    flat = one(image, points, replace(SMALL, stage="2d"))
    expected = fit_similarity(six_fiducials(points), anchors(FACE, SMALL))
    np.testing.assert_allclose(flat.transform, expected, atol=1e-3)
    crop = one(ramp(), points, replace(SMALL, stage="crop"))
    np.testing.assert_allclose(crop.transform, center_crop(SIDE, SIDE, SMALL), atol=1e-6)
    corner = apply(invert(jnp.asarray(crop.transform)), np.array([[3.0, 8.0]]))[0]
    np.testing.assert_allclose(crop.image[8, 3, :2], corner, atol=1e-3)
    assert flat.status == crop.status == Fallback.NONE


def test_sigma_switch():
    points = landmarks(noise=0.0)
    points[8] += [0, 12]  # the chin: a contour point, which Sigma trusts least
    error = [
        np.abs(one(ramp(), points, replace(UNBLENDED, covariance=on)).camera[:, :3] - np.eye(2, 3))
        for on in (True, False)
    ]
    assert error[0].max() < error[1].max()


def bad_faces():
    """Image, landmarks and what must come of them."""
    good, image = landmarks(10), noise_image()
    holes = image.copy()
    holes[5, 6, 1], holes[40, 40] = np.nan, np.inf
    line = np.stack([np.linspace(20, 90, 68), np.linspace(30, 70, 68)], axis=1)
    flat = landmarks(89)
    return {
        "no face": (image, np.full((68, 2), np.nan), Fallback.CROP_LANDMARKS),
        "one NaN": (image, np.where(np.arange(136).reshape(68, 2) == 7, np.nan, good), 4),
        "infinite": (image, np.where(np.arange(136).reshape(68, 2) == 7, np.inf, good), 4),
        "one point": (image, np.full((68, 2), 33.0), Fallback.CROP_LANDMARKS),
        "collinear": (image, line, Fallback.TWO_D_CAMERA),
        "profile": (image, flat, Fallback.TWO_D_POSE),
        "outside": (image, good + [200, 0], Fallback.CROP_OUTSIDE),
        "half outside": (image, good + [60, 0], Fallback.CROP_OUTSIDE),
        "cut by the border": (image, good + [34, 0], Fallback.NONE),
        "huge numbers": (image, good * 1e30, Fallback.CROP_OUTSIDE),
        "NaN pixels": (holes, good, Fallback.CROP_PIXELS),
        "black": (image * 0, good, Fallback.NONE),
        "constant": (image * 0 + 0.5, good, Fallback.NONE),
        "upside down": (image, good * -1 + [SIDE, SIDE - 10], Fallback.NONE),
        "20 pixels": (image, landmarks(scale=9.0), Fallback.NONE),
        "scrambled": (image, np.random.default_rng(0).permutation(good), Fallback.TWO_D_CAMERA),
    }


def test_bad_faces_fall_back_and_the_batch_goes_on():
    cases = bad_faces()
    images, points, codes = zip(*cases.values(), strict=True)
    batch = np.stack(images), np.stack(points).astype(np.float32)
    found = frontalize_batch(*batch, FACE, SMALL)
    by_name = dict(zip(cases, np.asarray(found.status).tolist(), strict=True))
    assert by_name == dict(zip(cases, [int(code) for code in codes], strict=True))
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in found)
    for number, code in enumerate(codes):
        stage = Fallback(code).stage
        if stage != "none":
            config = replace(SMALL, stage=stage)
            plain = frontalize_batch(*(part[number : number + 1] for part in batch), FACE, config)
            np.testing.assert_allclose(found.image[number], plain.image[0], atol=1e-4)


def test_no_face_changes_another():
    cases = list(bad_faces().values())
    good = (noise_image(9), landmarks(25, 5, noise=0.4))
    sizes = {}
    for name, other in (("good", good), ("bad", cases[0]), ("pixels", cases[10])):
        images = np.stack([good[0], other[0]])
        points = np.stack([good[1], other[1]]).astype(np.float32)
        sizes[name] = np.asarray(frontalize_batch(images, points, FACE, SMALL).image[0])
    np.testing.assert_array_equal(sizes["good"], sizes["bad"])
    np.testing.assert_array_equal(sizes["good"], sizes["pixels"])


def test_gradients_are_finite_even_for_bad_faces():
    images, points, _ = zip(*bad_faces().values(), strict=True)

    def value(image, point):
        return jnp.sum(frontalize(image, point, FACE, SMALL).image ** 2)

    gradient = jax.jit(jax.vmap(jax.grad(value, argnums=(0, 1))))
    of_images, of_points = gradient(np.stack(images), np.stack(points).astype(np.float32))
    assert jnp.isfinite(of_images).all() and jnp.isfinite(of_points).all()
    assert float(jnp.abs(of_points[8]).max()) > 0


def test_every_fallback_has_a_stage():
    assert {code.stage for code in Fallback} == {"none", "2d", "crop"}
