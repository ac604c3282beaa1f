"""Loss and step of the landmark network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, UInt8

from common.compiling import COMPILER_OPTIONS
from common.landmarks.network import LandmarkNetwork, NetworkConfig
from common.landmarks.points import eye_distance


@dataclass(frozen=True)
class TrainConfig:
    """How the landmark network is trained."""

    steps: int = 7000
    batch: int = 64
    learning_rate: float = 2e-3
    """At its height; it rises over the first `warmup` steps and falls to zero as a cosine."""
    warmup: int = 200
    weight_decay: float = 0.02
    """Of kernels."""
    depth_weight: float = 0.3
    """Of the depth's error beside that of x and y."""
    average_decay: float = 0.998
    """Of the weights' running average, which is what is shipped."""
    clip: float = 1.0
    """Largest norm of a gradient."""


class TrainState(NamedTuple):
    """All that a step changes."""

    weights: Any
    optimizer: Any
    average: Any
    """Running average of the weights."""
    step: Array


class Batch(NamedTuple):
    """Views of faces and the points in them."""

    views: UInt8[Array | np.ndarray, "*batch side side 3"]
    targets: Float[Array | np.ndarray, "*batch 68 3"]


def loss_of(
    predicted: Float[Array, "batch 68 3"],
    targets: Float[Array, "batch 68 3"],
    depth_weight: float,
) -> Float[Array, ""]:
    """Mean distance of the points from their targets, in distances between the eyes.

    It is the figure that is reported, and like any L1 it does not let a few wrong reference points
    rule. The absolute error of depth is added, weighted.
    """
    off = predicted - targets
    # The root's slope has no limit at zero; a thousandth of the crop's side rounds it off.
    distance = jnp.sqrt(jnp.square(off[..., :2]).sum(-1) + 1e-6)
    error = distance + depth_weight * jnp.abs(off[..., 2])
    return jnp.mean(error.mean(-1) / eye_distance(targets))


def start(config: TrainConfig, network: NetworkConfig, seed: int) -> tuple[Any, TrainState]:
    """The network's graph, and the state before the first step."""

    def build() -> Any:
        return nnx.state(LandmarkNetwork(network, rngs=nnx.Rngs(seed)))

    weights = jax.jit(build)()
    graph = nnx.graphdef(nnx.eval_shape(lambda: LandmarkNetwork(network, rngs=nnx.Rngs(seed))))
    # A copy: the step gives its buffers away, and no buffer may be given twice.
    average = jax.tree.map(jnp.copy, weights)
    return graph, TrainState(
        weights, _optimizer(config).init(weights), average, jnp.zeros((), jnp.int32)
    )


def _optimizer(config: TrainConfig) -> optax.GradientTransformation:
    rate = optax.warmup_cosine_decay_schedule(
        0.0, config.learning_rate, config.warmup, config.steps
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip),
        optax.adamw(
            rate,
            weight_decay=config.weight_decay,
            mask=lambda weights: jax.tree.map(lambda leaf: leaf.ndim > 1, weights),
        ),
    )


def make_step(
    config: TrainConfig, graph: Any
) -> Callable[[TrainState, Batch], tuple[TrainState, Float[Array, ""]]]:
    """The jitted step: state and batch in, next state and loss out. It consumes the state."""
    optimizer = _optimizer(config)

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Float[Array, ""]]:
        def loss(weights: Any) -> Float[Array, ""]:
            predicted = nnx.merge(graph, weights)(jnp.asarray(batch.views, jnp.float32) / 255)
            return loss_of(predicted, jnp.asarray(batch.targets), config.depth_weight)

        value, gradient = jax.value_and_grad(loss)(state.weights)
        update, moments = optimizer.update(gradient, state.optimizer, state.weights)
        weights = optax.apply_updates(state.weights, update)
        count = state.step + 1
        # Early on the average is over all steps so far, not mostly over the first.
        decay = jnp.minimum(config.average_decay, count / (count + 9.0))
        average = jax.tree.map(lambda a, w: a + (1 - decay) * (w - a), state.average, weights)
        return TrainState(weights, moments, average, count), value

    return jax.jit(step, donate_argnums=0, compiler_options=COMPILER_OPTIONS)
