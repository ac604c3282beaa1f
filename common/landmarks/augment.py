"""Training faces as they might have been photographed: turned, shifted, mirrored, lit, covered.

Geometry is drawn as one square to cut, so that the crop is sampled once. All else happens on the
small crop: about 0.2 ms a face on one core.
"""

import numpy as np
from jaxtyping import Float, Float32, UInt8

from common.landmarks.points import mirror_index
from common.landmarks.squares import Squares, cut, to_square

ROLL_DEGREES, ROLL_LIMIT = 16.0, 45.0
"""Standard deviation, and the most."""
SCALE = 0.1
"""Standard deviation of the logarithm of the side; at most twice that."""
SHIFT = 0.05
"""Standard deviation in sides of the crop; at most twice that."""

_MIRROR = mirror_index()


def augment(
    crop: UInt8[np.ndarray, "side side 3"],
    points: Float[np.ndarray, "68 3"],
    size: int,
    rng: np.random.Generator,
) -> tuple[UInt8[np.ndarray, "size size 3"], Float32[np.ndarray, "68 3"]]:
    """One random view of a training face.

    Args:
      crop: RGB.
      points: x, y in pixels of the crop; depth in the same unit.
      size: of the result, in pixels.
      rng: decides everything.

    Returns:
      The view, and the points in it as the network gives them: in sides from the view's center,
      with depth relative to the mean of the points.
    """
    view, target = view_of(crop, points, random_square(len(crop), rng), size)
    if rng.random() < 0.5:
        view, target = mirrored(view, target)
    return spoiled(view, rng), target


def random_square(side: int, rng: np.random.Generator) -> Squares:
    """A square near the whole of a crop, turned, scaled and shifted."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).clip(-2, 2)

    roll = np.radians((ROLL_DEGREES * rng.standard_normal(1)).clip(-ROLL_LIMIT, ROLL_LIMIT))
    return Squares(
        (side - 1) / 2 + SHIFT * side * normal(1, 2), side * np.exp(SCALE * normal(1)), roll
    )


def view_of(
    crop: UInt8[np.ndarray, "side side 3"],
    points: Float[np.ndarray, "68 3"],
    square: Squares,
    size: int,
) -> tuple[UInt8[np.ndarray, "size size 3"], Float32[np.ndarray, "68 3"]]:
    """What the square shows, and the points in it as the network gives them."""
    depth = points[:, 2] - points[:, 2].mean()
    place = to_square(points[None, :, :2], square)[0]
    target = np.column_stack([place, depth / square.side[0]]).astype(np.float32)
    return cut(crop, square, 0, size), target


def mirrored(
    view: UInt8[np.ndarray, "size size 3"], target: Float32[np.ndarray, "68 3"]
) -> tuple[UInt8[np.ndarray, "size size 3"], Float32[np.ndarray, "68 3"]]:
    """Left and right exchanged: x turns its sign, depth stays, each point is its mirror's."""
    return np.ascontiguousarray(view[:, ::-1]), target[_MIRROR] * np.array([-1, 1, 1], np.float32)


def spoiled(
    view: UInt8[np.ndarray, "size size 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "size size 3"]:
    """Other light, less sharpness, something in front: nothing that moves the points."""
    pixels = view.astype(np.float32) / 255
    size = len(pixels)
    if rng.random() < 0.35:
        pixels = _softer(pixels, rng)
    if rng.random() < 0.7:
        pixels = _relit(pixels, rng)
    if rng.random() < 0.15:
        pixels = np.repeat(pixels.mean(-1, keepdims=True), 3, axis=-1)
    if rng.random() < 0.35:
        height, width = (size * rng.uniform(0.1, 0.45, 2)).astype(int)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        pixels[top : top + height, left : left + width] = rng.random(3)
    if rng.random() < 0.3:
        pixels = pixels + rng.standard_normal(pixels.shape, np.float32) * rng.uniform(0, 0.06)
    return (pixels * 255 + 0.5).clip(0, 255).astype(np.uint8)


def _softer(
    pixels: Float32[np.ndarray, "size size 3"], rng: np.random.Generator
) -> Float32[np.ndarray, "size size 3"]:
    """Out of focus, or enlarged from few pixels."""
    import cv2

    size = len(pixels)
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.8)), np.float32)
    few = int(size * rng.uniform(0.25, 0.7))
    small = cv2.resize(pixels, (few, few), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def _relit(
    pixels: Float32[np.ndarray, "size size 3"], rng: np.random.Generator
) -> Float32[np.ndarray, "size size 3"]:
    """Light that grows across the picture, of another color and strength, and another contrast."""
    size = len(pixels)
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    slope = 0.35 * rng.standard_normal(2).clip(-2, 2).astype(np.float32)
    light = np.exp(slope[0] * ramp[:, None] + slope[1] * ramp)[..., None]
    color = np.exp(rng.normal(0, 0.08, 3) + rng.normal(0, 0.25)).astype(np.float32)
    gamma = float(np.exp(rng.normal(0, 0.2)))
    return np.power(pixels, np.float32(gamma)) * (light * color)
