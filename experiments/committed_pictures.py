"""The committed pictures that records draw: curves, accuracy by training images, studies, ideas.

Each PNG carries a checksum of what it shows, so that it can be told without drawing whether a
record has changed since (the bytes of a drawing differ from one version of matplotlib to another).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from common.records import Result
from experiments import alignment_worth, field_picture, ideas_tables, pictures
from experiments.rows import ROWS
from experiments.studies import study_picture, table1_tables
from experiments.studies.study_records import Study

_LAYOUT = 2
"""Raise it when a drawing function changes, so that `--check` asks for new pictures."""


def headlines(results: Sequence[Result]) -> dict[str, Result]:
    """The record that stands for each measured row, by the row's title, in the order of ROWS."""
    found = {(r.row, r.variant): r for r in results}
    return {
        row.title: found[name, row.headline]
        for name, row in ROWS.items()
        if (name, row.headline) in found
    }


def update(
    results: Sequence[Result],
    studies: Mapping[str, Study],
    folder: Path,
    *,
    check: bool = False,
) -> list[Path]:
    """Redraw the pictures whose records changed; returns those (or only names them)."""
    changed = []
    for name, (shown, draw) in _pictures(results, studies).items():
        path, digest = folder / name, _digest(shown)
        if _digest_of(path) == digest:
            continue
        changed.append(path)
        if not check:
            pictures.save(draw(), path, synthetic=False, metadata={"Description": digest})
    return changed


def _pictures(
    results: Sequence[Result], studies: Mapping[str, Study]
) -> dict[str, tuple[object, Callable[[], Figure]]]:
    shown = headlines(results)
    points, panels = field_picture.points(shown), study_picture.panels(studies)
    trends, worth = table1_tables.trends(studies), alignment_worth.shown(results)
    curves = {title: [r.roc, r.metrics["auc"]] for title, r in shown.items()}
    title = "Verification on LFW, View 2: 6,000 pairs"
    return {
        "roc.png": (curves, lambda: pictures.roc_figure(shown, title=title)),
        "accuracy_by_training_images.png": (
            [asdict(point) for point in points],
            lambda: field_picture.field_figure(points),
        ),
        "facenet_studies.png": (
            [asdict(panel) for panel in panels],
            lambda: study_picture.studies_figure(panels),
        ),
        "deepface_table1.png": (
            {name: [asdict(t) if t else None for t in both] for name, both in trends.items()},
            lambda: table1_tables.figure(trends),
        ),
        "deepface_alignment.png": (worth, lambda: alignment_worth.figure(worth)),
        "ideas.png": (ideas_tables.shown(results), lambda: ideas_tables.figure(results)),
    }


def _digest(shown: object) -> str:
    return hashlib.sha256(json.dumps([_LAYOUT, shown]).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    """The checksum that a picture carries; "" without one, or without the picture."""
    try:
        with Image.open(path) as picture:
            return str(picture.info.get("Description", ""))
    except OSError:
        return ""
