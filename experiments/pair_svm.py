"""Two ways to learn from pairs alone whether two LBP descriptors show one person.

Both end in a linear SVM on a vector a pair, trained on the run's pairs (same or different, no
identities): the image-restricted protocol.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from common.harness import Scorer, Training
from common.lbp import BINS
from common.pair_metric import cell_chi_squared, unit, within_whitening
from common.types import Pairs
from experiments.face_spaces import FaceSpaces

_AT_ONCE = 500  # pairs: bounds the memory of their descriptors


class CellSvm:
    """An SVM on the chi-squared distance of each cell: LBP and SVM at their plainest.

    Args:
      descriptors: of `common.dense_lbp`, one a row.
      row: of each image, by its number in the benchmark.
      cost: C of the SVM.
    """

    def __init__(
        self,
        descriptors: Float[np.ndarray, "images dim"],
        row: Int[np.ndarray, " all"],
        cost: float,
    ) -> None:
        self.descriptors, self.row, self.cost = descriptors, row, cost

    def __deepcopy__(self, memo: dict) -> "CellSvm":
        return self  # descriptors know no labels, and `fit` keeps nothing

    def fit(self, training: Training) -> Scorer:
        """Learn the weight of each cell."""
        pairs = training.pairs
        assert pairs is not None  # the category allows pairs
        vectors = self._vectors(pairs.first, pairs.second)
        weigh = _linear_svm(vectors, pairs.same, self.cost)
        return lambda first, second: weigh(self._vectors(first, second))

    def _vectors(
        self, first: Int[np.ndarray, " pairs"], second: Int[np.ndarray, " pairs"]
    ) -> Float[np.ndarray, "pairs cells"]:
        parts = []
        for start in range(0, len(first), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            a, b = (self.descriptors[self.row[side[some]]] for side in (first, second))
            parts.append(cell_chi_squared(a, b, bins=BINS))
        return np.concatenate(parts)


class WhitenedSvm:
    """PCA, whitening within a person, and an SVM on the products of the coordinates.

    The whitened coordinates y of a face are brought to length 1. The sum of the products y_a * y_b
    of two faces is their cosine; the SVM weighs the products, or their sum alone.

    The pairs that taught the whitening look better than they are. So the SVM is trained on products
    of pairs that had no part in it: those of a third of the pairs, whitened after the others.

    Args:
      spaces: PCA on the run's training images, without labels.
      components: of the PCA.
      shrinkage: of the covariance within a person, learned from the run's same pairs.
      cost: C of the SVM; 0 for one on the cosine alone.
    """

    def __init__(self, spaces: FaceSpaces, components: int, shrinkage: float, cost: float) -> None:
        self.spaces, self.components = spaces, components
        self.shrinkage, self.cost = shrinkage, cost

    def fit(self, training: Training) -> Scorer:
        """Learn PCA, whitening and weights from this run's training images and pairs."""
        pairs = training.pairs
        assert pairs is not None  # the category allows pairs
        weights = self.spaces.fit(training.images, self.components).weights
        part = _thirds(pairs)
        products = [
            self._products(weights, pairs[part != third], pairs[part == third])
            for third in range(3)
        ]
        same = np.concatenate([pairs.same[part == third] for third in range(3)])
        weigh = _linear_svm(np.concatenate(products), same, self.cost or 1.0)
        faces = self._faces(weights, pairs)
        row = self.spaces.row
        return lambda first, second: weigh(self._multiply(faces[row[first]], faces[row[second]]))

    def _products(self, weights: np.ndarray, learned_from: Pairs, pairs: Pairs) -> np.ndarray:
        row, faces = self.spaces.row, self._faces(weights, learned_from)
        return self._multiply(faces[row[pairs.first]], faces[row[pairs.second]])

    def _faces(
        self, weights: Float[np.ndarray, "images dim"], pairs: Pairs
    ) -> Float[np.ndarray, "images dim"]:
        same, row = pairs[pairs.same], self.spaces.row
        one, other = weights[row[same.first]], weights[row[same.second]]
        return unit(weights @ within_whitening(one, other, shrinkage=self.shrinkage))

    def _multiply(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        products = first * second
        if self.cost:
            return products * np.float32(self.components**0.5)
        return products.sum(axis=1, keepdims=True)


def _thirds(pairs: Pairs) -> Int[np.ndarray, " pairs"]:
    """Part of each pair, 0 to 2: of whole folds, or of one fold's pairs in their order.

    People do not come in two folds, and pairs in their order are by and large sorted by people.
    """
    if len(np.unique(pairs.fold)) > 2:
        return pairs.fold % 3
    part = np.empty(len(pairs), int)
    for label in (True, False):
        members = np.flatnonzero(pairs.same == label)
        part[members] = np.arange(len(members)) * 3 // len(members)
    return part


def _linear_svm(
    vectors: Float[np.ndarray, "pairs dim"], same: Bool[np.ndarray, " pairs"], cost: float
):
    """Signed distance from the plane of a linear SVM: positive for the same person."""
    from sklearn.svm import LinearSVC

    # In the primal, which converges in a few steps; its stubs ask for a string.
    primal: Any = False
    return LinearSVC(C=cost, dual=primal, random_state=0).fit(vectors, same).decision_function
