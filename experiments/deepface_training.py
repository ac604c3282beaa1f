"""Train DeepFace on a folder of people, or take the checkpoint of a training that is done.

A training is named by what goes into it: the aligned faces, the network, the recipe, the seed. The
code that trains is not part of the name: one that is done under older code is still read, and its
summary says of which commit it is. One that was killed goes on from its last checkpoint.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from common.augment import augment
from common.batching import in_batches
from common.checkpoint import Checkpoints
from common.curves import Curves
from common.data.cache import cache_dir, clear_disk_errors
from common.data.loader import shuffled_batches
from common.data.locking import locked
from common.data.progress import progress
from common.records import commit, device, versions
from common.training import Schedule, fit
from deepface_jax.network_config import NetworkConfig
from deepface_jax.normalize import maximum_of
from deepface_jax.sharding import make_mesh, on_mesh, place
from deepface_jax.train import (
    Batch,
    TrainConfig,
    TrainState,
    make_classify,
    make_features,
    make_step,
    start,
)
from experiments.network_inputs import Input, network_inputs
from experiments.training_faces import TrainingFaces

SAVE_SECONDS = 600.0
"""A checkpoint of the full network is about a gigabyte."""
WATCHED = 512
"""Held-out faces that are classified while training; all of them at its end."""
PART = 1024
"""Faces that are read at a time: a training set may be larger than the memory."""


@dataclass(frozen=True)
class Trained:
    """A trained network, ready to represent faces."""

    network: NetworkConfig
    kind: Input
    """What the network sees of an aligned face."""
    weights: Any
    features: Callable[[Any, Any], Any]
    maximum: Float[np.ndarray, " units"]
    """Of each unit of F7 over the training faces, for `normalize`."""
    summary: dict[str, Any]
    """What the training was: images, identities, hours, held-out error, and the code that ended it
    (none in the summaries of older trainings)."""

    def represent(
        self, images: UInt8[np.ndarray, "faces size size 3"]
    ) -> Float[np.ndarray, "faces units"]:
        """G(I) of aligned faces, with progress."""
        images = network_inputs(images, self.network.side, self.kind)
        with progress("Representing faces", len(images)) as advance:
            return in_batches(partial(self.features, self.weights), images, advance=advance)


def train(
    faces: TrainingFaces,
    network: NetworkConfig,
    config: TrainConfig,
    *,
    kind: Input = "rgb",
    seed: int = 0,
    from_scratch: bool = False,
    kernel_parts: int = 1,
) -> Trained:
    """Train to the end, from the last checkpoint if there is one.

    Args:
      faces: the training people, aligned.
      network: its classes must be the people.
      config: of the training.
      kind: what the network sees of a face, after augmentation.
      seed: of weights, order, augmentation and dropout.
      from_scratch: forget an earlier training of the same name that is done; one that was killed
        goes on.
      kernel_parts: in how many parts, one a device, the large kernels are split; the batch is split
        over what devices are left.

    Raises:
      ValueError: the classes are not the people, a checkpoint does not fit, or the devices cannot
        be divided so.
      CacheError: the disk is full.
      TrainingError: the loss is not finite.
    """
    people = len(faces.folder.people)
    if network.classes != people:
        raise ValueError(
            f"the network has {network.classes} classes and the folder {people} people; wanted the "
            "same number"
        )
    numbers, label = faces.training, faces.folder.label.astype(np.int32)
    images = faces.aligned.images
    folder = training_folder(faces, network, config, kind=kind, seed=seed)
    done = folder / "training.json"

    def view(index: int, rng: np.random.Generator) -> Batch:
        number = numbers[index]
        one = augment(np.asarray(images[number]), config.augment, rng)
        return Batch(see(one[None])[0], label[number])

    def see(some: np.ndarray) -> np.ndarray:
        return network_inputs(some, network.side, kind)

    mesh = make_mesh(kernel_parts)
    graph, state = start(network, config, faces=len(numbers), seed=seed)
    state = place(mesh, state)
    features, classify = make_features(graph), make_classify(graph, config.cosine_scale)

    def error(state: TrainState, chosen: Int[np.ndarray, " some"]) -> float:
        wrong = 0
        for some in _parts(chosen):
            found = in_batches(partial(classify, state.weights), see(images[some]))
            wrong += np.count_nonzero(found != label[some])
        return wrong / len(chosen)

    held_out = faces.held_out
    watched = held_out[np.linspace(0, len(held_out) - 1, min(WATCHED, len(held_out))).astype(int)]
    steps = config.steps(len(numbers))
    with ExitStack() as stack:
        stack.enter_context(locked(folder))
        stack.enter_context(clear_disk_errors(folder))
        if from_scratch and done.exists():
            _forget(folder)
        checkpoints = stack.enter_context(Checkpoints(folder / "checkpoints", keep=1))
        if done.exists() and (found := checkpoints.restore(state)) is not None:
            _, state, _ = found
        else:
            with Curves(folder / "curves") as curves:
                state, seconds = fit(
                    on_mesh(mesh, make_step(config, graph, faces=len(numbers), seed=seed)),
                    state,
                    shuffled_batches(len(numbers), view, batch=config.batch, seed=seed),
                    Schedule(steps, config.batch, evaluate_every=max(1, steps // 20),
                             save_seconds=SAVE_SECONDS, look_every=10),
                    evaluate=lambda state: {"held-out error": error(state, watched)},
                    checkpoints=checkpoints,
                    log=curves,
                )  # fmt: skip
            zeros = 0

            def represented(state: TrainState) -> Iterator[Float[np.ndarray, "some units"]]:
                nonlocal zeros
                with progress("Maxima over the training faces", len(numbers)) as advance:
                    for some in _parts(numbers):
                        G = in_batches(
                            partial(features, state.weights), see(images[some]), advance=advance
                        )
                        zeros += np.count_nonzero(G == 0)
                        yield G

            maximum = maximum_of(represented(state))
            with (folder / "maximum.part").open("wb") as file:
                np.save(file, maximum)
            (folder / "maximum.part").replace(folder / "maximum.npy")
            summary = {
                "images": len(numbers),
                "identities": people,
                "sha256": faces.folder.sha256,
                "hours": round(seconds / 3600, 3),
                "device": device(),
                "commit": commit(),
                "versions": versions(),
                "steps": steps,
                "held_out_images": len(held_out),
                "held_out_error": round(error(state, held_out), 4),
                "training_error": round(error(state, numbers[:: max(1, len(numbers) // 1024)]), 4),
                "zeros": round(zeros / (len(numbers) * len(maximum)), 4),
            }
            done.with_suffix(".part").write_text(json.dumps(summary, indent=1) + "\n")
            done.with_suffix(".part").replace(done)
    maximum = np.load(folder / "maximum.npy", allow_pickle=False)
    summary = json.loads(done.read_text())
    return Trained(network, kind, state.weights, features, maximum, summary)


def training_folder(
    faces: TrainingFaces,
    network: NetworkConfig,
    config: TrainConfig,
    *,
    kind: Input = "rgb",
    seed: int = 0,
) -> Path:
    """Where a training of this name is, or will be; it is done when `training.json` is there."""
    images = faces.aligned.images
    settings = [asdict(network), asdict(config), kind, seed, list(images.shape)]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(faces.folder.label.tobytes() + faces.training.tobytes())
    for begin in range(0, len(images), PART):
        digest.update(images[begin : begin + PART].tobytes())
    return cache_dir("deepface", digest.hexdigest()[:32])


def _parts(numbers: Int[np.ndarray, " images"]) -> Iterator[Int[np.ndarray, " some"]]:
    for begin in range(0, len(numbers), PART):
        yield numbers[begin : begin + PART]


def _forget(folder: Path) -> None:
    import shutil

    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
