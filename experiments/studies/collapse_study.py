"""Does a training on triplets collapse? The paper's recipe from five seeds, and one provoked.

The paper warns that the hardest negatives "can in practice lead to bad local minima early on in
training, specifically it can result in a collapsed model (i.e. f(x) = 0)" (Sec. 3.2).

Source: Schroff et al. 2015, Sec. 3.2. Differs: a small network for a few hundred steps, with the
  paper's optimizer and rate, and batches of 480 faces instead of 1,800.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.face_sets import FaceSet
from experiments.facenet_training import batches, train
from experiments.held_out import HeldOut, spread
from experiments.studies.facenet_short import figures
from facenet_jax.collapse import CollapseError
from facenet_jax.config import NetworkConfig
from facenet_jax.mining import Mining
from facenet_jax.recipes import PAPER_SMALL, Recipe, TrainConfig
from facenet_jax.train import embed_all, make_embed, start

PROVOKED = "hardest negatives"


@dataclass(frozen=True)
class Trial:
    """How all of them are trained."""

    network: NetworkConfig = NetworkConfig("NN4", side=48, width=0.125, multiple=8)
    """As the paper has it, but for the number of channels: no batch normalization."""
    config: TrainConfig = PAPER_SMALL[0]
    steps: int = 300
    seeds: Sequence[int] = (0, 1, 2, 3, 4)

    def recipe(self, faces: int, mining: Mining) -> Recipe:
        """Its one phase in that number of steps, for however many training faces."""
        epochs = self.steps * self.config.batch / faces
        return (replace(self.config, epochs=epochs, mining=mining),)


def collapses(faces: FaceSet, held_out: HeldOut, trial: Trial) -> list[dict[str, Any]]:
    """A point for each seed, and one for the hardest negatives from the first step on."""
    tries = [(f"seed {seed}", seed, trial.config.mining) for seed in trial.seeds]
    hardest = replace(trial.config.mining, rule="hardest")
    tries.append((PROVOKED, trial.seeds[0], hardest))
    return [
        {"setting": setting, **_outcome(faces, held_out, trial, seed, mining)}
        for setting, seed, mining in tries
    ]


def _outcome(
    faces: FaceSet, held_out: HeldOut, trial: Trial, seed: int, mining: Mining
) -> dict[str, Any]:
    recipe = trial.recipe(len(faces.label), mining)
    first = {"first_spread": _first_spread(faces, trial.network, recipe[0], seed)}
    try:
        trained = train(faces, held_out, trial.network, recipe, seed=seed, evaluations=1)
    except CollapseError as error:
        return {**first, "spread": error.spread, "collapsed_at_step": error.step}
    facts = trained.facts["held_out"]
    return {**first, "spread": facts["spread"], "collapsed_at_step": None, **figures(facts)}


def _first_spread(faces: FaceSet, network: NetworkConfig, config: TrainConfig, seed: int) -> float:
    """Of the first batch's embeddings, by the weights that the training begins with."""
    count = len(faces.label)
    graph, state = start(network, config, people=faces.people, faces=count, seed=seed)
    batch = next(batches(faces, config, seed=seed))
    return spread(embed_all(make_embed(graph), state.weights, np.asarray(batch.images)))
