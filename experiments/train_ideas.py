"""The trainings of the row `ideas`, watched on held-out people; LFW is not looked at.

    python -m experiments.train_ideas --train-dir DIR --epochs 1 --learning-rate 0.002
    python -m experiments.train_ideas local-softmax-3d local-triplets-3d --train-dir DIR

This is to choose by: the row takes what stands in `experiments.ideas_training.Short`. A training
that was killed goes on, one with the same settings that is done is only read.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from common.data.progress import note
from common.training import TrainingError
from experiments.ideas import BUNDLES, Bundle
from experiments.ideas_training import Short, Trainings
from experiments.training_command import named_folder


@dataclass(frozen=True)
class Options:
    """The trainings of the row `ideas`, watched on held-out people."""

    bundles: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """As `local-softmax-3d`; all eight when none is named."""
    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    short: Annotated[Short, tyro.conf.arg(name="")] = Short()
    """The recipe."""


def main(options: Options, trainings: Trainings | None = None) -> int:
    """Train, and print what the held-out people say; returns the exit code."""
    console = Console()
    try:
        wanted = _named(options.bundles)
        folder = named_folder(options.train_dir)
        trainings = trainings or Trainings(short=options.short)
        table = Table(title="held-out people")
        for column in ("bundle", "accuracy", "VAL at FAR 0.001", "hours"):
            table.add_column(column, justify="right")
        for bundle, faces, held_out in trainings.sets(folder, wanted):
            note(f"training, or restoring, {bundle.name}")
            facts = trainings.train(bundle, faces, held_out).facts
            (val,) = facts["held_out"]["val_at_far"].values()
            found = [f"{one['mean']:.4f} ± {one['standard_error']:.4f}"
                     for one in (facts["held_out"]["accuracy"], val)]  # fmt: skip
            table.add_row(bundle.name, *found, f"{facts['training']['hours']:.3f}")
        console.print(table)
    except KeyboardInterrupt:
        console.print("\ninterrupted; what was trained so far is kept")
        return 130
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _named(names: tuple[str, ...]) -> tuple[Bundle, ...]:
    known = {bundle.name: bundle for bundle in BUNDLES}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no bundle {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(known[name] for name in names) or BUNDLES


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
