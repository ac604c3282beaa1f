"""PCA as a method of the harness: refitted for each run, from products that all runs share."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, UInt8

from common.harness import Scorer, Training
from common.types import Scores
from eigenfaces.distances import (
    cosine_similarity,
    euclidean_distance,
    mahalanobis_cosine_similarity,
)
from eigenfaces.folds import Coordinates, SharedGram, SharedScatter, share

DISTANCES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Scores]] = {
    "euclidean": lambda first, second, eigenvalues: -euclidean_distance(first, second),
    "cosine": lambda first, second, eigenvalues: cosine_similarity(first, second),
    "mahalanobis-cosine": mahalanobis_cosine_similarity,
}
"""How two faces compare by their weights and the eigenvalues, as similarities."""


class FaceSpaces:
    """Face spaces fitted on parts of one set of images, each kept for those who ask again.

    They hold pixels and no labels, so every run may share them: a copy is the same object.

    Args:
      faces: grey, 0 to 255; or a descriptor of each, in place of its pixels.
      images: their numbers in the benchmark.
    """

    def __init__(
        self,
        faces: UInt8[np.ndarray, "images height width"] | Float[np.ndarray, "images dim"],
        images: Int[np.ndarray, " images"],
    ) -> None:
        self.shared: SharedGram | SharedScatter = share(faces.reshape(len(faces), -1))
        self.row = np.full(images.max() + 1, -1)
        """Row of each image, by its number in the benchmark."""
        self.row[images] = np.arange(len(images))
        self._fitted: dict[bytes, Coordinates] = {}

    def __deepcopy__(self, memo: dict) -> "FaceSpaces":
        return self

    def fit(self, training: Int[np.ndarray, " training"], components: int) -> Coordinates:
        """Coordinates of all images on the leading eigenfaces of the training images.

        A kept fit with more components serves as well: its leading ones are the same.
        """
        kept = self._fitted.get(training.tobytes())
        if kept is None or len(kept.eigenvalues) < components:
            kept = self.shared.fit(self.row[training], components)
            self._fitted[training.tobytes()] = kept
        return Coordinates(kept.weights[:, :components], kept.eigenvalues[:components])


class FaceSpaceMethod:
    """Eigenfaces: compare two faces by their weights on a run's leading eigenfaces."""

    def __init__(self, spaces: FaceSpaces, components: int, distance: str) -> None:
        self.spaces, self.components = spaces, components
        self.similarity = DISTANCES[distance]

    def fit(self, training: Training) -> Scorer:
        """Refit the face space on this run's training images."""
        weights, eigenvalues = self.spaces.fit(training.images, self.components)
        row = self.spaces.row
        return lambda first, second: self.similarity(
            weights[row[first]], weights[row[second]], eigenvalues
        )


class FisherfaceMethod:
    """Fisherfaces: PCA, then the directions in which the run's training people differ most."""

    def __init__(self, spaces: FaceSpaces, components: int, directions: int) -> None:
        self.spaces, self.components, self.directions = spaces, components, directions

    def fit(self, training: Training) -> Scorer:
        """Refit both on this run's training images and identities."""
        from eigenfaces.fisherfaces import fit_fisherfaces

        assert training.identity is not None  # the category is unrestricted
        weights = self.spaces.fit(training.images, self.components).weights
        row = self.spaces.row
        learned = fit_fisherfaces(weights[row[training.images]], training.identity, self.directions)
        projected = weights @ learned
        return lambda first, second: cosine_similarity(
            projected[row[first]], projected[row[second]]
        )
