"""Train FaceNet on a folder of people, or take the checkpoint of a training that is done.

    python -m experiments.facenet_training --train-dir DIR
    python -m experiments.facenet_training --train-dir DIR --ship
    python -m experiments.facenet_training --train-dir DIR --recipe paper

A training is named by all that it depends on: the faces, the network, the recipe, the seed. One
that was killed goes on from its last checkpoint, exactly; one that is done is only read. Its
weights go to the cache as `<recipe>.npz` and `.json`, and with `--ship` into the package.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from common.augment import augment
from common.checkpoint import Checkpoints
from common.curves import Curves
from common.data.cache import cache_dir, clear_disk_errors
from common.data.folders import read_folder
from common.data.locking import locked
from common.data.progress import note
from common.records import device, versions
from common.training import Schedule, fit
from experiments.facenet_faces import FaceSet, read_faces
from experiments.folder_facts import folder_facts
from experiments.held_out import HeldOut
from experiments.training_faces import validation_pairs
from facenet_jax.collapse import CollapseAlarm, guarded
from facenet_jax.config import NN4_HALF, NetworkConfig
from facenet_jax.recipes import PAPER_SMALL, SMALL_DATA, Recipe
from facenet_jax.sampling import IdentityBatches
from facenet_jax.train import Batch, TrainState, Weights, embed_all, make_embed, make_step, start
from facenet_jax.views import batches_of
from facenet_jax.weights import SHIPPED, rounded, save_weights

Name: TypeAlias = Literal["small-data", "paper", "tiny"]
Alignment: TypeAlias = Literal["aligned", "center-crop"]
RECIPES: dict[str, tuple[NetworkConfig, Recipe]] = {
    "small-data": (NN4_HALF, SMALL_DATA),
    "paper": (replace(NN4_HALF, batch_norm=False), PAPER_SMALL),
}
EVALUATIONS = 12
"""Of the held-out people, in each phase."""
SAVE_SECONDS = 120.0


@dataclass(frozen=True)
class Trained:
    """A network after its last phase."""

    network: NetworkConfig
    weights: Weights
    facts: dict[str, Any]
    """What the training was, and what was measured on the held-out people."""


def train(
    faces: FaceSet,
    held_out: HeldOut,
    network: NetworkConfig,
    recipe: Recipe,
    *,
    seed: int = 0,
    from_scratch: bool = False,
) -> Trained:
    """Train all phases to their end, each from its last checkpoint if there is one.

    Args:
      faces: the training people; where there are several alignments, each view is drawn from one.
      held_out: other people, whom the network is measured on.
      network: its layers.
      recipe: the phases.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name that is done; one that was killed
        goes on.

    Raises:
      ValueError: batches that the faces cannot fill, or a checkpoint that does not fit.
      CacheError: the disk is full.
      TrainingError: the loss is not finite, or the embeddings have collapsed.
    """
    folder = cache_dir("facenet", _key(faces, network, recipe, seed))
    with locked(folder):
        return _train(faces, held_out, network, recipe, folder, seed, from_scratch)


def _train(
    faces: FaceSet,
    held_out: HeldOut,
    network: NetworkConfig,
    recipe: Recipe,
    folder: Path,
    seed: int,
    from_scratch: bool,
) -> Trained:
    done = folder / "done"
    if from_scratch and done.exists():
        shutil.rmtree(folder)
        folder.mkdir()
    sources, count = list(faces.images.values()), len(faces.label)
    weights, embed, seconds, steps = None, None, 0.0, []
    for number, config in enumerate(recipe):

        def view(index: int, rng: np.random.Generator, config: Any = config) -> Batch:
            image = sources[rng.integers(len(sources))][index]
            return Batch(augment(image, config.augment, rng), faces.label[index])

        note(f"phase {number + 1} of {len(recipe)}: {config.steps(count):,} steps")
        graph, state = start(
            network, config, people=faces.people, faces=count, seed=seed, begin=weights
        )
        embed = embed or make_embed(graph)

        def evaluate(state: TrainState, embed: Any = embed) -> dict[str, float]:
            seen = state.seen
            return {
                **held_out.watch(embed_all(embed, state.result, held_out.images)),
                "active": float(seen.active), "spread": float(seen.spread),
            }  # fmt: skip

        own = folder / f"phase{number}"
        with (
            clear_disk_errors(own),
            Checkpoints(own / "checkpoints", keep=1) as checkpoints,
            Curves(own / "curves") as curves,
        ):
            total = config.steps(count)
            state, took = fit(
                guarded(make_step(config, graph, faces=count, seed=seed), CollapseAlarm()),
                state,
                batches_of(config, faces.label, view, seed=seed),
                Schedule(total, config.batch, evaluate_every=max(1, total // EVALUATIONS),
                         save_seconds=SAVE_SECONDS),
                evaluate=evaluate,
                checkpoints=checkpoints,
                log=curves,
            )  # fmt: skip
        weights = state.result
        seconds += took
        steps.append(total)
    assert weights is not None and embed is not None, "a recipe has a phase"
    done.touch()
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


def as_facts(recipe: Recipe) -> list[dict[str, Any]]:
    """A recipe as JSON can hold it."""
    return [_finite(asdict(config)) for config in recipe]


def train_folder(
    folder: Path,
    name: Name = "small-data",
    *,
    alignments: Sequence[Alignment] = ("aligned",),
    network: NetworkConfig | None = None,
    recipe: Recipe | None = None,
    folds: int = 10,
    pairs: int = 300,
    seed: int = 0,
    from_scratch: bool = False,
) -> Path:
    """Train on a folder and export; returns the weights' file in the cache.

    Args:
      folder: of training people.
      name: of the recipe, and of the file.
      alignments: of the faces; the held-out people are measured under the first.
      network: instead of the recipe's own.
      recipe: instead of the one that is named.
      folds: of the held-out people.
      pairs: of each kind, in each of those folds.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name.

    Raises:
      FolderError, ImageError, CacheError, TrainingError, ValueError: it cannot be trained on.
    """
    if network is None or recipe is None:
        usual = RECIPES[name]
        network, recipe = network or usual[0], recipe or usual[1]
    _check(folder, recipe, folds=folds, pairs=pairs)
    faces = read_faces(folder, "train", alignments, network.side)
    about = folder_facts(folder, faces.sha256)
    others = read_faces(folder, "validation", alignments[:1], network.side)
    held_out = HeldOut.of(others, alignments[0], folds=folds, pairs=pairs)
    trained = train(faces, held_out, network, recipe, seed=seed, from_scratch=from_scratch)
    facts = {"name": name, **trained.facts}
    facts["training"] = {**about, **facts["training"]}
    path = cache_dir("facenet", "exported") / f"{name}.npz"
    with clear_disk_errors(path):
        save_weights(trained.weights, network, facts, path)
    return path


def _check(folder: Path, recipe: Recipe, *, folds: int, pairs: int) -> None:
    """Find out before hours of work that batches or pairs cannot be made; raises ValueError."""
    label = read_folder(folder, "train").label
    for config in recipe:
        if config.identities:
            IdentityBatches(
                label, identities=config.identities, faces=config.faces, negatives=config.negatives
            )
    validation_pairs(read_folder(folder, "validation").label, folds=folds, pairs=pairs)


def _key(faces: FaceSet, network: NetworkConfig, recipe: Recipe, seed: int) -> str:
    settings = [list(faces.images), asdict(network), [asdict(one) for one in recipe], seed]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(faces.label.tobytes())
    for images in faces.images.values():
        digest.update(images.tobytes())
    return digest.hexdigest()[:32]


def _finite(value: Any) -> Any:
    """The same, with infinity as a word: JSON has none."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return "inf" if value == float("inf") else value


