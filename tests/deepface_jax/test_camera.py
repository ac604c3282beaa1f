"""Camera, residual and targets, in float64 where the numbers are compared closely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepface_jax.face_model import ANCHORS, generic_face
from deepface_jax.frontalize import fit_affine_camera, frontal_targets, project, residual
from deepface_jax.visibility import own_share, viewing_direction, visible_triangles

FACE = generic_face()
POINTS = FACE.points[: len(ANCHORS)]


@pytest.fixture
def float64():
    with jax.enable_x64(True):
        yield


def camera_of(yaw=0.0, pitch=0.0, scale=1.0):
    y, p = np.radians([yaw, pitch])
    turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    turn_p = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    return np.column_stack([scale * (turn_p @ turn_y)[:2], [3.0, 4.0]])


def oracle_camera(points_3d, points_2d, covariance):
    """Generalized least squares by its normal equations, the design written row by row."""
    rows = []
    for point in points_3d:
        rows += [[*point, 1, 0, 0, 0, 0], [0, 0, 0, 0, *point, 1]]
    design, precision = np.array(rows), np.linalg.inv(covariance)
    normal = design.T @ precision @ design
    return np.linalg.solve(normal, design.T @ precision @ points_2d.ravel()).reshape(2, 4)


def test_recovers_a_random_camera(float64):
    camera = np.random.default_rng(0).normal(size=(2, 4))
    found = fit_affine_camera(POINTS, POINTS @ camera[:, :3].T + camera[:, 3], FACE.covariance)
    np.testing.assert_allclose(found, camera, atol=1e-8)


def test_is_generalized_least_squares_with_a_full_covariance(float64):
    rng = np.random.default_rng(1)
    root = rng.normal(size=(134, 150))
    seen = rng.normal(size=(67, 2))
    found = fit_affine_camera(POINTS, seen, root @ root.T)
    np.testing.assert_allclose(found, oracle_camera(POINTS, seen, root @ root.T), atol=1e-8)


def test_float32_agrees_with_float64():
    rng = np.random.default_rng(2)
    points = (POINTS * 54).astype(np.float32)
    seen = (points @ camera_of(40, 10)[:, :3].T + rng.normal(size=(67, 2))).astype(np.float32)
    found = project(points, fit_affine_camera(points, seen, FACE.covariance.astype(np.float32)))
    exact = oracle_camera(points.astype(float), seen.astype(float), FACE.covariance)
    np.testing.assert_allclose(found, points @ exact[:, :3].T + exact[:, 3], atol=1e-3)


def test_an_outlier_of_huge_variance_is_ignored(float64):
    camera = np.random.default_rng(3).normal(size=(2, 4))
    seen = POINTS @ camera[:, :3].T + camera[:, 3]
    seen[5, 0] += 40
    covariance = np.eye(134)
    assert np.abs(fit_affine_camera(POINTS, seen, covariance) - camera).max() > 0.1
    covariance[10, 10] = 1e12
    np.testing.assert_allclose(fit_affine_camera(POINTS, seen, covariance), camera, atol=1e-6)


def test_too_few_points():
    with pytest.raises(ValueError, match="4 points or more, not 3"):
        fit_affine_camera(POINTS[:3], POINTS[:3, :2], np.eye(6))


def test_targets_are_the_reference_plus_the_residual(float64):
    rng = np.random.default_rng(4)
    camera, noise = rng.normal(size=(2, 4)), rng.normal(size=(67, 2))
    seen = POINTS @ camera[:, :3].T + camera[:, 3] + noise
    np.testing.assert_allclose(residual(POINTS, seen, jnp.asarray(camera)), noise, atol=1e-9)
    targets = frontal_targets(POINTS, seen, jnp.asarray(camera))
    np.testing.assert_allclose(targets, POINTS[:, :2] + noise, atol=1e-9)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (35, 0), (-50, 20), (10, -30)])
def test_viewing_direction_is_the_depth_axis(yaw, pitch):
    y, p = np.radians([yaw, pitch])
    depth = [np.sin(y) * np.cos(p), -np.sin(p), np.cos(y) * np.cos(p)]
    found = viewing_direction(jnp.asarray(camera_of(yaw, pitch, 7.0), jnp.float32))
    np.testing.assert_allclose(found, depth, atol=1e-6)


def test_all_is_visible_from_the_front_and_half_from_the_side():
    skin, half = FACE.skin, len(FACE.skin) // 2
    front = visible_triangles(FACE.points, skin, jnp.asarray(camera_of()))
    assert np.asarray(front).mean() > 0.95
    # Nose to the image's right (positive yaw): the image's left half of the face is seen.
    side = np.asarray(visible_triangles(FACE.points, skin, jnp.asarray(camera_of(60))))
    assert side[:half].mean() > 0.8 and side[half:].mean() < 0.5
    other = np.asarray(visible_triangles(FACE.points, skin, jnp.asarray(camera_of(-60))))
    np.testing.assert_array_equal(np.roll(other, half), side)


def test_the_nose_hides_what_is_behind_it():
    # Two triangles that face the camera, one before the other, and one beside them.
    flat = np.array([[0, 0], [4, 0], [0, 4]], float)
    points = np.concatenate(
        [
            np.column_stack([flat + [shift, 0], np.full(3, z)])
            for shift, z in ((0, 0), (0, 5), (9, 5))
        ]
    )
    triangles = np.arange(9).reshape(3, 3)
    seen = visible_triangles(points, triangles, jnp.asarray(camera_of()))
    assert np.asarray(seen).tolist() == [True, False, True]
    close = visible_triangles(points * [1, 1, 0.01], triangles, jnp.asarray(camera_of()))
    assert np.asarray(close).all()  # within the margin


def test_own_share():
    points, skin, seen = FACE.points, FACE.skin, (0.05, 0.35)
    left = points[: len(FACE.anchor), 0] < -0.3
    right = points[: len(FACE.anchor), 0] > 0.3

    def share(yaw, pitch=0):
        camera = jnp.asarray(camera_of(yaw, pitch), jnp.float32)
        return np.asarray(own_share(points[: len(FACE.anchor)], skin, camera, seen=seen))

    np.testing.assert_allclose(share(0), 1, atol=1e-4)  # a frontal face is never blended
    np.testing.assert_allclose(share(0, 70), 1, atol=1e-3)  # hidden on both sides alike
    assert share(60)[left].mean() > 0.95 and share(60)[right].mean() < 0.1
    np.testing.assert_allclose(share(-60)[FACE.mirror[: len(FACE.anchor)]], share(60), atol=1e-5)
    steps = np.array([share(yaw) for yaw in (24.9, 25, 25.1)])
    assert np.ptp(steps, axis=0).mean() < 0.02
