"""What is learned from pairs, against loops and against a person whose variation is known."""

import numpy as np
import pytest

from common.pair_metric import cell_chi_squared, unit, within_whitening


def test_whitening_against_a_loop() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 31, 4))
    within = np.zeros((4, 4))
    for a, b in zip(first, second, strict=True):
        within += np.outer(a - b, a - b) / 2 / 31
    within += 0.2 * np.mean(np.diag(within)) * np.eye(4)
    found = within_whitening(first, second, shrinkage=0.2)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    np.testing.assert_allclose(found @ found, np.linalg.inv(within), rtol=1e-9)


def test_whitened_people_vary_alike_in_all_directions() -> None:
    rng = np.random.default_rng(1)
    person = rng.normal(size=(4000, 3)) * 5
    mix = np.array([[3.0, 1, 0], [0, 0.1, 0], [0, 0.5, 1]])
    first, second = (person + rng.normal(size=(4000, 3)) @ mix for _ in range(2))
    whitened = within_whitening(first, second, shrinkage=1e-9)
    covariance = np.cov(((first - second) / 2**0.5) @ whitened, rowvar=False)
    np.testing.assert_allclose(covariance, np.eye(3), atol=0.05)


def test_chi_squared_of_cells_against_a_loop() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 5, 3 * 7)) * (rng.random((2, 5, 21)) > 0.3)
    found = cell_chi_squared(first, second, bins=7)
    for pair in range(5):
        for cell in range(3):
            total = 0.0
            for k in range(7 * cell, 7 * cell + 7):
                a, b = first[pair, k] ** 2, second[pair, k] ** 2
                total += (a - b) ** 2 / (a + b) if a + b else 0
            assert found[pair, cell] == pytest.approx(total)


def test_unit_rows() -> None:
    found = unit(np.array([[3.0, 4], [0, 0]]))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]])
