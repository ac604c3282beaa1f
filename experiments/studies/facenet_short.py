"""Short trainings of a small network that differ in one thing: embedding size, or people.

Source: Schroff et al. 2015, Sec. 5.4 and 5.5, Tables 5 and 6. Differs: the paper trains each
  network for hundreds of hours. Here all take the same 1,200 steps, with the same seed; what they
  reach says nothing of what longer trainings would.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.face_sets import FaceSet
from experiments.facenet_training import Trained, train
from experiments.held_out import HeldOut
from facenet_jax.config import RESIDUAL_PRELU, NetworkConfig
from facenet_jax.recipes import SMALL_DATA, SMALL_DATA_RESIDUAL, Recipe

HALF = replace(RESIDUAL_PRELU, width=0.5)
"""Half of the shipped network's channels."""
RISING = SMALL_DATA[0], replace(SMALL_DATA_RESIDUAL[1], epochs=8.0)
"""The warm-up for little data, and triplets in the earlier recipe's batches, a quarter as large;
there, 1 / 16 of the steps let the rate rise."""


@dataclass(frozen=True)
class Short:
    """How all of them are trained."""

    network: NetworkConfig = HALF
    recipe: Recipe = tuple(replace(phase, average=0.99) for phase in RISING)
    """Losses, batches and optimizers of the phases; the running average is as short as they are."""
    steps: tuple[int, ...] = (1000, 200)
    """Of the phases."""
    seed: int = 0

    def phases(self, faces: int) -> Recipe:
        """The recipe in its number of steps, for however many training faces.

        Raises:
          ValueError: not a number of steps for each phase.
        """
        if len(self.steps) != len(self.recipe):
            raise ValueError(
                f"steps for {len(self.steps)} phases; the recipe has {len(self.recipe)}"
            )
        made = []
        for phase, steps in zip(self.recipe, self.steps, strict=True):
            epochs = steps * phase.batch / faces
            part = epochs / phase.epochs
            warmup, margin_rise = part * phase.warmup, part * phase.margin_rise
            made.append(replace(phase, epochs=epochs, warmup=warmup, margin_rise=margin_rise))
        return tuple(made)

    def train(self, faces: FaceSet, held_out: HeldOut, network: NetworkConfig) -> Trained:
        """One of the trainings; one that is done is only read, a killed one goes on."""
        recipe = self.phases(len(faces.label))
        return train(faces, held_out, network, recipe, seed=self.seed, evaluations=1)


def embedding_sizes(
    faces: FaceSet, held_out: HeldOut, short: Short, sizes: Sequence[int] = (64, 128, 256, 512)
) -> list[dict[str, Any]]:
    """A point for each embedding size (Table 5)."""
    points = []
    for size in sizes:
        trained = short.train(faces, held_out, replace(short.network, embedding_size=size))
        points.append({"setting": size, **measured(trained), **_extent(faces)})
    return points


def shares(
    faces: FaceSet, held_out: HeldOut, short: Short, parts: Sequence[int] = (8, 4, 2, 1)
) -> list[dict[str, Any]]:
    """A point for each share of the training people, 1 / part of them (Table 6)."""
    points = []
    for part in parts:
        some = some_people(faces, part, seed=short.seed)
        trained = short.train(some, held_out, short.network)
        points.append({"setting": f"1/{part}", **measured(trained), **_extent(some)})
    return points


def some_people(faces: FaceSet, part: int, *, seed: int = 0) -> FaceSet:
    """One in `part` of the people, with all of their faces.

    The people are drawn at random; those of a smaller share are among those of a larger one.

    Args:
      faces: of all people.
      part: 1 for everybody.
      seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(faces.people)
    chosen = order[: max(2, round(faces.people / part))]
    own = np.isin(faces.label, chosen)
    _, label = np.unique(faces.label[own], return_inverse=True)
    images = {name: pixels[own] for name, pixels in faces.images.items()}
    return FaceSet(images, label.astype(np.int32), len(chosen), faces.sha256)


def measured(trained: Trained) -> dict[str, Any]:
    """VAL and accuracy of a trained network on the held-out people."""
    return figures(trained.facts["held_out"])


def figures(held_out: dict[str, Any]) -> dict[str, Any]:
    """The block `held_out` of `HeldOut.measure` as a point's: VAL at FAR 0.001, and accuracy."""
    (val,) = held_out["val_at_far"].values()
    return {"val": val, "accuracy": held_out["accuracy"]}


def _extent(faces: FaceSet) -> dict[str, int]:
    return {"images": len(faces.label), "identities": faces.people}
