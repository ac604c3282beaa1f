"""FaceNet's training: embed a batch, choose triplets in it, step along their loss's gradient.

    loss = triplets * triplet loss(f(x)) + softmax * classification(f(x))

where the paper has the first term alone. What to watch of the batch stands in the state, for the
collapse alarm (`facenet_jax.collapse.guarded`).

Source: Schroff et al. 2015, Sec. 3.1 to 3.3; recipes.py has the values.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, UInt8

from common.batching import in_batches
from common.compiling import COMPILER_OPTIONS
from common.layers import unit_sphere
from common.optimizing import averaged, copied, descent, rise_and_cosine
from facenet_jax.distributed import sharded_triplet_loss
from facenet_jax.large_batch import chunked_value_and_grad
from facenet_jax.model import build
from facenet_jax.recipes import TrainConfig
from facenet_jax.softmax import cosine_softmax, new_classifier
from facenet_jax.triplets import Statistics, triplet_loss


class Weights(NamedTuple):
    """A network, as far as training changes it."""

    params: dict[str, Any]
    """Of the `network`; and the `classifier`, where a phase has one."""
    statistics: Any
    """Running averages of batch normalization; empty without it."""


class TrainState(NamedTuple):
    """All that a step changes."""

    weights: Weights
    optimizer: Any
    average: Any
    """Running average of the weights, or () where none is kept."""
    seen: Statistics
    """What to watch of the last batch."""
    step: Array

    @property
    def result(self) -> Weights:
        """The weights to use: the average, where there is one."""
        return self.average or self.weights


class Batch(NamedTuple):
    """Faces and who they are."""

    images: UInt8[Array | np.ndarray, "*batch side side 3"]
    labels: Int[Array | np.ndarray, "*batch"]
    """From 0 on."""


@runtime_checkable
class Layers(Protocol):
    """What training asks of a network's configuration; `NetworkConfig` has it."""

    @property
    def embedding_size(self) -> int:
        """Numbers of an embedding."""
        ...


Build: TypeAlias = Callable[[Any, nnx.Rngs], Any]
"""Makes a network of its configuration. The network is called as `FaceNet` is."""


def start(
    network: Layers,
    config: TrainConfig,
    *,
    people: int,
    faces: int,
    seed: int = 0,
    begin: Weights | None = None,
    build: Build = build,
) -> tuple[Any, TrainState]:
    """The network's graph, and the state before the first step of a phase.

    Args:
      network: its layers.
      config: of the phase.
      people: of the training set, whom the classifier tells apart.
      faces: of the training set, which epochs are counted in.
      seed: of the weights.
      begin: what the phase before has left; random weights when None.
      build: makes the network; other networks than FaceNet's bring their own.
    """
    graph, params, statistics = nnx.split(build(network, nnx.Rngs(seed)), nnx.Param, nnx.BatchStat)
    weights = begin or Weights({"network": params}, statistics)
    kept = {"network": weights.params["network"]}
    if config.softmax:
        key = jax.random.key(seed + 1)
        new = new_classifier(key, network.embedding_size, people)
        kept["classifier"] = weights.params.get("classifier", new)
    weights = Weights(kept, weights.statistics)
    state = TrainState(
        # Copies: a step consumes its state, and no buffer may be consumed twice.
        weights=copied(weights),
        optimizer=jax.jit(_optimizer(config, faces).init)(kept),
        average=copied(weights) if config.average else (),
        seen=Statistics(*(jnp.zeros(()) for _ in Statistics._fields)),
        step=jnp.zeros((), jnp.int32),
    )
    return graph, state


