"""From faces to embeddings, distances and decisions, with the shipped weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, UInt8

from common.images import resize
from facenet_jax.config import NetworkConfig
from facenet_jax.train import Weights, embed_all
from facenet_jax.validation import point_for
from facenet_jax.weights import SHIPPED, WeightsError, load_weights


@dataclass(frozen=True)
class Embedder:
    """A trained network and a threshold whose error rates were measured.

    Faces are cropped as the network has seen them in training: `facts["inputs"]` says how, and
    `python -m experiments.align photos aligned --stage 2d` makes such crops of photos. In Python:

        embedder = Embedder.load()
        a, b = embedder.embed([one_face, another_face])
        print(embedder.distance(a, b), embedder.same(a, b), embedder.false_accept_rate)

    `same` decides by the threshold that errs least where half of all pairs are one person's. Where
    strangers are many, take one for a lower false accept rate: `Embedder.load().at(0.001)`.
    """

    network: NetworkConfig
    weights: Weights
    facts: dict[str, Any]
    """What the network was trained on, and what was measured of it."""
    threshold: float
    """Squared distance; pairs no farther apart are taken for one person (Sec. 4: D <= d)."""
    false_accept_rate: float
    """Share of the pairs of two people that the threshold takes for one, as measured on people
    who were not trained on, with thresholds that were chosen without those pairs."""
    true_accept_rate: float
    """Likewise, of the pairs of one person."""
    _embed: Callable[[Weights, Any], Any]

    @staticmethod
    def load(path: Path = SHIPPED) -> "Embedder":
        """The shipped network, or that of another file.

        Raises:
          WeightsError: no such file, or it is damaged.
        """
        network, embed, weights, facts = load_weights(path)
        try:
            point = facts["threshold"]
            threshold = float(point["squared_distance"])
            rates = float(point["false_accept_rate"]), float(point["true_accept_rate"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"{path.with_suffix('.json')} has no threshold with its error rates "
                f"({error!r}); get it again"
            ) from None
        return Embedder(network, weights, facts, threshold, *rates, embed)

    def at(self, false_accept_rate: float) -> "Embedder":
        """The same network with a threshold for a false accept rate.

        Args:
          false_accept_rate: one of those that the file beside the weights has a threshold for.

        Raises:
          ValueError: it has none for that rate; the message names those that it has.
        """
        point = point_for(self.facts.get("thresholds", []), false_accept_rate)
        return replace(
            self,
            threshold=point.squared_distance,
            false_accept_rate=point.false_accept_rate,
            true_accept_rate=point.true_accept_rate,
        )

    @property
    def parameters(self) -> int:
        """Count of the trained numbers."""
        return sum(leaf.size for leaf in jax.tree.leaves(self.weights.params["network"]))

    def embed(
        self,
        images: UInt8[np.ndarray, "faces _ _ 3"] | list[UInt8[np.ndarray, "_ _ 3"]],
        *,
        batch: int = 64,
        advance: Callable[[int], None] = lambda faces: None,
    ) -> Float[np.ndarray, "faces dim"]:
        """Embeddings of length 1.

        Args:
          images: square RGB crops, 0 to 255, of any size; a list may have several sizes.
          batch: faces at a time; a shorter rest is filled up.
          advance: is told how many faces were done.

        Raises:
          ValueError: no faces, one that is not square, or pixels that are not uint8.
        """
        if not len(images):
            raise ValueError("no faces to embed; wanted at least one")
        for image in images:
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise ValueError(
                    f"a face of shape {image.shape} and dtype {image.dtype}; wanted RGB pixels, "
                    "(side, side, 3), uint8 from 0 to 255"
                )
            if image.shape[0] != image.shape[1]:
                raise ValueError(
                    f"a face of {image.shape[1]} x {image.shape[0]} pixels; wanted a square crop"
                )
        side = self.network.side
        sized = np.stack([
            image if len(image) == side else resize(image, side, side) for image in images
        ])  # fmt: skip
        return embed_all(self._embed, self.weights, sized, batch=batch, advance=advance)

    @staticmethod
    def distance(
        a: Float[np.ndarray, "*pairs dim"], b: Float[np.ndarray, "*pairs dim"]
    ) -> Float[np.ndarray, "*pairs"]:
        """Squared distance, 0 (the same picture) to 4; the smaller, the more alike.

        Example:
          >>> float(Embedder.distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
          2.0
        """
        return np.asarray(np.sum(np.square(a - b), axis=-1))

    def same(
        self, a: Float[np.ndarray, "*pairs dim"], b: Float[np.ndarray, "*pairs dim"]
    ) -> Bool[np.ndarray, "*pairs"]:
        """Whether two embeddings are taken for one person's."""
        return np.asarray(self.distance(a, b) <= self.threshold)
