"""The layers that the networks are made of, on images of axes batch, height, width, channels.

All windows are padded as SAME is: a stride of s leaves 1/s of the side, rounded up. That gives
every size in the paper's tables.
"""

from collections.abc import Callable
from functools import reduce
from math import prod, sqrt
from typing import TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from common.layers import FIRST_SLOPE, BatchNorm, prelu
from facenet_jax.config import NetworkConfig

Maps: TypeAlias = Float[Array, "batch height width channels"]


class Draws:
    """Standard normal numbers to make kernels of: consecutive pieces of one draw.

    XLA compiles each draw by itself; for the sixty kernels of NN2 that takes half a minute.
    """

    def __init__(self, key: PRNGKeyArray, count: int):
        self._numbers = jax.random.normal(key, (count,))
        self._taken = 0

    def __call__(self, *shape: int) -> Float[Array, "..."]:
        """The next ones."""
        start, self._taken = self._taken, self._taken + prod(shape)
        return self._numbers[start : self._taken].reshape(shape)


class Conv(nnx.Module):
    """Convolution, optional batch normalization, bias, ReLU or PReLU."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        size: int,
        *,
        config: NetworkConfig,
        draws: Draws,
        stride: int = 1,
        gain: float = 1.0,
        learned_slope: bool = False,
    ):
        self.stride = stride
        self.dtype = config.dtype
        # Of a unit normal variable, max(x, 0) has mean square 1/2.
        spread = gain * sqrt(2 / (size * size * c_in))
        self.kernel = nnx.Param(spread * draws(size, size, c_in, c_out))
        self.bias = nnx.Param(jnp.zeros(c_out))
        self.norm = BatchNorm(c_out) if config.batch_norm else None
        self.slope = nnx.Param(jnp.full(c_out, FIRST_SLOPE)) if learned_slope else None

    def __call__(
        self, x: Float[Array, "batch height width c_in"], *, training: bool = False
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """Normalize by the batch's statistics where `training`, else by the running averages."""
        x = convolve(x.astype(self.dtype), self.kernel[...].astype(self.dtype), self.stride)
        if self.norm is not None:
            x = self.norm(x, training=training)
        x = x + self.bias[...].astype(x.dtype)
        if self.slope is None:
            return jax.nn.relu(x)
        return prelu(x, self.slope[...])


class Linear(nnx.Module):
    """x @ kernel + bias: what the paper's tables call fc."""

    def __init__(self, inputs: int, outputs: int, *, config: NetworkConfig, draws: Draws):
        self.dtype = config.dtype
        self.kernel = nnx.Param(draws(inputs, outputs) / sqrt(inputs))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
        """Of unit variance for inputs of unit variance, before training."""
        x = x.astype(self.dtype)
        return x @ self.kernel[...].astype(x.dtype) + self.bias[...].astype(x.dtype)


def convolve(
    x: Float[Array, "batch height width c_in"],
    kernel: Float[Array, "size size c_in c_out"],
    stride: int = 1,
) -> Float[Array, "batch h_out w_out c_out"]:
    """Convolve with zeros outside; 1 x 1 is a matrix product, which XLA does faster as one."""
    if kernel.shape[0] == stride == 1:
        return x @ kernel[0, 0]
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def max_pool(x: Maps, stride: int = 2) -> Float[Array, "batch h_out w_out channels"]:
    """Largest of each 3 x 3 window; its gradient is faster than reduce_window's."""
    for axis in (1, 2):
        x = _slide(x, axis, stride, jnp.maximum, outside=-jnp.inf)
    return x


def l2_pool(x: Maps, stride: int = 1) -> Float[Array, "batch h_out w_out channels"]:
    """Root of the sum of squares in each 3 x 3 window; a window of zeros has gradient zero."""
    total = jnp.square(x.astype(jnp.float32))
    for axis in (1, 2):
        total = _slide(total, axis, stride, jnp.add, outside=0.0)
    nothing = total == 0
    return jnp.where(nothing, 0.0, jnp.sqrt(jnp.where(nothing, 1.0, total))).astype(x.dtype)


def _slide(
    x: Float[Array, "..."],
    axis: int,
    stride: int,
    combine: Callable[[Array, Array], Array],
    outside: float,
) -> Float[Array, "..."]:
    """Combine each three neighbors along an axis, as elementwise work on shifted slices."""
    size = x.shape[axis]
    last = stride * ((size - 1) // stride)  # where the last window starts, without padding
    lacking = max(last + 3 - size, 0)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (lacking // 2, lacking - lacking // 2)
    x = jnp.pad(x, padding, constant_values=outside)
    return reduce(
        combine, (jax.lax.slice_in_dim(x, i, i + last + 1, stride, axis) for i in range(3))
    )


def local_response_norm(x: Maps) -> Maps:
    """Divide by (2 + 1e-4 * (sum of squares over five neighboring channels))^0.75.

    Source: Krizhevsky, Sutskever, Hinton 2012, Sec. 3.3, with its constants: FaceNet's tables say
      `norm` and no more.
    """
    channels = x.shape[-1]
    squares = jnp.pad(jnp.square(x.astype(jnp.float32)), ((0, 0), (0, 0), (0, 0), (2, 2)))
    total = reduce(jnp.add, (squares[..., i : i + channels] for i in range(5)))
    root = jax.lax.rsqrt(2 + 1e-4 * total)
    return (x * (root * jnp.sqrt(root))).astype(x.dtype)


def maxout(x: Float[Array, "batch linear"], p: int = 2) -> Float[Array, "batch linear//{p}"]:
    """Largest of each p neighboring values.

    Source: Goodfellow et al. 2013, "Maxout networks".
    """
    return x.reshape(len(x), -1, p).max(-1)
