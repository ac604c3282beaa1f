"""SphereFace's training: a step along A-Softmax's gradient, with directions of length 1.

Source: Liu et al. 2017, Sec. 3.2 and 4.1; config.py has the values.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, UInt8

from common.compiling import COMPILER_OPTIONS
from common.layers import unit_sphere
from common.optimizing import averaged, copied, descent, rise_and_cosine
from sphereface_jax.a_softmax import a_softmax_loss, annealed
from sphereface_jax.config import NetworkConfig, TrainConfig
from sphereface_jax.model import build


class Weights(NamedTuple):
    """What is kept of a network."""

    network: Any
    statistics: Any
    """Running averages of batch normalization; empty without it."""


class TrainState(NamedTuple):
    """All that a step changes."""

    weights: Weights
    directions: Float[Array, "people dim"]
    """Of the training people, each of length 1."""
    optimizer: Any
    average: Any
    """Running average of the weights, or () where none is kept."""
    step: Int[Array, ""]

    @property
    def result(self) -> Weights:
        """The weights to use: the average, where there is one."""
        return self.average or self.weights


class Batch(NamedTuple):
    """Faces and who they are."""

    images: UInt8[Array | np.ndarray, "*batch side columns 3"]
    labels: Int[Array | np.ndarray, "*batch"]
    """From 0 on."""


def start(
    network: NetworkConfig, config: TrainConfig, *, people: int, faces: int, seed: int = 0
) -> tuple[Any, TrainState]:
    """The network's graph, and the state before the first step.

    Args:
      network: its layers.
      config: of the training.
      people: of the training set.
      faces: of the training set, which epochs are counted in.
      seed: of the weights.
    """
    graph, params, statistics = nnx.split(build(network, nnx.Rngs(seed)), nnx.Param, nnx.BatchStat)
    weights = Weights(params, statistics)
    key = jax.random.key(seed + 1)
    directions = unit_sphere(jax.random.normal(key, (people, network.embedding_size)))
    optimizer = jax.jit(_optimizer(config, faces).init)((params, directions))
    return graph, TrainState(
        weights, directions, optimizer,
        # A copy: a step consumes its state, and no buffer may be consumed twice.
        average=copied(weights) if config.average else (),
        step=jnp.zeros((), jnp.int32),
    )  # fmt: skip


def make_step(
    config: TrainConfig, graph: Any, *, faces: int
) -> Callable[[TrainState, Batch], tuple[TrainState, Float[Array, ""]]]:
    """The jitted step: state and batch in, next state and loss out. It consumes the state.

    Args:
      config: of the training.
      graph: from `start`.
      faces: of the training set.
    """
    optimizer = _optimizer(config, faces)

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Float[Array, ""]]:
        weight = annealed(state.step + 1, config)

        def loss(params: tuple[Any, Array]) -> tuple[Float[Array, ""], Any]:
            network, directions = params
            model = nnx.merge(graph, network, state.weights.statistics, copy=True)
            x = model(jnp.asarray(batch.images, jnp.float32) / 255, training=True)
            value = a_softmax_loss(
                x, jnp.asarray(batch.labels), directions,
                m=config.m, weight=weight, feature_length=config.feature_length,
            )  # fmt: skip
            return value, nnx.state(model, nnx.BatchStat)

        params = state.weights.network, state.directions
        (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        update, moments = optimizer.update(gradient, state.optimizer, params)
        network, directions = jax.tree.map(jnp.add, params, update)
        weights = Weights(network, statistics)
        average = averaged(config.average, state.average, weights, state.step)
        # Directions keep their length of 1, so that the rate turns them as far late as early.
        directions = unit_sphere(directions)
        return TrainState(weights, directions, moments, average, state.step + 1), value

    return jax.jit(step, donate_argnums=0, compiler_options=COMPILER_OPTIONS)


def make_features(graph: Any) -> Callable[..., Float[Array, "batch dim"]]:
    """The jitted forward pass: weights and uint8 faces in, features out.

    They are those of the face, and behind them those of its mirror image; `mirrored=False` leaves
    the latter out.

    Source: the authors' code, test/code/evaluation.m.
    """

    @partial(jax.jit, static_argnames="mirrored", compiler_options=COMPILER_OPTIONS)
    def features(
        weights: Weights, images: UInt8[Array, "batch side columns 3"], *, mirrored: bool = True
    ) -> Float[Array, "batch dim"]:
        model = nnx.merge(graph, *weights)
        x = jnp.asarray(images, jnp.float32) / 255
        views = (x, x[:, :, ::-1]) if mirrored else (x,)
        return jnp.concatenate([model(view) for view in views], axis=1)

    return features


def _optimizer(config: TrainConfig, faces: int) -> optax.GradientTransformation:
    steps = config.steps(faces)
    if config.schedule == "cosine":
        rate = rise_and_cosine(
            config.learning_rate, warmup=config.warmup, per_epoch=faces / config.batch, steps=steps
        )
    else:
        lowered = {round(4 / 7 * steps): 0.1, round(6 / 7 * steps): 0.1}
        rate = optax.piecewise_constant_schedule(config.learning_rate, lowered)
    direction = {
        "sgd": optax.trace(config.momentum),
        "adam": optax.scale_by_adam(config.momentum),
    }[config.optimizer]
    return descent(direction, rate, clip=config.clip, weight_decay=config.weight_decay)
