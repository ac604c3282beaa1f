"""What DeepFace's networks see of an aligned face: color, or grey with its gradient.

The paper's ensemble has a network that sees the grey image with the magnitude and the orientation
of its gradient (Sec. 5.3); how the orientation is coded is not published. Here each channel is
scaled to 0 to 255: the magnitude of Sobel's gradient, and the orientation over the full circle.
"""

from typing import Literal

import numpy as np
from jaxtyping import UInt8

from common.images import to_grey

Input = Literal["rgb", "gradient"]


def network_inputs(
    images: UInt8[np.ndarray, "faces size size 3"], side: int, kind: Input = "rgb"
) -> UInt8[np.ndarray, "faces side side 3"]:
    """Aligned faces as a network takes them; a view of the same array where nothing changes.

    Args:
      images: aligned faces.
      side: of the network's input; faces are shrunk by averaging.
      kind: which channels.
    """
    import cv2

    if kind == "rgb" and images.shape[1] == side:
        return images
    made = np.empty((len(images), side, side, 3), np.uint8)
    for number, image in enumerate(images):
        face = np.asarray(image)
        if len(face) != side:
            face = np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA))
        made[number] = gradient_channels(face) if kind == "gradient" else face
    return made


def gradient_channels(
    image: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Grey, gradient magnitude, gradient orientation, each 0 to 255."""
    import cv2

    grey = to_grey(image)
    x = np.asarray(cv2.Sobel(grey, cv2.CV_32F, 1, 0))
    y = np.asarray(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    magnitude = np.hypot(x, y) / 4  # Sobel's largest response is about four times a step's height
    orientation = (np.arctan2(y, x) / (2 * np.pi) + 0.5) * 255
    return np.stack([grey, magnitude, orientation], -1).round().clip(0, 255).astype(np.uint8)
