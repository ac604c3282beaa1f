"""SphereFace's training on a folder's faces, and what was measured at its end.

A training is named by what goes into it: the faces, the network, the recipe, the seed; the code
that trains is not part of the name. One that was killed goes on from its last checkpoint, exactly;
one that is done is only read.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from common.augment import augment
from common.batching import in_batches
from common.checkpoint import Checkpoints
from common.curves import Curves
from common.data.cache import cache_dir, clear_disk_errors
from common.data.loader import shuffled_batches
from common.data.locking import locked
from common.data.progress import note
from common.pair_metric import unit
from common.records import device, versions
from common.training import Schedule, fit
from experiments.face_sets import FaceSet
from experiments.held_out import HeldOut
from sphereface_jax.a_softmax import annealed
from sphereface_jax.config import NetworkConfig, TrainConfig
from sphereface_jax.crop import middle_columns
from sphereface_jax.train import Batch, TrainState, Weights, make_features, make_step, start
from sphereface_jax.weights import rounded

EVALUATIONS = 16
"""Of the held-out people, in a training."""
SAVE_SECONDS = 120.0


@dataclass(frozen=True)
class Trained:
    """A network after its training."""

    network: NetworkConfig
    weights: Weights
    facts: dict[str, Any]
    """What the training was, and what was measured on the held-out people."""


def train(
    faces: FaceSet,
    held_out: HeldOut,
    network: NetworkConfig,
    config: TrainConfig,
    *,
    seed: int = 0,
    from_scratch: bool = False,
) -> Trained:
    """Train to the end, from the last checkpoint if there is one.

    Args:
      faces: the training people, under one alignment, as squares of the network's height.
      held_out: other people, whom the network is measured on.
      network: its layers.
      config: of the training.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name that is done; one that was killed
        goes on.

    Raises:
      ValueError: faces of another height, or a checkpoint that does not fit.
      CacheError: the disk is full.
      TrainingError: the loss is not finite.
    """
    ((alignment, squares),) = faces.images.items()
    folder = cache_dir("sphereface", faces.key([alignment, asdict(network), asdict(config), seed]))
    count, others = len(faces.label), middle_columns(held_out.images, network)
    steps = config.steps(count)

    def view(index: int, rng: np.random.Generator) -> Batch:
        face = augment(squares[index], config.augment, rng)
        return Batch(middle_columns(face, network), faces.label[index])

    with locked(folder), clear_disk_errors(folder):
        done = folder / "done"
        if from_scratch and done.exists():
            shutil.rmtree(folder)
            folder.mkdir()
        note(f"{steps:,} steps of {config.batch} faces")
        graph, state = start(network, config, people=faces.people, faces=count, seed=seed)
        features = make_features(graph)

        def evaluate(state: TrainState) -> dict[str, float]:
            return {
                **held_out.watch(directions(partial(features, state.result), others)),
                "lambda": float(annealed(state.step, config)),
            }

        with (
            Checkpoints(folder / "checkpoints", keep=1) as checkpoints,
            Curves(folder / "curves") as curves,
        ):
            state, seconds = fit(
                make_step(config, graph, faces=count),
                state,
                shuffled_batches(count, view, batch=config.batch, seed=seed),
                Schedule(steps, config.batch, evaluate_every=max(1, steps // EVALUATIONS),
                         save_seconds=SAVE_SECONDS),
                evaluate=evaluate,
                checkpoints=checkpoints,
                log=curves,
            )  # fmt: skip
        done.touch()
    weights = rounded(state.result)  # measured is what is shipped
    training = {
        "images": count, "identities": faces.people, "sha256": faces.sha256,
        "hours": round(seconds / 3600, 3), "device": device(),
    }  # fmt: skip
    facts = {
        "inputs": [alignment], "training": training, "steps": steps, "seed": seed,
        "recipe": {**asdict(config), "clip": str(config.clip)},
        **held_out.measure(directions(partial(features, weights), others)),
        "versions": versions(),
    }  # fmt: skip
    return Trained(network, weights, facts)


def directions(
    features: Callable[[Any], Any],
    images: UInt8[np.ndarray, "faces side columns 3"],
    *,
    batch: int = 64,
    advance: Callable[[int], None] = lambda faces: None,
) -> Float[np.ndarray, "faces dim"]:
    """Features of faces and of their mirror images, brought to length 1.

    Args:
      features: takes a batch of faces.
      images: as the network takes them.
      batch: faces at a time; a shorter rest is filled up.
      advance: is told how many faces were done.
    """
    return unit(in_batches(features, images, batch=batch, advance=advance))
