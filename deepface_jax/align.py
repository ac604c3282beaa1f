"""2D alignment: a similarity transform to anchor locations, found again on what it has made.

x_anchor = s [R | t] x_source for six fiducials; the detector then sees the warped image, and so on
until nothing substantial changes:  T_2d = T_k ... T_1, one transform of the original image.

Source: Taigman et al. 2014, Sec. 2.1, "2D Alignment". Differs: the detector is the caller's, a
  landmark network here (docs/deepface.md, deviation 1).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from common.geometry import apply, compose, fit_similarity, invert, warp
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import FaceModel3D
from deepface_jax.placement import anchors, center_crop, six_fiducials

Detector: TypeAlias = Callable[
    [Float[Array, "batch size size 3"]], Float[Array | np.ndarray, "batch 68 2"]
]
"""Finds 68 points on each of many images, in their pixels; NaN for no face."""


class Aligned(NamedTuple):
    """A batch of faces, 2D-aligned."""

    transform: Float[Array, "batch 2 3"]
    """T_2d, of the original image to the output."""
    landmarks: Float[Array, "batch 68 2"]
    """As last detected, in pixels of the original image; NaN where no round found a face."""
    rounds: Int[np.ndarray, " batch"]
    """How many detections had a say in the transform."""
    settled: Bool[np.ndarray, " batch"]
    """Whether the last change was within the tolerance."""


def similarity_to_anchors(
    landmarks: Float[Array | np.ndarray, "*batch 68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Float[Array, "*batch 2 3"]:
    """One T_i: the similarity that takes six fiducials to their anchor locations."""
    fiducials = six_fiducials(jnp.asarray(landmarks))
    return fit_similarity(fiducials, jnp.broadcast_to(anchors(face, config), fiducials.shape))


def align(
    images: Float[Array | np.ndarray, "batch height width 3"],
    detect: Detector,
    face: FaceModel3D,
    config: AlignConfig = PAPER,
    *,
    start: Float[Array | np.ndarray, "batch 2 3"] | None = None,
) -> Aligned:
    """Align a batch of images, rerunning the detector on the warped ones.

    A face that has settled stays as it is while others go on; one without finite landmarks keeps
    the transform it has. No face has an influence on another.

    Args:
      images: pixels in [0, 1].
      detect: called with square images, `detector_view` times as wide as the output shows.
      face: gives the anchor locations.
      config: of the alignment.
      start: where to look first, as transforms of the images to the output; by default the center
        crop.
    """
    images = jnp.asarray(images)
    batch, height, width, _ = images.shape
    if start is None:
        start = np.tile(center_crop(height, width, config), (batch, 1, 1))
    transform = jnp.asarray(start)
    fixed = jnp.broadcast_to(anchors(face, config), (batch, 6, 2))
    landmarks = jnp.full((batch, 68, 2), jnp.nan)
    rounds, going = np.zeros(batch, int), np.ones(batch, bool)
    settled = np.zeros(batch, bool)
    for _ in range(config.iterations):
        view = compose(jnp.broadcast_to(widen(config), transform.shape), transform)
        found = apply(invert(view), detect(_look(images, view, config.size)))
        step = similarity_to_anchors(apply(transform, found), face, config)
        good = np.asarray(jnp.isfinite(step).all((1, 2)) & jnp.isfinite(found).all((1, 2))) & going
        moved = jnp.abs(apply(step, fixed) - fixed).max((1, 2))
        mine = jnp.asarray(good)[:, None, None]
        transform = jnp.where(mine, compose(step, transform), transform)
        landmarks = jnp.where(mine, found, landmarks)
        rounds += good
        settled |= good & np.asarray(moved <= config.tolerance)
        going = good & ~settled
        if not going.any():
            break
    return Aligned(transform, landmarks, rounds, settled)


def widen(config: AlignConfig) -> Float[np.ndarray, "2 3"]:
    """Transform of the output to the detector's view, which shows more around it."""
    shrink, middle = 1 / config.detector_view, (config.size - 1) / 2
    shift = middle * (1 - shrink)
    return np.array([[shrink, 0, shift], [0, shrink, shift]], np.float32)


@partial(jax.jit, static_argnames="size")
def _look(
    images: Float[Array, "batch height width 3"], view: Float[Array, "batch 2 3"], size: int
) -> Float[Array, "batch size size 3"]:
    return jax.vmap(lambda image, transform: warp(image, transform, size, size))(images, view)
