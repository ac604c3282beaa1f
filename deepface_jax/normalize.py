"""The normalized representation f(I) of a face, from the network's G(I).

    Gbar(I)_i = G(I)_i / max(max over training faces of G_i, epsilon)
    f(I) = Gbar(I) / ||Gbar(I)||

So every component counts alike, however large its unit's values are, and the inner product of two
faces is the cosine of their angle.

Source: Taigman et al. 2014, Sec. 3, "Normalization".
"""

from collections.abc import Iterable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

EPSILON = 0.05
"""The paper's: what a unit that hardly ever fires is divided by."""


def maximum_of(
    batches: Iterable[Float[Array | np.ndarray, "batch dim"]],
) -> Float[np.ndarray, " dim"]:
    """Each component's maximum over the training faces.

    Args:
      batches: G(I) of the training faces, in parts; none is kept.

    Raises:
      ValueError: there are no features, or a part has values that are not finite.
    """
    maximum = None
    for number, batch in enumerate(batches):
        batch = np.asarray(batch, np.float32)
        if not batch.size or not np.isfinite(batch).all():
            raise ValueError(
                f"batch {number} of the features, of shape {batch.shape}, is empty or not finite; "
                "look for images that are not finite, or for weights that training has spoiled"
            )
        largest = batch.max(axis=0)
        maximum = largest if maximum is None else np.maximum(maximum, largest)
    if maximum is None:
        raise ValueError("no features were given: a maximum needs at least one training face")
    return maximum


def normalize(
    features: Float[Array | np.ndarray, "*batch dim"],
    maximum: Float[Array | np.ndarray, " dim"],
    *,
    epsilon: float = EPSILON,
) -> Float[Array, "*batch dim"]:
    """f(I): of length 1, or zero where no unit fires.

    Args:
      features: G(I), not negative.
      maximum: from `maximum_of`, on the training set and no other.
      epsilon: least divisor, above 0.
    """
    scaled = jnp.asarray(features, jnp.float32) / jnp.maximum(jnp.asarray(maximum), epsilon)
    square = jnp.square(scaled).sum(-1, keepdims=True)
    # Where the square is zero, a one keeps the quotient at zero and its gradient finite.
    return scaled / jnp.sqrt(jnp.where(square > 0, square, 1))
