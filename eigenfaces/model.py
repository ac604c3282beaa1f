"""Face space, in the order of the paper: mean face, eigenfaces, weights, distance from face space.

The paper writes a face as a column of N^2 pixels, and its M training faces as the columns of a
matrix. Here, as everywhere in Python, a face is a row: our `differences` are the paper's A,
transposed. Its names stand in the comments.

Source: Turk and Pentland 1991, "Calculating Eigenfaces" and "Using Eigenfaces to Classify a Face
  Image". Sections and symbols are recalled, not re-read.
"""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eigenfaces.eigensolver import gram, leading_eigenpairs, require_rank

Faces: TypeAlias = Float[Array | np.ndarray, "images pixels"]
Weights: TypeAlias = Float[Array | np.ndarray, "images components"]


class FaceSpace(NamedTuple):
    """What is learned from the training faces. A pytree: the functions below can be jitted."""

    mean: Float[Array | np.ndarray, " pixels"]
    """Psi, the mean face."""
    eigenfaces: Float[Array | np.ndarray, "components pixels"]
    """u_l, orthonormal rows; the pixel farthest from zero is positive in each."""
    eigenvalues: Float[Array | np.ndarray, " components"]
    """lambda_l, descending: the mean square of the training faces' weights."""


# Calculating eigenfaces


def mean_face(images: Faces) -> Float[Array | np.ndarray, " pixels"]:
    """Psi = (1/M) sum of Gamma_n."""
    return images.mean(axis=0)


@jax.jit
def differences(
    images: Faces, mean: Float[Array | np.ndarray, " pixels"]
) -> Float[Array, "images pixels"]:
    """Phi_i = Gamma_i - Psi, how each face differs from the mean; the columns of the paper's A."""
    return jnp.asarray(images) - mean


@jax.jit
def eigenfaces_of(
    phi: Faces, vectors: Float[Array | np.ndarray, "images components"]
) -> Float[Array, "components pixels"]:
    """u_l = sum over k of v_lk Phi_k, brought to length 1.

    From  A^T A v = mu v  follows  A A^T (A v) = mu (A v): A times an eigenvector of the small
    matrix is one of the large matrix.
    """
    # These sums are orthogonal but for rounding, which tilts the last and weakest of them; QR,
    # which orthonormalizes them from the first to the last, sets them upright.
    return jnp.linalg.qr(jnp.asarray(phi).T @ vectors)[0].T


def fit(images: Faces, components: int) -> FaceSpace:
    """The face space of the training faces: their mean and their leading eigenfaces.

    The eigenfaces are the eigenvectors of the covariance matrix  C = (1/M) A A^T,  pixels x
    pixels. For faces of 250 x 250 that is 62,500 x 62,500, 16 GB. But M faces span no more than M
    dimensions: the small matrix  L = A^T A,  M x M, has the same eigenvalues but for zeros, and A
    takes its eigenvectors to those of C. So we solve whichever of the two is smaller.

    Args:
      images: the training faces, in any unit; at least two.
      components: M', how many eigenfaces to keep; at most the dimensions that the faces span.

    Returns:
      The face space, in float32 (float64 for float64 images where JAX has that switched on).

    Raises:
      ValueError: fewer than two images, or more components than the images span.

    Example:
      >>> faces = np.random.default_rng(0).random((5, 40), np.float32)
      >>> space = fit(faces, components=2)
      >>> project(space, faces).shape
      (5, 2)
    """
    count, pixels = images.shape
    if count < 2 or not 1 <= components <= min(count - 1, pixels):
        raise ValueError(
            f"{components} components asked for of {count} images of {pixels} pixels; wanted two "
            "images or more, and 1 to min(images - 1, pixels) components"
        )
    mean = mean_face(images)
    phi = np.asarray(differences(images, mean))
    snapshots = count <= pixels
    matrix = gram(phi) if snapshots else gram(phi.T)  # L: M x M, or C: pixels x pixels
    pairs = leading_eigenpairs(lambda v: matrix @ v, len(matrix), components, dtype=phi.dtype)
    require_rank(pairs.values, phi.dtype)
    eigenfaces = eigenfaces_of(phi, pairs.vectors) if snapshots else pairs.vectors.T
    return FaceSpace(mean, upright(eigenfaces), jnp.asarray(pairs.values) / count)


@jax.jit
def upright(
    eigenfaces: Float[Array | np.ndarray, "components pixels"],
) -> Float[Array, "components pixels"]:
    """Fix the signs, which eigenvectors leave open: the pixel farthest from zero is positive."""
    eigenfaces = jnp.asarray(eigenfaces)
    farthest = jnp.argmax(jnp.abs(eigenfaces), axis=1, keepdims=True)
    return eigenfaces * jnp.sign(jnp.take_along_axis(eigenfaces, farthest, axis=1))


# Using eigenfaces to classify a face image


@jax.jit
def project(space: FaceSpace, images: Faces) -> Float[Array, "images components"]:
    """omega_l = u_l^T (Gamma - Psi); the weights of a face are its Omega = [omega_1, ...]."""
    return differences(images, space.mean) @ jnp.asarray(space.eigenfaces).T


@jax.jit
def reconstruct(space: FaceSpace, weights: Weights) -> Float[Array, "images pixels"]:
    """Psi + sum over l of omega_l u_l: the face space's best likeness of each face."""
    return jnp.asarray(weights) @ space.eigenfaces + space.mean


@jax.jit
def distance_from_face_space(space: FaceSpace, images: Faces) -> Float[Array, " images"]:
    """How little a face it is:  epsilon = |Phi - Phi_f|,  Phi_f = sum over l of omega_l u_l.

    Phi_f is perpendicular to what is left, so epsilon^2 = |Phi|^2 - |Omega|^2. That is quicker, but
    close to face space the difference of two large numbers would be all rounding.
    """
    likeness = reconstruct(space, project(space, images))
    return jnp.linalg.norm(jnp.asarray(images) - likeness, axis=1)


@jax.jit
def whiten(
    weights: Weights, eigenvalues: Float[Array | np.ndarray, " components"]
) -> Float[Array, "images components"]:
    """omega_l / sqrt(lambda_l): every eigenface counts alike, however much the faces vary in it.

    Not in the paper; Mahalanobis distances are distances between whitened weights.
    """
    return jnp.asarray(weights) / jnp.sqrt(jnp.asarray(eigenvalues))
