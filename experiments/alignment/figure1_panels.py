"""The eight panels of the paper's Figure 1, from the stages of one face.

Source: Taigman et al. 2014, Fig. 1. Differs: (e) lies on the frontal mesh, where no triangle hides
  another; (f) also shows where the warp takes each fiducial from.
"""

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from common.data.synthetic_scene import rotation
from common.geometry import apply, invert
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import FaceModel3D
from deepface_jax.placement import reference, six_fiducials
from deepface_jax.visibility import facing, viewing_direction
from experiments.alignment.figure1_stages import Stages, on_head

_LIGHT = (25.0, -28.0, 0.0)
"""Yaw, pitch and roll, in degrees, that turn a head-on light to the upper left, for (d)."""
_GREEN, _BLUE, _ORANGE = "#7CFC6B", "#4CC9F0", "#FFB000"


def draw(stages: Stages, face: FaceModel3D, config: AlignConfig = PAPER) -> Figure:
    """Draw the eight panels, in two rows.

    Args:
      stages: of the face.
      face: the 3D reference.
      config: that the stages were made with.
    """
    figure = Figure(figsize=(8.4, 5.0))
    figure.set_layout_engine("constrained", rect=(0, 0, 1, 0.96))  # above: room for a banner
    grid = figure.subplots(2, 4)
    panels = (
        (_detected, "(a) the face and 6 fiducials;\ndashed: what (b) shows"),
        (_aligned, "(b) the 2D-aligned crop\n"),
        (_triangulated, "(c) 67 fiducials, Delaunay triangles;\nwhite: those added on the contour"),
        (_shape, "(d) the reference 3D shape,\nseen by the fitted camera"),
        (_visibility, "(e) visibility of its triangles:\nthe darker, the less visible"),
        (
            _directed,
            "(f) the warp: fiducials of (c), blue,\nto those of the 3D model, orange",
        ),
        (_frontalized, "(g) the frontalized crop\n"),
        (_turned, f"(h) a new view, yaw {stages.yaw_degrees:+.0f} degrees:\nnot used in the paper"),
    )
    for axes, (panel, caption) in zip(grid.flat, panels, strict=True):
        panel(axes, stages, face, config)
        axes.set_title(caption, fontsize=8.5)
        axes.set(xticks=[], yticks=[], aspect="equal")
    return figure


def _detected(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    """The picture's square around what the crop shows, with a margin."""
    edge = config.size - 0.5
    corners = np.array([[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge]])
    corners = np.asarray(apply(invert(stages.frontal.transform), corners))
    axes.imshow(stages.picture, interpolation="bicubic")
    axes.fill(*corners.T, fill=False, edgecolor="white", linestyle="--", linewidth=1.2)
    axes.scatter(*six_fiducials(stages.landmarks).T, s=30, c=_GREEN, edgecolors="black", lw=0.8)
    height, width = stages.picture.shape[:2]
    middle, half = corners.mean(axis=0), 0.62 * np.ptp(corners, axis=0).max()
    (left, top), (right, bottom) = middle - half, middle + half
    axes.set_xlim(max(left, -0.5), min(right, width - 0.5))
    axes.set_ylim(min(bottom, height - 0.5), max(top, -0.5))


def _aligned(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    axes.imshow(stages.crop, interpolation="bicubic")


def _triangulated(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    axes.imshow(stages.crop, interpolation="bicubic")
    around = face.triangles[(face.triangles >= len(face.anchor)).any(axis=1)]
    axes.triplot(*stages.mesh.T, around, color="white", lw=0.5)
    axes.triplot(*stages.mesh.T, face.skin, color=_GREEN, lw=0.7)
    axes.scatter(*stages.fiducials.T, s=8, c=_BLUE, zorder=3)
    _crop_limits(axes, config)


def _shape(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    """The head's surface, lit from the upper left, over the faded crop; far triangles first."""
    points = reference(face, config)
    head, camera = face.triangles[on_head(face)], stages.frontal.camera
    depth = (points @ np.asarray(viewing_direction(camera)))[head].mean(axis=1)
    head = head[np.argsort(-depth)]
    beam = np.column_stack([rotation(np.array(_LIGHT))[:2], np.zeros(2)])
    light = np.asarray(facing(points, head, jnp.asarray(beam))).clip(0)
    axes.imshow(stages.crop, interpolation="bicubic", alpha=0.25)
    axes.add_collection(
        PolyCollection(
            list(stages.model[head]),
            array=light,
            cmap="gray",
            clim=(-0.3, 1.05),
            edgecolors="0.35",
            lw=0.4,
        )
    )
    _crop_limits(axes, config)


def _visibility(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    triangles = np.asarray(stages.frontal.target)[face.triangles[on_head(face)]]
    axes.add_collection(
        PolyCollection(
            list(triangles), array=stages.seen, cmap="gray", clim=(0, 0.8), edgecolors=_BLUE, lw=0.4
        )
    )
    _crop_limits(axes, config)


def _directed(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    target = np.asarray(stages.frontal.target)[: len(stages.fiducials)]
    axes.imshow(stages.crop, interpolation="bicubic", alpha=0.45)
    ways = np.stack([stages.fiducials, target], axis=1)
    axes.add_collection(LineCollection(list(ways), colors="white", lw=0.8))
    axes.scatter(*stages.fiducials.T, s=5, c=_BLUE, zorder=3)
    axes.scatter(*target.T, s=14, c=_ORANGE, edgecolors="black", lw=0.4, zorder=4)
    _crop_limits(axes, config)


def _frontalized(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    axes.imshow(np.asarray(stages.frontal.image), interpolation="bicubic")


def _turned(axes: Axes, stages: Stages, face: FaceModel3D, config: AlignConfig) -> None:
    axes.imshow(stages.new_view, interpolation="bicubic")


def _crop_limits(axes: Axes, config: AlignConfig) -> None:
    axes.set(xlim=(-0.5, config.size - 0.5), ylim=(config.size - 0.5, -0.5))
