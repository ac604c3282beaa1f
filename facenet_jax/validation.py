"""VAL at FAR: how many pairs of one person are accepted while few of two people are; and where.

    VAL(d) = |TA(d)| / |P_same|,   FAR(d) = |FA(d)| / |P_diff|

over all pairs of a split, with the largest d that keeps FAR(d) within its bound.

Source: Schroff et al. 2015, Sec. 4, and the standard error over splits. Differs: the paper splits
  a million held-out images into five; here the held-out people are split, so that no two splits
  share one, and all pairs within a split count.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from common.roc import roc
from common.types import Scores
from common.verification import mean_and_standard_error


class ValidationRate(NamedTuple):
    """VAL at one FAR, over the splits."""

    mean: float
    standard_error: float
    impostors: int
    """Pairs of two people in the smallest split: a low FAR needs many."""


def validation_rate(
    embeddings: Float[np.ndarray, "images dim"],
    labels: Int[np.ndarray, " images"],
    *,
    false_accept_rate: float = 0.001,
    splits: int = 5,
    seed: int = 0,
) -> ValidationRate:
    """VAL at a false accept rate.

    Args:
      embeddings: on the unit sphere.
      labels: the person on each image; all held out.
      false_accept_rate: 0 to 1.
      splits: of the people, at random; at least 2.
      seed: of the splits.

    Raises:
      ValueError: a split without pairs of one person, or of two.
    """
    rates, impostors = [], []
    for own in _splits(labels, splits, seed):
        scores, same = _pairs(embeddings[own], labels[own])
        rates.append(roc(scores, same).true_accept_at(false_accept_rate))
        impostors.append(int(np.count_nonzero(~same)))
    mean, error = mean_and_standard_error(np.array(rates))
    return ValidationRate(mean, error, min(impostors))


class OperatingPoint(NamedTuple):
    """A threshold, what it was chosen for, and what it was found to do."""

    wanted: float
    """False accept rate that the threshold was to keep within."""
    squared_distance: float
    """The threshold: the largest that did, on all pairs of all people; 0 where none did, which
    accepts the same embedding alone."""
    false_accept_rate: float
    """Found on each split with the threshold of the other splits' people, over all splits."""
    true_accept_rate: float
    """Likewise."""


def point_for(points: Iterable[Mapping[str, float]], false_accept_rate: float) -> OperatingPoint:
    """The one that was chosen for a false accept rate.

    Args:
      points: as a file beside weights has them.
      false_accept_rate: one of theirs.

    Raises:
      ValueError: none was chosen for that rate; the message names those that were.
    """
    known = [OperatingPoint(**point) for point in points]
    for point in known:
        if point.wanted == false_accept_rate:
            return point
    rates = ", ".join(f"{point.wanted:g}" for point in known) or "no rate at all"
    raise ValueError(
        f"no threshold for a false accept rate of {false_accept_rate:g}; there are thresholds for "
        f"{rates}"
    )


def operating_points(
    embeddings: Float[np.ndarray, "images dim"],
    labels: Int[np.ndarray, " images"],
    *,
    wanted: Sequence[float] = (0.1, 0.01, 0.001),
    splits: int = 5,
    seed: int = 0,
) -> list[OperatingPoint]:
    """A threshold for each false accept rate.

    Args:
      embeddings: on the unit sphere.
      labels: the person on each image; all held out.
      wanted: false accept rates, 0 to 1.
      splits: of the people, at random; at least 2.
      seed: of the splits.

    Raises:
      ValueError: a split without pairs of one person, or of two.
    """
    whole = roc(*_pairs(embeddings, labels))
    accepted = np.zeros((len(wanted), 2))
    pairs = np.zeros(2)
    for own in _splits(labels, splits, seed):
        curve = roc(*_pairs(embeddings[~own], labels[~own]))
        scores, same = _pairs(embeddings[own], labels[own])
        pairs += np.bincount(same, minlength=2)
        for row, rate in enumerate(wanted):
            chosen = scores >= curve.threshold_at(rate)
            accepted[row] += np.bincount(same[chosen], minlength=2)
    return [
        OperatingPoint(rate, max(0.0, -whole.threshold_at(rate)), *map(float, row))
        for rate, row in zip(wanted, accepted / pairs, strict=True)
    ]


def _splits(
    labels: Int[np.ndarray, " images"], splits: int, seed: int
) -> list[Bool[np.ndarray, " images"]]:
    """Which images are of the people of each split."""
    people = np.random.default_rng(seed).permutation(np.unique(labels))
    return [np.isin(labels, members) for members in np.array_split(people, splits)]


def _pairs(
    embeddings: Float[np.ndarray, "images dim"], labels: Int[np.ndarray, " images"]
) -> tuple[Scores, Bool[np.ndarray, " pairs"]]:
    """All pairs: squared distance as a score, that is, below zero, and whether of one person."""
    z = embeddings.astype(np.float64)
    first, second = np.triu_indices(len(z), 1)
    same = labels[first] == labels[second]
    return 2 * (z @ z.T)[first, second] - 2, same  # on the sphere, d = 2 - 2 z.z'
