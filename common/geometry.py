"""Plane geometry of faces: least-squares transforms, and warps of images by them.

Positions are (x, y) in pixels, x right and y down, the origin at the center of the top-left pixel.
A transform is the 2 x 3 matrix of  x_target = matrix @ [x_source, 1].  Functions of points and
transforms take leading batch axes; those of images take one image: vmap them.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# Twice the area, in pixels, of a triangle whose map rounding spoils; it holds no pixel anyway.
_SLIVER = 1e-2


def fit_similarity(
    source: Float[Array | np.ndarray, "*batch points 2"],
    target: Float[Array | np.ndarray, "*batch points 2"],
) -> Float[Array, "*batch 2 3"]:
    """Rotation, scale and shift that take source to target with the least sum of squares.

    With points as complex numbers about their means, target = a * source has the solution
    a = sum(conj(source) target) / sum(|source|^2). No reflection; a source of one single point
    gives infinite or NaN values.

    Example:
      >>> square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
      >>> (fit_similarity(square, 2 * square + 5) + 0.0).round(3).tolist()
      [[2.0, 0.0, 5.0], [0.0, 2.0, 5.0]]
    """
    source, target = jnp.asarray(source), jnp.asarray(target)
    from_mean, to_mean = source.mean(axis=-2), target.mean(axis=-2)
    a, b = source - from_mean[..., None, :], target - to_mean[..., None, :]
    square = jnp.sum(a**2, axis=(-2, -1))
    cosine = jnp.sum(a * b, axis=(-2, -1)) / square
    sine = jnp.sum(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], axis=-1) / square
    linear = jnp.stack([jnp.stack([cosine, -sine], -1), jnp.stack([sine, cosine], -1)], -2)
    return _with_shift(linear, from_mean, to_mean)


def fit_affine(
    source: Float[Array | np.ndarray, "*batch points 2"],
    target: Float[Array | np.ndarray, "*batch points 2"],
) -> Float[Array, "*batch 2 3"]:
    """Affine map with the least sum of squares, of three points or more that are not on a line."""
    source, target = jnp.asarray(source), jnp.asarray(target)
    from_mean, to_mean = source.mean(axis=-2), target.mean(axis=-2)
    a, b = source - from_mean[..., None, :], target - to_mean[..., None, :]
    linear = jnp.einsum("...pi,...pj->...ij", b, a) @ _inverse(
        jnp.einsum("...pi,...pj->...ij", a, a)
    )
    return _with_shift(linear, from_mean, to_mean)


def apply(
    transform: Float[Array | np.ndarray, "*batch 2 3"],
    points: Float[Array | np.ndarray, "*batch points 2"],
) -> Float[Array, "*batch points 2"]:
    """Where the transform takes each point."""
    transform = jnp.asarray(transform)
    return (
        jnp.einsum("...ij,...pj->...pi", transform[..., :2], jnp.asarray(points))
        + transform[..., None, :, 2]
    )


def compose(
    second: Float[Array | np.ndarray, "*batch 2 3"], first: Float[Array | np.ndarray, "*batch 2 3"]
) -> Float[Array, "*batch 2 3"]:
    """One transform that does `first`, then `second`."""
    second, first = jnp.asarray(second), jnp.asarray(first)
    return (second[..., :2] @ first).at[..., 2].add(second[..., 2])


def invert(transform: Float[Array | np.ndarray, "*batch 2 3"]) -> Float[Array, "*batch 2 3"]:
    """The transform back; infinite or NaN for one that flattens the plane."""
    transform = jnp.asarray(transform)
    linear = _inverse(transform[..., :2])
    shift = -jnp.einsum("...ij,...j->...i", linear, transform[..., 2])
    return jnp.concatenate([linear, shift[..., None]], axis=-1)


def pixel_grid(height: int, width: int) -> Float[np.ndarray, "height width 2"]:
    """(x, y) of every pixel center."""
    rows, columns = np.indices((height, width), dtype=np.float32)
    return np.stack([columns, rows], axis=-1)


def sample(
    image: Float[Array, "height width channels"], positions: Float[Array, "*grid 2"]
) -> Float[Array, "*grid channels"]:
    """Bilinear value of the image at each position; outside, that of the nearest edge pixel.

    Args:
      image: at least 2 x 2 pixels.
      positions: finite; differentiable, with the slope of the cell that a position lies in.
    """
    height, width, channels = image.shape
    x = positions[..., 0].clip(0, width - 1)
    y = positions[..., 1].clip(0, height - 1)
    left = jnp.floor(x).clip(0, width - 2)
    top = jnp.floor(y).clip(0, height - 2)
    u, v = (x - left)[..., None], (y - top)[..., None]
    corner = (top * width + left).astype(jnp.int32)
    pixels = image.reshape(height * width, channels)

    def at(step: int) -> Array:
        return pixels.at[corner + step].get(mode="promise_in_bounds")

    upper = at(0) * (1 - u) + at(1) * u
    lower = at(width) * (1 - u) + at(width + 1) * u
    return upper * (1 - v) + lower * v


@jax.jit
def sample_batch(
    images: Float[Array, "batch height width channels"], positions: Float[Array, "batch *grid 2"]
) -> Float[Array, "batch *grid channels"]:
    """`sample`, for each image its positions.

    Call it outside of jit, with finished positions: in one compiled function with what makes
    them, XLA's CPU back end makes them anew for each of the four pixels (three times as slow).
    """
    return jax.vmap(sample)(images, positions)


def warp(
    image: Float[Array, "rows columns channels"],
    transform: Float[Array | np.ndarray, "2 3"],
    height: int,
    width: int,
) -> Float[Array, "height width channels"]:
    """The image moved by the transform, on height x width pixels; edges are replicated."""
    grid = pixel_grid(height, width).reshape(-1, 2)
    return sample(image, apply(invert(transform), grid).reshape(height, width, 2))


# Triangle meshes


def triangle_at_pixels(
    points: Float[Array | np.ndarray, "vertices 2"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    height: int,
    width: int,
) -> Int[Array, "height width"]:
    """Number of the mesh's triangle that each pixel center lies in.

    A row of pixels crosses one triangle after another. Each triangle writes its number on the
    first pixel that it reaches; a running maximum, from left to right, spreads the numbers. No
    pixel falls between two triangles, and the work is rows x triangles, not pixels x triangles.

    Args:
      points: corners, in or outside of the image.
      triangles: of a convex mesh, the corners clockwise as seen on the image; a triangle that
        the points turn over is left out, and its neighbors to the left fill its place.
      height: of the image.
      width: of the image.

    Returns:
      Triangle numbers; -1 left of the mesh, and in rows that it does not reach. Right of the mesh
      the last triangle of the row goes on.
    """
    corners = jnp.asarray(points)[jnp.asarray(triangles)]
    after = jnp.roll(corners, -1, axis=1)
    rows = jnp.arange(height)
    (ax, ay), (bx, by) = (
        tuple(ends[..., axis, None] for axis in range(2)) for ends in (corners, after)
    )
    crossed = (ay <= rows) != (by <= rows)  # (triangles, edges, rows): none or two edges
    x = ax + (rows - ay) * ((bx - ax) / jnp.where(ay == by, 1, by - ay))
    start = jnp.where(crossed, x, jnp.inf).min(axis=1)
    start = jnp.where((signed_areas(corners) > 0)[:, None], start, jnp.inf).clip(min=-width)

    # The place where a triangle starts in the upper bits, its number in the lower: where several
    # start between two pixel centers, the maximum is the last of them.
    bits = max(1, (len(triangles) - 1).bit_length())
    levels = 2 ** (30 - bits) // width  # to a pixel
    level = ((start.clip(max=width) + width) * levels).astype(jnp.int32)
    key = (level << bits) | jnp.arange(len(triangles))[:, None]
    first = jnp.ceil(start).clip(0, width).astype(jnp.int32)  # column `width` is thrown away
    cell = rows * (width + 1) + first
    keys = jnp.full(height * (width + 1), -1).at[cell].max(key, mode="promise_in_bounds")
    columns = keys.reshape(height, width + 1)[:, :width].T

    # A scan over columns of all rows: three times as fast as lax.cummax on a CPU.
    def spread(last: Array, key: Array) -> tuple[Array, Array]:
        last = jnp.maximum(last, key)
        return last, last

    _, keys = jax.lax.scan(spread, jnp.full(height, -1), columns)
    return jnp.where(keys.T < 0, -1, keys.T & (2**bits - 1))


def triangle_map(
    points: Float[np.ndarray, "vertices 2"],
    triangles: Int[np.ndarray, "triangles 3"],
    height: int,
    width: int,
) -> Int[np.ndarray, "height width"]:
    """`triangle_at_pixels` of a mesh that does not change, made once; -1 on every side of it."""
    with jax.ensure_compile_time_eval():
        numbers = np.array(triangle_at_pixels(points, triangles, height, width))
    a, b, c = (points[triangles[numbers, corner]].astype(np.float64) for corner in range(3))
    pixels = pixel_grid(height, width)
    for start, end in ((a, b), (b, c), (c, a)):
        along, to_pixel = end - start, pixels - start
        beside = along[..., 0] * to_pixel[..., 1] - along[..., 1] * to_pixel[..., 0]
        numbers[beside < -1e-3 * np.abs(along).sum(axis=-1)] = -1
    return numbers


def signed_areas(corners: Float[Array, "*batch 3 2"]) -> Float[Array, "*batch"]:
    """Area of each triangle, positive where its corners run clockwise on the image (y is down)."""
    b, c = (corners[..., corner, :] - corners[..., 0, :] for corner in (1, 2))
    return (b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]) / 2


def mesh_maps(
    points: Float[Array, "vertices 2"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    values: Float[Array, "vertices channels"],
) -> Float[Array, "triangles 3 channels"]:
    """The affine function of (x, y, 1) that has the corners' values; slopes of slivers damped."""
    corners, of_corners = points[triangles], values[triangles]
    edges = corners[:, 1:] - corners[:, :1]
    twice = 2 * signed_areas(corners)
    safe = jnp.where(jnp.abs(twice) < _SLIVER, _SLIVER, twice)
    slope = _adjugate(edges) / safe[:, None, None] @ (of_corners[:, 1:] - of_corners[:, :1])
    offset = of_corners[:, :1] - corners[:, :1] @ slope
    return jnp.concatenate([slope, offset], axis=1)


