"""DeepFace's Table 1 and ours: the published trend beside ours, as a table and as a picture."""

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from experiments.field_picture import OURS, PUBLISHED
from experiments.markdown import markdown
from experiments.paper_numbers import DEEPFACE_STUDIES
from experiments.studies.study_records import Study

TITLES = {
    "deepface-identities": "people",
    "deepface-share": "share of the images",
    "deepface-depth": "layers",
}


@dataclass(frozen=True)
class Trend:
    """Rates of error, by setting."""

    settings: list[str]
    error: list[float]
    standard_error: list[float]
    """0 where it is not given."""


def trends(studies: Mapping[str, Study]) -> dict[str, tuple[Trend, Trend | None]]:
    """For each part of Table 1, theirs and ours; None where ours was not measured."""
    found = {}
    for name in TITLES:
        rates = DEEPFACE_STUDIES[name].rates
        theirs = Trend(list(rates), [rate for rate, _ in rates.values()],
                       [error or 0.0 for _, error in rates.values()])  # fmt: skip
        found[name] = theirs, _ours(studies.get(name))
    return found


def _ours(study: Study | None) -> Trend | None:
    if study is None:
        return None
    points = study.points
    return Trend(*([p[key] for p in points] for key in ("setting", "error", "standard_error")))


def table(studies: Mapping[str, Study]) -> str:
    """Every setting, theirs and then ours."""
    lines = []
    for name, (theirs, ours) in trends(studies).items():
        for setting, error in zip(theirs.settings, theirs.error, strict=True):
            lines.append((TITLES[name], f"theirs: {setting}", "-", f"{error:.1%}"))
        if ours is None:
            lines.append((TITLES[name], "ours", "-", "not measured"))
            continue
        for point in studies[name].points:
            rate = f"{point['error']:.1%} ± {point['standard_error']:.1%}"
            images = f"{point['images']:,} of {point['identities']:,} people"
            lines.append((TITLES[name], f"ours: {point['setting']}", images, rate))
    return markdown(("varied", "setting", "trained on, ours", "error ± SE"), lines)


def figure(shown: Mapping[str, tuple[Trend, Trend | None]]) -> Figure:
    """A panel for each part of the table: published open, ours full."""
    made = Figure(figsize=(11, 3.4), layout="constrained")
    panels = made.subplots(1, len(shown), sharey=True)
    for axes, (name, (theirs, ours)) in zip(panels, shown.items(), strict=True):
        # The settings of the two differ where people are counted: places in order, both named.
        ticks = theirs.settings
        axes.errorbar(range(len(ticks)), theirs.error, label="published", **PUBLISHED)
        if ours is not None:
            axes.errorbar(
                range(len(ours.error)), ours.error, ours.standard_error,
                label="measured here, a small network", **OURS,
            )  # fmt: skip
            if ours.settings != ticks:
                ticks = [f"{a}\n(ours {b})" for a, b in zip(ticks, ours.settings, strict=True)]
        axes.set_xticks(range(len(ticks)), [t.replace("without ", "without\n") for t in ticks],
                        fontsize=8)  # fmt: skip
        axes.set(xlabel=TITLES[name], ylim=(0, 1))
        axes.grid(alpha=0.25)
    panels[0].set_ylabel("error on held-out images")
    handles = {label: handle for axes in panels for handle, label in
               zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    made.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=2, fontsize=9)
    return made