@lru_cache(maxsize=4)  # on other faces, the same training is compiled once
def make_step(
    config: TrainConfig, graph: Any, *, faces: int, seed: int = 0, mesh: Mesh | None = None
) -> Callable[[TrainState, Batch], tuple[TrainState, Float[Array, ""]]]:
    """The jitted step: state and batch in, next state and loss out. It consumes the state.

    The batch may be split over devices: means and batch statistics are then over all of it, and
    negatives come from all devices. In chunks (`config.chunk`), batch statistics are a chunk's.

    Args:
      config: of the phase.
      graph: from `start`.
      faces: of the training set.
      seed: of random mining rules.
      mesh: with an axis `batch`, where the batch is split; mining is then split likewise.

    Raises:
      ValueError: both a mesh and chunks.
    """
    if mesh is not None and config.chunk is not None:
        raise ValueError(
            f"chunks of {config.chunk} faces, and a mesh of {mesh.size} devices; each splits the "
            "batch in its own way: leave out one of the two"
        )
    optimizer = _optimizer(config, faces)
    mined = partial(sharded_triplet_loss, mesh=mesh) if mesh else triplet_loss

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Float[Array, ""]]:
        images, labels = jnp.asarray(batch.images), jnp.asarray(batch.labels)
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        params, averages = state.weights
        rest = {name: part for name, part in params.items() if name != "network"}
        margin = _margin(config, faces, state.step)

        def embed(network: Any, images: Array) -> tuple[Float[Array, "some dim"], Any]:
            model = nnx.merge(graph, network, averages, copy=True)
            z = model(jnp.asarray(images, jnp.float32) / 255, training=True)
            return z, nnx.state(model, nnx.BatchStat)

        def loss(z: Float[Array, "batch dim"], rest: Any) -> tuple[Float[Array, ""], Statistics]:
            watched = z if config.triplets else jax.lax.stop_gradient(z)
            triplets, seen = mined(watched, labels, config.mining, mean=config.mean, key=key)
            value = config.triplets * triplets
            if config.softmax:
                value += config.softmax * cosine_softmax(
                    z, labels, rest["classifier"],
                    scale=config.scale, margin=margin,
                )  # fmt: skip
            return value, seen

        (value, seen, said), (network, others) = chunked_value_and_grad(
            embed, loss, params["network"], rest, images, chunk=config.chunk
        )
        gradient = {"network": network, **others}
        update, moments = optimizer.update(gradient, state.optimizer, params)
        params = jax.tree.map(jnp.add, params, update)
        if config.softmax and config.classifier_length:
            directions = unit_sphere(params["classifier"])
            params = {**params, "classifier": config.classifier_length * directions}
        weights = Weights(params, said)
        average = averaged(config.average, state.average, weights, state.step)
        return TrainState(weights, moments, average, seen, state.step + 1), value

    return jax.jit(step, donate_argnums=0, compiler_options=COMPILER_OPTIONS)


@lru_cache(maxsize=4)
def make_embed(graph: Any) -> Callable[[Weights, Any], Float[Array, "batch dim"]]:
    """The jitted forward pass: weights and uint8 faces in, embeddings out."""

    @partial(jax.jit, compiler_options=COMPILER_OPTIONS)
    def embed(network: Any, statistics: Any, images: UInt8[Array, "batch side side 3"]) -> Array:
        model = nnx.merge(graph, network, statistics)
        return model(jnp.asarray(images, jnp.float32) / 255)

    # Without the classifier, which comes and goes: one compilation for all phases.
    return lambda weights, images: embed(weights.params["network"], weights.statistics, images)


def embed_all(
    embed: Callable[[Weights, Any], Float[Array, "batch dim"]],
    weights: Weights,
    images: UInt8[np.ndarray, "faces side side 3"],
    *,
    batch: int = 64,
    advance: Callable[[int], None] = lambda faces: None,
) -> Float[np.ndarray, "faces dim"]:
    """Embeddings of any number of faces, in batches of one shape.

    Args:
      embed: from `make_embed`.
      weights: of the network.
      images: RGB, 0 to 255.
      batch: faces at a time; a shorter rest is filled up.
      advance: is told how many faces were done.
    """
    return in_batches(lambda some: embed(weights, some), images, batch=batch, advance=advance)


def _margin(config: TrainConfig, faces: int, step: Int[Array, ""]) -> Float[Array, ""]:
    """The classification's margin in a step."""
    rise = max(1.0, config.margin_rise * faces / config.batch)
    return config.cosine_margin * jnp.minimum(1.0, (step + 1) / rise)


def _optimizer(config: TrainConfig, faces: int) -> optax.GradientTransformation:
    steps = config.steps(faces)
    if config.schedule == "cosine":
        rate = rise_and_cosine(
            config.learning_rate, warmup=config.warmup, per_epoch=faces / config.batch, steps=steps
        )
    else:
        lowered = {round(0.8 * steps): 0.1}
        rate = optax.piecewise_constant_schedule(config.learning_rate, lowered)
    direction = {
        "adagrad": optax.scale_by_rss(config.accumulator),
        "sgd": optax.trace(config.momentum),
        "adam": optax.scale_by_adam(config.momentum),
    }[config.optimizer]
    return descent(direction, rate, clip=config.clip, weight_decay=config.weight_decay)
