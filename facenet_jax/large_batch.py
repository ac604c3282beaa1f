"""The gradient of a batch that is too large to embed at once.

The loss needs all embeddings of a batch together; the network does not. So the batch is embedded in
chunks, the loss is differentiated with respect to the embeddings, and then each chunk is embedded
again to take its part of that gradient back to the parameters. The sum over the chunks is exactly
the gradient of the whole batch, for the memory of one chunk and one forward pass more.

With batch normalization, a chunk is what the statistics are over, in both passes: the gradient is
exact for that network, which is not the one that normalizes over the whole batch.

Source: Gao et al. 2021, "Scaling deep contrastive learning batch size under memory limited setup"
  (the gradient cache). The paper embeds its 1,800 faces on a cluster.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def chunked_value_and_grad(
    embed: Callable[[Any, Any], tuple[Float[Array, "chunk dim"], Any]],
    loss: Callable[[Float[Array, "batch dim"]], tuple[Float[Array, ""], Any]],
    params: Any,
    images: Any,
    *,
    chunk: int,
) -> tuple[tuple[Float[Array, ""], Any, Any], Any]:
    """Loss of the whole batch, and its gradient with respect to the parameters.

    Args:
      embed: (params, images of a chunk) -> embeddings, and anything else the network has to say,
        such as its new running averages (None for nothing). It must give the same both times.
      loss: embeddings of the whole batch -> loss, and anything else.
      params: a pytree, to be differentiated.
      images: an array, or a pytree of such, with the batch as first axis.
      chunk: images at a time; divides the batch.

    Returns:
      (loss, what the loss has said besides, the mean over the chunks of what the network has
      said), and the gradient.

    Raises:
      ValueError: chunks that do not divide the batch.
    """
    batch = len(jax.tree.leaves(images)[0])
    if chunk < 1 or batch % chunk:
        raise ValueError(f"chunks of {chunk} of a batch of {batch}; wanted a divisor of the batch")
    chunks = jax.tree.map(lambda x: jnp.reshape(x, (-1, chunk, *x.shape[1:])), images)
    z, said = jax.lax.map(lambda own: embed(params, own), chunks)
    shape = z.shape
    (value, extra), gradient = jax.value_and_grad(loss, has_aux=True)(z.reshape(batch, -1))

    def add(total: Any, part: tuple[Any, Array]) -> tuple[Any, None]:
        own, cotangent = part
        _, back, _ = jax.vjp(lambda params: embed(params, own), params, has_aux=True)
        return jax.tree.map(jnp.add, total, back(cotangent)[0]), None

    zero = jax.tree.map(jnp.zeros_like, params)
    total, _ = jax.lax.scan(add, zero, (chunks, gradient.reshape(shape)))
    return (value, extra, jax.tree.map(lambda x: x.mean(0), said)), total
