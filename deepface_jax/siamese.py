"""DeepFace's Siamese network: a distance learned end to end from pairs.

    d(f1, f2) = sum_i alpha_i |f1_i - f2_i|,    p(same) = sigmoid(b - d)             (Sec. 4.2)

Both faces go through the same network. Only its top is trained, F7 and alpha: what is below stays
as it is, so the outputs of L6 are computed once. The paper warns of overfitting: it trains on a
hundred thousand other people first, and on the pairs of LFW for two epochs only.

Source: Taigman et al. 2014, Sec. 4.2 and 5.3. Differs: f is normalized as for the other metrics.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from deepface_jax.normalize import normalize


class Top(NamedTuple):
    """What is trained."""

    kernel: Float[Array, "inputs units"]
    """Of F7."""
    bias: Float[Array, " units"]
    alpha: Float[Array, " units"]
    threshold: Float[Array, ""]
    """b: the distance at which same and different are equally likely."""


def begin(
    kernel: Float[Array, "inputs units"], bias: Float[Array, " units"], *, scale: float = 10.0
) -> Top:
    """The top of a trained network, with all units alike.

    Args:
      kernel: of F7.
      bias: of F7.
      scale: of alpha; the sum of |f1 - f2| of different people is then some tens.
    """
    units = kernel.shape[1]
    alpha = jnp.full(units, scale / np.sqrt(units))
    return Top(jnp.array(kernel), jnp.array(bias), alpha, jnp.asarray(scale / 2))


def representation(
    top: Top, l6: Float[Array, "faces inputs"], maximum: Float[Array | np.ndarray, " units"]
) -> Float[Array, "faces units"]:
    """Representations of faces, from their outputs of L6."""
    return normalize(jax.nn.relu(l6 @ top.kernel + top.bias), maximum)


def distance(
    alpha: Float[Array, " units"],
    first: Float[Array, "pairs units"],
    second: Float[Array, "pairs units"],
) -> Float[Array, " pairs"]:
    """The distance of pairs of representations."""
    return jnp.abs(first - second) @ alpha


def pair_loss(
    top: Top,
    first: Float[Array, "pairs inputs"],
    second: Float[Array, "pairs inputs"],
    same: Bool[Array, " pairs"],
    maximum: Float[Array | np.ndarray, " units"],
) -> Float[Array, ""]:
    """Cross-entropy of same and different, mean over pairs.

    Args:
      top: what is trained.
      first: outputs of L6, flattened.
      second: those of the other faces.
      same: whether a pair shows one person.
      maximum: of F7's units over the training faces; it stays.
    """
    f = representation(top, jnp.concatenate([first, second]), maximum)
    logit = top.threshold - distance(top.alpha, *jnp.split(f, 2))
    return optax.losses.sigmoid_binary_cross_entropy(logit, same.astype(logit.dtype)).mean()


def train_top(
    top: Top,
    l6: Float[np.ndarray, "faces inputs"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    same: Bool[np.ndarray, " pairs"],
    maximum: Float[np.ndarray, " units"],
    *,
    epochs: int = 2,
    batch: int = 64,
    learning_rate: float = 1e-4,
    seed: int = 0,
    watch: Callable[[range], range] = lambda steps: steps,
) -> Top:
    """Train the top on pairs of faces.

    Args:
      top: to begin with; it is not changed.
      l6: outputs of L6 of all faces, flattened.
      first: numbers of faces, one a pair.
      second: those of the other faces.
      same: whether a pair shows one person.
      maximum: of F7's units over the training faces.
      epochs: over the pairs.
      batch: pairs of a step; what is left over of an epoch goes into the next.
      learning_rate: of Adam; it falls to zero as a cosine.
      seed: of the order.
      watch: wraps the steps, to show progress.
    """
    steps = max(1, epochs * len(same) // batch)
    optimizer, step = _optimizer_and_step(learning_rate, steps)
    top = jax.tree.map(jnp.copy, top)  # the step gives its buffers away
    state = optimizer.init(top)
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(same)) for _ in range(epochs + 1)])
    for number in watch(range(steps)):
        own = order[number * batch : (number + 1) * batch]
        top, state = step(top, state, l6[first[own]], l6[second[own]], same[own], maximum)
    return top


@cache
def _optimizer_and_step(
    learning_rate: float, steps: int
) -> tuple[optax.GradientTransformation, Callable[..., tuple[Top, optax.OptState]]]:
    """Kept, so that ten folds of as many pairs compile once."""
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(top: Top, state: optax.OptState, *batch: Array) -> tuple[Top, optax.OptState]:
        update, state = optimizer.update(jax.grad(pair_loss)(top, *batch), state)
        return jax.tree.map(jnp.add, top, update), state

    return optimizer, step
