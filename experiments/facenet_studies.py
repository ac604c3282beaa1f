"""FaceNet's studies, on people of the training folder who are not trained on.

    python -m experiments.facenet_studies --train-dir DIR
    python -m experiments.facenet_studies quality pixels --train-dir DIR --record
    python -m experiments.facenet_studies --tiny

`quality`, `pixels`, `quantization` and `clustering` are of the shipped weights and take minutes.
`embedding` and `share` train a small network seven times, each time for the same few hundred steps;
a training that was killed goes on, one that is done is only read. Records go to
`runs/facenet-studies/`, and with `--record` to the committed ones, from which docs/facenet.md has
its tables. The picture of the clusters shows faces of DIR: it stays in `runs/`.
"""

import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from common import records
from common.data.cache import cache_dir
from experiments import facenet_short, study_records, weight_studies
from experiments.face_sets import FaceSet, read_faces
from experiments.facenet_lfw import TINY, TINY_RECIPE
from experiments.facenet_short import Short
from experiments.facenet_training import as_facts
from experiments.folder_facts import folder_facts
from experiments.held_out import HeldOut
from experiments.paper_numbers import FACENET_STUDIES
from experiments.study_records import Study
from experiments.synthetic_folder import synthetic_folder
from experiments.train_facenet import train_folder
from experiments.training_command import named_folder
from experiments.weight_studies import Subject
from facenet_jax.embedder import Embedder
from facenet_jax.weights import SHIPPED

RECORDS = Path(__file__).parent / "results" / "studies"
ALIGNMENT = "aligned"
Name: TypeAlias = Literal["quality", "pixels", "quantization", "clustering", "embedding", "share"]
VARIED: dict[Name, str] = {
    "quality": "JPEG quality",
    "pixels": "pixels",
    "quantization": "numbers of an embedding",
    "clustering": "distance threshold, in thresholds of verification",
    "embedding": "embedding size",
    "share": "share of the training people",
}


@dataclass(frozen=True)
class Options:
    """FaceNet's studies on held-out people."""

    studies: Annotated[tuple[Name, ...], tyro.conf.Positional] = ()
    """Which; all when none is named."""
    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    weights: Path = SHIPPED
    """The .npz of the network that is studied; its .json lies beside it."""
    steps: tuple[int, ...] = Short.steps
    """Of the two phases of each training, for `embedding` and `share`."""
    record: bool = False
    """Replace the committed records."""
    tiny: bool = False
    """Synthetic people and a tiny network: end to end, no data. The figures mean nothing."""
    runs: Path = Path("runs")
    """Where records and the picture go."""

    @property
    def command(self) -> str:
        """What was typed, without paths."""
        words = ["python -m experiments.facenet_studies", *self.studies]
        if self.steps != Short.steps:
            words += ["--steps", *map(str, self.steps)]
        flags = {"--record": self.record, "--tiny": self.tiny}
        return " ".join([*words, *(flag for flag, on in flags.items() if on)])


class Bench:
    """What the studies share; each part is made when a study first asks for it."""

    def __init__(self, options: Options):
        self.options = options
        self.folder = _folder(options)
        self._pairs = {"folds": 2, "pairs": 30} if options.tiny else {}

    @cached_property
    def subject(self) -> Subject:
        """The trained network, and people it has not seen.

        Raises:
          ValueError: no weights, or weights that may have seen these people.
        """
        path = self.options.weights
        if self.options.tiny:
            path = train_folder(
                self.folder, "tiny", network=TINY, recipe=TINY_RECIPE, folds=2, pairs=30
            )
        embedder = Embedder.load(path)
        held_out = self.held_out(embedder.network.side)
        known = embedder.facts["held_out"]["sha256"]
        if known != held_out.sha256:
            raise ValueError(
                f"{path.name} was chosen on other people (checksum {known[:12]}) than this "
                f"folder's split `validation` ({held_out.sha256[:12]}), and may have been trained "
                "on some of these; name the folder that it was trained on"
            )
        return Subject(embedder, held_out)

    @cached_property
    def short(self) -> Short:
        """How small networks are trained."""
        if self.options.tiny:
            recipe = TINY_RECIPE[0], replace(TINY_RECIPE[1], identities=3, faces=3)
            return Short(replace(TINY, embedding_size=8), recipe, steps=(6, 2))
        return Short(steps=self.options.steps)

    @cached_property
    def faces(self) -> FaceSet:
        """The training people, at the small network's size."""
        return read_faces(self.folder, "train", (ALIGNMENT,), self.short.network.side)

    @cached_property
    def others(self) -> HeldOut:
        """The held-out people, at the small network's size."""
        return self.held_out(self.short.network.side)

    def held_out(self, side: int) -> HeldOut:
        """The people who are not trained on."""
        faces = read_faces(self.folder, "validation", (ALIGNMENT,), side)
        return HeldOut.of(faces, ALIGNMENT, **self._pairs)


def _folder(options: Options) -> Path:
    if options.tiny:
        return synthetic_folder(cache_dir("facenet", "synthetic"))
    return named_folder(options.train_dir)


