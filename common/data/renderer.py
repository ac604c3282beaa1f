"""A small renderer: triangles to pixels with a z-buffer, and Lambert's law, in JAX.

The mesh is many small triangles, so every triangle looks at the same small window of pixels, all
at once; a pixel keeps the nearest triangle that covers it. There is no loop and no data-dependent
shape: jit, vmap and a GPU take it as it is.

Positions are (x, y, z): x right and y down in pixels, origin at the center of the top-left pixel;
z grows away from the viewer, in any unit.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

# A pixel center on the edge of two triangles must not fall between them by rounding.
_EDGE = 1e-5


class Raster(NamedTuple):
    """What every pixel shows."""

    triangle: Int[Array, "height width"]
    """Number of the nearest triangle; -1 where there is none."""
    weights: Float[Array, "height width 3"]
    """Barycentric coordinates in it: the shares of its three corners, sum 1; 0 outside."""
    depth: Float[Array, "height width"]
    """z of the surface; infinite where there is none."""


class Group(NamedTuple):
    """Some triangles, and the side of a window of pixels that holds any one of them."""

    triangles: int
    window: int


def measure(
    points: Float[np.ndarray | Array, "*batch vertices 3"],
    triangles: Int[np.ndarray | Array, "triangles 3"],
    counts: Sequence[int],
) -> tuple[Group, ...]:
    """Find windows for `rasterize`, wide enough for these points however they are turned.

    A triangle's extent on the image is at most its longest edge in space, which a turn does not
    change: so all poses of a mesh share one compiled renderer.

    Args:
      points: as in `rasterize`, z in pixels too.
      triangles: sorted so that small ones come first.
      counts: how many triangles each group has; their sum is the number of triangles.

    Returns:
      One group a count; only few sizes of windows are in use.
    """
    corners = np.asarray(points)[..., np.asarray(triangles), :].astype(np.float64)
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=-2), axis=-1).max(axis=-1)
    groups = []
    for count, stop in zip(counts, np.cumsum(counts), strict=True):
        window = int(edges[..., stop - count : stop].max()) + 1
        coarse = 2 if window <= 8 else 4 if window <= 24 else 8
        groups.append(Group(count, -(-window // coarse) * coarse))
    return tuple(groups)


def rasterize(
    points: Float[Array, "vertices 3"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    *,
    height: int,
    width: int,
    groups: Sequence[Group],
) -> Raster:
    """Find the nearest triangle at every pixel center.

    Args:
      points: corners, (x, y) in pixels and z away from the viewer.
      triangles: three numbers of points each; both orientations are drawn, flat ones are not.
      height: of the image, in pixels.
      width: of the image, in pixels.
      groups: what `measure` found for these points, or for a batch that has them.

    Returns:
      Triangle, barycentric coordinates and depth of every pixel.
    """
    corners = points[triangles]
    near, far = points[:, 2].min(), points[:, 2].max()
    # Depth in the upper bits, the triangle's number in the lower: one scatter-min is the z-buffer.
    bits = max(1, (len(triangles) - 1).bit_length())
    levels = (2 ** (31 - bits) - 2) / jnp.maximum(far - near, 1e-6)
    nothing = jnp.iinfo(jnp.int32).max
    margin = max(window for _, window in groups)  # takes what falls off the image
    nearest = jnp.full((height + 2 * margin, width + 2 * margin), nothing)
    start = 0
    for count, window in groups:
        mine = corners[start : start + count, None, None]
        number = start + jnp.arange(count)[:, None, None]
        first = jnp.ceil(mine[:, 0, 0, :, :2].min(axis=1))
        x = first[:, 0, None, None] + jnp.arange(window)  # (triangles, 1, window)
        y = first[:, 1, None, None] + jnp.arange(window)[:, None]  # (triangles, window, 1)
        weights, z = _locate(mine, x, y)
        covers = (weights[0] >= -_EDGE) & (weights[1] >= -_EDGE) & (weights[2] >= -_EDGE)
        level = jnp.where(covers, (z - near) * levels, 0).clip(0).astype(jnp.int32)
        nearest = _scatter_min(
            nearest,
            first[:, ::-1].clip(-margin, max(height, width)).astype(jnp.int32) + margin,
            jnp.where(covers, (level << bits) | number, nothing),
        )
        start += count

    nearest = nearest[margin : margin + height, margin : margin + width]
    found = nearest != nothing
    triangle = jnp.where(found, nearest & (2**bits - 1), 0)
    rows, columns = jnp.indices((height, width)).astype(points.dtype)
    weights, z = _locate(corners[triangle], columns, rows)
    return Raster(
        triangle=jnp.where(found, triangle, -1),
        weights=jnp.where(found[..., None], jnp.stack(weights, axis=-1), 0),
        depth=jnp.where(found, z, jnp.inf),
    )


def _scatter_min(
    image: Int[Array, "height width"],
    corner: Int[Array, "windows 2"],
    values: Int[Array, "windows side side"],
) -> Int[Array, "height width"]:
    """Lower the image to the values of each window, whose first row and column `corner` says."""
    axes = jax.lax.ScatterDimensionNumbers(
        update_window_dims=(1, 2), inserted_window_dims=(), scatter_dims_to_operand_dims=(0, 1)
    )
    return jax.lax.scatter_min(image, corner, values, axes, mode=jax.lax.GatherScatterMode.CLIP)


def _locate(
    corners: Float[Array, "*any 3 3"], x: Float[Array, "*some"], y: Float[Array, "*other"]
) -> tuple[tuple[Array, Array, Array], Array]:
    """Barycentric coordinates and z of (x, y); a flat triangle has NaN, which covers nothing."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (
        tuple(corners[..., corner, axis] for axis in range(3)) for corner in range(3)
    )
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    inverse = jnp.where(area == 0, jnp.nan, 1 / jnp.where(area == 0, 1, area))
    b = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) * inverse
    c = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) * inverse
    return (1 - b - c, b, c), az + b * (bz - az) + c * (cz - az)


