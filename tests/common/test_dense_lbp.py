"""Dense LBP against scikit-image's patterns and histograms counted pixel by pixel."""

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from common.dense_lbp import dense_lbp, descriptor_size, lbp_codes, uniform_numbers
from common.lbp import BINS


def noise(side: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side), np.uint8)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_patterns_are_those_of_scikit_image_under_other_numbers(radius: int) -> None:
    grey = noise(23)
    ours = uniform_numbers()[np.asarray(lbp_codes(grey, radius=radius))]
    for face, found in zip(grey, ours, strict=True):
        theirs = local_binary_pattern(face, 8, radius, method="nri_uniform").astype(int)
        both = set(zip(found.ravel().tolist(), theirs.ravel().tolist(), strict=True))
        # One number of theirs for each of ours, and the reverse.
        assert len(both) == len({a for a, _ in both}) == len({b for _, b in both})
        assert (found == BINS - 1).sum() == (theirs == BINS - 1).sum() > 0


def test_there_are_58_uniform_patterns() -> None:
    numbers = uniform_numbers()
    counts = np.bincount(numbers, minlength=BINS)
    assert (counts[:-1] == 1).all() and counts[-1] == 256 - 58
    assert numbers[0b00011100] < BINS - 1 and numbers[0b10000001] < BINS - 1
    assert numbers[0b00010100] == BINS - 1


def slow_cells(grey: np.ndarray, radius: int, square: int) -> np.ndarray:
    """One face's descriptor without its mirror image, counted pixel by pixel."""
    numbers = uniform_numbers()[np.asarray(lbp_codes(grey[None], radius=radius))[0]]
    across = len(grey) // square - 1
    cells = np.zeros((across, across, BINS))
    for i in range(across):
        for j in range(across):
            for y in range(i * square, (i + 2) * square):
                for x in range(j * square, (j + 2) * square):
                    cells[i, j, numbers[y, x]] += 1 / (2 * square) ** 2
    return np.sqrt(cells).ravel()


def test_descriptor_against_counting_the_face_and_its_mirror_image() -> None:
    grey = noise(24, count=3)
    found = dense_lbp(grey, radii=(1, 2), square=6)
    assert found.shape == (3, descriptor_size(24, (1, 2), 6)) and found.dtype == np.float32
    for face, descriptor in zip(grey, found, strict=True):
        parts = []
        for radius in (1, 2):
            mirrored = slow_cells(np.ascontiguousarray(face[:, ::-1]), radius, 6)
            parts.append((slow_cells(face, radius, 6) + mirrored) / 2)
        np.testing.assert_allclose(descriptor, np.concatenate(parts), atol=1e-6)


def test_flat_and_black_faces_are_no_trouble() -> None:
    found = dense_lbp(np.stack([np.zeros((16, 16)), np.full((16, 16), 77)]).astype(np.uint8),
                      radii=(1,), square=4)  # fmt: skip
    assert np.isfinite(found).all() and found.max() <= 1


@pytest.mark.parametrize(("side", "square"), [(20, 6), (6, 6), (8, 16)])
def test_squares_that_do_not_fit(side: int, square: int) -> None:
    with pytest.raises(ValueError, match="do not divide"):
        dense_lbp(noise(side), radii=(1,), square=square)
