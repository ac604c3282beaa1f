"""3D alignment and frontalization, one function a step, in the paper's order.

67 anchors of a generic 3D face are fitted to the landmarks of the 2D-aligned image by an affine
camera; what the camera cannot explain is added to the reference, so that the face keeps its own
shape; the image is warped, triangle by triangle, to that reference; what the camera did not see
is taken from the other side of the face.

Pixels, (x, y), origin at the center of the top-left pixel, y down; images in [0, 1]; z away from
the viewer. Everything is differentiable, jitted, and works on one face: `frontalize_batch` is its
vmap.

Source: Taigman et al. 2014, Sec. 2.1, "3D Alignment" and "Frontalization". Differs: deviations
  2 to 5 of docs/deepface.md.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from common.geometry import (
    apply,
    fit_similarity,
    interpolate,
    invert,
    pixel_grid,
    sample,
    sample_batch,
    triangle_at_pixels,
)
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import ANCHORS, FaceModel3D
from deepface_jax.fallback import Fallback, check_camera, check_input
from deepface_jax.placement import (
    anchors,
    center_crop,
    reference,
    reference_landmarks,
    six_fiducials,
)
from deepface_jax.visibility import own_share, visible_triangles

Points2D = Float[Array | np.ndarray, "points 2"]
Points3D = Float[Array | np.ndarray, "points 3"]


class Frontalized(NamedTuple):
    """One face, or with a leading axis a batch."""

    image: Float[Array, "*batch size size 3"]
    status: Int[Array, "*batch"]
    """A `Fallback`."""
    transform: Float[Array, "*batch 2 3"]
    """T_2d, of the image to the 2D-aligned image (of the center crop, where that is shown)."""
    camera: Float[Array, "*batch 2 4"]
    """P, of the placed reference to the 2D-aligned image."""
    target: Float[Array, "*batch vertices 2"]
    """Where the mesh lies on the output."""
    visible: Bool[Array, "*batch triangles"]
    """Which triangles the camera saw; the outer ones go by orientation alone."""


def fit_affine_camera(
    points_3d: Points3D,
    points_2d: Points2D,
    covariance: Float[Array | np.ndarray, "2*points 2*points"],
) -> Float[Array, "2 4"]:
    """P that minimizes  r^T Sigma^-1 r,  r = x_2d - X_3d P_vec:  generalized least squares.

    With Sigma = L L^T, L^-1 whitens the errors: then it is ordinary least squares.

    Args:
      points_3d: at least 4, not in one plane.
      points_2d: their places in the image.
      covariance: Sigma, of the errors of points_2d; rows x0, y0, x1, y1, ...; positive definite.

    Raises:
      ValueError: fewer than 4 points.
    """
    if len(points_3d) < 4:
        raise ValueError(f"an affine camera needs 4 points or more, not {len(points_3d)}")
    x = jnp.asarray(points_3d)
    homogeneous = jnp.concatenate([x, jnp.ones_like(x[:, :1])], axis=1)
    design = jnp.kron(homogeneous[:, None], jnp.eye(2, dtype=x.dtype)[:, :, None])
    design = design.reshape(2 * len(x), 8)  # [x_3d^T, 1, 0_4 ; 0_4, x_3d^T, 1] for each point
    factor = jnp.linalg.cholesky(jnp.asarray(covariance, x.dtype))
    whiten = partial(jax.scipy.linalg.solve_triangular, factor, lower=True)
    q, r = jnp.linalg.qr(whiten(design))
    observed = whiten(jnp.asarray(points_2d, x.dtype).reshape(-1, 1))
    return jax.scipy.linalg.solve_triangular(r, q.T @ observed).reshape(2, 4)


def residual(
    points_3d: Points3D, points_2d: Points2D, camera: Float[Array, "2 4"]
) -> Float[Array, "points 2"]:
    """The r = x_2d - X_3d P_vec: what is the person's own, and no pose of the generic face."""
    return jnp.asarray(points_2d) - project(points_3d, camera)


def project(points_3d: Points3D, camera: Float[Array, "2 4"]) -> Float[Array, "points 2"]:
    """Where the camera shows the points."""
    return jnp.asarray(points_3d) @ camera[:, :3].T + camera[:, 3]


def frontal_targets(
    points_3d: Points3D, points_2d: Points2D, camera: Float[Array, "2 4"]
) -> Float[Array, "points 2"]:
    """x~_3d: the reference's x and y, with the residual added.

    Not a bug, though the residual was seen from the side and the reference faces the viewer: the
    paper adds it so, since "without it, faces would have been warped into the same shape in 3D".
    """
    return jnp.asarray(points_3d)[:, :2] + residual(points_3d, points_2d, camera)


class Plan(NamedTuple):
    """Where every pixel of the output comes from, and how that was found."""

    own: Float[Array, "*batch size size 2"]
    """Position in the image."""
    other_side: Float[Array, "*batch size size 2"]
    """Position of its counterpart on the other side of the face."""
    share: Float[Array, "*batch size size 1"]
    """Weight of the own pixel, 0 to 1."""
    status: Int[Array, "*batch"]
    transform: Float[Array, "*batch 2 3"]
    camera: Float[Array, "*batch 2 4"]
    target: Float[Array, "*batch vertices 2"]
    visible: Bool[Array, "*batch triangles"]


