"""Solutions to the exercises of lecture 2."""

from collections.abc import Sequence

import numpy as np


def weights_of_layer(
    side: int, channels: int, filters: int, size: int, stride: int
) -> tuple[int, int]:
    """(weights of a locally connected layer, weights of a convolution)."""
    places = ((side - size) // stride + 1) ** 2
    shared = size * size * channels * filters
    return places * shared, shared


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Side of the square of the input that a unit sees; layers are (size, stride), in order."""
    field, jump = 1, 1  # jump: pixels of the input between two neighboring units
    for size, stride in layers:
        field, jump = field + (size - 1) * jump, jump * stride
    return field


def normalized(features: np.ndarray, maximum: np.ndarray, epsilon: float = 0.05) -> np.ndarray:
    """f of one face: of length 1, or all zero."""
    scaled = features / np.maximum(maximum, epsilon)
    length = np.linalg.norm(scaled)
    return scaled / length if length > 0 else scaled


def yaw_degrees(camera: np.ndarray) -> float:
    """Yaw of the head; positive turns the nose to the image's right.

    With R = Rx(pitch) Ry(yaw), the third row of R is the cross product of the first two, and
    (sin yaw, ., cos yaw) but for the factor cos pitch: roll only mixes the first two rows.
    """
    x, y = np.asarray(camera)[:, :3]
    line = np.cross(x, y)
    return float(np.degrees(np.arctan2(line[0], line[2])))
