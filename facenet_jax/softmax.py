"""Whose face is it, of all training people: a softmax over cosines, to warm up with.

    p = softmax(s (cos_k - m [k = y])),   cos_k = z . w_k / |w_k|

An embedding of length 1 gives a plain softmax logits of a few units at most, too few to be sure of
one person among many; so cosines are scaled by s. The margin m has the right person's cosine exceed
the others' by more than nothing.

Source: Wang et al. 2018, "Additive margin softmax for face verification", Eq. 6. Not in FaceNet
  (docs/facenet.md, deviation 12).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from common.layers import unit_sphere


def new_classifier(
    key: PRNGKeyArray, embedding_size: int, people: int
) -> Float[Array, "people dim"]:
    """Random directions, a row a person."""
    return jax.random.normal(key, (people, embedding_size)) / embedding_size**0.5


def cosine_softmax(
    z: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    classifier: Float[Array, "people dim"],
    *,
    scale: float,
    margin: float | Float[Array, ""] = 0.0,
) -> Float[Array, ""]:
    """Cross-entropy, mean over the batch.

    Args:
      z: embeddings of length 1.
      labels: the person on each face, from 0 on.
      classifier: a direction a person; its length does not matter.
      scale: s.
      margin: m, between cosines.
    """
    cosines = z @ unit_sphere(classifier).T
    right = jax.nn.one_hot(labels, len(classifier))
    log_p = jax.nn.log_softmax(scale * (cosines - margin * right))
    return -jnp.mean(jnp.sum(right * log_p, axis=1))
