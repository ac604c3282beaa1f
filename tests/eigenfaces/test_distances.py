"""Distances and similarities against NumPy, one pair at a time."""

import numpy as np
import pytest

from eigenfaces.distances import (
    all_cosine_similarities,
    all_euclidean_distances,
    all_mahalanobis_cosine_similarities,
    cosine_similarity,
    euclidean_distance,
    mahalanobis_cosine_similarity,
)

rng = np.random.default_rng(0)
FIRST, SECOND = (rng.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
MORE = rng.normal(size=(9, 4)).astype(np.float32)
EIGENVALUES = np.array([9.0, 4.0, 1.0, 0.25], np.float32)


def euclidean(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True))))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def mahalanobis_cosine(a: np.ndarray, b: np.ndarray) -> float:
    inverse = np.linalg.inv(np.diag(EIGENVALUES))
    return float(a @ inverse @ b / np.sqrt((a @ inverse @ a) * (b @ inverse @ b)))


def test_paired_forms() -> None:
    pairs = list(zip(FIRST, SECOND, strict=True))
    np.testing.assert_allclose(
        euclidean_distance(FIRST, SECOND), [euclidean(a, b) for a, b in pairs], rtol=1e-5
    )
    np.testing.assert_allclose(
        cosine_similarity(FIRST, SECOND), [cosine(a, b) for a, b in pairs], atol=1e-6
    )
    np.testing.assert_allclose(
        mahalanobis_cosine_similarity(FIRST, SECOND, EIGENVALUES),
        [mahalanobis_cosine(a, b) for a, b in pairs],
        atol=1e-6,
    )


def test_all_pairs_forms() -> None:
    for ours, measure in (
        (all_euclidean_distances(FIRST, MORE), euclidean),
        (all_cosine_similarities(FIRST, MORE), cosine),
        (all_mahalanobis_cosine_similarities(FIRST, MORE, EIGENVALUES), mahalanobis_cosine),
    ):
        assert ours.shape == (6, 9)
        np.testing.assert_allclose(ours, [[measure(a, b) for b in MORE] for a in FIRST], rtol=1e-4)


def test_near_duplicates_far_from_the_origin_keep_their_distance() -> None:
    a = np.full((1, 4), 1000, np.float32)
    b = a + np.float32(0.125)
    assert all_euclidean_distances(a, b)[0, 0] == pytest.approx(0.25)
    assert all_euclidean_distances(a, a)[0, 0] == 0


def test_the_mean_face_has_no_direction() -> None:
    zero = np.zeros_like(FIRST)
    np.testing.assert_array_equal(cosine_similarity(FIRST, zero), 0)
    np.testing.assert_array_equal(all_cosine_similarities(zero, MORE), 0)
