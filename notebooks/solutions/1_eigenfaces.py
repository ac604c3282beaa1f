"""Solutions to the exercises of lecture 1."""

import numpy as np


def components_for(eigenvalues: np.ndarray, share: float) -> int:
    """The least number of components with at least this share of the variance."""
    carried = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(carried >= share - 1e-12)) + 1


def distance_by_pythagoras(
    mean: np.ndarray, eigenfaces: np.ndarray, images: np.ndarray
) -> np.ndarray:
    """The distance of each image from face space; images are rows.

    |Phi|^2 = |Phi_f|^2 + epsilon^2, and |Phi_f| = |Omega|, since eigenfaces are orthonormal. Close
    to face space it is the difference of two large numbers, and all rounding: so the package
    rebuilds the picture.
    """
    phi = images - mean
    omega = phi @ eigenfaces.T
    return np.sqrt(np.maximum(np.sum(phi**2, axis=1) - np.sum(omega**2, axis=1), 0))


def recognized_whitened(
    known: np.ndarray, probes: np.ndarray, eigenvalues: np.ndarray, dropped: int
) -> float:
    """Share of the rows of probe weights that are nearest to the same row of known weights."""
    scale = np.sqrt(eigenvalues[dropped:])
    first, second = probes[:, dropped:] / scale, known[:, dropped:] / scale
    nearest = np.linalg.norm(first[:, None] - second, axis=2).argmin(axis=1)
    return float(np.mean(nearest == np.arange(len(probes))))


def cheaper_matrix(images: int, pixels: int) -> tuple[str, int]:
    """("C" or "L", how many numbers it has); L if both are of one size."""
    return ("L", images**2) if images <= pixels else ("C", pixels**2)