def interpolate(
    points: Float[Array | np.ndarray, "vertices 2"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    values: Float[Array, "vertices channels"],
    numbers: Int[Array | np.ndarray, "height width"],
) -> Float[Array, "height width channels"]:
    """Spread values of a mesh's vertices over an image, linearly in each triangle.

    Args:
      points: corners on the image.
      triangles: three numbers of points each.
      values: of the points.
      numbers: the triangle of every pixel, from `triangle_at_pixels` or `triangle_map`.

    Returns:
      Values, differentiable in values and points except where a pixel changes its triangle;
      where there is no triangle, they have no meaning, but are finite.
    """
    maps = mesh_maps(jnp.asarray(points), triangles, values)
    maps = maps.at[jnp.asarray(numbers).clip(0)].get(mode="promise_in_bounds")
    height, width = numbers.shape
    x, y = jnp.arange(width, dtype=maps.dtype)[:, None], jnp.arange(height)[:, None, None]
    return maps[:, :, 0] * x + maps[:, :, 1] * y + maps[:, :, 2]


def warp_piecewise_affine(
    image: Float[Array, "rows columns channels"],
    source: Float[Array, "vertices 2"],
    target: Float[Array | np.ndarray, "vertices 2"],
    triangles: Int[Array | np.ndarray, "triangles 3"],
    numbers: Int[Array | np.ndarray, "height width"],
) -> Float[Array, "height width channels"]:
    """Move each triangle of the image from its source to its target corners, by its affine map.

    Args:
      image: to take pixels from; beyond its edges they are replicated.
      source: where the mesh's vertices lie in `image`.
      target: where they shall lie.
      triangles: three numbers of vertices each.
      numbers: `triangle_map(target, ...)` once for a target that does not change, else
        `triangle_at_pixels(target, ...)`.

    Returns:
      The warped image; pixels without a triangle are zero.
    """
    positions = interpolate(target, triangles, source, numbers)
    return jnp.where((jnp.asarray(numbers) >= 0)[..., None], sample(image, positions), 0)


def _with_shift(linear: Array, from_mean: Array, to_mean: Array) -> Array:
    shift = to_mean - jnp.einsum("...ij,...j->...i", linear, from_mean)
    return jnp.concatenate([linear, shift[..., None]], axis=-1)


def _adjugate(matrix: Array) -> Array:
    a, b, c, d = (matrix[..., row, column] for row in range(2) for column in range(2))
    return jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], -2)


def _inverse(matrix: Array) -> Array:
    """Of 2 x 2 matrices, without LAPACK: batched and cheap."""
    adjugate = _adjugate(matrix)
    determinant = jnp.sum(matrix[..., 0, :] * adjugate[..., :, 0], axis=-1)
    return adjugate / determinant[..., None, None]
