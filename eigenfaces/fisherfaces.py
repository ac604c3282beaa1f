"""Fisherfaces: the directions of face space that tell people apart, not just images.

Eigenfaces keep whatever varies, lighting before all. Fisherfaces keep the directions in which
people differ much and the images of one person little: the W that maximizes

    |W^T S_B W| / |W^T S_W W|,   S_B the scatter between people, S_W within them.

Source: Belhumeur, Hespanha, Kriegman, "Eigenfaces vs. Fisherfaces: Recognition Using Class
  Specific Linear Projection", PAMI 19(7), 1997, Sec. 2.4 (PCA first, so that S_W is regular).
"""

import numpy as np
from jaxtyping import Float
from scipy import linalg

from common.types import Embeddings, Labels


def scatters(
    weights: Embeddings, labels: Labels
) -> tuple[Float[np.ndarray, "dim dim"], Float[np.ndarray, "dim dim"]]:
    """S_B = sum over people of N_k (mu_k - mu)(mu_k - mu)^T, and S_W, around each person's mu_k.

    A person with a single image is a point: it adds to S_B with N_k = 1, and nothing to S_W.

    Args:
      weights: PCA coordinates, one row an image.
      labels: who shows on each.

    Returns:
      S_B and S_W, in float64.
    """
    rows = np.asarray(weights, np.float64)
    _, member, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, member, rows)
    means /= counts[:, None]
    between = (means - rows.mean(axis=0)) * np.sqrt(counts)[:, None]
    within = rows - means[member]
    return between.T @ between, within.T @ within


def fit_fisherfaces(
    weights: Embeddings, labels: Labels, components: int
) -> Float[np.ndarray, "dim components"]:
    """The projection from PCA coordinates to the leading discriminant directions.

    Solves  S_B w = lambda S_W w.  The columns are scaled so that W^T S_W W is the identity times
    (images - people): the training images of a person vary by one in every direction.

    Args:
      weights: PCA coordinates of the training images; PCA to at most images - people of them.
      labels: who shows on each; a person with a single image counts between people only.
      components: how many directions, below the number of people, at most `dim`.

    Returns:
      W, in float32; `weights @ W` are the Fisherface coordinates, of other images as well. Each
      column's entry farthest from zero is positive.

    Raises:
      ValueError: too many components, or too few second images for a regular S_W.
    """
    images, dim = weights.shape
    people = len(np.unique(np.asarray(labels)))
    limit = min(people - 1, dim)
    if not 1 <= components <= limit:
        raise ValueError(
            f"{components} components asked for; {people} people in {dim} dimensions allow 1 to "
            f"{limit}"
        )
    between, within = scatters(weights, labels)
    if images - people < dim or np.linalg.matrix_rank(within, hermitian=True) < dim:
        raise ValueError(
            f"the scatter within people is singular: {images} images of {people} people leave "
            f"{images - people} differences for {dim} dimensions; keep fewer PCA components"
        )
    within /= images - people
    leading = [dim - components, dim - 1]
    _, vectors = linalg.eigh(between, within, subset_by_index=leading)
    vectors = vectors[:, ::-1]
    farthest = np.argmax(np.abs(vectors), axis=0)
    signs = np.sign(np.take_along_axis(vectors, farthest[None], axis=0))
    return (vectors * signs).astype(np.float32)
