"""DeepFace's training: whose face is it, of all people of the training set?

    loss = -log p_k,   p = softmax(F8)                                              (Sec. 3)

by stochastic gradient descent with momentum. `PAPER` holds the paper's values; `SMALL_DATA` is what
learns best here from some seventeen faces a person instead of a thousand, and departs from the
paper (docs/deepface.md, deviations 7 to 11).

Source: Taigman et al. 2014, Sec. 3 and 5.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt8

from common.augment import MODERATE, NONE, AugmentConfig
from common.compiling import COMPILER_OPTIONS
from common.optimizing import kernels, rise_and_cosine
from deepface_jax.model import DeepFace, create
from deepface_jax.network_config import NetworkConfig


@dataclass(frozen=True)
class TrainConfig:
    """How the network is trained; the defaults are the paper's."""

    epochs: float = 15.0
    """Passes over the training faces (paper: about 15)."""
    batch: int = 128
    learning_rate: float = 0.01
    momentum: float = 0.9
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Adam's first mean decays by `momentum`, and its weight decay does not pass through it."""
    schedule: Literal["plateau", "cosine"] = "plateau"
    """`plateau`: a tenth of the rate when the loss of an epoch has not fallen, down to a hundredth
    (the paper did so by hand). `cosine`: a rise over `warmup` epochs, then a cosine to zero."""
    warmup: float = 0.0
    weight_decay: float = 0.0
    """Of kernels (none in the paper)."""
    cosine_scale: float = 0.0
    """Above zero, a logit is the cosine between F7 and the person's weights, times this, and F8 has
    no bias: F7's length then says nothing, as it does not when faces are compared (not in the
    paper; Wang et al. 2017, "NormFace")."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all people (none in the paper)."""
    clip: float = float("inf")
    """Largest norm of a gradient (none in the paper)."""
    augment: AugmentConfig = NONE
    """None in the paper."""
    pieces: int = 1
    """Parts that a batch's gradient is computed in, to save memory; the result is the same, but
    for the units that dropout takes."""

    def steps(self, faces: int) -> int:
        """Of the whole training."""
        return max(1, round(self.epochs * faces / self.batch))


PAPER = TrainConfig()
SMALL_DATA = TrainConfig(
    epochs=5.0, batch=64, optimizer="adam", learning_rate=3e-4, schedule="cosine", warmup=0.3,
    weight_decay=0.01, clip=5.0, cosine_scale=24.0, augment=MODERATE,
)  # fmt: skip


class TrainState(NamedTuple):
    """All that a step changes."""

    weights: Any
    optimizer: Any
    step: Array


class Batch(NamedTuple):
    """Aligned faces and who they are."""

    images: UInt8[Array | np.ndarray, "*batch side side channels"]
    labels: Int[Array | np.ndarray, "*batch"]


def loss_of(
    logits: Float[Array, "batch classes"], labels: Int[Array, " batch"], *, smoothing: float = 0.0
) -> Float[Array, ""]:
    """Cross-entropy, mean over the batch (Sec. 3).

    Args:
      logits: F8.
      labels: the person on each face, from 0 on.
      smoothing: share of the target that all people get alike.
    """
    log_p = jax.nn.log_softmax(logits)
    right = jnp.take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    return -jnp.mean((1 - smoothing) * right + smoothing * log_p.mean(axis=1))


def logits_of(
    network: DeepFace,
    images: Float[Array, "batch side side channels"],
    cosine_scale: float,
    *,
    key: PRNGKeyArray | None = None,
) -> Float[Array, "batch classes"]:
    """The outputs of F8, or the scaled cosines in its place (see `TrainConfig.cosine_scale`)."""
    if not cosine_scale:
        return network(images, key=key)
    f7 = network.dropout(network.features(images), deterministic=key is None, rngs=key)
    return cosine_scale * _unit(f7, axis=1) @ _unit(network.F8.kernel[...], axis=0)


def _unit(x: Float[Array, "rows columns"], *, axis: int) -> Float[Array, "rows columns"]:
    return x * lax.rsqrt(jnp.square(x).sum(axis, keepdims=True) + 1e-6)


def start(
    network: NetworkConfig, config: TrainConfig, *, faces: int, seed: int = 0
) -> tuple[Any, TrainState]:
    """The network's graph, and the state before the first step.

    Args:
      network: its layers.
      config: of the training.
      faces: of the training set, which epochs are counted in.
      seed: of the weights.
    """
    graph, weights = nnx.split(create(network, seed=seed))
    optimizer = jax.jit(_optimizer(config, faces).init)(weights)
    return graph, TrainState(weights, optimizer, jnp.zeros((), jnp.int32))


