"""Train SphereFace on a folder of people, measure it on others, and export its weights.

    python -m experiments.train_sphereface --train-dir DIR
    python -m experiments.train_sphereface --train-dir DIR --ship
    python -m experiments.train_sphereface --train-dir DIR --epochs 4 --width 0.375 --m 2

The weights go to the cache as `small.npz` and `.json`, and with `--ship` into the package, with a
card. A training that was killed goes on from its last checkpoint; one that is done is only read.
Some twenty minutes on one core, with the values that stand here.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from common.data.cache import cache_dir, clear_disk_errors
from common.training import TrainingError
from experiments.face_sets import read_faces
from experiments.folder_facts import folder_facts
from experiments.held_out import HeldOut
from experiments.sphereface_card import write_card
from experiments.sphereface_training import train
from experiments.training_command import named_folder, ship
from sphereface_jax.config import SMALL, SMALL_DATA, NetworkConfig, TrainConfig
from sphereface_jax.weights import SHIPPED, save_weights

ALIGNMENT = "aligned"
"""Of `experiments.face_sets.ALIGNMENTS`: by a similarity transform of the landmarks."""


def train_folder(
    folder: Path,
    name: str = "small",
    *,
    network: NetworkConfig = SMALL,
    config: TrainConfig = SMALL_DATA,
    folds: int = 10,
    pairs: int = 300,
    seed: int = 0,
    from_scratch: bool = False,
    small: bool = True,
) -> Path:
    """Train on a folder and export; returns the weights' file in the cache.

    Args:
      folder: of training people.
      name: of the file.
      network: its layers.
      config: of the training.
      folds: of the held-out people.
      pairs: of each kind, in each of those folds.
      seed: of weights, order and augmentation.
      from_scratch: forget an earlier training of the same name that is done.
      small: refuse weights that are too large to be shipped.

    Raises:
      FolderError, ImageError, CacheError, TrainingError, ValueError: it cannot be trained on.
    """
    others = read_faces(folder, "validation", [ALIGNMENT], network.side)
    held_out = HeldOut.of(others, ALIGNMENT, folds=folds, pairs=pairs)
    faces = read_faces(folder, "train", [ALIGNMENT], network.side)
    about = folder_facts(folder, faces.sha256)
    trained = train(faces, held_out, network, config, seed=seed, from_scratch=from_scratch)
    facts = {"name": name, **trained.facts}
    facts["training"] = {**about, **facts["training"]}
    path = cache_dir("sphereface", "exported") / f"{name}.npz"
    with clear_disk_errors(path):
        save_weights(trained.weights, network, facts, path, small=small)
    return path


@dataclass(frozen=True)
class Options:
    """Train SphereFace on a folder of people."""

    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    network: NetworkConfig = SMALL
    train: TrainConfig = SMALL_DATA
    seed: int = 0
    """Of weights, order and augmentation."""
    from_scratch: bool = False
    """Forget an earlier training with the same settings."""
    ship: bool = False
    """Copy the weights into the package, with a card."""


def main(options: Options) -> int:
    """Train, export, say where; returns the exit code."""
    try:
        path = train_folder(
            named_folder(options.train_dir), network=options.network, config=options.train,
            seed=options.seed, from_scratch=options.from_scratch, small=options.ship,
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

    # Every field of the network and of the training is an option by its own name.
    sys.exit(main(tyro.cli(Options, description=__doc__, config=(tyro.conf.OmitArgPrefixes,))))
