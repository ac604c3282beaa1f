"""The picture of clusters: a row each, wrong faces framed. One of real faces stays in `runs/`."""

import numpy as np
from jaxtyping import Int, UInt8
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

_WRONG = "#D55E00"


def clusters_figure(
    faces: UInt8[np.ndarray, "faces side side 3"],
    clusters: Int[np.ndarray, " faces"],
    label: Int[np.ndarray, " faces"] | None = None,
    *,
    rows: int = 12,
    columns: int = 14,
) -> Figure:
    """Clusters of all sizes, from the largest to the smallest, evenly chosen.

    Args:
      faces: RGB, 0 to 255.
      clusters: of each face.
      label: the person on each, where it is known: a face of another person than most of its
        cluster is framed.
      rows: clusters to show, at most.
      columns: faces of a cluster to show, at most.
    """
    names, sizes = np.unique(clusters, return_counts=True)
    by_size = names[np.argsort(-sizes, kind="stable")]
    places = np.linspace(0, len(by_size) - 1, min(rows, len(by_size))).round().astype(int)
    shown = by_size[places]
    figure = Figure(figsize=(0.75 * columns + 1.4, 0.78 * len(shown) + 0.4), layout="constrained")
    grid = figure.subplots(len(shown), columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for line, name in zip(grid, shown, strict=True):
        members = np.flatnonzero(clusters == name)
        wrong = np.zeros(len(members), bool)
        if label is not None:
            people, counts = np.unique(label[members], return_counts=True)
            wrong = label[members] != people[counts.argmax()]
        line[0].text(
            -0.15, 0.5, f"{len(members)} faces" if len(members) > 1 else "1 face", fontsize=8,
            ha="right", va="center", transform=line[0].transAxes,
        )  # fmt: skip
        for axes, face, strange in zip(line, members, wrong, strict=False):
            axes.imshow(faces[face])
            if strange:
                axes.add_patch(
                    Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, lw=3, ec=_WRONG)
                )
    said = f"{len(shown)} of {len(by_size)} clusters, by size"
    if label is not None:
        said += "; framed: another person than most of the row's cluster"
    figure.supxlabel(said, fontsize=9)
    return figure
