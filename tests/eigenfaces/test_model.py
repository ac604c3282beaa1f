"""Face space against NumPy's SVD in float64, and the equations of the paper."""

import jax
import numpy as np
import pytest
from sklearn.decomposition import PCA

from eigenfaces.eigensolver import gram
from eigenfaces.model import (
    distance_from_face_space,
    eigenfaces_of,
    fit,
    mean_face,
    project,
    reconstruct,
    whiten,
)

SHAPES = [(13, 57), (57, 13), (21, 21)]  # the small matrix is M x M, pixels x pixels, either


def faces(count: int, pixels: int, seed: int = 0, decay: float = 0.8) -> np.ndarray:
    """Random images whose variances fall off, as those of faces do, around a mean far from 0."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(pixels, pixels)))[0]
    spread = 3.0 * decay ** np.arange(pixels)
    return (rng.normal(size=(count, pixels)) * spread @ axes.T + 5.0).astype(np.float32)


def svd(images: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    centered = images.astype(np.float64) - images.mean(axis=0, dtype=np.float64)
    _, singular, rows = np.linalg.svd(centered, full_matrices=False)
    return singular[:components] ** 2 / len(images), rows[:components]


@pytest.mark.parametrize(("count", "pixels"), SHAPES)
def test_fit_is_the_svd(count: int, pixels: int) -> None:
    images = faces(count, pixels)
    space = fit(images, 6)
    values, rows = svd(images, 6)
    np.testing.assert_allclose(space.mean, images.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(space.eigenvalues, values, rtol=1e-4)
    np.testing.assert_allclose(np.abs(np.sum(space.eigenfaces * rows, axis=1)), 1, atol=1e-5)


@pytest.mark.parametrize(("count", "pixels"), SHAPES)
def test_weights_and_signs_are_scikit_learns(count: int, pixels: int) -> None:
    images, others = faces(count, pixels), faces(7, pixels, seed=1)
    space = fit(images, 5)
    peer = PCA(5, svd_solver="full").fit(images.astype(np.float64))
    np.testing.assert_allclose(project(space, others), peer.transform(others), atol=2e-3)


def test_the_small_matrix_has_the_eigenvectors_of_the_large_one() -> None:
    phi = faces(9, 40) - faces(9, 40).mean(axis=0)
    small, large = gram(phi), gram(phi.T)
    assert small.shape == (9, 9) and large.shape == (40, 40)
    values, vectors = np.linalg.eigh(small)
    u = np.asarray(eigenfaces_of(phi, vectors[:, :-6:-1]))
    np.testing.assert_allclose(large @ u.T, u.T * values[:-6:-1], atol=1e-3)


def test_eigenfaces_are_orthonormal_to_the_last_one() -> None:
    images = faces(24, 200, decay=0.9)
    space = fit(images, 23)
    np.testing.assert_allclose(space.eigenfaces @ space.eigenfaces.T, np.eye(23), atol=2e-6)


def test_large_problems_take_the_iterative_solver_to_the_same_subspace() -> None:
    images = faces(600, 700, seed=2)
    space = fit(images, 12)
    values, rows = svd(images, 12)
    np.testing.assert_allclose(space.eigenvalues, values, rtol=1e-4)
    cosines = np.linalg.svd(np.asarray(space.eigenfaces) @ rows.T, compute_uv=False)
    assert np.sqrt(1 - min(cosines.min(), 1) ** 2) < 1e-2


def test_reconstruction_improves_with_components_and_is_exact_at_full_rank() -> None:
    images = faces(12, 45)
    errors = []
    for components in (1, 2, 4, 8, 11):
        space = fit(images, components)
        likeness = reconstruct(space, project(space, images))
        errors.append(float(np.linalg.norm(likeness - images)))
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-4 * np.linalg.norm(images)


def test_distance_from_face_space_is_what_pythagoras_says() -> None:
    space = fit(faces(14, 33), 5)
    others = faces(6, 33, seed=3) + np.random.default_rng(4).normal(size=(6, 33)).astype(np.float32)
    phi = others - np.asarray(mean_face(faces(14, 33)))
    expected = np.sqrt(np.sum(phi**2, axis=1) - np.sum(np.square(project(space, others)), axis=1))
    np.testing.assert_allclose(distance_from_face_space(space, others), expected, rtol=1e-4)


def test_a_point_of_face_space_has_distance_zero() -> None:
    space = fit(faces(14, 33), 5)
    weights = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    images = np.asarray(reconstruct(space, weights))
    np.testing.assert_allclose(distance_from_face_space(space, images), 0, atol=1e-5)
    np.testing.assert_allclose(project(space, images), weights, atol=1e-5)


def test_whitened_training_weights_have_unit_variance() -> None:
    images = faces(25, 60)
    space = fit(images, 8)
    white = np.asarray(whiten(project(space, images), space.eigenvalues))
    np.testing.assert_allclose(white.T @ white / len(images), np.eye(8), atol=1e-3)


def test_face_space_passes_through_jit() -> None:
    images = faces(11, 20)
    space = fit(images, 3)
    there_and_back = jax.jit(lambda space, images: reconstruct(space, project(space, images)))
    np.testing.assert_allclose(
        there_and_back(space, images), reconstruct(space, project(space, images)), atol=1e-5
    )


def test_constant_pixels_are_zero_in_every_eigenface() -> None:
    images = faces(10, 30)
    images[:, [4, 17]] = 0.25
    space = fit(images, 5)
    np.testing.assert_allclose(np.asarray(space.eigenfaces)[:, [4, 17]], 0, atol=1e-6)


@pytest.mark.parametrize("pixels", [40, 9])
def test_duplicates_span_nothing_new(pixels: int) -> None:
    different = faces(6, pixels)
    images = np.concatenate([different, different, different[:4]])
    fit(images, 5)
    with pytest.raises(ValueError, match="span only 5 dimensions"):
        fit(images, 6)


def test_equal_images_span_nothing() -> None:
    with pytest.raises(ValueError, match="span only 0 dimensions"):
        fit(np.full((5, 8), 0.5, np.float32), 1)


@pytest.mark.parametrize("components", [0, 5, 7])
def test_too_many_or_no_components_are_refused(components: int) -> None:
    with pytest.raises(ValueError, match=f"{components} components asked for of 5 images"):
        fit(faces(5, 9), components)
