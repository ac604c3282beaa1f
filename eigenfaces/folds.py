"""Many fits on parts of one set of images, as the ten folds ask for, for little more than one.

Every fold needs the eigenvectors of its own training images. But all folds are made of the same
images, so the expensive products of pixels are made once: either all inner products of images
(images x images, `SharedGram`) or the scatter of pixels (pixels x pixels, `SharedScatter`),
whichever is smaller. A fold then costs a few products with that matrix, started from the
eigenvectors of the whole set. Both are exact: the fold's own mean is subtracted, its held-out
images have no part in its eigenfaces.

Source: Turk and Pentland 1991, the M x M matrix L; that ten fits can share it is our own remark.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from common.images import to_float
from eigenfaces.eigensolver import Eigenpairs, Product, gram, leading_eigenpairs, require_rank

Pixels = Float[np.ndarray, "images pixels"] | UInt8[np.ndarray, "images pixels"]
START_TOLERANCE, TOLERANCE = 3e-2, 1e-2  # sine of the largest angle, whole set and fold
PIXELS_AT_ONCE = (
    4096  # columns turned to float32 together: bounds the memory beside the Gram matrix
)


class Coordinates(NamedTuple):
    """All images, those in training and those held out, on the eigenfaces of a training set."""

    weights: Float[np.ndarray, "images components"]
    """Projections less the training mean. Signs: the training image farthest out is positive."""
    eigenvalues: Float[np.ndarray, " components"]
    """Mean square of the training images' weights, descending."""


class SharedGram:
    """Fits on subsets from one Gram matrix, images x images: for fewer images than pixels.

    An eigenface of the training set S is a weighted sum of its images,

        u = sum over S of v_j (x_j - mean of S) / sqrt(lambda),   sum of v_j = 0,

    so projecting any image on it takes inner products between images only: no eigenface is ever
    formed. The origin of the inner products cancels; we take the mean of all images, for accuracy.

    Args:
      images: one a row; floats, or uint8 that is read as [0, 1], a few columns at a time.
    """

    def __init__(self, images: Pixels) -> None:
        self._gram = np.zeros((len(images), len(images)), np.float32)
        for start in range(0, images.shape[1], PIXELS_AT_ONCE):
            self._gram += gram(_centered(images[:, start : start + PIXELS_AT_ONCE]))
        self._whole: Eigenpairs | None = None

    def fit(self, training: Int[np.ndarray, " training"], components: int) -> Coordinates:
        """Coordinates of all images on the leading eigenfaces of the training images.

        Args:
          training: numbers of the training images, each once.
          components: how many eigenfaces, fewer than training images.

        Raises:
          ValueError: training images that are not there or come twice, or more components than
            the training images span.
        """
        _check(training, len(self._gram), components, limit=len(training) - 1)
        if self._whole is None or len(self._whole.values) != components:
            everyone = np.arange(len(self._gram))
            self._whole = leading_eigenpairs(
                lambda block: self._products(block, everyone),
                len(self._gram), components, tolerance=START_TOLERANCE,
            )  # fmt: skip
        start = self._whole.block[training]
        pairs = leading_eigenpairs(
            lambda block: self._products(block, training)[training],
            len(training), components, start=start, tolerance=TOLERANCE,
        )  # fmt: skip
        require_rank(pairs.values, np.float32)
        weights = self._products(pairs.vectors, training) / np.sqrt(pairs.values)
        return _coordinates(weights, pairs.values, training)

    def _products(
        self,
        sums: Float[np.ndarray, "training block"],
        training: Int[np.ndarray, " training"],
    ) -> Float[np.ndarray, "images block"]:
        """Inner products of all images with sums of training images, both less S's mean.

        The rows of the held-out images are multiplied by zeros: quicker than to cut them out of
        the matrix, and of the result they are wanted in the end.
        """
        everywhere = np.zeros((len(self._gram), sums.shape[1]), np.float32)
        everywhere[training] = sums - sums.mean(axis=0)
        products = self._gram @ everywhere
        return products - products[training].mean(axis=0)


