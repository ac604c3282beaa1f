"""Solutions to the exercises of lecture 4."""

import math

import numpy as np


def standard_error_from_deviation(deviation: float, folds: int) -> float:
    """What LFW's tables would print after the ±."""
    return deviation / math.sqrt(folds)


def true_accept_at(scores: np.ndarray, same: np.ndarray, rate: float) -> float:
    """The highest TAR of any threshold whose FAR is at most the rate."""
    best = 0.0
    for threshold in np.unique(scores):
        if np.mean(scores[~same] >= threshold) <= rate:
            best = max(best, float(np.mean(scores[same] >= threshold)))
    return best


def impostors_needed(rate: float, carried_by: int = 100) -> int:
    """Least number of impostor pairs."""
    return math.ceil(round(carried_by / rate, 6))


def paired_t(first: np.ndarray, second: np.ndarray) -> float:
    """Mean difference of two lists of fold accuracies, in its own standard errors.

    Both methods meet the same easy and hard folds, so what a fold adds to both cancels; two
    separate standard errors would count it twice.
    """
    difference = np.asarray(first) - np.asarray(second)
    return float(difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference))))
