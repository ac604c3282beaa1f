"""LBP histograms against loops over pixels, neighbors and bins."""

import math

import numpy as np
import pytest

from common.lbp import BINS, cell_histograms, chi_squared, chi_squared_similarity, lbp_patterns

RNG = np.random.default_rng(0)


def lbp_histograms(grey, *, cell, radius):
    return cell_histograms(lbp_patterns(grey, radius=radius), cell=cell)


def uniform_number():
    """Number of each 8-bit pattern that changes at most twice around the circle; 58 for others."""
    numbers, count = {}, 0
    for pattern in range(256):
        bits = [pattern >> i & 1 for i in range(8)]
        if sum(bits[i] != bits[i - 1] for i in range(8)) <= 2:
            numbers[pattern] = count
            count += 1
    assert count == BINS - 1
    return numbers


def slow_cell_patterns(grey, radius):
    """8-bit patterns by bilinear samples on the circle, outside the picture 0."""
    height, width = grey.shape

    def sample(y, x):
        y0, x0 = math.floor(y), math.floor(x)
        total = 0.0
        for yy, wy in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
            for xx, wx in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
                if 0 <= yy < height and 0 <= xx < width:
                    total += wy * wx * float(grey[yy, xx])
        return total

    steps = [(round(-radius * math.sin(2 * math.pi * i / 8), 5),
              round(radius * math.cos(2 * math.pi * i / 8), 5)) for i in range(8)]  # fmt: skip
    return [[[int(sample(y + dy, x + dx) - float(grey[y, x]) >= -1e-7) for dy, dx in steps]
             for x in range(width)] for y in range(height)]  # fmt: skip


@pytest.mark.parametrize(("cell", "radius", "shape"), [(5, 1, (11, 15)), (4, 2, (9, 13))])
def test_histograms_equal_loops_up_to_the_numbering_of_bins(cell, radius, shape):
    grey = RNG.integers(0, 256, shape, np.uint8)
    found = lbp_histograms(grey, cell=cell, radius=radius).reshape(-1, BINS)
    patterns, numbers = slow_cell_patterns(grey, radius), uniform_number()
    rows, columns = shape[0] // cell, shape[1] // cell
    assert found.shape == (rows * columns, BINS)
    for row in range(rows):
        for column in range(columns):
            slow = np.zeros(BINS)
            for y in range(row * cell, (row + 1) * cell):
                for x in range(column * cell, (column + 1) * cell):
                    bits = sum(bit << i for i, bit in enumerate(patterns[y][x]))
                    slow[numbers.get(bits, BINS - 1)] += 1 / cell**2
            ours = found[row * columns + column]
            np.testing.assert_allclose(np.sort(ours), np.sort(slow), atol=1e-6)
            np.testing.assert_allclose(ours[-1], slow[-1], atol=1e-6)  # not uniform
            np.testing.assert_allclose(ours.sum(), 1, atol=1e-6)


def test_brightness_and_contrast_change_nothing():
    grey = RNG.integers(20, 100, (24, 30), np.uint8)
    np.testing.assert_array_equal(
        lbp_histograms(grey, cell=8, radius=1), lbp_histograms(grey + 50, cell=8, radius=1)
    )


def test_no_whole_cell_is_an_error():
    with pytest.raises(ValueError, match="no whole cell of 9 x 9"):
        lbp_histograms(np.zeros((8, 30), np.uint8), cell=9, radius=1)


def test_chi_squared_equals_a_loop():
    first, second = RNG.random((1203, 7)), RNG.random((1203, 7))
    first[:, 2] = second[:, 2] = 0
    slow = [
        sum((a - b) ** 2 / (a + b) for a, b in zip(p, q, strict=True) if a + b > 0)
        for p, q in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(chi_squared(first, second), slow)
    np.testing.assert_allclose(chi_squared_similarity(first, second), -np.array(slow))
