"""FaceNet's training: its phases, one after the other, and what was measured at the end.

A phase is named by what goes into it: the faces, the network, the phases up to it, the seed. The
code that trains is not part of the name. One that was killed goes on from its last checkpoint,
exactly; one that is done is only read, by every recipe that begins with the same phases.
"""

import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from common.augment import augment
from common.checkpoint import Checkpoints
from common.curves import Curves
from common.data.cache import cache_dir, clear_disk_errors
from common.data.locking import locked
from common.data.progress import note
from common.records import device, versions
from common.training import Batches, Schedule, fit
from experiments.face_sets import FaceSet
from experiments.held_out import HeldOut
from facenet_jax.collapse import CollapseAlarm, guarded
from facenet_jax.model import build
from facenet_jax.recipes import Recipe, TrainConfig
from facenet_jax.train import (
    Batch,
    Build,
    Layers,
    TrainState,
    Weights,
    embed_all,
    make_embed,
    make_step,
    start,
)
from facenet_jax.views import batches_of
from facenet_jax.weights import rounded

EVALUATIONS = 12
"""Of the held-out people, in each phase, where nothing else is asked for."""
SAVE_SECONDS = 120.0


@dataclass(frozen=True)
class Trained:
    """A network after its last phase."""

    network: Layers
    weights: Weights
    facts: dict[str, Any]
    """What the training was, and what was measured on the held-out people."""


def train(
    faces: FaceSet,
    held_out: HeldOut,
    network: Layers,
    recipe: Recipe,
    *,
    seed: int = 0,
    from_scratch: bool = False,
    evaluations: int = EVALUATIONS,
    build: Build = build,
) -> Trained:
    """Train all phases to their end, each from its last checkpoint if there is one.

    Args:
      faces: the training people; where there are several alignments, each view is drawn from one.
      held_out: other people, whom the network is measured on.
      network: its layers, in a dataclass.
      recipe: the phases.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name that is done; one that was killed
        goes on.
      evaluations: of the held-out people, in each phase, for the curves.
      build: makes the network of its layers; FaceNet's where nothing else is said.

    Raises:
      ValueError: batches that the faces cannot fill, or a checkpoint that does not fit.
      CacheError: the disk is full.
      TrainingError: the loss is not finite, or the embeddings have collapsed.
    """
    phases = range(1, len(recipe) + 1)
    folders = [cache_dir("facenet", _key(faces, network, recipe[:n], seed)) for n in phases]
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(locked(folder))
        done = folders[-1] / "done"
        if from_scratch and done.exists():
            for folder in folders:
                shutil.rmtree(folder)
                folder.mkdir()
        count = len(faces.label)
        weights, embed, seconds, steps = None, None, 0.0, []
        for number, (config, folder) in enumerate(zip(recipe, folders, strict=True)):
            note(f"phase {number + 1} of {len(recipe)}: {config.steps(count):,} steps")
            graph, state = start(
                network, config, people=faces.people, faces=count, seed=seed, begin=weights,
                build=build,
            )  # fmt: skip
            embed = embed or make_embed(graph)

            def evaluate(state: TrainState, embed: Any = embed) -> dict[str, float]:
                seen = {name: float(value) for name, value in state.seen._asdict().items()}
                return held_out.watch(embed_all(embed, state.result, held_out.images)) | seen

            with (
                clear_disk_errors(folder),
                Checkpoints(folder / "checkpoints", keep=1) as checkpoints,
                Curves(folder / "curves") as curves,
            ):
                total = config.steps(count)
                state, took = fit(
                    guarded(make_step(config, graph, faces=count, seed=seed), CollapseAlarm()),
                    state,
                    batches(faces, config, seed=seed),
                    Schedule(total, config.batch, evaluate_every=max(1, total // evaluations),
                             save_seconds=SAVE_SECONDS),
                    evaluate=evaluate,
                    checkpoints=checkpoints,
                    log=curves,
                )  # fmt: skip
            weights = state.result
            seconds += took
            steps.append(total)
        done.touch()
    assert weights is not None and embed is not None, "a recipe has a phase"
    weights = rounded(weights)  # measured is what is shipped
    z: Float[np.ndarray, "faces dim"] = embed_all(embed, weights, held_out.images)
    training = {
        "images": count, "identities": faces.people, "sha256": faces.sha256,
        "hours": round(seconds / 3600, 3), "device": device(),
    }  # fmt: skip
    facts = {
        "inputs": list(faces.images), "training": training, "steps": steps, "seed": seed,
        "recipe": as_facts(recipe), **held_out.measure(z),
        "versions": versions(),
    }  # fmt: skip
    return Trained(network, weights, facts)


def is_done(faces: FaceSet, network: Layers, recipe: Recipe, *, seed: int = 0) -> bool:
    """Whether such a training stands in the cache, finished; for the arguments see `train`."""
    return (cache_dir("facenet", _key(faces, network, recipe, seed)) / "done").exists()


def batches(faces: FaceSet, config: TrainConfig, *, seed: int = 0) -> Batches:
    """A phase's endless batches: views of the faces, each drawn from one of the alignments.

    Args:
      faces: the training people.
      config: of the phase.
      seed: of order and augmentation.

    Raises:
      ValueError: a batch that the faces cannot fill, or that could have no triplet.
    """
    sources = list(faces.images.values())

    def view(index: int, rng: np.random.Generator) -> Batch:
        image = sources[rng.integers(len(sources))][index]
        return Batch(augment(image, config.augment, rng), faces.label[index])

    return batches_of(config, faces.label, view, seed=seed)


def as_facts(recipe: Recipe) -> list[dict[str, Any]]:
    """A recipe as JSON can hold it."""
    return [_finite(asdict(config)) for config in recipe]


def _key(faces: FaceSet, network: Any, recipe: Recipe, seed: int) -> str:
    settings = [list(faces.images), asdict(network), [asdict(one) for one in recipe], seed]
    return faces.key(settings)


def _finite(value: Any) -> Any:
    """The same, with infinity as a word: JSON has none."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return "inf" if value == float("inf") else value
