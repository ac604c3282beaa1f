"""Scores and folds -> thresholds, accuracy and its standard error, the worst errors, a summary.

NumPy in, floats out; no files and no protocol: who may fit a threshold on what is the harness's
business. A pair is accepted as "same" when its score >= threshold.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from common.bootstrap import accuracy_interval, auc_interval
from common.roc import check_both_kinds, check_scores, impostors_allowed, roc
from common.types import Scores

FOLD_FALSE_ACCEPT_RATES = (0.1, 0.01)
"""Each fold of LFW has 300 impostor pairs: 30 and 3 of them carry these."""
POOLED_FALSE_ACCEPT_RATE = 0.001
"""No fold of 300 can show it; the 3,000 impostor pairs of all folds barely can, with 3."""


def fit_threshold(scores: Scores, same: Bool[np.ndarray, " pairs"]) -> float:
    """The threshold of best accuracy, exact: every way to cut the distinct scores is tried.

    A cut lies midway between two neighboring scores; or at the lowest score, which accepts all;
    or just above the highest, which accepts none. Among equally good cuts the middle one in order
    of score is taken, the lower of two.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs; both kinds must be there.

    Returns:
      A threshold that the scores' own dtype represents, so that `scores >= threshold` decides
      alike in float32 and float64.

    Raises:
      ValueError: NaN or infinite scores, one kind of pair only, or lengths that differ.

    Example:
      >>> fit_threshold(np.array([0.9, 0.7, 0.3, 0.1]), np.array([True, True, False, False]))
      0.5
    """
    check_scores(scores, same)
    check_both_kinds(same, "fitting a threshold")
    order = np.argsort(scores)
    return _best_cut(scores[order], same[order])


def nine_fold_thresholds(
    scores: Scores, same: Bool[np.ndarray, " pairs"], fold: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " folds"]:
    """For each fold, the threshold fitted on all other folds, as LFW's View 2 has it.

    Only for scores that are the same in every run: a model that was refitted for each run needs
    `fit_threshold` on that run's own training scores.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs.
      fold: any integers.

    Returns:
      One threshold a fold, in ascending order of the folds' numbers.

    Raises:
      ValueError: as `fit_threshold`, for the pairs outside any one fold.
    """
    check_scores(scores, same, fold)
    order = np.argsort(scores)
    scores, same, fold = scores[order], same[order], fold[order]
    thresholds = []
    for test_fold in np.unique(fold):
        train = fold != test_fold  # still sorted, so every fold shares the one sort
        check_both_kinds(same[train], f"fitting the threshold of fold {test_fold} on the others")
        thresholds.append(_best_cut(scores[train], same[train]))
    return np.array(thresholds)


def _best_cut(scores: Float[np.ndarray, " pairs"], same: Bool[np.ndarray, " pairs"]) -> float:
    """The rule of `fit_threshold`, on scores in ascending order."""
    first_accepted = np.append(0, np.flatnonzero(scores[1:] != scores[:-1]) + 1)  # of each value
    first_accepted = np.append(first_accepted, len(scores))  # and the cut that accepts none
    # Raising the cut past an impostor wins one pair, raising it past a genuine pair loses one.
    gain_below = np.append(0, np.cumsum(np.where(same, -1, 1)))[first_accepted]
    best = np.flatnonzero(gain_below == gain_below.max())
    cut = int(first_accepted[best[(len(best) - 1) // 2]])
    if cut == 0:
        return float(scores[0])
    if cut == len(scores):
        return float(np.nextafter(scores[-1], np.inf, dtype=scores.dtype))
    below, above = scores[cut - 1], scores[cut]
    middle = below / 2 + above / 2  # their sum could overflow
    return float(middle if below < middle <= above else above)  # close neighbors round onto below


def accuracy(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    threshold: float | Float[np.ndarray, " pairs"],
) -> float:
    """Share of the pairs that the threshold (one, or one a pair) decides rightly."""
    check_scores(scores, same)
    return float(np.mean(_accepted(scores, threshold) == same))


def fold_accuracies(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    fold: Int[np.ndarray, " pairs"],
    thresholds: Float[np.ndarray, " folds"],
) -> Float[np.ndarray, " folds"]:
    """Accuracy within each fold, by that fold's threshold; folds ascending."""
    check_scores(scores, same, fold)
    correct = _accepted(scores, threshold_of_each_pair(thresholds, fold)) == same
    _, position, sizes = np.unique(fold, return_inverse=True, return_counts=True)
    return np.bincount(position, weights=correct) / sizes


