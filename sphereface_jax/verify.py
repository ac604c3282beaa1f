"""Are two faces one person's? The cosine of their features, as the authors' code measures it.

    score(a, b) = cos(a - mu, b - mu)

a and b are the features of a face and of its mirror image, one behind the other; mu is their mean
over the images of the training pairs, an image as often as pairs name it.

Source: the authors' code, test/code/evaluation.m; the paper says "cosine" (Sec. 4.1) and no more.
"""

import numpy as np
from jaxtyping import Float

from common.harness import Scorer, Training
from common.pair_metric import unit
from common.types import Scores


class CenteredCosine:
    """A method of the harness that learns the mean feature of the nine folds, and no label.

    Args:
      features: of all images of the benchmark; rows that no pair names may be anything.
    """

    def __init__(self, features: Float[np.ndarray, "images dim"]) -> None:
        self.features = features

    def __deepcopy__(self, memo: dict) -> "CenteredCosine":
        return self  # features know no labels, and `fit` keeps nothing

    def fit(self, training: Training) -> Scorer:
        """Take the mean over the run's training pairs; their labels are not looked at."""
        pairs = training.pairs
        assert pairs is not None  # the category allows pairs
        named = np.concatenate([pairs.first, pairs.second])
        mean = self.features[named].mean(axis=0)
        centered = unit(self.features - mean)
        return lambda first, second: cosine(centered[first], centered[second])


def cosine(a: Float[np.ndarray, "pairs dim"], b: Float[np.ndarray, "pairs dim"]) -> Scores:
    """Of pairs of rows of length 1, -1 to 1: the higher, the more alike."""
    return np.einsum("ij,ij->i", a, b, dtype=np.float64)
