"""DeepFace's metrics as methods of the harness: what learns from pairs, and what learns nothing."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from common.harness import EmbeddingMethod, Scorer, Training
from deepface_jax.verify import chi_squared, fit_pair_svm, inner_product


def inner_product_method(f: Float[np.ndarray, "images dim"]) -> EmbeddingMethod:
    """Unsupervised: the inner product of normalized representations."""
    return EmbeddingMethod(f, inner_product)


class ChiSquaredSvm:
    """Restricted: an SVM on chi-squared vectors, of one network or of several.

    Args:
      representations: normalized, one array a network, of all images of the benchmark.
      cost: C of the SVM.
    """

    def __init__(
        self, representations: Sequence[Float[np.ndarray, "images _dim"]], *, cost: float = 1.0
    ) -> None:
        self.representations, self.cost = list(representations), cost

    def __deepcopy__(self, memo: dict) -> "ChiSquaredSvm":
        return self  # representations know no labels, and `fit` keeps nothing

    def fit(self, training: Training) -> Scorer:
        """Learn from the run's pairs which components tell people apart."""
        pairs = training.pairs
        assert pairs is not None  # the category allows pairs
        decide = fit_pair_svm(self._vectors(pairs.first, pairs.second), pairs.same, cost=self.cost)
        return lambda first, second: decide(self._vectors(first, second))

    def _vectors(
        self, first: Int[np.ndarray, " pairs"], second: Int[np.ndarray, " pairs"]
    ) -> list[Float[np.ndarray, "pairs _dim"]]:
        return [chi_squared(f[first], f[second]) for f in self.representations]
