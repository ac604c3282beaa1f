"""What the commands that train share: which folder, and where shipped weights go."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def named_folder(train_dir: Path | None) -> Path:
    """The folder of training people that the command line or FACES_TRAIN_DIR names.

    Raises:
      ValueError: neither does.
    """
    named = train_dir or os.environ.get("FACES_TRAIN_DIR")
    if not named:
        raise ValueError("no training folder: name one by --train-dir or FACES_TRAIN_DIR")
    return Path(named)


def ship(weights: Path, shipped: Path, write_card: Callable[[Path], Path]) -> None:
    """Copy a .npz and the .json beside it into the package, and write their card."""
    for suffix in (".npz", ".json"):
        shutil.copyfile(weights.with_suffix(suffix), shipped.with_suffix(suffix))
    write_card(shipped)
