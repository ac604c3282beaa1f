"""What the networks' optimizers share."""

from typing import Any

import jax
import optax


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
