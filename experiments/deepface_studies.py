"""DeepFace's Table 1 at this scale: how wrong is the network about people it was trained on?

    python -m experiments.deepface_studies --train-dir DIR
    python -m experiments.deepface_studies depth --train-dir DIR --record

`identities` varies the number of people, `share` the number of their images, `depth` the layers:
nine trainings of a small network of DeepFace's layers, an hour in all on two cores. A training that
was killed goes on, one that is done is only read. Records go to `runs/deepface-studies/`, and with
`--record` to the committed ones, from which docs/deepface.md has its table.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tyro
from rich.console import Console
from rich.table import Table

from common import records
from common.data.folders import read_folder
from experiments.folder_facts import folder_facts
from experiments.paper_numbers import DEEPFACE_STUDIES
from experiments.studies import deepface_table1, study_records
from experiments.studies.deepface_table1 import Short
from experiments.studies.study_records import Study
from experiments.train_deepface_small import RECIPE
from experiments.training_command import named_folder
from experiments.training_faces import TrainingFaces, aligned_folder

RECORDS = Path(__file__).parent / "results" / "studies"
Name: TypeAlias = Literal["identities", "share", "depth"]
STUDIES: dict[Name, tuple[str, Callable[[TrainingFaces, Short], list[dict]]]] = {
    "identities": ("people, each with all images", deepface_table1.identities),
    "share": ("share of each person's images", deepface_table1.shares),
    "depth": ("layers", deepface_table1.depths),
}
TOLERANCE = 0.03
"""Of an error rate on some hundred faces."""


@dataclass(frozen=True)
class Options:
    """DeepFace's Table 1 with a small network."""

    studies: Annotated[tuple[Name, ...], tyro.conf.Positional] = ()
    """Which; all when none is named."""
    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    epochs: float = Short.config.epochs
    """Of each training."""
    record: bool = False
    """Replace the committed records."""
    runs: Path = Path("runs")
    """Where records go."""

    @property
    def command(self) -> str:
        """What was typed, without paths."""
        words = ["python -m experiments.deepface_studies", *self.studies]
        if self.epochs != Short.config.epochs:
            words += ["--epochs", f"{self.epochs:g}"]
        return " ".join([*words, *(["--record"] if self.record else [])])


def study(folder: Path, faces: TrainingFaces, short: Short, name: Name, command: str) -> Study:
    """Measure one of the studies.

    Args:
      folder: of the faces, for what is known of it.
      faces: the training people, aligned.
      short: how to train.
      name: of the study.
      command: as it was typed.
    """
    start = time.perf_counter()
    varied, measure = STUDIES[name]
    points = measure(faces, short)
    facts = folder_facts(folder, faces.folder.sha256)
    known = {"sha256": faces.folder.sha256, "identities": len(faces.folder.people)}
    return Study(
        study=f"deepface-{name}", varied=varied, points=points,
        data={"name": f"{facts['data']}: held-out images of the training people", **known,
              "images": len(faces.held_out), "alignment": RECIPE.align.stage},
        training={"data": facts["data"], "lfw_overlap": facts["lfw_overlap"], **known,
                  "images": len(faces.training)},
        model=asdict(short.network),
        config={**asdict(short.config), "clip": str(short.config.clip)},
        published=DEEPFACE_STUDIES[f"deepface-{name}"].as_record(),
        seed=short.seed, seconds=round(time.perf_counter() - start, 2), tolerance=TOLERANCE,
        command=command, commit=records.commit(), device=records.device(),
        versions=records.versions(), synthetic=False,
    )  # fmt: skip


def main(options: Options) -> int:
    """Train, measure, record; returns the exit code."""
    from common.training import TrainingError

    console = Console()
    try:
        folder = named_folder(options.train_dir)
        faces = aligned_folder(read_folder(folder, "train"), RECIPE.align)
        short = Short(config=replace(Short.config, epochs=options.epochs))
        for name in options.studies or tuple(STUDIES):
            found = study(folder, faces, short, name, options.command)
            study_records.write(found, options.runs / "deepface-studies")
            console.print(_table(found))
            if options.record:
                study_records.write(found, RECORDS)
                console.print("recorded; python -m experiments.tables puts it on the page")
    except KeyboardInterrupt:
        console.print("\ninterrupted; what was trained so far is kept")
        return 130
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _table(found: Study) -> Table:
    table = Table(title=found.study)
    for column in (found.varied, "error", "standard error", "images", "people"):
        table.add_column(column, justify="right")
    for p in found.points:
        table.add_row(p["setting"], f"{p['error']:.4f}", f"{p['standard_error']:.4f}",
                      f"{p['images']:,}", f"{p['identities']:,}")  # fmt: skip
    return table


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
