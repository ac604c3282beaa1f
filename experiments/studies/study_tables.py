"""The tables of the studies: the published trend beside ours, or `not measured`."""

from collections.abc import Callable, Mapping
from typing import Any

from experiments.markdown import markdown
from experiments.paper_numbers import FACENET_STUDIES
from experiments.studies import table1_tables
from experiments.studies.study_records import Study

NOT_MEASURED = "not measured"


def blocks(studies: Mapping[str, Study]) -> dict[str, Callable[[], str]]:
    """The blocks of docs/facenet.md and docs/deepface.md, by name."""
    made: dict[str, Callable[[], str]] = {
        name: lambda name=name: beside(name, studies.get(name))
        for name in ("facenet-quality", "facenet-pixels", "facenet-embedding")
    }
    return made | {
        "facenet-share": lambda: share(studies.get("facenet-share")),
        "facenet-quantization": lambda: quantization(studies.get("facenet-quantization")),
        "facenet-clustering": lambda: clustering(studies.get("facenet-clustering")),
        "facenet-collapse": lambda: collapse(studies.get("facenet-collapse")),
        "deepface-table1": lambda: table1_tables.table(studies),
    }


_SETTINGS = {
    "facenet-quality": "JPEG quality",
    "facenet-pixels": "pixels",
    "facenet-embedding": "embedding size",
}


def beside(name: str, study: Study | None) -> str:
    """Every setting that the paper or we have, VAL beside VAL."""
    published = {str(k): v for k, v in FACENET_STUDIES[name].rates.items()}
    ours = _points(study)
    lines = [
        (setting, _rate(*published.get(setting, (None, None))), *_figures(study, ours.get(setting)))
        for setting in sorted({*published, *ours}, key=_number)
    ]
    return markdown(
        (_SETTINGS[name], "VAL, theirs", "VAL, ours ± SE", "accuracy, ours ± SE"), lines
    )


def share(study: Study | None) -> str:
    """Theirs, then ours: the shares are not the same, nor are the sizes."""
    published = FACENET_STUDIES["facenet-share"].rates
    whole = max(published)
    lines = [
        (f"theirs, {count / whole:.0%}", f"{count:,}", "-", _rate(*value), "-")
        for count, value in published.items()
    ]
    if study is None:
        return markdown(_SHARE, [*lines, ("ours", "-", "-", NOT_MEASURED, NOT_MEASURED)])
    for point in study.points:
        part = int(point["setting"].removeprefix("1/"))
        lines.append((
            f"ours, {1 / part:.4g} of the people", f"{point['images']:,}",
            f"{point['identities']:,}", *_figures(study, point),
        ))  # fmt: skip
    return markdown(_SHARE, lines)


_SHARE = ("share", "images", "people", "VAL ± SE", "accuracy ± SE")


def quantization(study: Study | None) -> str:
    """Float32 and bytes."""
    header = ("embedding", "bytes", "VAL, ours ± SE", "accuracy, ours ± SE",
              "decisions changed, of so many pairs", "largest change of a distance")  # fmt: skip
    if study is None:
        return markdown(header, [("one byte a number", "-", *[NOT_MEASURED] * 2, "-", "-")])
    lines = []
    for point in study.points:
        changed, largest = "-", "-"
        if "decisions_changed" in point:
            changed = f"{point['decisions_changed']:,} of {point['pairs']:,}"
            largest = f"{point['largest_change_of_a_squared_distance']:.4f}"
        lines.append(
            (point["setting"], str(point["bytes"]), *_figures(study, point), changed, largest)
        )
    return markdown(header, lines)


def clustering(study: Study | None) -> str:
    """How clusters agree with people, for each threshold."""
    header = ("threshold, in thresholds of verification", "squared distance", "precision of pairs",
              "recall of pairs", "F", "clusters", "people")  # fmt: skip
    if study is None:
        return markdown(header, [("1", "-", *[NOT_MEASURED] * 3, "-", "-")])
    lines = [
        (
            f"{p['setting']:g}", f"{p['threshold']:.3f}", f"{p['precision']:.3f}",
            f"{p['recall']:.3f}", f"{p['f']:.3f}", f"{p['clusters']:,}", f"{p['people']:,}",
        )
        for p in study.points
    ]  # fmt: skip
    return markdown(header, lines)


def collapse(study: Study | None) -> str:
    """The spread that each training begins and ends with, and whether the alarm stopped it."""
    header = ("training", "spread of the first batch", "spread at the end", "stopped by the alarm",
              "accuracy, ours ± SE")  # fmt: skip
    if study is None:
        return markdown(header, [("-", *[NOT_MEASURED] * 2, "-", NOT_MEASURED)])
    lines = []
    for point in study.points:
        step = point["collapsed_at_step"]
        accuracy = "-" if step else _figures(study, point)[1]
        stopped = f"at step {step:,}" if step else "no"
        first = f"{point['first_spread']:.2g}" if "first_spread" in point else NOT_MEASURED
        lines.append((point["setting"], first, f"{point['spread']:.2g}", stopped, accuracy))
    return markdown(header, lines)


def _points(study: Study | None) -> dict[str, dict[str, Any]]:
    return {str(point["setting"]): point for point in study.points} if study else {}


def _figures(study: Study | None, point: dict[str, Any] | None) -> tuple[str, str]:
    """VAL and accuracy of a point; of a study that was measured, `-` where it has no such point."""
    if point is None:
        return (NOT_MEASURED, NOT_MEASURED) if study is None else ("-", "-")
    val, accuracy = point["val"], point["accuracy"]
    return (
        _rate(val["mean"], val["standard_error"]),
        _rate(accuracy["mean"], accuracy["standard_error"]),
    )


def _rate(mean: float | None, error: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.3f}" + ("" if error is None else f" ± {error:.3f}")


def _number(setting: str) -> float:
    """Numbers in their order, words after them."""
    return float(setting) if setting.isdecimal() else float("inf")
