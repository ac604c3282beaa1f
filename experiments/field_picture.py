"""The picture that explains the field: accuracy against the number of training images.

Every row of the comparison table, published and ours, on one logarithmic axis. Accuracy is spaced
by the logarithm of the error, since from 0.97 to 0.998 is a longer way than from 0.60 to 0.63.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from common.records import Result
from experiments.paper_numbers import (
    CLASSICAL,
    HUMAN,
    LATER,
    NINE_FOLDS,
    NO_IMAGES,
    not_measured,
)
from experiments.rows import ROWS

NONE_AT = 100.0
"""Where rows stand that learned nothing: a logarithmic axis has no zero."""
_LIMITS = (12.0, 1e9)
_ACCURACIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)
_COUNTS = {NONE_AT: "none", 1e3: "1,000", 1e4: "10,000", 1e5: "100,000", 1e6: "1 M", 1e7: "10 M",
           1e8: "100 M"}  # fmt: skip
PUBLISHED: dict[str, Any] = {"color": "#0072B2", "marker": "o", "markerfacecolor": "white"}
OURS: dict[str, Any] = {"color": "#D55E00", "marker": "s", "markerfacecolor": "#D55E00"}

_HALO = withStroke(linewidth=3, foreground="white")
"""Around names, where lines pass behind them."""


@dataclass(frozen=True)
class Point:
    """A row at its number of training images."""

    name: str
    images: float
    accuracy: float
    ours: bool


def points(headlines: Mapping[str, Result]) -> list[Point]:
    """Every row that has an accuracy and a number of training images.

    Args:
      headlines: the record of each measured row, by title.
    """
    nine_folds = nine_fold_images(headlines.values())
    found = []
    for title, result in headlines.items():
        accuracy = result.metrics["accuracy"]
        if accuracy is not None:
            images = float(result.training["images"])
            found.append(Point(title, images or NONE_AT, accuracy["mean"], True))
    blocks = [
        (_theirs(result) or title, result.published)
        for title, result in headlines.items()
        if result.published
    ]
    others = {**not_measured(one.published for one in headlines.values()), **LATER, **CLASSICAL}
    blocks += [(name, p.as_record()) for name, p in others.items() if name != HUMAN]
    for name, block in blocks:
        images = _published_count(block, nine_folds)
        if images is not None:
            found.append(Point(name, images, block["accuracy"], False))
    return found


def _theirs(result: Result) -> str:
    """What the figure that a row stands beside is called; "" where the row's title says it."""
    row = ROWS.get(result.row)
    return "" if row is None else row.theirs


def nine_fold_images(results: Iterable[Result]) -> int | None:
    """How many images nine folds of View 2 have, as our rows of that protocol counted them."""
    protocol = "image-restricted-no-outside-data"
    return next((r.training["images"] for r in results if r.category == protocol), None)


def _published_count(block: Mapping, nine_folds: int | None) -> float | None:
    """The training images behind a published figure; None where nobody says."""
    counts = {NO_IMAGES: NONE_AT, NINE_FOLDS: nine_folds}
    count = block.get("training_count") or counts.get(block.get("training_images", "-"))
    return None if count is None else float(count)


def field_figure(shown: Sequence[Point], *, human: float = CLASSICAL[HUMAN].accuracy) -> Figure:
    """Draw the points: published ones as open circles, ours as full squares with bold names."""
    figure = Figure(figsize=(11.5, 6.6), layout="constrained")
    axes = figure.subplots()
    axes.set(
        xscale="log", xlim=_LIMITS, ylim=(_height(0.52), _height(0.9988)),
        xlabel="training images (logarithmic)",
        ylabel="accuracy on LFW, View 2 (spaced by the logarithm of the error)",
    )  # fmt: skip
    axes.xaxis.set_major_locator(FixedLocator(list(_COUNTS)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(_COUNTS.values())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator([_height(a) for a in _ACCURACIES[1:]]))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{a:g}" for a in _ACCURACIES[1:]]))
    axes.grid(alpha=0.25)
    axes.axhline(_height(human), color="0.45", lw=1, ls="--")
    axes.text(
        _LIMITS[0] * 1.2, _height(human), f"{HUMAN}: {human:.4f}", fontsize=8.5, color="0.3",
        va="bottom",
    )  # fmt: skip
    for ours, style, said in (
        (False, PUBLISHED, "published"), (True, OURS, "measured here"),
    ):  # fmt: skip
        chosen = [p for p in shown if p.ours == ours]
        axes.plot(
            [p.images for p in chosen], [_height(p.accuracy) for p in chosen], ls="none",
            markersize=7, markeredgewidth=1.6, label=said, zorder=3, **style,
        )  # fmt: skip
        for group in _columns(chosen):
            _name(axes, group, right=ours)
    axes.legend(loc="lower right", fontsize=10)
    return figure


def _height(accuracy: float) -> float:
    return float(-np.log10(1 - accuracy))


def _columns(shown: Iterable[Point]) -> list[list[Point]]:
    """Points that stand nearly above one another, whose names would cover each other."""
    groups: list[list[Point]] = []
    for point in sorted(shown, key=lambda p: p.images):
        if groups and point.images < 1.7 * groups[-1][-1].images:
            groups[-1].append(point)
        else:
            groups.append([point])
    return groups


def _name(axes: Axes, group: Sequence[Point], *, right: bool) -> None:
    """Write the names beside a column of points, apart enough to be read."""
    group = sorted(group, key=lambda p: p.accuracy)
    heights = _apart(np.array([_height(p.accuracy) for p in group]), gap=0.069)
    sides = [p.images for p in group]
    place = max(sides) * 1.35 if right else min(sides) / 1.35
    color = (OURS if right else PUBLISHED)["color"]
    for point, height in zip(group, heights, strict=True):
        axes.annotate(
            point.name, (point.images, _height(point.accuracy)), (place, height), fontsize=8.5,
            color=color, weight="bold" if right else "normal", va="center",
            ha="left" if right else "right", path_effects=[_HALO],
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "alpha": 0.6,
                        "shrinkA": 0, "shrinkB": 3, "relpos": (0 if right else 1, 0.5)},
        )  # fmt: skip


def _apart(heights: Float[np.ndarray, " points"], gap: float) -> Float[np.ndarray, " points"]:
    """Ascending heights, moved as little as keeps neighbors `gap` apart.

    Example:
      >>> _apart(np.array([0.0, 0.1, 5.0]), gap=1.0).tolist()
      [-0.45, 0.55, 5.0]
    """
    blocks: list[list[float]] = []  # [sum of the wished starts, how many]
    for height in heights - gap * np.arange(len(heights)):
        blocks.append([float(height), 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + count]
    starts = [total / count for total, count in blocks for _ in range(int(count))]
    return np.array(starts) + gap * np.arange(len(heights))
