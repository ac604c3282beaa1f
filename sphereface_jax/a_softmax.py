"""A-Softmax: whose face is it, by angles alone, with a margin between angles.

    loss = -log( e^(|x| f(theta_y)) / (e^(|x| f(theta_y)) + sum_{j != y} e^(|x| cos theta_j)) )
    f    = (lambda cos theta + psi(theta)) / (1 + lambda)
    psi  = (-1)^k cos(m theta) - 2 k,   theta in [k pi / m, (k + 1) pi / m]

theta_j is the angle between a feature x and the direction of person j, which has length 1 and no
bias. For small angles psi is cos(m theta): x must be m times nearer to its own person than without
the margin. Beyond, the sign and k continue it downward, so that a smaller angle is better always.

Early in a training psi alone does not converge, so the plain cosine is weighed by lambda beside
it, which falls from step to step (`annealed`).

Source: Liu et al. 2017, Eq. 7 and Sec. 3.2; lambda from its appendix and the authors' code.
  Differs: the authors' code does not follow the gradient of this loss but scales parts of it to
  length 1 (their note 1); here the gradient is the loss's own (docs/sphereface.md, deviation 1).
"""

from math import cos, pi

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from common.layers import unit_sphere
from sphereface_jax.config import TrainConfig


def psi(cosine: Float[Array, "*angles"], m: int) -> Float[Array, "*angles"]:
    """(-1)^k cos(m theta) - 2 k: from 1 at theta = 0 down to 1 - 2 m at pi.

    cos(m theta) is a polynomial of cos(theta), so no angle is computed: the arc cosine's slope has
    no bound where faces are nearest.

    Args:
      cosine: of theta.
      m: 1 or more.

    Example:
      >>> psi(jnp.array([1.0, 0.0, -1.0]), 4).tolist()
      [1.0, -3.0, -7.0]
    """
    k = sum((cosine < cos(j * pi / m)).astype(cosine.dtype) for j in range(1, m))
    before, multiple = jnp.ones_like(cosine), cosine
    for _ in range(m - 1):
        before, multiple = multiple, 2 * cosine * multiple - before  # of cos(n theta)
    return (1 - 2 * (k % 2)) * multiple - 2 * k


def annealed(step: Int[Array, ""], config: TrainConfig) -> Float[Array, ""]:
    """Lambda of a step: max(lambda_min, base / (1 + gamma * step)).

    Args:
      step: 1 for the first.
      config: of the training.
    """
    falling = config.lambda_base / (1 + config.lambda_gamma * step)
    return jnp.maximum(falling, config.lambda_min)


def a_softmax_loss(
    x: Float[Array, "batch dim"],
    labels: Int[Array, " batch"],
    directions: Float[Array, "people dim"],
    *,
    m: int,
    weight: float | Float[Array, ""],
    feature_length: float = 0.0,
) -> Float[Array, ""]:
    """Mean over the batch.

    Args:
      x: features.
      labels: the person on each face, from 0 on.
      directions: a row a person; its length does not matter.
      m: how often the right person's angle counts.
      weight: lambda, of the plain cosine beside psi; from 0 on.
      feature_length: stands for |x|; 0 for |x| itself.
    """
    x = x.astype(jnp.float32)
    # A feature of zeros has no angle: so it has all cosines 0, and a gradient that is finite.
    length = jnp.sqrt(jnp.sum(x * x, axis=1, keepdims=True) + 1e-12)
    cosines = x @ unit_sphere(directions).T / length
    right = jax.nn.one_hot(labels, len(directions), dtype=bool)
    pulled = (weight * cosines + psi(cosines, m)) / (1 + weight)
    logits = (feature_length or length) * jnp.where(right, pulled, cosines)
    return -jnp.mean(jnp.sum(jnp.where(right, jax.nn.log_softmax(logits), 0.0), axis=1))
