"""VAL at FAR: how many pairs of one person are accepted while few of two people are.

    VAL(d) = |TA(d)| / |P_same|,   FAR(d) = |FA(d)| / |P_diff|

over all pairs of a split, with the largest d that keeps FAR(d) within its bound.

Source: Schroff et al. 2015, Sec. 4; five disjoint splits of the held-out people, and the standard
  error over them.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from common.roc import roc
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
    people = np.random.default_rng(seed).permutation(np.unique(labels))
    rates, impostors = [], []
    for members in np.array_split(people, splits):
        own = np.isin(labels, members)
        z, name = embeddings[own].astype(np.float64), labels[own]
        first, second = np.triu_indices(len(z), 1)
        same = name[first] == name[second]
        curve = roc((z @ z.T)[first, second], same)  # on the sphere, d = 2 - 2 z.z'
        rates.append(curve.true_accept_at(false_accept_rate))
        impostors.append(int(np.count_nonzero(~same)))
    mean, error = mean_and_standard_error(np.array(rates))
    return ValidationRate(mean, error, min(impostors))
