"""From a square face to the network's upright input."""

import numpy as np
from jaxtyping import UInt8

from sphereface_jax.config import NetworkConfig


def middle_columns(
    images: UInt8[np.ndarray, "*faces side side 3"], network: NetworkConfig
) -> UInt8[np.ndarray, "*faces side columns 3"]:
    """The middle columns of faces that have the network's height already; a view, no copy.

    Raises:
      ValueError: faces of another height.
    """
    side = images.shape[-2]
    if side != network.side:
        raise ValueError(f"faces of {side} x {side} pixels; wanted {network.side}: resize them")
    margin = (side - network.columns) // 2
    return images[..., margin : side - margin, :]
