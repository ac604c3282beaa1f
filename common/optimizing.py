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


def descent(
    direction: optax.GradientTransformation,
    rate: optax.ScalarOrSchedule,
    *,
    clip: float,
    weight_decay: float,
) -> optax.GradientTransformation:
    """From a gradient to an update: bounded, with the decay of kernels, in a direction, so far.

    Args:
      direction: what the optimizer makes of a gradient.
      rate: of learning, in each step.
      clip: largest norm of the gradient.
      weight_decay: of kernels; part of the gradient, so that the direction has it too.
    """
    return optax.chain(
        optax.clip_by_global_norm(clip),
        optax.add_decayed_weights(weight_decay, mask=kernels),
        direction,
        optax.scale_by_learning_rate(rate),
    )


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
