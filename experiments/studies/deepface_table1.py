"""The trainings behind DeepFace's Table 1, at this scale: fewer people, fewer images, fewer layers.

Each differs in one thing from the training of the whole small network on all images, takes as many
epochs, and classifies the same held-out images of the people it was trained on.

Source: Taigman et al. 2014, Sec. 5.2, Table 1. Differs: a small network of the same layers, on
  hundreds of people instead of thousands, each for the same few epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from common.data.folders import FaceFolder
from deepface_jax.network_config import NetworkConfig
from deepface_jax.train import TrainConfig
from experiments.alignment.aligned_faces import AlignedSet
from experiments.deepface_records import parameters
from experiments.deepface_training import train
from experiments.train_deepface_small import RECIPE
from experiments.training_faces import TrainingFaces

DEPTHS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "without C3": ("C3",),
    "without L4, L5": ("L4", "L5"),
    "without C3, L4, L5": ("C3", "L4", "L5"),
}
"""Layers left out; the paper's DF-sub1 to DF-sub3."""


@dataclass(frozen=True)
class Short:
    """How all of them are trained."""

    network: NetworkConfig = RECIPE.network
    config: TrainConfig = replace(RECIPE.train, epochs=8.0)
    seed: int = 0

    def point(self, setting: str, faces: TrainingFaces, left_out: Sequence[str] = ()) -> dict:
        """Train, or read what was trained; what came of it."""
        bare: dict[str, Any] = dict.fromkeys(left_out)
        network = replace(self.network, classes=len(faces.folder.people), **bare)
        trained = train(faces, network, self.config, seed=self.seed)
        error, tested = trained.summary["held_out_error"], trained.summary["held_out_images"]
        return {
            "setting": setting,
            "error": error,
            "standard_error": round(sqrt(error * (1 - error) / tested), 4),
            "training_error": trained.summary["training_error"],
            "images": trained.summary["images"],
            "identities": trained.summary["identities"],
            "held_out_images": tested,
            "parameters": parameters(trained),
        }


def identities(faces: TrainingFaces, short: Short, parts: Sequence[int] = (4, 2, 1)) -> list[dict]:
    """A point for each share of the people, 1 / part of them, with all of their images."""
    points = []
    for part in parts:
        some = some_people(faces, part, seed=short.seed)
        points.append(short.point(f"{len(some.folder.people)} people", some))
    return points


def shares(
    faces: TrainingFaces, short: Short, percents: Sequence[int] = (10, 20, 50, 100)
) -> list[dict]:
    """A point for each share of the images of all people."""
    return [
        short.point(f"{percent} %", fewer_images(faces, percent / 100, seed=short.seed))
        for percent in percents
    ]


def depths(faces: TrainingFaces, short: Short) -> list[dict]:
    """A point for each of the paper's ablations."""
    return [short.point(name, faces, left_out) for name, left_out in DEPTHS.items()]


def some_people(faces: TrainingFaces, part: int, *, seed: int = 0) -> TrainingFaces:
    """One in `part` of the people, drawn at random; fewer are among more.

    Args:
      faces: of all people.
      part: 1 for everybody.
      seed: of the draw.
    """
    if part == 1:
        return faces
    folder, aligned = faces.folder, faces.aligned
    order = np.random.default_rng(seed).permutation(len(folder.people))
    chosen = np.sort(order[: max(2, round(len(folder.people) / part))])
    own = np.flatnonzero(np.isin(folder.label, chosen))
    some = FaceFolder(
        [folder.paths[number] for number in own],
        np.searchsorted(chosen, folder.label[own]),
        [folder.people[number] for number in chosen],
        folder.sha256,
    )
    kept = AlignedSet(aligned.images[own], aligned.status[own])
    return TrainingFaces(kept, some)


def fewer_images(faces: TrainingFaces, share: float, *, seed: int = 0) -> TrainingFaces:
    """A share of each person's training images, one at least; all held-out images stay.

    Args:
      faces: of all people.
      share: above 0, at most 1; smaller ones are among larger ones.
      seed: of the draw.
    """
    if share == 1:
        return faces
    label, rng = faces.folder.label, np.random.default_rng(seed)
    kept = np.zeros(len(label), bool)
    for person in range(len(faces.folder.people)):
        own = faces.training[label[faces.training] == person]
        kept[rng.permutation(own)[: max(1, round(share * len(own)))]] = True
    return replace(faces, kept=kept)
