"""DeepFace's metrics as methods of the harness: what learns from pairs, and what learns nothing."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from common.batching import in_batches
from common.harness import EmbeddingMethod, Scorer, Training
from deepface_jax.siamese import Top, distance, representation, train_top
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

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen, for records."""
        return {"svm_cost": self.cost, "kernel": "power CPD, exponent 2"}

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


class Siamese:
    """Unrestricted: the top of a network, trained further on pairs of the nine folds' people.

    The score is b - d, so that above zero means the same person (see `deepface_jax.siamese`).

    Args:
      l6: outputs of L6, flattened, of all images of the benchmark.
      top: as it was trained on other people's pairs.
      maximum: of F7's units over the training faces.
      pairs: to draw from the nine folds' people, half of them of one person (paper: not given; as
        many as the restricted protocol has).
      epochs: over those pairs (paper: 2).
      learning_rate: of those.
    """

    def __init__(
        self,
        l6: Float[np.ndarray, "images inputs"],
        top: Top,
        maximum: Float[np.ndarray, " units"],
        *,
        pairs: int = 5400,
        epochs: int = 2,
        learning_rate: float = 3e-5,
    ) -> None:
        self.l6, self.top, self.maximum = l6, top, maximum
        self.pairs, self.epochs, self.learning_rate = pairs, epochs, learning_rate

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen for the folds, for records."""
        return {"pairs": self.pairs, "epochs": self.epochs, "learning_rate": self.learning_rate}

    def __deepcopy__(self, memo: dict) -> "Siamese":
        return self  # outputs of L6 know no labels, and `fit` keeps nothing

    def fit(self, training: Training) -> Scorer:
        """Train the top on pairs that it draws from the run's people."""
        assert training.identity is not None  # the category allows identities
        first, second, same = draw_pairs(training.identity, self.pairs)
        images = training.images
        top = train_top(
            self.top, self.l6, images[first], images[second], same, self.maximum,
            epochs=self.epochs, learning_rate=self.learning_rate,
        )  # fmt: skip

        def score(first: Int[np.ndarray, " pairs"], second: Int[np.ndarray, " pairs"]):
            shown, place = np.unique(np.concatenate([first, second]), return_inverse=True)
            f = in_batches(
                lambda some: representation(top, jnp.asarray(some), self.maximum), self.l6[shown]
            )
            a, b = np.split(f[place], 2)
            d = distance(top.alpha, jnp.asarray(a), jnp.asarray(b))
            return np.asarray(top.threshold - d)

        return score


def draw_pairs(
    identity: Int[np.ndarray, " images"], count: int, *, seed: int = 0
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Bool[np.ndarray, " pairs"]]:
    """Pairs of images, half of them of one person, drawn with repetition.

    A pair of one person is drawn by its first image, so that people count as often as they have
    images.

    Args:
      identity: the person on each image.
      count: of pairs.
      seed: of the draw.

    Returns:
      First and second image of each pair, and whether they show one person.

    Raises:
      ValueError: nobody has two images, or there is one person only.
    """
    _, person, images = np.unique(identity, return_inverse=True, return_counts=True)
    several = np.flatnonzero(images[person] > 1)
    if len(several) == 0 or len(images) < 2:
        raise ValueError(
            f"{len(images)} people, {len(several)} images of people who have several; wanted two "
            "people or more, and somebody with two images"
        )
    rng = np.random.default_rng(seed)
    order = np.argsort(person, kind="stable")
    begin = np.cumsum(images) - images
    place = np.empty(len(person), int)
    place[order] = np.arange(len(person))  # of an image among those sorted by person
    first = np.concatenate([
        rng.choice(several, count // 2), rng.integers(0, len(person), count - count // 2)
    ])  # fmt: skip
    own = person[first]
    inside = place[first] - begin[own]
    # Another image of the same person; one of all the images of others.
    step = rng.integers(1, np.maximum(images[own], 2))
    alike = begin[own] + (inside + step) % images[own]
    others = rng.integers(0, len(person) - images[own])
    unlike = others + (others >= begin[own]) * images[own]
    same = np.arange(count) < count // 2
    return first, order[np.where(same, alike, unlike)], same
