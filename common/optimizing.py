"""What the networks' optimizers share."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array


def kernels(params: Any) -> Any:
    """Which leaves are kernels, as a mask: weight decay spares biases and scales.

    Names decide, not axes: a local layer's bias has as many as a picture.
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, _: any(getattr(part, "key", None) == "kernel" for part in path), params
    )


def rise_and_cosine(
    learning_rate: float, *, warmup: float, per_epoch: float | int, steps: int
) -> optax.Schedule:
    """From zero up over `warmup` epochs, then a cosine down to zero.

    Args:
      learning_rate: at its height.
      warmup: in epochs; cut where the steps are fewer.
      per_epoch: steps of an epoch.
      steps: of the whole training.
    """
    rise = min(round(warmup * per_epoch), steps - 1)
    return optax.warmup_cosine_decay_schedule(0.0, learning_rate, rise, steps)


@jax.jit
def copied(tree: Any) -> Any:
    """The same values in buffers of their own, for steps that consume theirs."""
    return jax.tree.map(jnp.copy, tree)


def averaged(decay: float, average: Any, weights: Any, step: Array) -> Any:
    """The running average of weights after one more step.

    Args:
      decay: share of the old average that stays; 0 for no average.
      average: the old one.
      weights: the new ones.
      step: how many steps were made before.

    Returns:
      The new average, or () for none.
    """
    if not decay:
        return ()
    # At first, when there is little to average, the average follows faster.
    kept = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, average, weights)