class SharedScatter:
    """Fits on subsets from one scatter matrix, pixels x pixels: for no more pixels than images.

    The scatter of the training images is that of all images, less that of the few held out, less
    what the shift of the mean accounts for.

    Args:
      images: one a row; floats, or uint8 that is read as [0, 1].
    """

    def __init__(self, images: Pixels) -> None:
        self._images = _centered(images)
        self._scatter = gram(self._images.T)
        self._whole: Eigenpairs | None = None

    def fit(self, training: Int[np.ndarray, " training"], components: int) -> Coordinates:
        """Coordinates of all images on the leading eigenfaces of the training images.

        Args:
          training: numbers of the training images, each once.
          components: how many eigenfaces, at most as many as pixels, fewer than training images.

        Raises:
          ValueError: training images that are not there or come twice, or more components than
            the training images span.
        """
        count, pixels = self._images.shape
        _check(training, count, components, limit=min(len(training) - 1, pixels))
        if self._whole is None or len(self._whole.values) != components:
            self._whole = leading_eigenpairs(
                lambda block: self._scatter @ block, pixels, components, tolerance=START_TOLERANCE
            )
        mean, multiply = self._mean_and_scatter(training)
        pairs = leading_eigenpairs(
            multiply, pixels, components, start=self._whole.block, tolerance=TOLERANCE
        )
        require_rank(pairs.values, np.float32)
        weights = self._images @ pairs.vectors - mean @ pairs.vectors
        return _coordinates(weights, pairs.values, training)

    def _mean_and_scatter(
        self, training: Int[np.ndarray, " training"]
    ) -> tuple[Float[np.ndarray, " pixels"], Product]:
        """The training mean, and what multiplies a block by the training images' scatter."""
        held_out = np.setdiff1d(np.arange(len(self._images)), training)
        by_held_out = len(held_out) < len(training)
        few = self._images[held_out if by_held_out else training]
        total = few.sum(axis=0)
        if by_held_out:
            total = -total  # the sum over all images is zero
        mean = total / np.float32(len(training))

        def multiply(block: Float[np.ndarray, "pixels block"]) -> Float[np.ndarray, "pixels block"]:
            products = few.T @ (few @ block)
            if by_held_out:
                products = self._scatter @ block - products
            return products - np.outer(total, mean @ block)

        return mean, multiply


def share(images: Pixels) -> SharedGram | SharedScatter:
    """Prepare many fits on subsets of these images, by the smaller of the two matrices.

    Args:
      images: one a row; floats, or uint8 that is read as [0, 1].

    Returns:
      What `fit(training, components)` is asked of, once a fold.

    Example:
      >>> faces = np.random.default_rng(0).random((9, 50), np.float32)
      >>> fold = share(faces).fit(np.arange(6), components=3)
      >>> fold.weights.shape  # the three held-out images have coordinates as well
      (9, 3)
    """
    count, pixels = images.shape
    return SharedGram(images) if count < pixels else SharedScatter(images)


def _centered(images: Pixels) -> Float[np.ndarray, "images pixels"]:
    pixels = to_float(images) if images.dtype == np.uint8 else images.astype(np.float32)
    pixels -= pixels.mean(axis=0, dtype=np.float64).astype(np.float32)
    return pixels


def _coordinates(
    weights: Float[np.ndarray, "images components"],
    values: Float[np.ndarray, " components"],
    training: Int[np.ndarray, " training"],
) -> Coordinates:
    in_training = weights[training]
    farthest = np.argmax(np.abs(in_training), axis=0)
    signs = np.sign(np.take_along_axis(in_training, farthest[None], axis=0)[0])
    return Coordinates(weights * signs, values / np.float32(len(training)))


def _check(
    training: Int[np.ndarray, " training"], images: int, components: int, limit: int
) -> None:
    if len(training) < 2 or training.min() < 0 or training.max() >= images:
        raise ValueError(
            f"training names {len(training)} images; wanted at least two, 0 to {images - 1}"
        )
    if len(np.unique(training)) < len(training):
        raise ValueError("an image comes twice in training; name each once")
    if not 1 <= components <= limit:
        raise ValueError(
            f"{components} components asked for; {len(training)} training images allow 1 to {limit}"
        )