@dataclass(frozen=True)
class Options:
    """Train FaceNet on a folder of people."""

    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    recipe: Literal["small-data", "paper"] = "small-data"
    """The recipe for little data, or the paper's."""
    alignments: tuple[Alignment, ...] = ("aligned",)
    """Of the training faces; with both, each view is drawn from one of them."""
    epochs: tuple[float, ...] = ()
    """Of each phase, instead of the recipe's."""
    width: float | None = None
    """Of the network, instead of the recipe's."""
    seed: int = 0
    """Of weights, order and augmentation."""
    from_scratch: bool = False
    """Forget an earlier training with the same settings."""
    ship: bool = False
    """Copy the weights into the package, with a card."""


def main(options: Options) -> int:
    """Train, export, say where; returns the exit code."""
    from common.training import TrainingError
    from experiments.facenet_card import write_card

    named = options.train_dir or os.environ.get("FACES_TRAIN_DIR")
    try:
        if not named:
            raise ValueError("no training folder: name one by --train-dir or FACES_TRAIN_DIR")
        network, recipe = RECIPES[options.recipe]
        if options.width is not None:
            network = replace(network, width=options.width)
        if options.epochs and len(options.epochs) != len(recipe):
            raise ValueError(
                f"--epochs has {len(options.epochs)} numbers; the recipe has {len(recipe)} phases"
            )
        if options.epochs:
            phases = zip(recipe, options.epochs, strict=True)
            recipe = tuple(replace(phase, epochs=epochs) for phase, epochs in phases)
        path = train_folder(
            Path(named), options.recipe, alignments=options.alignments, network=network,
            recipe=recipe, seed=options.seed, from_scratch=options.from_scratch,
        )  # fmt: skip
        if options.ship:
            for suffix in (".npz", ".json"):
                shutil.copyfile(path.with_suffix(suffix), SHIPPED.with_suffix(suffix))
            write_card(SHIPPED)
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"weights: {SHIPPED if options.ship else path}")
    return 0


if __name__ == "__main__":
    import tyro

    sys.exit(main(tyro.cli(Options, description=__doc__)))
