"""The networks that FaceNet's headline came from, in the order in which View 2 saw them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common.records import Result
from experiments.markdown import markdown

REPLACED = "replaced"
"""Folder of folders of records: of headlines that other networks have taken since."""


class Seen(NamedTuple):
    """A network, and its two variants."""

    name: str
    aligned: str
    cropped: str
    folder: str = ""
    """Of its records, in `REPLACED`."""


NETWORKS = (
    Seen("first: NN4", "nn4", "nn4-center-crop"),
    Seen("then: residual", "aligned", "center-crop", "residual"),
    Seen("then: residual-prelu, all columns", "aligned", "center-crop", "all-columns"),
    Seen("now: residual-prelu", "aligned", "center-crop"),
)

FOLDERS = tuple(seen.folder for seen in NETWORKS if seen.folder)


def table(results: Sequence[Result], replaced: Mapping[str, Sequence[Result]]) -> str:
    """What held-out people and View 2 said of each.

    Args:
      results: the records of today.
      replaced: those of each folder in `REPLACED`.
    """
    lines = []
    for seen in NETWORKS:
        records = replaced.get(seen.folder, ()) if seen.folder else results
        found = {r.variant: r for r in records if r.row == "facenet"}
        aligned, cropped = found.get(seen.aligned), found.get(seen.cropped)
        lines.append((seen.name, _held_out(aligned), _view2(aligned, seen), _view2(cropped, seen)))
    return markdown(
        ("network", "held-out people, aligned", "View 2, aligned", "View 2, center crop"), lines
    )


def _held_out(result: Result | None) -> str:
    if result is None:
        return "not measured"
    return f"{result.config['held_out']['accuracy']['mean']:.4f}"


def _view2(result: Result | None, seen: Seen) -> str:
    if result is None:
        return "not measured"
    folders = (REPLACED, seen.folder) if seen.folder else ()
    path = "/".join(("../experiments/results", *folders, result.file_name))
    return f"[{result.metrics['accuracy']['mean']:.4f}]({path})"
