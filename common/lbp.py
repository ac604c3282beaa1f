"""Local binary patterns: a face as histograms of small texture patterns over a grid of cells.

Each pixel is coded by which of its 8 neighbors on a circle are not darker than itself. A pattern
with at most two changes around the circle is `uniform` and keeps a bin of its own (58 of them);
all others share one. Rows of cells are counted apart, so the descriptor knows where on the face a
pattern stands.

Source: T. Ahonen, A. Hadid, M. Pietikainen, "Face Description with Local Binary Patterns",
  IEEE TPAMI 28(12), 2006, Sec. 2. DeepFace uses it to check its alignment without a network.
"""

import numpy as np
from jaxtyping import Float, UInt8

from common.types import Scores

NEIGHBORS = 8
BINS = NEIGHBORS * (NEIGHBORS - 1) + 3


def lbp_patterns(
    grey: UInt8[np.ndarray, "height width"], *, radius: float | int
) -> UInt8[np.ndarray, "height width"]:
    """The number of each pixel's uniform pattern, 0 to 57, or 58 for all other patterns.

    Args:
      grey: 0 to 255.
      radius: of the circle of neighbors, in pixels; those off the grid are interpolated, those
        outside the picture are black.

    Source: Ahonen et al. 2006, Eq. 2 (LBP with the superscript u2).
    """
    from skimage.feature import local_binary_pattern

    return local_binary_pattern(grey, NEIGHBORS, radius, method="nri_uniform").astype(np.uint8)


def cell_histograms(
    patterns: UInt8[np.ndarray, "height width"], *, cell: int
) -> Float[np.ndarray, " dim"]:
    """Histograms of the patterns, one a cell, each summing to one.

    Args:
      patterns: of `lbp_patterns`.
      cell: side of the square cells in pixels; pixels beyond the last whole cell are left out.

    Returns:
      59 bins for each cell, cells in reading order, float32.

    Raises:
      ValueError: no whole cell fits into the picture.

    Source: Ahonen et al. 2006, Eq. 3 (the spatially enhanced histogram).
    """
    rows, columns = patterns.shape[0] // cell, patterns.shape[1] // cell
    if not rows or not columns:
        raise ValueError(
            f"a {patterns.shape} picture holds no whole cell of {cell} x {cell} pixels"
        )
    cells = patterns[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    number = (np.arange(rows)[:, None] * columns + np.arange(columns))[:, None, :, None]
    counts = np.bincount((number * BINS + cells).ravel(), minlength=rows * columns * BINS)
    return (counts / cell**2).astype(np.float32)


def chi_squared(
    first: Float[np.ndarray, "pairs dim"], second: Float[np.ndarray, "pairs dim"]
) -> Float[np.ndarray, " pairs"]:
    """Chi-squared distance of histograms: the sum of (a - b)^2 / (a + b), empty bins left out.

    Source: Ahonen et al. 2006, Eq. 6.

    Example:
      >>> chi_squared(np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 1.0, 0.0]])).round(4).tolist()
      [0.6667]
    """
    total = first + second
    return np.divide((first - second) ** 2, total, out=np.zeros_like(total), where=total > 0).sum(1)


def chi_squared_similarity(
    first: Float[np.ndarray, "pairs dim"], second: Float[np.ndarray, "pairs dim"]
) -> Scores:
    """Negative chi-squared distance, a thousand pairs at a time to bound memory."""
    blocks = range(0, len(first), 1000)
    return np.concatenate(
        [-chi_squared(first[at : at + 1000], second[at : at + 1000]) for at in blocks]
        or [np.zeros(0)]
    )