def study(bench: Bench, name: Name) -> Study:
    """Measure one of the studies.

    Raises:
      ValueError, OSError, TrainingError: it cannot be measured; the message says why.
    """
    start = time.perf_counter()
    if name in ("embedding", "share"):
        points, config = _trained(bench, name)
        held_out, short = bench.others, bench.short
        training = {
            **_described(bench, bench.faces.sha256), "images": len(bench.faces.label),
            "identities": bench.faces.people, "sha256": bench.faces.sha256,
        }  # fmt: skip
        model, seed, tolerance = asdict(short.network), short.seed, 0.05
    else:
        points, config = _measured(bench, name)
        held_out, embedder = bench.subject.held_out, bench.subject.embedder
        keys = ("data", "images", "identities", "sha256", "lfw_overlap")
        training = {key: embedder.facts["training"][key] for key in keys}
        model = {**asdict(embedder.network), "parameters": embedder.parameters,
                 "recipe": embedder.facts["name"]}  # fmt: skip
        seed, tolerance = embedder.facts["seed"], 0.01
    published = FACENET_STUDIES.get(f"facenet-{name}")
    return Study(
        study=f"facenet-{name}", varied=VARIED[name], points=points,
        data={"name": f"{training['data']}: people who were not trained on",
              "sha256": held_out.sha256, "images": len(held_out.label),
              "identities": len(np.unique(held_out.label)), "alignment": ALIGNMENT},
        training=training, model=model, config=config,
        published=published.as_record() if published else {},
        seed=seed, seconds=round(time.perf_counter() - start, 2), tolerance=tolerance,
        command=bench.options.command, commit=records.commit(), device=records.device(),
        versions=records.versions(), synthetic=bench.options.tiny,
    )  # fmt: skip


def _trained(bench: Bench, name: Name) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    faces, others, short, tiny = bench.faces, bench.others, bench.short, bench.options.tiny
    config = {
        "steps": list(short.steps), "batch": [phase.batch for phase in short.recipe],
        "recipe": as_facts(short.phases(len(faces.label))),
    }  # fmt: skip
    if name == "embedding":
        sizes = (8, 16) if tiny else (64, 128, 256, 512)
        return facenet_short.embedding_sizes(faces, others, short, sizes), config
    config["people"] = "drawn at random, each with all faces; smaller shares within larger ones"
    return facenet_short.shares(faces, others, short, (2, 1) if tiny else (8, 4, 2, 1)), config


def _measured(bench: Bench, name: Name) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    subject = bench.subject
    if name == "quality":
        return weight_studies.quality(subject), {
            "how": "the aligned face at the network's size is written as a JPEG (Pillow, 4:2:0) "
            "and read again"
        }
    if name == "pixels":
        return weight_studies.pixels(subject), {
            "how": "the aligned face is shrunk by area averages, and enlarged to the network's "
            "size bilinearly"
        }
    if name == "quantization":
        return weight_studies.quantization(subject), {
            "how": "round(127 z), a signed byte a number; nothing is fitted"
        }
    points, clusters = weight_studies.clustering(subject)
    _draw(bench, clusters)
    return points, {
        "linkage": "average", "distance": "squared",
        "threshold": "of verification, fitted on pairs of the same held-out people",
    }  # fmt: skip


def _draw(bench: Bench, clusters: np.ndarray) -> None:
    from experiments import pictures
    from experiments.clusters_picture import clusters_figure

    held_out = bench.subject.held_out
    figure = clusters_figure(held_out.images, clusters, held_out.label)
    path = _runs(bench.options) / "clusters.png"
    pictures.save(figure, path, synthetic=bench.options.tiny)
    print(f"picture of the clusters: {path}")


def _described(bench: Bench, sha256: str) -> dict[str, str]:
    if bench.options.tiny:
        return {"data": "SYNTHETIC", "lfw_overlap": "excluded"}
    facts = folder_facts(bench.folder, sha256)
    return {"data": facts["data"], "lfw_overlap": facts["lfw_overlap"]}


def _runs(options: Options) -> Path:
    return options.runs / ("synthetic/facenet-studies" if options.tiny else "facenet-studies")


def main(options: Options) -> int:
    """Measure, record, compare; returns the exit code."""
    from common.training import TrainingError

    console = Console()
    mark = "[bold red]SYNTHETIC[/] " if options.tiny else ""
    agrees = True
    try:
        if options.record and options.tiny:
            raise ValueError("--tiny measures synthetic faces, which are not recorded")
        bench = Bench(options)
        for name in options.studies or tuple(VARIED):
            found = study(bench, name)
            study_records.write(found, _runs(options))
            console.print(_table(found, mark))
            if not options.tiny:
                same, said = _compared(found, options)
                agrees = agrees and same
                console.print(said, highlight=False)
    except KeyboardInterrupt:
        console.print("\ninterrupted; what was trained so far is kept")
        return 130
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if agrees else 1


def _compared(found: Study, options: Options) -> tuple[bool, str]:
    """Whether it agrees with the committed record, and a sentence; records it where asked to."""
    path = RECORDS / found.file_name
    if options.record:
        study_records.write(found, RECORDS)
        return True, f"recorded: {path.name}; python -m experiments.tables puts it on the pages"
    if not path.exists():
        return True, f"{found.study}: no committed record to compare with"
    apart = study_records.difference(found, study_records.read(path))
    if apart == float("inf"):
        return True, f"{found.study}: the committed record has other faces or settings"
    said = f"{apart:.4f} from the committed record at most, tolerance {found.tolerance}"
    same = apart <= found.tolerance
    return same, f"{found.study}: {said}" + ("" if same else " [red]DIFFERS[/]")


def _table(found: Study, mark: str) -> Table:
    names = list(dict.fromkeys(name for point in found.points for name in point))[1:]
    table = Table(title=f"{mark}{found.study}")
    for column in (found.varied, *names):
        table.add_column(column, justify="right")
    for point in found.points:
        table.add_row(str(point["setting"]), *(_shown(point.get(name)) for name in names))
    return table


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['mean']:.4f} ± {value['standard_error']:.4f}"
    if isinstance(value, float):
        return f"{value:.4f}"
    return "-" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
