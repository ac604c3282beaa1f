"""The gradient of a batch that is too large to embed at once.

The loss needs all embeddings of a batch together; the network does not. So the batch is embedded in
chunks, the loss is differentiated with respect to the embeddings, and then each chunk is embedded
again to take its part of that gradient back to the parameters. The sum over the chunks is exactly
the gradient of the whole batch, for the memory of one chunk and one forward pass more.

With batch normalization, a chunk is what the statistics are over, in both passes: the gradient is
exact for that network, which is not the one that normalizes over the whole batch.

On a CPU, XLA is slow at a kernel's gradient within a loop, so chunks take many times as long as the
whole batch at once. There, split a batch only where memory leaves no choice.

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
    loss: Callable[[Float[Array, "batch dim"], Any], tuple[Float[Array, ""], Any]],
    params: Any,
    own: Any,
    images: Any,
    *,
    chunk: int | None,
) -> tuple[tuple[Float[Array, ""], Any, Any], tuple[Any, Any]]:
    """Loss of the whole batch, and its gradient with respect to all parameters.

    Args:
      embed: (params, images of a chunk) -> embeddings, and anything else the network has to say,
        such as its new running averages (None for nothing). It must give the same both times.
      loss: (embeddings of the whole batch, own) -> loss, and anything else.
      params: of the network; a pytree.
      own: parameters of the loss, such as a classifier; a pytree, () for none.
      images: an array, or a pytree of such, with the batch as first axis.
      chunk: images at a time; divides the batch. None for the whole batch, embedded once.

    Returns:
      (loss, what the loss has said besides, the mean over the chunks of what the network has
      said), and the gradients for `params` and for `own`.

    Raises:
      ValueError: chunks that do not divide the batch.
    """
    if chunk is None:
        return _at_once(embed, loss, params, own, images)
    batch = len(jax.tree.leaves(images)[0])
    if chunk < 1 or batch % chunk:
        raise ValueError(f"chunks of {chunk} of a batch of {batch}; wanted a divisor of the batch")
    chunks = jax.tree.map(lambda x: jnp.reshape(x, (-1, chunk, *x.shape[1:])), images)
    z, said = jax.lax.map(lambda some: embed(params, some), chunks)
    shape = z.shape
    slopes = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    (value, extra), (gradient, of_own) = slopes(z.reshape(batch, -1), own)

    def add(total: Any, part: tuple[Any, Array]) -> tuple[Any, None]:
        some, cotangent = part
        _, back, _ = jax.vjp(lambda params: embed(params, some), params, has_aux=True)
        return jax.tree.map(jnp.add, total, back(cotangent)[0]), None

    zero = jax.tree.map(jnp.zeros_like, params)
    total, _ = jax.lax.scan(add, zero, (chunks, gradient.reshape(shape)))
    return (value, extra, jax.tree.map(lambda x: x.mean(0), said)), (total, of_own)


def _at_once(embed: Any, loss: Any, params: Any, own: Any, images: Any) -> Any:
    def whole(params: Any, own: Any) -> tuple[Float[Array, ""], Any]:
        z, said = embed(params, images)
        value, extra = loss(z, own)
        return value, (extra, said)

    slopes = jax.value_and_grad(whole, argnums=(0, 1), has_aux=True)
    (value, both), gradients = slopes(params, own)
    return (value, *both), gradients