def make_step(
    config: TrainConfig, graph: Any, *, faces: int, seed: int = 0
) -> Callable[[TrainState, Batch], tuple[TrainState, Float[Array, ""]]]:
    """The jitted step: state and batch in, next state and loss out. It consumes the state.

    The batch may be split over devices (`deepface_jax.sharding`): the mean over the batch then is
    one over all of them.

    Args:
      config: of the training.
      graph: from `start`.
      faces: of the training set.
      seed: of dropout.
    """
    optimizer = _optimizer(config, faces)

    def loss(weights: Any, batch: Batch, key: Any) -> Float[Array, ""]:
        images = jnp.asarray(batch.images, jnp.float32) / 255
        logits = logits_of(nnx.merge(graph, weights), images, config.cosine_scale, key=key)
        return loss_of(logits, jnp.asarray(batch.labels), smoothing=config.label_smoothing)

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Float[Array, ""]]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        value, gradient = in_pieces(loss, state.weights, batch, key, pieces=config.pieces)
        update, moments = optimizer.update(gradient, state.optimizer, state.weights, value=value)
        weights = optax.apply_updates(state.weights, update)
        return TrainState(weights, moments, state.step + 1), value

    return jax.jit(step, donate_argnums=0, compiler_options=COMPILER_OPTIONS)


def in_pieces(
    loss: Callable[[Any, Any, Any], Float[Array, ""]],
    weights: Any,
    batch: Any,
    key: Any,
    *,
    pieces: int,
) -> tuple[Float[Array, ""], Any]:
    """Value and gradient of a mean over a batch, computed from parts of it one after another.

    Args:
      loss: of weights, batch and key; a mean over the batch.
      weights: what the gradient is of.
      batch: a pytree of arrays whose first axis is the batch.
      key: for the loss; each part gets its own.
      pieces: how many parts; the batch must be a multiple of it.

    Raises:
      ValueError: it is not.
    """
    if pieces == 1:
        return jax.value_and_grad(loss)(weights, batch, key)
    faces = len(jax.tree.leaves(batch)[0])
    if pieces < 1 or faces % pieces:
        raise ValueError(f"a batch of {faces} cannot be computed in {pieces} equal pieces")
    # Every so many-th face is of a part: so each device, which has a run of the batch, has a share
    # of every part.
    parts = jax.tree.map(lambda x: x.reshape(-1, pieces, *x.shape[1:]).swapaxes(0, 1), batch)

    def add(total: Any, part: tuple[Any, Any]) -> tuple[Any, None]:
        found = jax.value_and_grad(loss)(weights, *part)
        return jax.tree.map(jnp.add, total, found), None

    zero = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, weights))
    total, _ = lax.scan(add, zero, (parts, jax.random.split(key, pieces)))
    return jax.tree.map(lambda x: x / pieces, total)


def make_features(
    graph: Any, layer: str = "F7"
) -> Callable[[Any, Any], Float[Array, "batch units"]]:
    """The jitted forward pass up to a layer: weights and uint8 faces in, its outputs in a row out.

    Those of F7 are G(I), the representation.
    """

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS)
    def features(weights: Any, images: UInt8[Array, "batch side side channels"]) -> Array:
        pixels = jnp.asarray(images, jnp.float32) / 255
        output = nnx.merge(graph, weights).activations(pixels)[layer]
        return output.reshape(len(output), -1).astype(jnp.float32)

    return features


def make_classify(
    graph: Any, cosine_scale: float = 0.0
) -> Callable[[Any, Any], Int[Array, " batch"]]:
    """The jitted forward pass to the end: weights and uint8 faces in, the likeliest person out."""

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS)
    def classify(weights: Any, images: UInt8[Array, "batch side side channels"]) -> Array:
        network, pixels = nnx.merge(graph, weights), jnp.asarray(images, jnp.float32) / 255
        return logits_of(network, pixels, cosine_scale).argmax(axis=1)

    return classify


def _optimizer(config: TrainConfig, faces: int) -> optax.GradientTransformationExtraArgs:
    epoch = max(1, faces // config.batch)
    if config.schedule == "cosine":
        rate = rise_and_cosine(
            config.learning_rate, warmup=config.warmup, per_epoch=epoch, steps=config.steps(faces)
        )
        fall: list[Any] = []
    else:
        rate = config.learning_rate
        fall = [
            optax.contrib.reduce_on_plateau(
                factor=0.1, patience=1, min_scale=0.01, accumulation_size=epoch
            )
        ]
    decay = optax.add_decayed_weights(config.weight_decay, mask=kernels)
    if config.optimizer == "sgd":
        direction = [decay, optax.trace(config.momentum)]
    else:
        direction = [optax.scale_by_adam(config.momentum), decay]
    return optax.with_extra_args_support(
        optax.chain(
            optax.clip_by_global_norm(config.clip),
            *direction,
            optax.scale_by_learning_rate(rate),
            *fall,
        )
    )
