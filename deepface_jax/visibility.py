"""What the camera sees of the generic face, and how much of each side the output shows.

The paper draws the visibility of its triangles (Fig. 1 d) and gives no formula; these are ours
(docs/deepface.md, deviation 4).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

# How much nearer, in units of the head model, a triangle must be to hide another.
_NEARER = 0.08


def viewing_direction(camera: Float[Array, "2 4"]) -> Float[Array, " 3"]:
    """Unit vector, in head coordinates, in which the camera looks; (0, 0, 1) for a frontal face."""
    direction = jnp.cross(camera[0, :3], camera[1, :3])
    return direction / jnp.maximum(jnp.sqrt(jnp.sum(direction**2) + 1e-20), 1e-10)


def facing(
    points: Float[Array | np.ndarray, "vertices 3"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    camera: Float[Array, "2 4"],
) -> Float[Array, " triangles"]:
    """Cosine between each triangle's normal and the direction to the viewer; negative: hidden."""
    a, b, c = (jnp.asarray(points)[triangles[:, corner]] for corner in range(3))
    normal = jnp.cross(b - a, c - a)
    return normal @ viewing_direction(camera) / jnp.linalg.norm(normal, axis=1)


def covered(
    points: Float[Array | np.ndarray, "vertices 3"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    camera: Float[Array, "2 4"],
    *,
    margin: float,
) -> Bool[Array, " triangles"]:
    """Whether another triangle stands before a triangle's middle, nearer by more than margin."""
    points = jnp.asarray(points)
    plane = (points @ camera[:, :3].T)[triangles]
    depth = (points @ viewing_direction(camera))[triangles]
    start, (u, v) = plane[:, 0], (plane[:, 1] - plane[:, 0], plane[:, 2] - plane[:, 0])
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area = jnp.where(jnp.abs(area) < 1e-6, jnp.inf, area)  # an edge-on triangle covers nothing
    middle = plane.mean(axis=1)[:, None] - start  # (covered, covering, 2)
    second = (middle[..., 0] * v[:, 1] - middle[..., 1] * v[:, 0]) / area
    third = (u[:, 0] * middle[..., 1] - u[:, 1] * middle[..., 0]) / area
    inside = (second > 0) & (third > 0) & (second + third < 1)
    there = depth[:, 0] + second * (depth[:, 1] - depth[:, 0]) + third * (depth[:, 2] - depth[:, 0])
    return (inside & (there < depth.mean(axis=1)[:, None] - margin)).any(axis=1)


def visible_triangles(
    points: Float[Array | np.ndarray, "vertices 3"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    camera: Float[Array, "2 4"],
    *,
    unit: float = 1.0,
) -> Bool[Array, " triangles"]:
    """Which triangles the camera sees: turned to it, and with nothing before them.

    Args:
      points: of the mesh, z away from the viewer.
      triangles: corners clockwise as seen from the front.
      camera: from `fit_affine_camera`.
      unit: the head model's unit, in the unit of the points.
    """
    hidden = covered(points, triangles, camera, margin=_NEARER * unit)
    return (facing(points, triangles, camera) > 0) & ~hidden


def own_share(
    points: Float[Array | np.ndarray, "vertices 3"],
    triangles: Int[np.ndarray, "triangles 3"],
    camera: Float[Array, "2 4"],
    *,
    seen: tuple[float, float],
    unit: float = 1.0,
) -> Float[Array, " vertices"]:
    """Weight, at each vertex, of the face's own pixels against those of its other side.

    How well a triangle is seen rises smoothly (3 t^2 - 2 t^3) from 0 to 1 while the cosine of
    `facing` goes from seen[0] to seen[1]; it is 0 for a covered one. A triangle is replaced as far
    as its counterpart is seen better:  share = 1 - max(seen(counterpart) - seen(own), 0).  So a
    frontal face, and what is hidden on both sides, stay as they are. A vertex takes the least
    share of its triangles: all of a hidden triangle is replaced, and the weights, interpolated
    over the triangles, have no jump.

    Args:
      points: of the mesh, z away from the viewer.
      triangles: first those of one half, then their mirror images in the same order.
      camera: from `fit_affine_camera`.
      seen: cosines, the first below the second.
      unit: the head model's unit, in the unit of the points.
    """
    t = ((facing(points, triangles, camera) - seen[0]) / (seen[1] - seen[0])).clip(0, 1)
    hidden = covered(points, triangles, camera, margin=_NEARER * unit)
    own = jnp.where(hidden, 0, t * t * (3 - 2 * t))
    share = 1 - jnp.maximum(jnp.roll(own, len(triangles) // 2) - own, 0)
    return jnp.ones(len(points)).at[triangles].min(share[:, None])