def interpolate(
    raster: Raster,
    triangles: Int[Array | np.ndarray, "triangles 3"],
    values: Float[Array, "vertices channels"],
) -> Float[Array, "height width channels"]:
    """Spread values of the vertices over the pixels, linearly in each triangle; 0 outside."""
    corners = values[jnp.asarray(triangles)[raster.triangle]]
    return jnp.sum(corners * raster.weights[..., None], axis=-2)


def vertex_normals(
    points: Float[Array, "vertices 3"], triangles: Int[Array | np.ndarray, "triangles 3"]
) -> Float[Array, "vertices 3"]:
    """Unit normals: the mean of the adjacent triangles' normals, weighted by their areas."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    faces = jnp.cross(b - a, c - a)  # twice the area long
    total = jnp.zeros_like(points).at[triangles].add(faces[:, None])
    return normalize(total)


def lambert(
    normals: Float[Array, "*pixels 3"],
    direction: Float[Array | np.ndarray, " 3"],
    ambient: Float[Array | np.ndarray, ""],
) -> Float[Array, "*pixels"]:
    """Light that a matte surface returns:  ambient + (1 - ambient) max(0, normal . direction).

    Args:
      normals: outward; any length but 0.
      direction: unit vector toward the light.
      ambient: share of the light that comes from everywhere, 0 to 1.

    Returns:
      Share of the full light, 0 to 1.
    """
    facing = jnp.maximum(normalize(normals) @ direction, 0)
    return jnp.asarray(ambient + (1 - ambient) * facing)


def normalize(vectors: Float[Array, "*any 3"]) -> Float[Array, "*any 3"]:
    """Scale to length 1; a zero vector stays zero."""
    length = jnp.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / jnp.maximum(length, 1e-12)


def is_hidden(
    raster: Raster, points: Float[Array, "points 3"], tolerance: float | int
) -> Bool[Array, " points"]:
    """Whether another part of the surface lies before a point, as seen at the point's pixel.

    Args:
      raster: of the whole mesh.
      points: on its surface, (x, y) in pixels and z; those off the image are not hidden.
      tolerance: in the unit of z: how far a slanted surface may rise within half a pixel.
    """
    height, width = raster.depth.shape
    x, y = jnp.round(points[:, 0]).astype(int), jnp.round(points[:, 1]).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    surface = raster.depth[y.clip(0, height - 1), x.clip(0, width - 1)]
    return inside & (surface < points[:, 2] - tolerance)
