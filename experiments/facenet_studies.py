"""FaceNet's studies, on people of the training folder who are not trained on.

    python -m experiments.facenet_studies --train-dir DIR
    python -m experiments.facenet_studies quality pixels --train-dir DIR --record
    python -m experiments.facenet_studies --tiny

`quality`, `pixels`, `quantization` and `clustering` are of the shipped weights and take minutes.
`embedding` and `share` train a small network seven times, each time for the same steps,
`collapse` a smaller one six times; a training that was killed goes on, one that is done is only
read. Records go to
`runs/facenet-studies/`, and with `--record` to the committed ones, from which docs/facenet.md has
its tables. The picture of the clusters shows faces of DIR: it stays in `runs/`.
"""

import math
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from common import records
from experiments.facenet_training import as_facts
from experiments.folder_facts import folder_facts
from experiments.paper_numbers import FACENET_STUDIES
from experiments.studies import facenet_short, study_records, weight_studies
from experiments.studies.collapse_study import collapses
from experiments.studies.facenet_study_setting import ALIGNMENT, Name, Options, StudySetting
from experiments.studies.study_records import Study

RECORDS = Path(__file__).parent / "results" / "studies"
VARIED: dict[Name, str] = {
    "quality": "JPEG quality",
    "pixels": "pixels",
    "quantization": "numbers of an embedding",
    "clustering": "distance threshold, in thresholds of verification",
    "embedding": "embedding size",
    "share": "share of the training people",
    "collapse": "seed, or which negatives",
}

FACTOR = round(math.log(2), 4)
"""Tolerance of `collapse`, whose points are compared by the logarithm of a ratio: a factor of 2."""


def study(setting: StudySetting, name: Name) -> Study:
    """Measure one of the studies.

    Raises:
      ValueError, OSError, TrainingError: it cannot be measured; the message says why.
    """
    start = time.perf_counter()
    if name in ("embedding", "share", "collapse"):
        points, config = _trained(setting, name)
        how = setting.trial if name == "collapse" else setting.short
        side = how.network.side
        faces, held_out = setting.faces(side), setting.others(side)
        training = {
            **_described(setting, faces.sha256), "images": len(faces.label),
            "identities": faces.people, "sha256": faces.sha256,
        }  # fmt: skip
        model, seed = asdict(how.network), setting.short.seed
        tolerance = FACTOR if name == "collapse" else 0.05
    else:
        points, config = _measured(setting, name)
        held_out, embedder = setting.subject.held_out, setting.subject.embedder
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
        command=setting.options.command, commit=records.commit(), device=records.device(),
        versions=records.versions(), synthetic=setting.options.tiny,
    )  # fmt: skip


def _trained(setting: StudySetting, name: Name) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if name == "collapse":
        trial = setting.trial
        faces, others = setting.faces(trial.network.side), setting.others(trial.network.side)
        (phase,) = as_facts(trial.recipe(len(faces.label), trial.config.mining))
        config = {"steps": trial.steps, "batch": trial.config.batch, "recipe": phase}
        return collapses(faces, others, trial), config
    short, tiny = setting.short, setting.options.tiny
    faces, others = setting.faces(short.network.side), setting.others(short.network.side)
    config = {
        "steps": list(short.steps), "batch": [phase.batch for phase in short.recipe],
        "recipe": as_facts(short.phases(len(faces.label))),
    }  # fmt: skip
    if name == "embedding":
        sizes = (8, 16) if tiny else (64, 128, 256, 512)
        return facenet_short.embedding_sizes(faces, others, short, sizes), config
    config["people"] = "drawn at random, each with all faces; smaller shares within larger ones"
    return facenet_short.shares(faces, others, short, (2, 1) if tiny else (8, 4, 2, 1)), config


def _measured(setting: StudySetting, name: Name) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    subject = setting.subject
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
    _draw(setting, clusters)
    return points, {
        "linkage": "average", "distance": "squared",
        "threshold": "of verification, fitted on pairs of the same held-out people",
    }  # fmt: skip


def _draw(setting: StudySetting, clusters: np.ndarray) -> None:
    from experiments import pictures
    from experiments.studies.clusters_picture import clusters_figure

    held_out = setting.subject.held_out
    figure = clusters_figure(held_out.images, clusters, held_out.label)
    path = _runs(setting.options) / "clusters.png"
    pictures.save(figure, path, synthetic=setting.options.tiny)
    print(f"picture of the clusters: {path}")


def _described(setting: StudySetting, sha256: str) -> dict[str, str]:
    if setting.options.tiny:
        return {"data": "SYNTHETIC", "lfw_overlap": "excluded"}
    facts = folder_facts(setting.folder, sha256)
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
        if options.record:
            options.check_recordable()
        setting = StudySetting(options)
        for name in options.studies or tuple(VARIED):
            found = study(setting, name)
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
        return True, f"{found.study}: not compared, there is no committed record"
    committed = study_records.read(path)
    if other := study_records.not_comparable(found, committed):
        return False, f"{found.study}: [red]not compared[/], the committed record has other {other}"
    apart = study_records.difference(found, committed)
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
