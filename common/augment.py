"""Random views of a training face that leave the person the same.

One affine map is drawn (mirror, shift, scale, roll), so that the picture is sampled once; light
changes through a table of 256 values a channel. About half a millisecond at 152 x 152.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8


@dataclass(frozen=True)
class AugmentConfig:
    """What may happen to a face; at zero it does not."""

    mirror: bool = False
    """Left and right exchanged, half of the time."""
    shift: float = 0.0
    """Standard deviation in sides of the picture, in x and in y."""
    scale: float = 0.0
    """Standard deviation of the logarithm of the size."""
    roll_degrees: float = 0.0
    """Standard deviation of the turn in the picture's plane."""
    light: float = 0.0
    """Standard deviation of the logarithm of gamma and of brightness; of color a third of it."""
    grey: float = 0.0
    """Share of the faces that lose their color."""
    blur: float = 0.0
    """Share of the faces that are blurred, by up to a hundredth of the side."""
    erase: float = 0.0
    """Share of the faces of which a rectangle, of up to 40 % of each side, is covered."""


NONE = AugmentConfig()
"""The picture as it is: no paper here describes what it did, if anything."""
MODERATE = AugmentConfig(
    mirror=True,
    shift=0.015,
    scale=0.04,
    roll_degrees=3.0,
    light=0.2,
    grey=0.05,
    blur=0.1,
    erase=0.1,
)
"""For little data and faces that are aligned already."""


def augment(
    image: UInt8[np.ndarray, "side side channels"],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "side side channels"]:
    """One random view.

    Args:
      image: RGB.
      config: what may happen, and how much.
      rng: decides everything.
    """
    import cv2

    side = len(image)
    if config != NONE:
        image = np.asarray(
            cv2.warpAffine(
                image, _drawn_map(side, config, rng), (side, side), flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )  # fmt: skip
    if config.light:
        image = np.asarray(cv2.LUT(image, _drawn_tables(config.light, rng)), np.uint8)
    if rng.random() < config.grey:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=-1)
    if rng.random() < config.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), side * rng.uniform(0.002, 0.01)))
    if rng.random() < config.erase:
        height, width = (side * rng.uniform(0.1, 0.4, 2)).astype(int)
        top, left = rng.integers(0, side - height), rng.integers(0, side - width)
        image = image.copy()
        image[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return image


def _drawn_map(
    side: int, config: AugmentConfig, rng: np.random.Generator
) -> Float32[np.ndarray, "2 3"]:
    """From the picture to its view, about the middle."""
    x, y, size, roll = rng.standard_normal(4).clip(-2, 2)
    flip = -1.0 if config.mirror and rng.random() < 0.5 else 1.0
    scale, angle = np.exp(config.scale * size), np.radians(config.roll_degrees * roll)
    across, down = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[flip * across, -down], [flip * down, across]])
    middle = np.full(2, (side - 1) / 2)
    offset = middle - linear @ middle + config.shift * side * np.array([x, y])
    return np.column_stack([linear, offset]).astype(np.float32)


def _drawn_tables(amount: float, rng: np.random.Generator) -> UInt8[np.ndarray, "1 256 3"]:
    """What each value of each channel becomes: gamma, brightness, and a cast of color."""
    gamma, gain, *cast = rng.standard_normal(5).clip(-2, 2) * amount
    values = np.linspace(0, 1, 256)[:, None] ** np.exp(gamma)
    values = values * np.exp(gain + np.array(cast) / 3)
    return (values * 255 + 0.5).clip(0, 255).astype(np.uint8)[None]
