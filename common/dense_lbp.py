"""Dense LBP descriptors of many faces: overlapping cells, several radii, mirror image included.

As `common.lbp`, but for thousands of faces: the patterns of a whole batch at once in JAX, and the
histograms of overlapping cells as sums of those of small squares, each of which is counted once.

Source: Ahonen et al. 2006 (the patterns); Arandjelovic and Zisserman 2012 (the square root, under
  which the Euclidean distance of histograms is Hellinger's).
"""

from collections.abc import Sequence
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from common.lbp import BINS, NEIGHBORS

_EVEN = 1e-3  # grey levels: rounding does not make a neighbor of the same grey a darker one


def descriptor_size(side: int, radii: Sequence[int], square: int) -> int:
    """Length of `dense_lbp`'s descriptors of side x side pixels."""
    return len(radii) * (side // square - 1) ** 2 * BINS


def dense_lbp(
    grey: UInt8[np.ndarray, "images side side"], *, radii: Sequence[int], square: int
) -> Float[np.ndarray, "images dim"]:
    """Square roots of the histograms of cells of 2 x 2 squares, one cell at every square.

    Each is the mean of the face's own descriptor and that of its mirror image, so that a face and
    its mirror image have the same.

    Args:
      grey: 0 to 255.
      radii: of the circles of neighbors, in pixels.
      square: side of a square in pixels; must divide the face's side, for the mirror image's cells
        to be the mirror images of the cells.

    Returns:
      float32; radius by radius, cells in reading order, 59 bins a cell.

    Raises:
      ValueError: squares that do not divide the side, or leave no cell.
    """
    side = grey.shape[1]
    if side % square or side < 2 * square:
        raise ValueError(f"squares of {square} pixels do not divide {side} pixels in two or more")
    return np.concatenate([_of_radius(grey, radius, square) for radius in radii], axis=1)


def _of_radius(
    grey: UInt8[np.ndarray, "images side side"], radius: int, square: int
) -> Float[np.ndarray, "images dim"]:
    numbers, mirrored = uniform_numbers(), _mirrored_bins()
    across = grey.shape[1] // square
    out = np.empty((len(grey), across - 1, across - 1, BINS), np.float32)
    place = np.arange(across).repeat(square)
    offset = (place[:, None] * across + place) * BINS
    for start in range(0, len(grey), 64):
        codes = np.asarray(lbp_codes(jnp.asarray(grey[start : start + 64]), radius=radius))
        for face, code in enumerate(codes, start):
            counts = np.bincount((numbers[code] + offset).ravel(), minlength=across**2 * BINS)
            counts = counts.reshape(across, across, BINS)
            cells = counts[:-1, :-1] + counts[1:, :-1] + counts[:-1, 1:] + counts[1:, 1:]
            root = np.sqrt(cells / np.float32(4 * square**2))
            out[face] = (root + root[:, ::-1][..., mirrored]) / 2
    return out.reshape(len(grey), -1)


@partial(jax.jit, static_argnames="radius")
def lbp_codes(
    grey: UInt8[Array, "images height width"], *, radius: int
) -> UInt8[Array, "images height width"]:
    """One bit for each of eight neighbors: 1 where it is not darker than the pixel.

    Bit k is the neighbor at k / 8 of the circle, counterclockwise from the right; between pixels it
    is interpolated, outside of the picture it is black.
    """
    _, height, width = grey.shape
    center = grey.astype(jnp.float32)
    padded = jnp.pad(center, ((0, 0), (radius + 1,) * 2, (radius + 1,) * 2))
    codes = jnp.zeros(grey.shape, jnp.uint8)
    for k in range(NEIGHBORS):
        angle = 2 * np.pi * k / NEIGHBORS
        down, right = (
            round(float(x), 5) for x in (-radius * np.sin(angle), radius * np.cos(angle))
        )
        top, left = int(np.floor(down)), int(np.floor(right))
        neighbor = jnp.zeros_like(center)
        for row, row_share in ((top, 1 - (down - top)), (top + 1, down - top)):
            for column, column_share in ((left, 1 - (right - left)), (left + 1, right - left)):
                if share := row_share * column_share:
                    y, x = row + radius + 1, column + radius + 1
                    neighbor += share * padded[:, y : y + height, x : x + width]
        codes |= (neighbor >= center - _EVEN).astype(jnp.uint8) << k
    return codes


@cache
def uniform_numbers() -> Int[np.ndarray, "256"]:
    """The bin of each code: 58 uniform patterns have one each, all others share the last."""
    bits = (np.arange(256)[:, None] >> np.arange(NEIGHBORS)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, BINS - 1)


@cache
def _mirrored_bins() -> Int[np.ndarray, "59"]:
    """Each bin's counterpart in the mirror image, where neighbor k is neighbor 4 - k."""
    bits = (np.arange(256)[:, None] >> np.arange(NEIGHBORS)) & 1
    mirrored = (bits[:, (4 - np.arange(NEIGHBORS)) % NEIGHBORS] << np.arange(NEIGHBORS)).sum(axis=1)
    counterpart = np.empty(BINS, np.int64)
    counterpart[uniform_numbers()] = uniform_numbers()[mirrored]
    return counterpart
