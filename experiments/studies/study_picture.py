"""FaceNet's studies in one picture: the published curves, and ours where they were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments.field_picture import OURS, PUBLISHED
from experiments.paper_numbers import FACENET_STUDIES
from experiments.studies.study_records import Study


@dataclass(frozen=True)
class Panel:
    """One study: points of (setting, VAL, standard error or None)."""

    title: str
    ticks: tuple[int, ...]
    """Of a logarithmic axis; a linear one when empty."""
    published: list[tuple[float, float, float | None]]
    ours: list[tuple[float, float, float | None]]
    """Empty where it was not measured."""


_TITLES = {
    "facenet-quality": ("JPEG quality (Table 4)", ()),
    "facenet-pixels": ("pixels of the face (Table 4)", (256, 1600, 6400, 25600)),
    "facenet-embedding": ("embedding size (Table 5)", (64, 128, 256, 512)),
    "facenet-share": ("training images (Table 6)", (10**4, 10**6, 10**8)),
}


def panels(studies: Mapping[str, Study]) -> list[Panel]:
    """The panels, in the order of the paper's tables."""
    return [
        Panel(title, ticks, [(float(k), *v) for k, v in FACENET_STUDIES[name].rates.items()],
              _ours(studies.get(name)))
        for name, (title, ticks) in _TITLES.items()
    ]  # fmt: skip


def _ours(study: Study | None) -> list[tuple[float, float, float | None]]:
    """Points at a number: the setting, or for shares the images trained on."""
    found = []
    for point in study.points if study else ():
        at = point["setting"] if isinstance(point["setting"], int) else point.get("images")
        if at is not None:
            found.append((float(at), point["val"]["mean"], point["val"]["standard_error"]))
    return found


def studies_figure(shown: Sequence[Panel]) -> Figure:
    """Draw a panel a study: published figures open, ours full."""
    figure = Figure(figsize=(11, 3.1), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True):
        _draw(axes, panel.published, "published", PUBLISHED)
        _draw(axes, panel.ours, "measured here, another network", OURS)
        axes.set(xlabel=panel.title, ylim=(0, 1))
        if panel.ticks:
            axes.set_xscale("log")
            axes.set_xticks(panel.ticks, [f"{tick:,}" for tick in panel.ticks])
            axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(alpha=0.25)
        if not panel.ours:
            axes.text(0.5, 0.06, "ours: not measured", fontsize=8, ha="center", color="0.35",
                      transform=axes.transAxes)  # fmt: skip
    first = figure.axes[0]
    first.set_ylabel("VAL at FAR 0.001, held-out people")
    handles = {label: handle for axes in figure.axes for handle, label in
               zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=2, fontsize=9)
    return figure


def _draw(axes: Axes, points: list, label: str, style: dict) -> None:
    if points:
        at, means, errors = zip(*points, strict=True)
        bars = [error or 0 for error in errors]
        axes.errorbar(at, means, bars, lw=1.2, markersize=5, label=label, **style)