def threshold_of_each_pair(
    thresholds: Float[np.ndarray, " folds"], fold: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """The threshold of the fold that each pair is in.

    Args:
      thresholds: one a fold, in ascending order of the folds' numbers.
      fold: of each pair.

    Raises:
      ValueError: not as many thresholds as folds.
    """
    folds, position = np.unique(fold, return_inverse=True)
    if len(thresholds) != len(folds):
        raise ValueError(f"{len(thresholds)} thresholds for {len(folds)} folds; wanted one a fold")
    return thresholds[position]


def _accepted(
    scores: Scores, threshold: float | Float[np.ndarray, " pairs"]
) -> Bool[np.ndarray, " pairs"]:
    # In float64: NumPy would round a Python float to the scores' float32 before it compares.
    threshold = np.asarray(threshold, dtype=np.float64)
    if np.isnan(threshold).any():
        raise ValueError("a threshold is NaN; wanted a number, as fit_threshold returns it")
    return scores >= threshold


def mean_and_standard_error(values: Float[np.ndarray, " folds"]) -> tuple[float, float]:
    """Mean and sigma / sqrt(n), where sigma has n - 1 in it, as LFW defines the standard error.

    Many tables print sigma itself, which is three times as large over ten folds.

    Raises:
      ValueError: fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"{len(values)} fold has no standard error; wanted at least 2")
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


class WorstErrors(NamedTuple):
    """Numbers of pairs, the worst error first."""

    false_accepts: Int[np.ndarray, " accepts"]
    """Impostor pairs far above their threshold."""
    false_rejects: Int[np.ndarray, " rejects"]
    """Genuine pairs far below it."""


def worst_errors(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    threshold: float | Float[np.ndarray, " pairs"],
    count: int = 20,
) -> WorstErrors:
    """The errors of each kind that are farthest from their threshold; equal ones in their order.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs.
      threshold: one, or one a pair (`threshold_of_each_pair`).
      count: of each kind at most.
    """
    check_scores(scores, same)
    accepted = _accepted(scores, threshold)
    above = scores - np.asarray(threshold, dtype=np.float64)
    false_accepts, false_rejects = (
        np.flatnonzero(accepted & ~same),
        np.flatnonzero(~accepted & same),
    )
    return WorstErrors(
        false_accepts[np.argsort(-above[false_accepts], kind="stable")][:count],
        false_rejects[np.argsort(above[false_rejects], kind="stable")][:count],
    )


def summarize(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    fold: Int[np.ndarray, " pairs"],
    thresholds: Float[np.ndarray, " folds"] | None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """All metrics of a record, ready for JSON.

    AUC, EER and the true accept rate at the lowest false accept rate are read off the curve of all
    pairs (`roc` says what that means where the model was refitted for each run); "auc_folds" and
    the other true accept rates are means over the folds, each measured on its own curve.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs; every fold must have both kinds.
      fold: at least two different numbers.
      thresholds: one a fold, ascending; None in the category `unsupervised`, where none may be
        chosen: accuracy is None and AUC is the figure.
      seed: of the bootstrap (1,000 resamples of the pairs, 95 %).

    Raises:
      ValueError: what came cannot be measured; says why.
    """
    check_scores(scores, same, fold)
    for number in np.unique(fold):
        check_both_kinds(same[fold == number], f"fold {number}")
    curve = roc(scores, same)
    curves = [roc(scores[fold == number], same[fold == number]) for number in np.unique(fold)]
    tar_folds = {
        str(rate): _spread([curve.true_accept_at(rate) for curve in curves])
        for rate in FOLD_FALSE_ACCEPT_RATES
    }
    impostors = int(np.count_nonzero(~same))
    carriers = impostors_allowed(POOLED_FALSE_ACCEPT_RATE, impostors)
    return {
        "accuracy": None if thresholds is None else _accuracy(scores, same, fold, thresholds, seed),
        "auc": curve.auc(),
        "auc_interval": list(auc_interval(scores, same, seed=seed)),
        "auc_folds": _spread([curve.auc() for curve in curves]),
        "eer": curve.equal_error_rate(),
        "tar_at_far": {
            **{rate: spread["mean"] for rate, spread in tar_folds.items()},
            str(POOLED_FALSE_ACCEPT_RATE): curve.true_accept_at(POOLED_FALSE_ACCEPT_RATE),
        },
        "tar_at_far_folds": tar_folds,
        "tar_note": (
            f"at {POOLED_FALSE_ACCEPT_RATE} over all pairs, carried by {carriers:,} of "
            f"{impostors:,} impostor pairs; at {' and '.join(tar_folds)} the mean over folds"
        ),
        "pairs": {"same": len(same) - impostors, "different": impostors},
    }


def _accuracy(
    scores: Scores,
    same: Bool[np.ndarray, " pairs"],
    fold: Int[np.ndarray, " pairs"],
    thresholds: Float[np.ndarray, " folds"],
    seed: int,
) -> dict[str, Any]:
    correct = _accepted(scores, threshold_of_each_pair(thresholds, fold)) == same
    return {
        **_spread(fold_accuracies(scores, same, fold, thresholds)),
        "interval": list(accuracy_interval(correct, same, seed=seed)),
        "thresholds": [float(threshold) for threshold in thresholds],
    }


def _spread(folds: Sequence[float] | Float[np.ndarray, " folds"]) -> dict[str, Any]:
    values = np.asarray(folds, dtype=np.float64)
    mean, standard_error = mean_and_standard_error(values)
    return {"mean": mean, "standard_error": standard_error, "folds": values.tolist()}