def plan(
    image: Float[Array, "height width 3"],
    landmarks: Float[Array, "68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Plan:
    """All steps but the last: fit, judge, and find the source of every pixel; see `frontalize`."""
    points = reference(face, config)
    crop = jnp.asarray(center_crop(image.shape[0], image.shape[1], config))
    status = check_input(image, landmarks, config)
    usable = status == Fallback.NONE
    # What is unusable is replaced before any arithmetic: no NaN reaches a value or a gradient.
    landmarks = jnp.where(
        usable, landmarks, apply(invert(crop), reference_landmarks(face, config)[:, :2])
    )
    t_2d = fit_similarity(six_fiducials(landmarks), anchors(face, config))
    aligned = apply(t_2d, landmarks)[ANCHORS]

    anchored = points[: len(ANCHORS)]
    sigma = face.covariance if config.covariance else np.eye(2 * len(ANCHORS))
    camera = fit_affine_camera(anchored, aligned, sigma)
    left_over = residual(anchored, aligned, camera)
    if config.stage == "crop":  # which asks nothing of the landmarks
        usable = jnp.array(False)
        status = jnp.where(status == Fallback.CROP_PIXELS, status, Fallback.NONE)
    elif config.stage == "3d":
        status = jnp.where(usable, check_camera(camera, left_over, config), status)
    transform = jnp.where(usable, t_2d, crop)
    size = config.size
    flat = apply(invert(transform), pixel_grid(size, size).reshape(-1, 2)).reshape(size, size, 2)
    target = jnp.asarray(points[:, :2])
    if config.residual:
        target += _everywhere(left_over, face)
    seen = visible_triangles(points, face.triangles, camera, unit=config.interocular)
    one = jnp.ones((size, size, 1))
    if config.stage != "3d":
        return Plan(flat, flat, one, status, transform, camera, target, seen)

    # Source: the landmarks themselves; around the face, where the camera would show the mesh.
    source = apply(invert(t_2d), project(points, camera) + _everywhere(left_over, face))
    skin = points[: len(face.anchor)]
    share = own_share(skin, face.skin, camera, seen=config.seen, unit=config.interocular)
    share = jnp.asarray(face.carry, jnp.float32) @ share
    values = jnp.concatenate([source, source[face.mirror], share[:, None]], axis=1)
    numbers = triangle_at_pixels(jax.lax.stop_gradient(target), face.triangles, size, size)
    spread = interpolate(target, face.triangles, values, numbers)
    solid = status == Fallback.NONE
    own, other_side = (jnp.where(solid, spread[..., k : k + 2], flat) for k in (0, 2))
    share = jnp.where(solid, spread[..., 4:], 1)
    return Plan(own, other_side, share, status, transform, camera, target, seen)


def frontalize(
    image: Float[Array, "height width 3"],
    landmarks: Float[Array, "68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Frontalized:
    """Bring one face to the network's input.

    Args:
      image: pixels in [0, 1]; shrink a far larger face first, bilinear sampling does not.
      landmarks: iBUG order, in pixels of the image.
      face: the 3D reference.
      config: stage and switches.

    Returns:
      The output and how it came about. Never an error for a bad face: see `Fallback`.
    """
    found = plan(image, landmarks, face, config)
    image = _finite(image)
    output = sample(image, found.own)
    if config.blending and config.stage == "3d":
        output = _blend(found.share, output, sample(image, found.other_side))
    return Frontalized(output, *found[3:])


def frontalize_batch(
    images: Float[Array | np.ndarray, "batch height width 3"],
    landmarks: Float[Array | np.ndarray, "batch 68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Frontalized:
    """`frontalize` for many faces at once; none has an influence on another.

    Compiled in parts, for the reason that `sample_batch` gives: call it outside of jit.
    """
    images = jnp.asarray(images)
    plans = _plan_batch(images, jnp.asarray(landmarks), face, config)
    if (np.asarray(plans.status) == Fallback.CROP_PIXELS).any():  # seldom: spare the copy
        images = _finite(images)
    output = sample_batch(images, plans.own)
    if config.blending and config.stage == "3d":
        output = _blend(plans.share, output, sample_batch(images, plans.other_side))
    return Frontalized(output, *plans[3:])


@partial(jax.jit, static_argnums=(2, 3))
def _plan_batch(images: Array, landmarks: Array, face: FaceModel3D, config: AlignConfig) -> Plan:
    return jax.vmap(lambda image, points: plan(image, points, face, config))(images, landmarks)


@jax.jit
def _finite(images: Float[Array, "*any"]) -> Float[Array, "*any"]:
    return jnp.where(jnp.isfinite(images), images, 0)


@jax.jit
def _blend(
    share: Float[Array, "*any 1"], own: Float[Array, "*any 3"], other: Float[Array, "*any 3"]
) -> Float[Array, "*any 3"]:
    """What is hidden, from its mirror image."""
    return share * own + (1 - share) * other


def _everywhere(of_anchors: Float[Array, "67 2"], face: FaceModel3D) -> Float[Array, "vertices 2"]:
    """The residual of every vertex: the anchors' own, and around the face that of near ones."""
    carry = (face.follow[:, None] * face.carry).astype(np.float32)
    return jnp.asarray(carry) @ of_anchors[face.anchor]
