"""What the paper's Figure 1 shows of one face: every stage of the alignment, in numbers.

Source: Taigman et al. 2014, Fig. 1.
"""

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt8

from common.data.synthetic_scene import rotation
from common.geometry import apply, mesh_maps, pixel_grid, signed_areas, warp_piecewise_affine
from common.images import to_float
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import ANCHORS, FaceModel3D
from deepface_jax.fallback import Fallback
from deepface_jax.frontalize import Frontalized, frontalize_batch, project
from deepface_jax.placement import reference
from deepface_jax.visibility import facing, viewing_direction

NEW_YAW = 30.0
"""Degrees by which panel (h) turns the face, to the side that the picture shows less of."""


class FigureError(ValueError):
    """No figure can be drawn; the message says why, and what to do."""


class Stages(NamedTuple):
    """One face; positions without another word are in pixels of the 2D-aligned crop."""

    picture: UInt8[np.ndarray, "height width 3"]
    landmarks: Float[np.ndarray, "68 2"]
    """In pixels of the picture."""
    crop: Float[np.ndarray, "size size 3"]
    """2D-aligned."""
    frontal: Frontalized
    """By the full method."""
    fiducials: Float[np.ndarray, "67 2"]
    """x_2d."""
    model: Float[np.ndarray, "vertices 2"]
    """X_3d P: the generic shape under the fitted camera."""
    mesh: Float[np.ndarray, "vertices 2"]
    """The model with the residual: on the fiducials, and where it takes the points around them."""
    seen: Float[np.ndarray, " triangles"]
    """Of the triangles `on_head`: cosine between the normal and the viewer, 0 where not visible."""
    new_view: Float[np.ndarray, "size size 3"]
    yaw_degrees: float
    """Of the new view."""


def stages(
    picture: UInt8[np.ndarray, "height width 3"],
    landmarks: Float[np.ndarray, "68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Stages:
    """Align one face by the full method, and keep what every stage makes.

    Args:
      picture: RGB, 0 to 255; a far larger face than the output's should be shrunk first.
      landmarks: iBUG order, in pixels of the picture.
      face: the 3D reference.
      config: placement and limits; its switches are set to the full method.

    Raises:
      FigureError: the face cannot be frontalized.
    """
    image, points = to_float(picture), reference(face, config)
    found = _frontal(image, landmarks, face, config)
    model = np.asarray(project(points, found.camera))
    head = on_head(face)
    cosine = np.asarray(facing(points, face.triangles[head], found.camera))
    to_the_right = viewing_direction(found.camera)[0] > 0
    yaw = -NEW_YAW if to_the_right else NEW_YAW
    return Stages(
        picture=picture,
        landmarks=landmarks,
        crop=np.asarray(_align(image, landmarks, face, replace(config, stage="2d")).image),
        frontal=found,
        fiducials=np.asarray(apply(found.transform, landmarks))[ANCHORS],
        model=model,
        mesh=model + (found.target - points[:, :2]),  # target - reference: the residual
        seen=np.where(found.visible[head], cosine, 0),
        new_view=np.asarray(new_view(image, landmarks, face, config, yaw)),
        yaw_degrees=yaw,
    )


def new_view(
    image: Float[Array | np.ndarray, "height width 3"],
    landmarks: Float[Array | np.ndarray, "68 2"],
    face: FaceModel3D,
    config: AlignConfig,
    yaw_degrees: float,
) -> Float[Array, "size size 3"]:
    """The frontalized face, turned to a side: what the paper draws as (h) and does not use.

    The warp's target with the reference's z is the person's own shape. Turned, it is moved to the
    middle of the output; what is around the head is black.

    Args:
      image: pixels in [0, 1].
      landmarks: iBUG order, in pixels of the image.
      face: the 3D reference.
      config: placement and limits.
      yaw_degrees: positive turns the nose to the image's right.

    Raises:
      FigureError: the face cannot be frontalized.
    """
    found, points = _frontal(image, landmarks, face, config), reference(face, config)
    target, head = np.asarray(found.target), face.triangles[on_head(face)]
    # The midline's two copies may lie a little apart: they meet halfway, lest a gap opens.
    shape = np.where(
        points[:, :1] == points[face.mirror, :1], target + target[face.mirror], 2 * target
    )
    shape = np.concatenate([shape / 2, points[:, 2:]], axis=1)
    turned = shape @ np.asarray(rotation(np.array([yaw_degrees, 0.0, 0.0], np.float32))).T
    sides = turned[head, 0].min(), turned[head, 0].max()
    turned[:, 0] += (config.size - 1) / 2 - np.mean(sides)
    numbers = nearest_triangle(turned, head, config.size)
    return warp_piecewise_affine(found.image, found.target, turned[:, :2], head, numbers)


def on_head(face: FaceModel3D) -> Bool[np.ndarray, " triangles"]:
    """Which triangles are the face's and the forehead's, and not of the frame around them."""
    return face.follow[face.triangles].min(axis=1) > 0


def nearest_triangle(
    points: Float[np.ndarray, "vertices 3"], triangles: Int[np.ndarray, "triangles 3"], size: int
) -> Int[np.ndarray, "size size"]:
    """Number of the triangle that is seen at each pixel; -1 where there is none.

    Args:
      points: of a mesh that may hide parts of itself; z away from the viewer.
      triangles: corners clockwise as seen from outside of the head; one turned away is not seen.
      size: height and width of the image.
    """
    corners = points[triangles]
    separate = np.arange(triangles.size).reshape(triangles.shape)
    barycentric = np.tile(np.eye(3, dtype=np.float32), (len(triangles), 1))
    flat = jnp.asarray(corners[..., :2])
    maps = np.asarray(mesh_maps(flat.reshape(-1, 2), separate, jnp.asarray(barycentric)))
    grid = pixel_grid(size, size).reshape(-1, 2)
    weights = grid @ maps[:, :2] + maps[:, 2:]  # triangles, pixels, corners
    inside = (weights >= -1e-4).all(axis=-1) & (np.asarray(signed_areas(flat)) > 0)[:, None]
    depth = np.where(inside, np.einsum("tpc,tc->tp", weights, corners[..., 2]), np.inf)
    return np.where(inside.any(axis=0), depth.argmin(axis=0), -1).reshape(size, size)


def _frontal(image, landmarks, face: FaceModel3D, config: AlignConfig) -> Frontalized:
    """Of the full method, whatever the configuration's switches say."""
    full = replace(config, stage="3d", residual=True, blending=True, covariance=True)
    found = _align(image, landmarks, face, full)
    if found.status != Fallback.NONE:
        raise FigureError(
            f"this face cannot be frontalized ({Fallback(int(found.status)).name}); wanted a whole "
            f"face that is turned by less than {config.largest_turn_degrees:g} degrees"
        )
    return found


def _align(image, landmarks, face: FaceModel3D, config: AlignConfig) -> Frontalized:
    landmarks = np.asarray(landmarks, np.float32)
    found = frontalize_batch(np.asarray(image)[None], landmarks[None], face, config)
    return jax.tree.map(lambda values: values[0], found)
