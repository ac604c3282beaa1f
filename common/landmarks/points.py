"""The 68 points of iBUG's annotation: their regions, their mirror images, the distance of the eyes.

Left and right are the picture's: point 0 is the first of the contour at the picture's left, the
subject's right ear.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int

POINTS = 68

REGIONS: dict[str, slice] = {
    "contour": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
LEFT_CORNER, RIGHT_CORNER = 36, 45
"""The outer corners of the eyes."""


def mirror_index() -> Int[np.ndarray, " 68"]:
    """For each point, the number of the point that its mirror image is.

    Example:
      >>> mirror_index()[[0, 17, 30, 36, 41, 48, 60, 66]].tolist()
      [16, 26, 30, 45, 46, 54, 64, 66]
    """
    mirror = np.arange(POINTS)
    for first, last in ((0, 16), (17, 26), (31, 35), (48, 54), (55, 59), (60, 64), (65, 67)):
        mirror[first : last + 1] = np.arange(last, first - 1, -1)
    for left, right in ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)):
        mirror[[left, right]] = right, left
    return mirror


def eye_distance(points: Float[Array | np.ndarray, "*faces 68 dim"]) -> Any:
    """Distance between the centers of the eyes; a center is the mean of an eye's six points.

    Args:
      points: NumPy or JAX; x and y first, further columns are not looked at.
    """
    apart = points[..., RIGHT_EYE, :2].mean(-2) - points[..., LEFT_EYE, :2].mean(-2)
    return (apart**2).sum(-1) ** 0.5
