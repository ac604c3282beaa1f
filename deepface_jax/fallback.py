"""When a face cannot be frontalized: what is done instead, and why."""

from enum import IntEnum

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from deepface_jax.config import AlignConfig
from deepface_jax.placement import six_fiducials
from deepface_jax.visibility import viewing_direction


class Fallback(IntEnum):
    """What became of one face; the higher, the worse."""

    NONE = 0
    """As the configuration asks."""
    TWO_D_POSE = 1
    """2D alignment: the head is turned farther than the mesh can show."""
    TWO_D_CAMERA = 2
    """2D alignment: the fitted camera is degenerate (landmarks near one line), or fits badly."""
    CROP_OUTSIDE = 3
    """Center crop: too many of the landmarks lie outside the image."""
    CROP_LANDMARKS = 4
    """Center crop: landmarks that are not finite, or all in one place."""
    CROP_PIXELS = 5
    """Center crop: the image has pixels that are not finite; they are shown black."""

    @property
    def stage(self) -> str:
        """What was done instead: `2d`, `crop`, or `none`."""
        return "none" if self == 0 else "2d" if self <= Fallback.TWO_D_CAMERA else "crop"


def check_input(
    image: Float[Array, "height width 3"], landmarks: Float[Array, "68 2"], config: AlignConfig
) -> Int[Array, ""]:
    """NONE, or why not even 2D alignment is possible."""
    height, width = image.shape[:2]
    safe = jnp.where(jnp.isfinite(landmarks), landmarks, 0)
    outside = (safe < -0.5).any(axis=1) | (safe > jnp.array([width, height]) - 0.5).any(axis=1)
    spread = jnp.ptp(six_fiducials(safe), axis=0).max()
    return _first(
        # A sum is finite if all is, and ten times as fast as `all` on a CPU.
        (~jnp.isfinite(jnp.sum(image)), Fallback.CROP_PIXELS),
        (~jnp.isfinite(landmarks).all() | (spread < 1), Fallback.CROP_LANDMARKS),
        (outside.mean() > config.largest_share_outside, Fallback.CROP_OUTSIDE),
    )


def check_camera(
    camera: Float[Array, "2 4"], residual: Float[Array, "67 2"], config: AlignConfig
) -> Int[Array, ""]:
    """NONE, or why the face stays at 2D alignment.

    Args:
      camera: of the reference in pixels of the output to the 2D-aligned image, same unit.
      residual: what it leaves over.
      config: the limits.
    """
    gram = camera[:, :3] @ camera[:, :3].T  # eigenvalues: squares of the singular values
    mean = (gram[0, 0] + gram[1, 1]) / 2
    radius = jnp.hypot((gram[0, 0] - gram[1, 1]) / 2, gram[0, 1])
    ratio = jnp.sqrt((mean - radius).clip(0) / jnp.maximum(mean + radius, 1e-12))
    error = jnp.sqrt(jnp.mean(jnp.sum(residual**2, axis=1))) / config.interocular
    degenerate = ~((ratio >= config.smallest_shape) & (error <= config.largest_residual))
    turned = viewing_direction(camera)[2] < np.cos(np.radians(config.largest_turn_degrees))
    return _first((degenerate, Fallback.TWO_D_CAMERA), (turned, Fallback.TWO_D_POSE))


def _first(*reasons: tuple[Bool[Array, ""], Fallback]) -> Int[Array, ""]:
    conditions, codes = zip(*reasons, strict=True)
    return jnp.select(conditions, [jnp.int32(code) for code in codes], jnp.int32(Fallback.NONE))
