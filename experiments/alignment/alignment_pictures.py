"""Pictures of what alignment does to many faces: before and after, and the mean under each.

The better faces lie on one another, the sharper is their mean. Pictures of faces are written to
`runs/` only; the mean of many may be shown.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.figure import Figure

from common.geometry import pixel_grid
from deepface_jax.config import PAPER
from deepface_jax.face_model import ANCHORS, generic_face
from deepface_jax.placement import reference
from experiments.pictures import save

Faces = UInt8[np.ndarray, "faces height width 3"]
Aligned = UInt8[np.ndarray, "_ 152 152 3"]


def strip(
    originals: Faces,
    crops: UInt8[np.ndarray, "faces size size 3"],
    two_d: UInt8[np.ndarray, "faces size size 3"],
    three_d: UInt8[np.ndarray, "faces size size 3"],
    path: Path,
    *,
    synthetic: bool,
) -> Path:
    """Draw one column a face: as it came, center crop, 2D-aligned, frontalized.

    Args:
      originals: RGB, 0 to 255; about eight faces are well seen.
      crops: the same faces, in the same order; so are the others.
      two_d: after 2D alignment.
      three_d: after frontalization.
      path: of the PNG.
      synthetic: whether no real face is on it; then it says so.

    Returns:
      The path.
    """
    rows = {"original": originals, "center crop": crops, "2D": two_d, "3D": three_d}
    figure = Figure(figsize=(1.3 * len(originals) + 0.4, 5.6))
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 0.95), w_pad=0.02, h_pad=0.02)
    grid = figure.subplots(len(rows), len(originals), squeeze=False)
    for line, (name, faces) in zip(grid, rows.items(), strict=True):
        for axes, face in zip(line, faces, strict=True):
            axes.imshow(face)
            axes.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, fontsize=9)
    return save(figure, path, synthetic=synthetic)


def mean_faces(by_alignment: Mapping[str, Aligned], path: Path, *, synthetic: bool) -> Path:
    """Draw the mean face under each alignment, with its sharpness below.

    Args:
      by_alignment: what each alignment makes of the same faces: RGB, 0 to 255, as large as the
        network's input. The names stand above the means.
      path: of the PNG.
      synthetic: whether the faces are; then the picture says so.

    Returns:
      The path.

    Raises:
      ValueError: no faces, or not as many in each.
    """
    counts = {name: len(faces) for name, faces in by_alignment.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ValueError(
            f"the means are of {counts} faces; wanted the same faces in each, at least one: the "
            "fewer faces, the sharper their mean"
        )
    figure = Figure(figsize=(2.5 * len(counts), 3.3))
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 0.93))
    grid = figure.subplots(1, len(counts), squeeze=False)
    for axes, (name, faces) in zip(grid[0], by_alignment.items(), strict=True):
        mean = mean_face(faces)
        axes.imshow(mean)
        axes.set(xticks=[], yticks=[])
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(f"sharpness {sharpness(mean):.2f}", fontsize=9)
    shown = f"Mean of {max(counts.values()):,} faces"
    figure.supxlabel(
        f"{shown}; sharpness: mean gradient of the face, in grey levels a pixel", fontsize=8
    )
    return save(figure, path, synthetic=synthetic)


def mean_face(faces: Faces) -> Float[np.ndarray, "height width 3"]:
    """Mean of the faces, pixel by pixel, in [0, 1]."""
    return faces.mean(axis=0) / 255


def sharpness(mean: Float[np.ndarray, "size size 3"]) -> float:
    """Mean length of the luma's gradient inside the face, in grey levels (of 255) a pixel.

    Args:
      mean: RGB in [0, 1], as large as the network's input.
    """
    luma = 255 * mean @ np.array([0.299, 0.587, 0.114])
    down, across = np.gradient(luma)
    return float(np.hypot(down, across)[face_region()].mean())


@cache
def face_region() -> Bool[np.ndarray, "size size"]:
    """Pixels of the network's input inside the generic face's outline, brows to chin."""
    from scipy.spatial import Delaunay

    anchors = reference(generic_face(), PAPER)[: len(ANCHORS), :2]
    return Delaunay(anchors).find_simplex(pixel_grid(PAPER.size, PAPER.size)) >= 0
