"""Is it a face, and whose? The paper's two thresholds and four cases.

Source: Turk and Pentland 1991, "Using Eigenfaces to Classify a Face Image" and "Using Eigenfaces
  to Detect Faces" (recalled, not re-read). Differs: the paper's class distance is |..|^2 in one
  place; ours is the distance itself, in the unit of the pixels, like that from face space.
"""

from enum import IntEnum
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from common.types import Labels
from eigenfaces.distances import all_euclidean_distances
from eigenfaces.model import Faces, FaceSpace, Weights, distance_from_face_space, project


class Case(IntEnum):
    """The paper's four: near face space or far, near a face class or far."""

    KNOWN_FACE = 1
    """Near face space and near a class: recognized."""
    UNKNOWN_FACE = 2
    """Near face space, far from every class: a stranger."""
    LOOKS_LIKE_A_CLASS = 3
    """Far from face space, yet near a class: not a face; without the first test, a false alarm."""
    NOT_A_FACE = 4
    """Far from both."""


class FaceClasses(NamedTuple):
    """The people known: Omega_k, the mean weights of each person's images."""

    labels: Int[np.ndarray, " classes"]
    weights: Float[np.ndarray, "classes components"]


class Recognition(NamedTuple):
    """What is said of each image; distances in the unit of the pixels."""

    case: Int[np.ndarray, " images"]
    """A `Case`."""
    label: Int[np.ndarray, " images"]
    """Of the nearest class, whether near or not: it names the person in case 1 only."""
    class_distance: Float[np.ndarray, " images"]
    """epsilon_k = |Omega - Omega_k|, to the nearest class."""
    face_distance: Float[np.ndarray, " images"]
    """epsilon, from face space."""


def face_classes(weights: Weights, labels: Labels) -> FaceClasses:
    """One class a person: the mean of the weights of their images.

    Args:
      weights: of the known people's images, from `project`.
      labels: who shows on each.

    Raises:
      ValueError: no images.
    """
    if len(labels) == 0:
        raise ValueError("no images to make face classes of; wanted at least one a person")
    known, member = np.unique(np.asarray(labels), return_inverse=True)
    sums = np.zeros((len(known), weights.shape[1]), np.asarray(weights).dtype)
    np.add.at(sums, member, np.asarray(weights))
    return FaceClasses(known, sums / np.bincount(member)[:, None].astype(sums.dtype))


def recognize(
    space: FaceSpace,
    classes: FaceClasses,
    images: Faces,
    *,
    class_threshold: float,
    face_threshold: float,
) -> Recognition:
    """Put each image in one of the paper's four cases.

    Args:
      space: the face space.
      classes: the people known, in that face space.
      images: any images of its size, faces or not.
      class_threshold: near a class is at most this far; in the unit of the pixels, >= 0.
      face_threshold: near face space is at most this far; likewise.

    Raises:
      ValueError: a negative threshold.
    """
    if class_threshold < 0 or face_threshold < 0:
        raise ValueError(
            f"thresholds {class_threshold} and {face_threshold}: a distance is never negative"
        )
    distances = all_euclidean_distances(project(space, images), classes.weights)
    nearest = np.asarray(jnp.argmin(distances, axis=1))
    class_distance = np.asarray(jnp.min(distances, axis=1))
    face_distance = np.asarray(distance_from_face_space(space, images))
    return Recognition(
        _cases(class_distance <= class_threshold, face_distance <= face_threshold),
        classes.labels[nearest],
        class_distance,
        face_distance,
    )


def _cases(near_class: np.ndarray | Array, near_face_space: np.ndarray | Array) -> np.ndarray:
    near = np.where(near_class, Case.KNOWN_FACE, Case.UNKNOWN_FACE)
    far = np.where(near_class, Case.LOOKS_LIKE_A_CLASS, Case.NOT_A_FACE)
    return np.where(near_face_space, near, far)
