"""What each idea is worth, from the records of the row `ideas`: as a table and as a picture.

All bundles are measured on the same ten folds, so differences are taken fold by fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.records import Result
from common.verification import mean_and_standard_error
from experiments.ideas import ALIGNMENTS, BUNDLES, LOSSES, NETWORKS, ROW, WAYS, Bundle
from experiments.markdown import markdown
from experiments.paired_folds import NOT_MEASURED, Folds, accuracy, difference, folds, less

_DIFFERENCES = {
    "alignment": ("3d", "2d"),
    "loss": ("triplets", "softmax"),
    "network": ("local", "convolutional"),
}
"""What is subtracted from what, by the field of a bundle."""


@dataclass(frozen=True)
class Worth:
    """How much more accurate a bundle is than one that differs in one thing."""

    idea: str
    """The thing: a minuend and a subtrahend."""
    given: str
    """What both share."""
    mean: float
    standard_error: float


def table(results: Sequence[Result]) -> str:
    """`cells` in Markdown."""
    return markdown(*cells(results))


def cells(results: Sequence[Result]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and lines: networks and losses down, alignments across; then the differences.

    The last cell of a line of differences is a difference of differences.
    """
    found = folds(results, ROW)

    def across(network: str, loss: str) -> list[Folds | None]:
        return [found.get(Bundle(network, loss, alignment).name) for alignment in ALIGNMENTS]

    lines = []
    for network, name in NETWORKS.items():
        lines += [_line(name, LOSSES[loss], across(network, loss), accuracy) for loss in LOSSES]
    for network, name in NETWORKS.items():
        differences = map(less, across(network, "triplets"), across(network, "softmax"))
        lines.append(_line(name, "triplets - softmax", list(differences), difference))
    for loss, name in LOSSES.items():
        differences = map(less, across("local", loss), across("convolutional", loss))
        lines.append(_line("DeepFace's - FaceNet's", name, list(differences), difference))
    return ("network", "loss", "2D", "3D", "3D - 2D"), lines


def _line(
    network: str, loss: str, cells: list[Folds | None], said: Callable[[Folds | None], str]
) -> tuple[str, ...]:
    flat, frontal = cells
    return (network, loss, said(flat), said(frontal), difference(less(frontal, flat)))


def worths(results: Sequence[Result]) -> list[Worth]:
    """Each idea in each of its four surroundings, as far as both bundles were measured."""
    found, made = folds(results, ROW), []
    for idea, (way, other) in _DIFFERENCES.items():
        for bundle in BUNDLES:
            if getattr(bundle, idea) != way:
                continue
            without = bundle._replace(**{idea: other})
            gain = less(found.get(bundle.name), found.get(without.name))
            if gain is not None:
                said = f"{WAYS[idea][way]} - {WAYS[idea][other]}"
                given = [WAYS[kind][word] for kind, word in bundle._asdict().items()
                         if kind != idea]  # fmt: skip
                made.append(Worth(said, ", ".join(given), *mean_and_standard_error(gain)))
    return made


def shown(results: Sequence[Result]) -> dict[str, object]:
    """All that the picture shows."""
    accuracies = {name: mean_and_standard_error(one) for name, one in folds(results, ROW).items()}
    return {
        "accuracies": accuracies,
        "worths": [[w.idea, w.given, w.mean, w.standard_error] for w in worths(results)],
    }


_STYLES: dict[tuple[str, str], dict[str, Any]] = {
    ("local", "softmax"): {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    ("local", "triplets"): {"color": "#0072B2", "marker": "s", "linestyle": "--"},
    ("convolutional", "softmax"): {"color": "#D55E00", "marker": "o", "linestyle": "-"},
    ("convolutional", "triplets"): {"color": "#D55E00", "marker": "s", "linestyle": "--"},
}


def figure(results: Sequence[Result]) -> Figure:
    """Left the accuracies of all bundles, right what each idea is worth, with standard errors."""
    made = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = made.subplots(1, 2, width_ratios=(1, 1.35))
    _draw_accuracies(left, folds(results, ROW))
    _draw_worths(right, worths(results))
    for axes in (left, right):
        axes.grid(alpha=0.25)
    return made


def _draw_accuracies(axes: Axes, found: Mapping[str, Folds]) -> None:
    axes.set_xticks(range(len(ALIGNMENTS)), list(ALIGNMENTS.values()))
    axes.set(xlim=(-0.3, 1.3), xlabel="alignment", ylabel="accuracy on LFW, View 2")
    for number, ((network, loss), style) in enumerate(_STYLES.items()):
        names = [Bundle(network, loss, alignment).name for alignment in ALIGNMENTS]
        places = [place for place, name in enumerate(names) if name in found]
        if places:
            points = [mean_and_standard_error(found[names[place]]) for place in places]
            means, errors = zip(*points, strict=True)
            label = f"{NETWORKS[network]}, {LOSSES[loss]}"
            beside = [place + 0.04 * (number - 1.5) for place in places]  # bars stay apart
            axes.errorbar(beside, means, errors, capsize=3, label=label, **style)
    if found:
        axes.legend(fontsize=8)
    else:
        _say_not_measured(axes)


def _draw_worths(axes: Axes, found: Sequence[Worth]) -> None:
    axes.axvline(0, color="0.3", lw=1)
    axes.set_xlabel("difference of accuracies, paired over the ten folds")
    if not found:
        axes.set_yticks([])
        _say_not_measured(axes)
        return
    ideas = list(dict.fromkeys(worth.idea for worth in found))
    heights = [-(number + ideas.index(worth.idea)) for number, worth in enumerate(found)]
    for worth, height in zip(found, heights, strict=True):
        axes.errorbar(
            worth.mean, height, xerr=worth.standard_error, color="black", marker="o", capsize=3
        )
    for idea in ideas:
        top = max(h for w, h in zip(found, heights, strict=True) if w.idea == idea)
        axes.text(0.01, top + 0.62, idea, fontsize=9, weight="bold", va="center",
                  transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_yticks(heights, [worth.given for worth in found], fontsize=8)
    axes.set_ylim(min(heights) - 0.6, max(heights) + 1.1)


def _say_not_measured(axes: Axes) -> None:
    axes.text(0.5, 0.5, NOT_MEASURED, ha="center", color="0.35", transform=axes.transAxes)
