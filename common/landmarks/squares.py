"""Squares around faces: cutting them out, and carrying points between square and picture.

A square has a center and a side in pixels of the picture, and a roll: how far it is turned
clockwise, in radians. Points inside are counted in sides of the square from its center, so the
square's corners are at (-0.5, -0.5) and (0.5, 0.5).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from common.landmarks.points import LEFT_EYE, RIGHT_EYE

EXTENT = 1.4
"""Side of the square in extents of the face's points: the crops that the network was trained on."""
RAISED = 0.08
"""How far its center is raised above the points' middle, in heights of the points."""


class Squares(NamedTuple):
    """One square a face."""

    center: Float[np.ndarray, "faces 2"]
    """(x, y) in pixels of the picture."""
    side: Float[np.ndarray, " faces"]
    """In pixels of the picture."""
    roll: Float[np.ndarray, " faces"]
    """Clockwise on the picture, in radians."""


def squares_around(points: Float[np.ndarray, "faces 68 2"], *, upright: bool = False) -> Squares:
    """The squares that show faces as the training crops do.

    Args:
      points: in pixels of the picture.
      upright: turn the square with the face's eyes, so that they are level in it.
    """
    eyes = points[:, RIGHT_EYE].mean(1) - points[:, LEFT_EYE].mean(1)
    roll = np.arctan2(eyes[:, 1], eyes[:, 0]) if upright else np.zeros(len(points), points.dtype)
    turn = _rotations(roll)
    level = points @ turn  # in the square's own axes
    low, high = level.min(1), level.max(1)
    middle = (low + high) / 2
    middle[:, 1] -= RAISED * (high - low)[:, 1]
    side = EXTENT * (high - low).max(1)
    return Squares(np.einsum("fij,fj->fi", turn, middle), side, roll)


def to_picture(
    points: Float[np.ndarray, "faces points 2"], squares: Squares
) -> Float[np.ndarray, "faces points 2"]:
    """From sides of the square to pixels of the picture."""
    turned = points @ _rotations(squares.roll).swapaxes(1, 2)
    return turned * squares.side[:, None, None] + squares.center[:, None]


def to_square(
    points: Float[np.ndarray, "faces points 2"], squares: Squares
) -> Float[np.ndarray, "faces points 2"]:
    """From pixels of the picture to sides of the square."""
    offset = (points - squares.center[:, None]) / squares.side[:, None, None]
    return offset @ _rotations(squares.roll)


def _rotations(roll: Float[np.ndarray, " faces"]) -> Float[np.ndarray, "faces 2 2"]:
    """Of columns (x, y): a square's own axes to the picture's."""
    cosine, sine = np.cos(roll), np.sin(roll)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)


def cut(
    picture: UInt8[np.ndarray, "height width 3"], squares: Squares, face: int, size: int
) -> UInt8[np.ndarray, "size size 3"]:
    """Cut one square out, scaled to size x size; beyond the border the edge is replicated.

    Args:
      picture: RGB.
      squares: of several faces.
      face: which of them.
      size: height and width of the result.
    """
    import cv2

    side, roll = float(squares.side[face]), float(squares.roll[face])
    # Bilinear sampling looks at four pixels only: where there are more to one of ours, sample as
    # densely as the picture does, and average.
    dense = size * max(1, round(side / size))
    step = side / dense
    across, down = step * np.cos(roll), step * np.sin(roll)
    x, y = squares.center[face]
    half = (dense - 1) / 2  # pixel (half, half) of the result is the square's center
    matrix = np.array([
        [across, -down, x - half * (across - down)],
        [down, across, y - half * (across + down)],
    ])  # fmt: skip
    crop = cv2.warpAffine(
        picture, matrix, (dense, dense), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    if dense > size:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)
