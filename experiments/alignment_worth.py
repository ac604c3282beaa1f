"""What alignment is worth to DeepFace's network: from records, a table and a picture.

The networks of `deepface-networks` are the same but for the alignment of what they see, so they are
compared fold by fold. Beside them the paper's trend (Sec. 5.3, Table 2).
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from common.records import Result
from common.verification import mean_and_standard_error
from experiments.field_picture import OURS, PUBLISHED
from experiments.markdown import markdown
from experiments.paired_folds import NOT_MEASURED, accuracy, difference, folds, less
from experiments.paper_numbers import DEEPFACE

ROW = "deepface-networks"
ALIGNMENTS = {"center-crop": "center crop", "2d": "2D", "3d": "3D"}
"""From none to all of it."""
METRICS = {"inner-product": "inner product", "chi-squared": "chi-squared, SVM"}
THEIRS = {
    "center-crop": DEEPFACE["center-crop-inner-product"],
    "2d": DEEPFACE["2d-inner-product"],
    "3d": DEEPFACE["inner-product"],
}
"""The paper's figures, by alignment; it names the metric for 3D only, the inner product."""
_PAIRS = (("2d", "center-crop"), ("3d", "2d"), ("3d", "center-crop"))
"""What is subtracted from what."""


def table(results: Sequence[Result]) -> str:
    """`cells` in Markdown."""
    return markdown(*cells(results))


def cells(results: Sequence[Result]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and lines: the paper's, then one a metric, with differences paired over folds."""
    found = folds(results, ROW)
    published = [THEIRS[one].accuracy for one in ALIGNMENTS]
    gains = [THEIRS[a].accuracy - THEIRS[b].accuracy for a, b in _PAIRS]
    lines = [("published", *(f"{x:.4f}" for x in published), *(f"{x:+.4f}" for x in gains))]
    for metric, name in METRICS.items():
        own = {one: found.get(f"{one}-{metric}") for one in ALIGNMENTS}
        lines.append((
            f"ours, {name}", *(accuracy(own[one]) for one in ALIGNMENTS),
            *(difference(less(own[a], own[b])) for a, b in _PAIRS),
        ))  # fmt: skip
    differences = [f"{ALIGNMENTS[a]} - {ALIGNMENTS[b]}" for a, b in _PAIRS]
    return ("", *ALIGNMENTS.values(), *differences), lines


def shown(results: Sequence[Result]) -> dict[str, list[list[float | str]]]:
    """All that the picture shows: alignment, mean and standard error (0: not given) of each trend.

    A trend of ours has the alignments that were measured, and may be empty.
    """
    found = folds(results, ROW)
    trends: dict[str, list[list[float | str]]] = {
        "published": [[one, p.accuracy, p.standard_error or 0.0] for one, p in THEIRS.items()]
    }
    for metric in METRICS:
        trends[metric] = [
            [one, *mean_and_standard_error(found[f"{one}-{metric}"])]
            for one in ALIGNMENTS
            if f"{one}-{metric}" in found
        ]
    return trends


_STYLES = {
    "published": {**PUBLISHED, "label": "published"},
    "inner-product": {**OURS, "label": "measured here, inner product"},
    "chi-squared": {**OURS, "color": "#009E73", "markerfacecolor": "#009E73", "marker": "D",
                    "label": "measured here, chi-squared vectors and an SVM"},
}  # fmt: skip


def figure(trends: dict[str, list[list[float | str]]]) -> Figure:
    """The published trend open, ours full, with standard errors; `trends` is from `shown`."""
    made = Figure(figsize=(7, 4), layout="constrained")
    axes = made.subplots()
    places = {one: place for place, one in enumerate(ALIGNMENTS)}
    for name, points in trends.items():
        if points:
            alignments, means, errors = zip(*points, strict=True)
            axes.errorbar([places[one] for one in alignments], means, errors, capsize=3,
                          **_STYLES[name])  # fmt: skip
    if not any(points for name, points in trends.items() if name != "published"):
        axes.text(0.5, 0.06, f"ours: {NOT_MEASURED}", ha="center", color="0.35",
                  transform=axes.transAxes)  # fmt: skip
    axes.set_xticks(range(len(ALIGNMENTS)), list(ALIGNMENTS.values()))
    axes.set(xlim=(-0.3, 2.3), xlabel="alignment of the network's input",
             ylabel="accuracy on LFW, View 2")  # fmt: skip
    axes.grid(alpha=0.25)
    made.legend(loc="outside upper center", ncols=2, fontsize=9)
    return made
