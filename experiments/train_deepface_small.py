"""Train the small network of DeepFace's layers on a folder of people, and export its weights.

    python -m experiments.train_deepface_small --train-dir DIR
    python -m experiments.train_deepface_small --train-dir DIR --ship

The weights go to the cache as `small.npz` and `.json`, and with `--ship` into the package, with a
card. A training that was killed goes on from its last checkpoint. Half an hour on two cores.
"""

import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from common.data.cache import cache_dir, clear_disk_errors
from common.data.folders import read_folder
from common.records import versions
from common.training import TrainingError
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import DEEPFACE_SMALL
from deepface_jax.train import SMALL_DATA
from deepface_jax.weights import SHIPPED, save_weights
from experiments.deepface_card import write_card
from experiments.deepface_recipe import Recipe
from experiments.deepface_training import train
from experiments.folder_facts import folder_facts
from experiments.training_command import named_folder, ship
from experiments.training_faces import aligned_folder

RECIPE = Recipe(
    name="small-3d",
    network=DEEPFACE_SMALL,
    train=replace(SMALL_DATA, epochs=16.0, learning_rate=6e-4, warmup=1.0),
    align=AlignConfig(),
)


def train_small(folder: Path, exported: Path, *, from_scratch: bool = False) -> Path:
    """Train on a folder and export; returns the weights' file.

    Args:
      folder: of training people.
      exported: where the file goes.
      from_scratch: forget an earlier training of the same name that is done.

    Raises:
      FolderError, ImageError, CacheError, TrainingError, ValueError: it cannot be trained on.
    """
    faces = aligned_folder(read_folder(folder, "train"), RECIPE.align)
    about = folder_facts(folder, faces.folder.sha256)
    network = replace(RECIPE.network, classes=len(faces.folder.people))
    trained = train(
        faces, network, RECIPE.train, kind=RECIPE.kind, seed=RECIPE.seed, from_scratch=from_scratch
    )
    facts = {
        "name": RECIPE.name, "training": {**about, **trained.summary},
        "recipe": {**asdict(RECIPE.train), "clip": str(RECIPE.train.clip)},
        "align": asdict(RECIPE.align), "input": RECIPE.kind, "seed": RECIPE.seed,
        "versions": versions(),
    }  # fmt: skip
    path = exported / "small.npz"
    with clear_disk_errors(path):
        save_weights(trained.weights, trained.maximum, network, facts, path)
    return path


@dataclass(frozen=True)
class Options:
    """Train the small network of DeepFace's layers."""

    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    from_scratch: bool = False
    """Forget an earlier training with the same settings."""
    ship: bool = False
    """Copy the weights into the package, with a card."""


def main(options: Options) -> int:
    """Train, export, say where; returns the exit code."""
    try:
        folder = named_folder(options.train_dir)
        exported = cache_dir("deepface", "exported")
        path = train_small(folder, exported, from_scratch=options.from_scratch)
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
