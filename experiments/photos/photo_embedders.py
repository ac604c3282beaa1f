"""The rows that can say who is on a photo: aligned faces in, embeddings of length 1 out.

Each is a network with weights that ship or were exported, the alignment that it was trained under,
and thresholds on the squared distance of two embeddings, measured on people who were not trained on
(`experiments.held_out`). What a row does beyond that to be compared on LFW, as DeepFace's SVM or
SphereFace's mean of the nine folds, is learned from pairs and left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, UInt8

import deepface_jax.weights
import facenet_jax.weights
import sphereface_jax.weights
from common.batching import in_batches
from common.weights_file import WeightsError
from deepface_jax.config import AlignConfig
from deepface_jax.normalize import normalize
from experiments.deepface_small_lfw import recipe_of
from experiments.face_sets import ALIGNMENTS
from experiments.network_inputs import network_inputs
from experiments.sphereface_training import directions
from facenet_jax.embedder import Embedder
from facenet_jax.validation import OperatingPoint, point_for
from sphereface_jax.crop import middle_columns

Faces: TypeAlias = UInt8[np.ndarray, "faces side side 3"]
Embeddings: TypeAlias = Float32[np.ndarray, "faces dim"]
RowName: TypeAlias = Literal["facenet", "sphereface", "deepface-small"]


@dataclass(frozen=True)
class PhotoEmbedder:
    """What identification needs of a network."""

    embed: Callable[[Faces], Embeddings]
    """Embeddings of length 1 of aligned faces, `batch` at a time."""
    size: int
    """Of an embedding."""
    align: AlignConfig
    """How faces were aligned in training, and where the thresholds were measured."""
    facts: dict[str, Any]
    """Of the file beside the weights."""
    weights: Path
    package: ModuleType
    """Whose code makes an embedding."""

    def at(self, false_accept_rate: float) -> OperatingPoint:
        """The threshold for a false accept rate.

        Raises:
          ValueError: none was measured for that rate; the message names those that were.
        """
        try:
            return point_for(self.facts.get("thresholds", []), false_accept_rate)
        except ValueError as error:
            raise ValueError(
                f"{self.weights.with_suffix('.json').name} has {error} "
                "(experiments.measure_thresholds measures them)"
            ) from None


def load(row: RowName, weights: Path | None = None, *, batch: int = 8) -> PhotoEmbedder:
    """A row's network.

    Args:
      row: which.
      weights: .npz of such a network, with its .json beside it; the shipped one when None.
      batch: faces that are embedded at once; a shorter rest is filled up.

    Raises:
      WeightsError: no such files, or they are damaged, or of another kind of network.
    """
    return _LOADERS[row](weights, batch)


def _facenet(weights: Path | None, batch: int) -> PhotoEmbedder:
    path = weights or facenet_jax.weights.SHIPPED
    embedder = Embedder.load(path)
    return PhotoEmbedder(
        partial(embedder.embed, batch=batch), embedder.network.embedding_size,
        _alignment(embedder.facts, path), embedder.facts, path, facenet_jax,
    )  # fmt: skip


def _sphereface(weights: Path | None, batch: int) -> PhotoEmbedder:
    path = weights or sphereface_jax.weights.SHIPPED
    network, features, arrays, facts = sphereface_jax.weights.load_weights(path)

    def embed(faces: Faces) -> Embeddings:
        columns = middle_columns(network_inputs(faces, network.side), network)
        return directions(partial(features, arrays), columns, batch=batch)

    size = 2 * network.embedding_size  # of the face, and of its mirror image
    return PhotoEmbedder(embed, size, _alignment(facts, path), facts, path, sphereface_jax)


def _deepface_small(weights: Path | None, batch: int) -> PhotoEmbedder:
    path = weights or deepface_jax.weights.SHIPPED
    network, features, arrays, maximum, facts = deepface_jax.weights.load_weights(path)
    recipe = recipe_of(network, facts, path)

    def embed(faces: Faces) -> Embeddings:
        inputs = network_inputs(faces, network.side, recipe.kind)
        G = in_batches(partial(features, arrays), inputs, batch=batch)
        return np.asarray(normalize(G, maximum))

    return PhotoEmbedder(embed, network.F7, recipe.align, facts, path, deepface_jax)


_LOADERS: dict[RowName, Callable[[Path | None, int], PhotoEmbedder]] = {
    "facenet": _facenet,
    "sphereface": _sphereface,
    "deepface-small": _deepface_small,
}


def _alignment(facts: dict[str, Any], path: Path) -> AlignConfig:
    """The first of those that were trained on: the thresholds were measured under it."""
    inputs = facts.get("inputs") or ["unknown"]
    if inputs[0] not in ALIGNMENTS:
        raise WeightsError(
            f"{path.with_suffix('.json')} says that faces come {inputs[0]!r}; wanted one of "
            f"{', '.join(ALIGNMENTS)}"
        )
    return ALIGNMENTS[inputs[0]]
