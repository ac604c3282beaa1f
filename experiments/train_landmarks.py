"""Train the landmark network, measure it, and ship its weights.

    python -m experiments.train_landmarks --train-dir DIR

DIR (or FACES_TRAIN_DIR) has `<identity>/<image>.jpg` with `identities.csv` and `landmarks.npz`.
People of the split `train` are trained on; those of `validation` are measured on. About 50 minutes
on two CPU cores. A run that was stopped goes on where its last checkpoint was. At the end, `--ship`
puts weights.npz, errors.json and error_covariance.npz into common/landmarks; else they stay with
the checkpoints in the run's folder.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from common.checkpoint import Checkpoints
from common.data.loader import shuffled_batches
from common.images import ImageError
from common.landmarks.augment import augment, view_of
from common.landmarks.network import NetworkConfig
from common.landmarks.points import eye_distance
from common.landmarks.squares import Squares
from common.landmarks.train import (
    COMPILER_OPTIONS,
    Batch,
    TrainConfig,
    TrainState,
    make_step,
    start,
)
from common.landmarks.weights import SHIPPED, load_network, save_weights
from common.training import Batches, Schedule, TrainingError, fit
from experiments.alignment.landmark_errors import measure, write_record
from experiments.alignment.landmark_faces import FacesError, LandmarkFaces, read_faces

_WATCHED = 512
"""Validation faces that are looked at while training; all of them are measured at its end."""


@dataclass(frozen=True)
class TrainLandmarks:
    """Train the landmark network."""

    train_dir: Path | None = None
    """The training folder; FACES_TRAIN_DIR when not named."""
    run: Path = Path("runs/landmarks")
    """Checkpoints, and what the run makes."""
    ship: bool = False
    """Put weights, errors and their covariance into common/landmarks."""
    train: TrainConfig = field(default_factory=TrainConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    seed: int = 0
    threads: int = 2
    """To read and augment in."""


def training_batches(
    faces: LandmarkFaces, config: TrainConfig, network: NetworkConfig, seed: int, threads: int
) -> Batches:
    """Endless shuffled batches of augmented views; the same for the same seed."""

    def view(index: int, rng: np.random.Generator) -> Batch:
        image, points = faces[index]
        return Batch(*augment(image, points, network.side, rng))

    return shuffled_batches(len(faces), view, batch=config.batch, seed=seed, threads=threads)


def validation_error(
    faces: LandmarkFaces, graph: Any, network: NetworkConfig, count: int
) -> Callable[[TrainState], dict[str, float]]:
    """What to show while training: the averaged weights' error on some validation faces."""
    from flax import nnx

    numbers = np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int)
    pairs = []
    for number in numbers:
        image, points = faces[int(number)]
        whole = Squares(
            np.full((1, 2), (len(image) - 1) / 2), np.array([float(len(image))]), np.zeros(1)
        )
        pairs.append(view_of(image, points, whole, network.side))
    views, targets = (np.stack(column) for column in zip(*pairs, strict=True))

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS)
    def error(weights: Any) -> jax.Array:
        predicted = nnx.merge(graph, weights)(jnp.asarray(views, jnp.float32) / 255)
        off = jnp.linalg.norm(predicted[..., :2] - targets[..., :2], axis=-1)
        return jnp.mean(off.mean(-1) / eye_distance(targets))

    return lambda state: {"validation error": float(error(state.average))}


def train(options: TrainLandmarks, folder: Path) -> None:
    """Train, measure, and write what came of it.

    Raises:
      FacesError, ImageError: the folder cannot be trained on.
      TrainingError: the loss is no number.
    """
    network, config = options.network, options.train
    faces, held_out = read_faces(folder, "train"), read_faces(folder, "validation")
    graph, state = start(config, network, options.seed)
    with Checkpoints(options.run / "checkpoints") as checkpoints:
        state, seconds = fit(
            make_step(config, graph),
            state,
            training_batches(faces, config, network, options.seed, options.threads),
            Schedule(steps=config.steps, batch=config.batch),
            evaluate=validation_error(held_out, graph, network, _WATCHED),
            checkpoints=checkpoints,
        )
    target = SHIPPED.parent if options.ship else options.run
    target.mkdir(parents=True, exist_ok=True)
    save_weights(state.average, target / SHIPPED.name)
    # Measured is what is shipped: the file, with its rounding.
    measured = measure(load_network(target / SHIPPED.name, network), held_out)
    record = write_record(
        measured,
        target,
        held_out=held_out,
        trained_on=faces,
        config=config,
        network=network,
        seed=options.seed,
        steps_done=int(state.step),
        minutes=seconds / 60,
    )
    print(f"{target}: error {record['as_handed']['normalized_mean_error']:.4f}")


def main(options: TrainLandmarks) -> int:
    """Train; returns the exit code."""
    folder = options.train_dir or os.environ.get("FACES_TRAIN_DIR")
    if not folder:
        print("error: name the training folder: --train-dir or FACES_TRAIN_DIR", file=sys.stderr)
        return 2
    try:
        train(options, Path(folder))
    except (FacesError, ImageError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(TrainLandmarks, description=__doc__)))
