"""Bootstrap intervals: how far a figure would move, had other pairs been drawn.

Pairs are drawn again with replacement, genuine and impostor pairs apart, since the protocol fixes
how many there are of each. The scores and thresholds stay: neither a new threshold nor a new model
is fitted. Pairs that share a face are taken for independent, as everywhere in this field.

Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13 (percentile interval).
"""

import numpy as np
from jaxtyping import Bool, Float

from common.roc import check_both_kinds, check_scores
from common.types import Scores

RESAMPLES = 1000
CONFIDENCE = 0.95


def accuracy_interval(
    correct: Bool[np.ndarray, " pairs"],
    same: Bool[np.ndarray, " pairs"],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the share of correct pairs.

    Only how many of the drawn pairs are correct matters, and that count is binomial: it is drawn
    at once instead of pair by pair.

    Args:
      correct: whether each pair was decided rightly.
      same: True for genuine pairs.
      resamples: at least 1.
      confidence: between 0 and 1.
      seed: of the generator; equal seeds give equal intervals.

    Raises:
      ValueError: lengths that differ, or one kind of pair only.
    """
    if correct.shape != same.shape:
        raise ValueError(f"correct has shape {correct.shape}, same {same.shape}; wanted one length")
    check_both_kinds(same, "the bootstrap of accuracy")
    generator = np.random.default_rng(seed)
    drawn = np.zeros(resamples)
    for kind in (same, ~same):
        drawn += generator.binomial(kind.sum(), correct[kind].mean(), size=resamples)
    return _percentiles(drawn / len(same), confidence)


def auc_interval(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the area under the ROC curve.

    The scores are sorted once. A resample only says how often each pair was drawn, and its AUC is
    the Mann-Whitney count with these weights: for every genuine pair, the weight of the impostors
    below it plus half the weight of those equal to it.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs.
      resamples: at least 1.
      confidence: between 0 and 1.
      seed: of the generator; equal seeds give equal intervals.

    Raises:
      ValueError: NaN or infinite scores, one kind of pair only, or lengths that differ.
    """
    check_scores(scores, same)
    check_both_kinds(same, "the bootstrap of AUC")
    generator = np.random.default_rng(seed)
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    below = np.searchsorted(impostor, genuine, side="left")
    below_or_equal = np.searchsorted(impostor, genuine, side="right")
    aucs = np.empty(resamples)
    for i in range(resamples):
        genuine_weight = _times_drawn(len(genuine), generator)
        weight_up_to = np.append(0, np.cumsum(_times_drawn(len(impostor), generator)))
        won_twice = genuine_weight @ (weight_up_to[below] + weight_up_to[below_or_equal])
        aucs[i] = won_twice / (2 * len(genuine) * len(impostor))
    return _percentiles(aucs, confidence)


def _times_drawn(pairs: int, generator: np.random.Generator) -> np.ndarray:
    return np.bincount(generator.integers(pairs, size=pairs), minlength=pairs)


def _percentiles(values: Float[np.ndarray, " resamples"], confidence: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
