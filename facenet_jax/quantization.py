"""Embeddings of one byte a number.

No number of a point on the unit sphere is beyond -1 or 1, so the scale is known beforehand: it is
fitted to no images, and nothing is ever cut off.

Source: Schroff et al. 2015, Sec. 5.4: 128 numbers "can be quantized to 128-bytes without loss of
  accuracy". How is not said.
"""

import numpy as np
from jaxtyping import Float, Int8

STEPS = 127
"""From 0 to 1."""


def to_bytes(z: Float[np.ndarray, "*faces dim"]) -> Int8[np.ndarray, "*faces dim"]:
    """Embeddings as whole numbers from -127 to 127.

    Args:
      z: on the unit sphere.

    Raises:
      ValueError: a number beyond -1 or 1, or none at all.

    Example:
      >>> to_bytes(np.array([0.6, -0.8, 0.0])).tolist()
      [76, -102, 0]
    """
    if not np.all(np.abs(z) <= 1 + 1e-5):  # so written, NaN is refused too
        raise ValueError(
            "embeddings with numbers beyond -1 or 1, or not finite; wanted points on the unit "
            "sphere, as the network gives them"
        )
    return np.rint(STEPS * z).clip(-STEPS, STEPS).astype(np.int8)


def from_bytes(quantized: Int8[np.ndarray, "*faces dim"]) -> Float[np.ndarray, "*faces dim"]:
    """Float32 embeddings again, brought back to length 1; what rounded to zeros stays zero.

    Example:
      >>> from_bytes(np.array([3, 0, -4], np.int8)).tolist()
      [0.6000000238418579, 0.0, -0.800000011920929]
    """
    z = quantized.astype(np.float32)
    length = np.linalg.norm(z, axis=-1, keepdims=True)
    return z / np.where(length > 0, length, np.float32(1))
