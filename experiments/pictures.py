"""The pictures of a run: ROC curves, the worst errors, a gallery of eigenfaces.

Pictures with real faces are written to `runs/` only; averages, eigenfaces and curves may be shown.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from common.records import Result
from common.types import Scores
from common.verification import threshold_of_each_pair, worst_errors
from experiments.curve_styles import style_of
from experiments.measure import Measured

matplotlib.use("agg")

# A palette that keeps apart for color-blind readers (Okabe and Ito 2008), and in grey by dashes.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def save(
    figure: Figure, path: Path, *, synthetic: bool, metadata: Mapping[str, str] | None = None
) -> Path:
    """Write a figure as PNG; one of synthetic faces says so across its top."""
    if synthetic:
        figure.text(0.5, 0.995, "SYNTHETIC", color="crimson", weight="bold", ha="center", va="top")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(
        path, dpi=150, bbox_inches="tight", facecolor="white", metadata=dict(metadata or {})
    )
    return path


def roc_figure(results: Mapping[str, Result], *, title: str) -> Figure:
    """ROC curves of several rows in one picture, logarithmic and linear in the false accepts."""
    figure = Figure(figsize=(10.5, 5.2), layout="constrained")
    linear, logarithmic = figure.subplots(1, 2)
    for number, (name, result) in enumerate(results.items()):
        color, dash = style_of(number)
        style = {"color": _COLORS[color], "linestyle": _DASHES[dash], "lw": 1.6}
        far, tar = np.array(result.roc["far"]), np.array(result.roc["tar"])
        linear.plot(far, tar, label=f"{name} (AUC {result.metrics['auc']:.3f})", **style)
        logarithmic.plot(far[far > 0], tar[far > 0], **style)
    linear.plot([0, 1], [0, 1], color="0.75", lw=0.8)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    logarithmic.set(xscale="log", xlim=(1e-3, 1))
    for axes in (linear, logarithmic):
        axes.set(xlabel="false accept rate", ylabel="true accept rate", ylim=(0, 1))
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize=11)
    return figure


def worst_errors_figure(measured: Measured, *, count: int = 10) -> Figure:
    """The pairs that a row gets most wrong: false accepts above, false rejects below."""
    outcome, benchmark = measured.outcome, measured.benchmark
    if outcome.thresholds is None:
        raise ValueError("a row without a threshold makes no errors to show")
    threshold = threshold_of_each_pair(outcome.thresholds, outcome.pairs.fold)
    kinds = worst_errors(outcome.scores, outcome.pairs.same, threshold, count=count)
    figure = Figure(figsize=(1.5 * count, 7.4), layout="constrained")
    halves = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for part, pairs, said in zip(
        halves, kinds, ("different people, taken for one", "one person, taken for two"),
        strict=True,
    ):  # fmt: skip
        part.suptitle(f"Worst errors: {said}", fontsize=11)
        grid = part.subplots(2, count, squeeze=False)
        for axes in grid.flat:
            axes.axis("off")
        for column, pair in enumerate(pairs):
            for line, image in enumerate((outcome.pairs.first[pair], outcome.pairs.second[pair])):
                grid[line, column].imshow(benchmark.images[int(image)])
                name = benchmark.names[int(image)].replace("_", " ")
                grid[line, column].set_title(name, fontsize=5.5)
            margin = outcome.scores[pair] - threshold[pair]
            grid[1, column].text(
                0.5, -0.06, f"score - threshold = {margin:+.3g}", fontsize=6, ha="center",
                va="top", transform=grid[1, column].transAxes,
            )  # fmt: skip
    return figure


def gallery_figure(
    mean: Float[np.ndarray, "height width"],
    eigenfaces: Float[np.ndarray, "faces height width"],
    shares: Sequence[float],
) -> Figure:
    """The mean face and the leading eigenfaces, each with its share of the variance."""
    columns = 8
    rows = -(-(len(eigenfaces) + 1) // columns)
    figure = Figure(figsize=(1.35 * columns, 1.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    grid[0, 0].imshow(mean, cmap="gray")
    grid[0, 0].set_title("mean face", fontsize=8)
    for number, (axes, face, share) in enumerate(
        zip(grid.flat[1:], eigenfaces, shares, strict=False), start=1
    ):
        bound = np.abs(face).max()
        axes.imshow(face, cmap="gray", vmin=-bound, vmax=bound)
        axes.set_title(f"$u_{{{number}}}$  {share:.1%}", fontsize=8)
    return figure


def reconstruction_figure(
    faces: Float[np.ndarray, "faces height width"],
    rebuilt: Mapping[int, Float[np.ndarray, "faces height width"]],
) -> Figure:
    """Faces (one a row) rebuilt from more and more eigenfaces (one a column)."""
    columns = len(rebuilt) + 1
    figure = Figure(figsize=(1.5 * columns, 1.75 * len(faces)), layout="constrained")
    grid = figure.subplots(len(faces), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for line, face in enumerate(faces):
        grid[line, 0].imshow(face, cmap="gray", vmin=0, vmax=1)
        for column, (components, pictures) in enumerate(rebuilt.items(), start=1):
            grid[line, column].imshow(pictures[line], cmap="gray", vmin=0, vmax=1)
            error = float(np.sqrt(np.mean((pictures[line] - face) ** 2)))
            grid[line, column].set_title(f"{components}: error {error:.3f}", fontsize=8)
    grid[0, 0].set_title("face", fontsize=8)
    return figure


def histogram_figure(scores: Scores, same: np.ndarray, threshold: float) -> Figure:
    """How the scores of both kinds of pairs lie about the threshold."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    low, high = np.quantile(scores, [0.001, 0.999])
    bins = np.linspace(low, high, 60).tolist()
    axes.hist(scores[same], bins, alpha=0.6, label="one person", color=_COLORS[0])
    axes.hist(scores[~same], bins, alpha=0.6, label="two people", color=_COLORS[1])
    axes.axvline(threshold, color="0.2", lw=1, label="threshold (mean of the folds)")
    axes.set(xlabel="score (higher: more alike)", ylabel="pairs")
    axes.legend(fontsize=8)
    return figure
