"""DeepFace's network: C1, M2, C3, L4, L5, L6, F7, F8.

For the paper's input of 152 x 152 x 3 and its 4,030 people:

    C1  142 x 142 x 32   convolution, 11 x 11
    M2   71 x  71 x 32   maximum of 3 x 3, stride 2
    C3   63 x  63 x 16   convolution, 9 x 9
    L4   55 x  55 x 16   locally connected, 9 x 9
    L5   25 x  25 x 16   locally connected, 7 x 7, stride 2
    L6   21 x  21 x 16   locally connected, 5 x 5
    F7   4,096           fully connected: the representation
    F8   4,030           fully connected: a logit a person

A ReLU follows every layer but M2 and F8. Dropout is on F7 alone.

Source: Taigman et al. 2014, Sec. 3, Fig. 2. Its text says "more than 120 million parameters"; the
  sizes it publishes come to 118,923,774, with a bias for every place and channel of a local layer.
"""

from functools import partial
from math import sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from deepface_jax.locally_connected import LocallyConnected
from deepface_jax.network_config import DF_4_4K, NetworkConfig


class DeepFace(nnx.Module):
    """The network of a configuration; a layer that it leaves out is None.

    Its state is its weights alone, so `nnx.split` and `nnx.merge` take it through JAX's own
    transformations. `create` builds it faster.
    """

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        self.config = config
        self.C1 = _convolution(config, "C1", rngs)
        self.C3 = _convolution(config, "C3", rngs)
        self.L4 = _local(config, "L4", rngs)
        self.L5 = _local(config, "L5", rngs)
        self.L6 = _local(config, "L6", rngs)
        last = config.input_of("F7")
        self.F7 = _fully_connected(config, last.side**2 * last.channels, config.F7, rngs)
        self.dropout = nnx.Dropout(config.dropout)
        self.F8 = _fully_connected(config, config.F7, config.classes, rngs, rectified=False)

    def __call__(
        self, images: Float[Array, "batch side side channels"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "batch classes"]:
        """A logit for each person of the training set; the paper's softmax is left to the loss.

        Args:
          images: pixels in [0, 1], aligned.
          key: for dropout, so in training; without one nothing is dropped.
        """
        return self.activations(images, key=key)["F8"]

    def features(
        self, images: Float[Array, "batch side side channels"]
    ) -> Float[Array, "batch units"]:
        """G(I), the representation: F7 after its ReLU, without dropout; not negative.

        It needs no F8.
        """
        return self._up_to_f7(images)["F7"].astype(jnp.float32)

    def activations(
        self, images: Float[Array, "batch side side channels"], *, key: PRNGKeyArray | None = None
    ) -> dict[str, Float[Array, "batch *output"]]:
        """What each layer gives, by name: after its ReLU, F7 before dropout.

        A layer that the configuration leaves out gives what it gets. For the arguments see
        `__call__`.

        Raises:
          ValueError: the images do not have the configured size.
        """
        found = self._up_to_f7(images)
        f8 = self.F8(self.dropout(found["F7"], deterministic=key is None, rngs=key))
        in_full = {"F7": found["F7"].astype(jnp.float32), "F8": f8.astype(jnp.float32)}
        return found | in_full

    def _up_to_f7(
        self, images: Float[Array, "batch side side channels"]
    ) -> dict[str, Float[Array, "batch *output"]]:
        config = self.config
        if images.shape[1:] != (config.side, config.side, config.channels):
            raise ValueError(
                f"images have shape {images.shape[1:]}, the network takes "
                f"({config.side}, {config.side}, {config.channels})"
            )
        pixels = 2 * images - 1 if config.centered else images
        c1 = self._rectified("C1", pixels.astype(config.compute_dtype))
        m2 = max_pool(c1)
        c3 = self._rectified("C3", m2)
        l4 = self._rectified("L4", c3)
        l5 = self._rectified("L5", l4)
        l6 = self._rectified("L6", l5)
        f7 = self._rectified("F7", l6.reshape(len(l6), -1))
        return {"C1": c1, "M2": m2, "C3": c3, "L4": l4, "L5": l5, "L6": l6, "F7": f7}

    def _rectified(self, name: str, x: Float[Array, "batch *input"]) -> Array:
        """A layer and its ReLU; what is left out passes on what it gets."""

        def apply(layer: nnx.Module, x: Array) -> Array:
            return jax.nn.relu(layer(x))

        if (layer := getattr(self, name)) is None:
            return x
        return (nnx.remat(apply) if name in self.config.remat else apply)(layer, x)


def create(config: NetworkConfig = DF_4_4K, *, seed: int = 0) -> DeepFace:
    """The network with its weights drawn, all at once under jit."""
    return _drawn(config, nnx.Rngs(seed))


@partial(nnx.jit, static_argnums=0)
def _drawn(config: NetworkConfig, rngs: nnx.Rngs) -> DeepFace:
    return DeepFace(config, rngs=rngs)


class LayerRow(NamedTuple):
    """A line of `parameter_table`."""

    layer: str
    output: tuple[int, ...]
    """Height, width and channels, or units."""
    weights: int
    biases: int


def parameter_table(config: NetworkConfig = DF_4_4K) -> list[LayerRow]:
    """Every layer's output and parameters, found from shapes alone; no weight is drawn."""
    network = nnx.eval_shape(lambda: DeepFace(config, rngs=nnx.Rngs(0)))
    graph, weights = nnx.split(network)
    images = jax.ShapeDtypeStruct((1, config.side, config.side, config.channels), jnp.float32)
    outputs = jax.eval_shape(lambda w, x: nnx.merge(graph, w).activations(x), weights, images)
    rows = []
    for name in list(config.outputs())[1:]:
        layer = getattr(network, name, None)  # M2 has no weights
        sizes = (layer.kernel.size, layer.bias.size) if layer else (0, 0)
        rows.append(LayerRow(name, outputs[name].shape[1:], *sizes))
    return rows


def max_pool(
    x: Float[Array, "batch height width channels"],
) -> Float[Array, "batch h_out w_out channels"]:
    """M2: the maximum of 3 x 3 places, stride 2; the sides are halved, rounded up.

    142 to 71 needs padding: without it there would be 70. The maximum of rows, then of columns, by
    elementwise maxima of slices, whose gradient is faster on a CPU than `reduce_window`'s.
    """
    return _max_of_three(_max_of_three(x, axis=1), axis=2)


def _max_of_three(x: Array, *, axis: int) -> Array:
    out = -(-x.shape[axis] // 2)
    pads = [(0, 0)] * x.ndim
    (pads[axis],) = lax.padtype_to_pads([x.shape[axis]], [3], [2], "SAME")
    x = jnp.pad(x, pads, constant_values=-jnp.inf)
    first, second, third = (
        lax.slice_in_dim(x, start, start + 2 * out - 1, stride=2, axis=axis) for start in range(3)
    )
    return jnp.maximum(jnp.maximum(first, second), third)


def _initializers(
    config: NetworkConfig, inputs: int, *, rectified: bool = True
) -> tuple[nnx.Initializer, nnx.Initializer]:
    """Of kernel and bias of a layer each of whose outputs sees so many inputs."""
    normal, constant = nnx.initializers.normal, nnx.initializers.constant
    if config.init == "paper":
        return normal(0.01), constant(0.5)
    deviation = sqrt((2 if rectified else 1) / inputs)
    return normal(deviation), constant(0.0)


def _convolution(config: NetworkConfig, name: str, rngs: nnx.Rngs) -> nnx.Conv | None:
    if (filters := config.filters(name)) is None:
        return None
    _, c_in = config.input_of(name)
    kernel_init, bias_init = _initializers(config, filters.size**2 * c_in)
    return nnx.Conv(
        c_in,
        filters.count,
        (filters.size, filters.size),
        strides=filters.stride,
        padding="VALID",
        dtype=config.compute_dtype,
        kernel_init=kernel_init,
        bias_init=bias_init,
        rngs=rngs,
    )


def _local(config: NetworkConfig, name: str, rngs: nnx.Rngs) -> LocallyConnected | None:
    if (filters := config.filters(name)) is None:
        return None
    side, c_in = config.input_of(name)
    kernel_init, bias_init = _initializers(config, filters.size**2 * c_in)
    return LocallyConnected(
        side,
        c_in,
        filters.count,
        filters.size,
        stride=filters.stride,
        block=config.block,
        dtype=config.compute_dtype,
        kernel_init=kernel_init,
        bias_init=bias_init,
        rngs=rngs,
    )


def _fully_connected(
    config: NetworkConfig, inputs: int, units: int, rngs: nnx.Rngs, *, rectified: bool = True
) -> nnx.Linear:
    kernel_init, bias_init = _initializers(config, inputs, rectified=rectified)
    return nnx.Linear(
        inputs,
        units,
        dtype=config.compute_dtype,
        kernel_init=kernel_init,
        bias_init=bias_init,
        rngs=rngs,
    )
