"""Train FaceNet on a folder of people, measure it on others, and export its weights.

    python -m experiments.train_facenet --train-dir DIR
    python -m experiments.train_facenet --train-dir DIR --ship
    python -m experiments.train_facenet --train-dir DIR --recipe paper
    python -m experiments.train_facenet --train-dir DIR --recipe paper-size --network NN1

The weights go to the cache as `<recipe>.npz` and `.json`, and with `--ship` into the package; those
of a changed recipe as `<recipe>-changed-<checksum of its settings>`, so that they replace no
other's. A training that was killed goes on from its last checkpoint; one that is done is only read.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from common.data.cache import cache_dir, clear_disk_errors
from common.data.folders import read_folder
from experiments.face_sets import read_faces
from experiments.facenet_training import as_facts, train
from experiments.folder_facts import folder_facts
from experiments.held_out import HeldOut
from experiments.training_command import named_folder, ship
from experiments.training_faces import validation_pairs
from facenet_jax.config import (
    NN1,
    NN4_SMALL,
    RESIDUAL,
    RESIDUAL_PRELU,
    Network,
    NetworkConfig,
    network_config,
)
from facenet_jax.recipes import (
    PAPER,
    PAPER_SMALL,
    SMALL_DATA,
    SMALL_DATA_NN4,
    SMALL_DATA_RESIDUAL,
    Recipe,
)
from facenet_jax.sampling import IdentityBatches
from facenet_jax.weights import SHIPPED, save_weights

Name: TypeAlias = Literal[
    "small-data", "small-data-residual", "small-data-nn4", "paper", "paper-size", "tiny"
]
Alignment: TypeAlias = Literal["aligned", "center-crop"]
RECIPES: dict[str, tuple[NetworkConfig, Recipe]] = {
    "small-data": (RESIDUAL_PRELU, SMALL_DATA),
    "small-data-residual": (RESIDUAL, SMALL_DATA_RESIDUAL),
    "small-data-nn4": (NN4_SMALL, SMALL_DATA_NN4),
    "paper": (replace(NN4_SMALL, batch_norm=False, response_norm=True), PAPER_SMALL),
    "paper-size": (NN1, PAPER),
}
INPUTS: tuple[Alignment, ...] = ("aligned",)
"""Of the training faces, where nothing else is asked for."""
SEED = 0


def train_folder(
    folder: Path,
    name: Name = "small-data",
    *,
    alignments: Sequence[Alignment] = INPUTS,
    network: NetworkConfig | None = None,
    recipe: Recipe | None = None,
    folds: int = 10,
    pairs: int = 300,
    seed: int = SEED,
    from_scratch: bool = False,
    small: bool = True,
) -> Path:
    """Train on a folder and export; returns the weights' file in the cache.

    Args:
      folder: of training people.
      name: of the recipe, and of the file if nothing of the recipe is changed.
      alignments: of the faces; the held-out people are measured under the first.
      network: instead of the recipe's own.
      recipe: instead of the one that is named.
      folds: of the held-out people.
      pairs: of each kind, in each of those folds.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name.
      small: refuse weights that are too large to be shipped.

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
    exported = export_name(name, network, recipe, alignments=alignments, seed=seed)
    facts = {"name": exported, **trained.facts}
    facts["training"] = {**about, **facts["training"]}
    path = export_path(exported)
    with clear_disk_errors(path):
        save_weights(trained.weights, network, facts, path, small=small)
    return path


def export_name(
    name: str,
    network: NetworkConfig,
    recipe: Recipe,
    *,
    alignments: Sequence[str] = INPUTS,
    seed: int = SEED,
) -> str:
    """The recipe's name, or one of its own for a training that is not quite by the recipe."""
    used = network, recipe, tuple(alignments), seed
    if name not in RECIPES or used == (*RECIPES[name], INPUTS, SEED):
        return name
    settings = [asdict(network), as_facts(recipe), list(alignments), seed]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    return f"{name}-changed-{digest.hexdigest()[:8]}"


def export_path(name: str) -> Path:
    """Of the weights of that name, in the cache."""
    return cache_dir("facenet", "exported") / f"{name}.npz"


def _check(folder: Path, recipe: Recipe, *, folds: int, pairs: int) -> None:
    """Find out before hours of work that batches or pairs cannot be made; raises ValueError."""
    label = read_folder(folder, "train").label
    for config in recipe:
        if config.identities:
            IdentityBatches(
                label, identities=config.identities, faces=config.faces, negatives=config.negatives
            )
    validation_pairs(read_folder(folder, "validation").label, folds=folds, pairs=pairs)


@dataclass(frozen=True)
class Options:
    """Train FaceNet on a folder of people."""

    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    recipe: Literal[
        "small-data", "small-data-residual", "small-data-nn4", "paper", "paper-size"
    ] = "small-data"
    """For little data, with a network of ours (the shipped one, or an earlier one) or with NN4; the
    paper's for twenty faces a person; or the paper's run: see `python -m experiments.plan facenet`
    first."""
    network: Network | None = None
    """One of the paper's in its full width, or a residual one, instead of the recipe's."""
    chunk: int | None = None
    """Faces that are embedded at a time, to save memory, instead of the recipe's."""
    alignments: tuple[Alignment, ...] = INPUTS
    """Of the training faces; with both, each view is drawn from one of them."""
    epochs: tuple[float, ...] = ()
    """Of each phase, instead of the recipe's."""
    width: float | None = None
    """Of the network, instead of the recipe's."""
    seed: int = SEED
    """Of weights, order and augmentation."""
    from_scratch: bool = False
    """Forget an earlier training with the same settings."""
    ship: bool = False
    """Copy the weights into the package, with a card."""


def main(options: Options) -> int:
    """Train, export, say where; returns the exit code."""
    from common.training import TrainingError
    from experiments.facenet_card import write_card

    try:
        folder = named_folder(options.train_dir)
        network, recipe = RECIPES[options.recipe]
        if options.network is not None:
            network = network_config(options.network)
        if options.chunk is not None:
            recipe = tuple(replace(phase, chunk=options.chunk) for phase in recipe)
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
            folder, options.recipe, alignments=options.alignments, network=network,
            recipe=recipe, seed=options.seed, from_scratch=options.from_scratch,
            small=options.ship or options.recipe != "paper-size",
        )  # fmt: skip
        if options.ship:
            ship(path, SHIPPED, write_card)
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"weights: {SHIPPED if options.ship else path}")
    return 0


if __name__ == "__main__":
    import tyro

    sys.exit(main(tyro.cli(Options, description=__doc__)))
