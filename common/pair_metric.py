"""What can be learned of a distance from pairs that are only labeled same or different.

Source: Hatch and Stolcke 2006 (within-class covariance normalization), Kan et al. 2011 (the same
  from pairs, "side information").
"""

import numpy as np
from jaxtyping import Float


def within_whitening(
    first: Float[np.ndarray, "pairs dim"],
    second: Float[np.ndarray, "pairs dim"],
    *,
    shrinkage: float,
) -> Float[np.ndarray, "dim dim"]:
    """The matrix W that makes two images of one person differ alike in every direction.

    With C the covariance within a person, half the mean of d d^T over pairs of one person, W is
    the symmetric inverse root of  C + shrinkage * (mean variance) * I.  Symmetric, so that the
    coordinates keep their meaning, whichever pairs it was learned from.

    Args:
      first: one image of each pair of the same person.
      second: the other.
      shrinkage: above 0; what keeps directions in check in which the pairs hardly differ.
    """
    off = (first - second).astype(np.float64)
    within = off.T @ off / (2 * len(off))
    within += shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    return (vectors / np.sqrt(values) @ vectors.T).astype(first.dtype)


def cell_chi_squared(
    first: Float[np.ndarray, "pairs dim"], second: Float[np.ndarray, "pairs dim"], *, bins: int
) -> Float[np.ndarray, "pairs cells"]:
    """Chi-squared distance of each cell's histogram: a vector a pair, for an SVM to weigh.

    Args:
      first: square roots of histograms, cell by cell, as `dense_lbp` gives them: of a face and its
        mirror image their mean, whose square stands for the histogram of both.
      second: those of the other image.
      bins: of a cell.
    """
    a, b = first**2, second**2
    total = a + b
    parts = np.divide((a - b) ** 2, total, out=np.zeros_like(total), where=total > 0)
    return parts.reshape(len(parts), -1, bins).sum(axis=2)


def unit(rows: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, "rows dim"]:
    """Each row brought to length 1; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)
