"""Subspace iteration against a full decomposition in float64."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import subspace_angles

from eigenfaces import eigensolver
from eigenfaces.eigensolver import gram, leading_eigenpairs


def matrix(size: int, spectrum: np.ndarray, seed: int = 0) -> np.ndarray:
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    return (axes * spectrum) @ axes.T


def counted(a: np.ndarray, calls: list[int]) -> Any:
    def multiply(block: np.ndarray) -> np.ndarray:
        calls.append(block.shape[1])
        return a @ block

    return multiply


def sine(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sin(subspace_angles(a.astype(np.float64), b.astype(np.float64)).max()))


def leading(a: np.ndarray, k: int) -> np.ndarray:
    return np.linalg.eigh(a)[1][:, : -k - 1 : -1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [37, 700])
def test_finds_the_leading_eigenpairs(dtype: type, size: int) -> None:
    exact = matrix(size, np.arange(1, size + 1) ** -1.2)
    a = exact.astype(dtype)
    calls: list[int] = []
    pairs = leading_eigenpairs(counted(a, calls), size, 11, dtype=dtype)
    assert pairs.values.dtype == pairs.vectors.dtype == dtype
    np.testing.assert_allclose(pairs.values, np.linalg.eigvalsh(exact)[:-12:-1], rtol=1e-4)
    np.testing.assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(11), atol=1e-5)
    assert sine(pairs.vectors, leading(exact, 11)) < 1e-2
    assert (size in calls) == (size <= eigensolver.SMALL)  # all at once for small ones only


def test_tolerance_bounds_the_angle() -> None:
    a = matrix(800, np.arange(1, 801) ** -1.0)
    sines = []
    for tolerance in (0.3, 1e-2, 1e-5):
        pairs = leading_eigenpairs(lambda b: a @ b, 800, 20, dtype=np.float64, tolerance=tolerance)
        sines.append(sine(pairs.vectors, leading(a, 20)))
        assert sines[-1] <= tolerance
    assert sines[0] > sines[1] > sines[2]


def test_a_good_start_saves_products() -> None:
    a = matrix(700, np.arange(1, 701) ** -1.0)
    b = a + 1e-4 * matrix(700, np.linspace(1, 0, 700), seed=1)
    cold: list[int] = []
    warm: list[int] = []
    start = leading_eigenpairs(counted(a, cold), 700, 20, dtype=np.float64).block
    pairs = leading_eigenpairs(counted(b, warm), 700, 20, dtype=np.float64, start=start)
    assert len(warm) < len(cold)
    assert sine(pairs.vectors, leading(b, 20)) < 1e-2


def test_the_filter_is_worth_its_name() -> None:
    a = matrix(700, np.concatenate([np.full(20, 1.0), np.full(680, 0.5)]))
    calls: list[int] = []
    leading_eigenpairs(counted(a, calls), 700, 20, dtype=np.float64, tolerance=1e-6)
    # A product weakens the unwanted part by sqrt(17) under Chebyshev's polynomial of degree 2,
    # by 3 under a shifted square and by 2 under none: 13 products against 17 and more.
    assert len(calls) <= 14


def test_a_start_that_lacks_an_eigenvector_does_not_hide_it() -> None:
    a = matrix(700, np.arange(1, 701) ** -1.0)
    others = np.linalg.eigh(a)[1][:, -71:-1]  # all leading ones but the first of them
    pairs = leading_eigenpairs(
        lambda b: a @ b, 700, 20, dtype=np.float64, start=others, tolerance=1e-3
    )
    assert sine(pairs.vectors, leading(a, 20)) < 1e-2


def test_a_tie_at_the_cut_ends_with_eigenvectors_all_the_same() -> None:
    spectrum = np.concatenate([[9.0, 8.0], np.full(100, 2.0), np.zeros(600)])
    a = matrix(702, spectrum)
    pairs = leading_eigenpairs(lambda b: a @ b, 702, 5, dtype=np.float64)
    np.testing.assert_allclose(pairs.values, [9, 8, 2, 2, 2], rtol=1e-6)
    np.testing.assert_allclose(a @ pairs.vectors, pairs.vectors * pairs.values, atol=1e-2)


def test_matrix_of_lower_rank_than_asked_for() -> None:
    a = matrix(600, np.concatenate([[3.0, 1.0], np.zeros(598)]))
    pairs = leading_eigenpairs(lambda b: a @ b, 600, 4, dtype=np.float64)
    np.testing.assert_allclose(pairs.values, [3, 1, 0, 0], atol=1e-12)
    zero = leading_eigenpairs(lambda b: 0 * b, 600, 4)
    np.testing.assert_array_equal(zero.values, 0)


def test_products_too_coarse_for_the_tolerance_fall_back_to_the_full_decomposition() -> None:
    a = matrix(600, np.arange(1, 601) ** -1.0).astype(np.float32)
    calls: list[int] = []
    leading_eigenpairs(counted(a, calls), 600, 5, tolerance=1e-12)
    assert calls[-1] == 600


def test_gram_is_all_inner_products() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 8))
    slow = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in rows] for a in rows]
    np.testing.assert_allclose(gram(rows), slow, rtol=1e-12)


def test_a_start_with_columns_twice_and_columns_of_zeros() -> None:
    a = matrix(600, np.arange(1, 601) ** -1.0)
    start = np.zeros((600, 70))
    start[:, :10] = start[:, 10:20] = np.random.default_rng(0).normal(size=(600, 10))
    pairs = leading_eigenpairs(lambda b: a @ b, 600, 20, dtype=np.float64, start=start)
    assert sine(pairs.vectors, leading(a, 20)) < 1e-2
