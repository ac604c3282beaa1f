"""The exact ROC curve of scored pairs, and what is read off it: AUC, EER, TAR at FAR.

A pair is accepted as "same" when its score >= threshold. The curve has one vertex for every
distinct score, so equal scores move together and nothing is interpolated but the equal error rate.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from common.types import Scores


@dataclass(frozen=True)
class Roc:
    """The vertices of a ROC curve, from (0, 0), nothing accepted, to (1, 1), everything."""

    false_accept_rate: Float[np.ndarray, " vertices"]
    """Share of the impostor pairs (different people) accepted; ascending."""
    true_accept_rate: Float[np.ndarray, " vertices"]
    """Share of the genuine pairs (the same person) accepted; ascending."""
    thresholds: Float[np.ndarray, " vertices"]
    """Descending; infinity at (0, 0), then every distinct score."""

    def auc(self) -> float:
        """Area under the curve, by trapezoids.

        This is the Mann-Whitney statistic: the chance that a genuine pair scores higher than an
        impostor pair, where equal scores count one half.
        """
        return float(np.trapezoid(self.true_accept_rate, self.false_accept_rate))

    def equal_error_rate(self) -> float:
        """Where false accepts and false rejects are equally frequent.

        Found on the straight line between the two vertices around the crossing; a point on that
        line is reached by drawing lots between the two thresholds.
        """
        excess = self.false_accept_rate - (1.0 - self.true_accept_rate)  # -1 at (0, 0), 1 at (1, 1)
        after = int(np.argmax(excess >= 0.0))
        before = after - 1
        step = -excess[before] / (excess[after] - excess[before])
        rates = self.false_accept_rate
        return float(rates[before] + step * (rates[after] - rates[before]))

    def true_accept_at(self, false_accept_rate: float) -> float:
        """The highest true accept rate whose false accept rate is at most the given one.

        A vertex of the curve, never a point between two: it can be reached with one threshold.

        Args:
          false_accept_rate: 0 to 1.

        Raises:
          ValueError: not in 0 to 1.
        """
        return float(self.true_accept_rate[self._last_within(false_accept_rate)])

    def threshold_at(self, false_accept_rate: float) -> float:
        """The score of that vertex: pairs that score as high or higher are accepted.

        Infinite where even the highest score would accept too many.

        Args:
          false_accept_rate: 0 to 1.

        Raises:
          ValueError: not in 0 to 1.
        """
        return float(self.thresholds[self._last_within(false_accept_rate)])

    def _last_within(self, false_accept_rate: float) -> int:
        if not 0.0 <= false_accept_rate <= 1.0:
            raise ValueError(f"false accept rate is {false_accept_rate}; wanted 0 to 1")
        return int(np.searchsorted(self.false_accept_rate, false_accept_rate, side="right")) - 1


def roc(scores: Scores, same: Bool[np.ndarray, " pairs"]) -> Roc:
    """The exact ROC curve of all pairs.

    Scores that come from different models (in View 2 PCA is refitted for each of the ten runs)
    share no scale: their pooled curve is the usual LFW figure, but mixes the runs, and lies below
    the curves of the runs as far as their scales differ.

    Args:
      scores: finite; the higher, the more alike.
      same: True for genuine pairs; both kinds must be there.

    Raises:
      ValueError: NaN or infinite scores, one kind of pair only, or lengths that differ.

    Example:
      >>> curve = roc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False]))
      >>> curve.auc(), curve.equal_error_rate(), curve.true_accept_at(0.0)
      (0.875, 0.25, 0.5)
    """
    check_scores(scores, same)
    check_both_kinds(same, "the ROC curve")
    order = np.argsort(scores)[::-1]
    scores, same = scores[order].astype(np.float64), same[order]
    last_of_value = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)
    genuine = np.cumsum(same)[last_of_value]
    impostors = last_of_value + 1 - genuine
    return Roc(
        false_accept_rate=np.append(0.0, impostors / impostors[-1]),
        true_accept_rate=np.append(0.0, genuine / genuine[-1]),
        thresholds=np.append(np.inf, scores[last_of_value]),
    )


def impostors_allowed(false_accept_rate: float, impostors: int) -> int:
    """How many impostor pairs may be accepted at most: the few that carry a TAR at a low FAR.

    Example:
      >>> impostors_allowed(0.001, 3000)
      3
    """
    # The rates as the curve has them: 0.29 * 100 is a little less than 29, 29 / 100 is 0.29.
    return int(np.count_nonzero(np.arange(1, impostors + 1) / impostors <= false_accept_rate))


def check_scores(
    scores: Scores, same: Bool[np.ndarray, " pairs"], fold: Int[np.ndarray, " pairs"] | None = None
) -> None:
    """Refuse pairs that cannot be measured.

    Raises:
      ValueError: lengths that differ, no pair, labels that are not bool, NaN or infinite scores.
    """
    for name, array in {"same": same, "fold": fold}.items():
        if array is not None and array.shape != scores.shape:
            raise ValueError(
                f"scores have shape {scores.shape}, {name} has {array.shape}; wanted one of each "
                "for every pair, (pairs,)"
            )
    if scores.ndim != 1 or not len(scores):
        raise ValueError(f"scores have shape {scores.shape}; wanted at least one pair, (pairs,)")
    if same.dtype != np.bool_:
        raise ValueError(f"same has dtype {same.dtype}; wanted bool, so use `labels == 1`")
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise ValueError(
            f"{len(bad):,} of {len(scores):,} scores are NaN or infinite, first that of pair "
            f"{bad[0]} (counted from 0); wanted finite scores, so look at that pair's embeddings"
        )


def check_both_kinds(same: Bool[np.ndarray, " pairs"], where: str) -> None:
    """Refuse pairs of one kind only; `where` says what wanted both.

    Raises:
      ValueError: no genuine or no impostor pairs.
    """
    genuine = int(np.count_nonzero(same))
    if not 0 < genuine < len(same):
        raise ValueError(
            f"{where}: {genuine:,} pairs of the same person and {len(same) - genuine:,} of "
            "different people; wanted at least one of each"
        )
