"""The locally connected layer: a convolution whose filters differ from place to place.

    y[n, h, w, o] = sum over i, j, c of  x[n, s h + i, s w + j, c] * filters[h, w, i, j, c, o]

for image n, output place (h, w), output channel o, a window of k_h x k_w and stride s. Where the
filters are the same at all (h, w), it is a convolution.

One function in two forms: `locally_connected_reference` is the formula, and lays out every window
of the input, 81 times L4's input; `locally_connected` never holds more than those of one block of
outputs, in the gradient neither.

Source: Taigman et al. 2014, Sec. 3, layers L4 to L6.
"""

from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from deepface_jax.local_blocks import Plan, by_blocks, default_columns, product

Size: TypeAlias = int | tuple[int, int]
"""Rows and columns; one number for both."""
Padding: TypeAlias = Literal["VALID", "SAME"]
"""No zeros around the input, or as many as make the output 1/stride of it, rounded up."""


def locally_connected_reference(
    x: Float[Array, "batch height width c_in"],
    kernel: Float[Array, "h_out w_out patch c_out"],
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = "VALID",
) -> Float[Array, "batch h_out w_out c_out"]:
    """The formula of this module; see `locally_connected` for the arguments."""
    x, kernel = _checked(x, kernel, kernel_size, stride, padding)
    h_out, w_out, _, c_out = kernel.shape
    (k_h, k_w), (s_h, s_w) = _pair(kernel_size), _pair(stride)
    rows = s_h * np.arange(h_out)[:, None] + np.arange(k_h)  # h, i
    columns = s_w * np.arange(w_out)[:, None] + np.arange(k_w)  # w, j
    patches = x[:, rows[:, None, :, None], columns[None, :, None, :]]
    filters = kernel.reshape(h_out, w_out, k_h, k_w, -1, c_out)
    return product("nhwijc,hwijco->nhwo", patches, filters).astype(x.dtype)


def locally_connected(
    x: Float[Array, "batch height width c_in"],
    kernel: Float[Array, "h_out w_out patch c_out"],
    *,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = "VALID",
    block: tuple[int, int] | None = None,
) -> Float[Array, "batch h_out w_out c_out"]:
    """The values of `locally_connected_reference` in little memory and far less time.

    A loop over blocks of outputs gathers what a block sees, with the batch as the last axis, and
    multiplies it by the block's filters. The gradient goes over the same blocks and gathers again.

    Being a custom gradient it has reverse mode only (`jax.grad`, `jax.vjp`). JAX refuses `jax.jvp`
    and `jax.jacfwd` through it: take the reference for those. Sums are in float32 or better.
    Over several devices, jit shards it by itself (`AxisType.Auto`), along the batch as a rule.

    Args:
      x: the input; it and the kernel are promoted to one dtype, which is the result's.
      kernel: patch is k_h * k_w * c_in: row i of the window, column j, channel c, the last fastest.
      kernel_size: k_h and k_w.
      stride: s, of rows and of columns.
      padding: of the input, with zeros.
      block: rows and columns of outputs at once, from 1 up; a block that does not divide the
        output overlaps its neighbor at the end. By default one row of `default_columns` columns,
        which suits the caches of a CPU; an accelerator may want whole rows. Compiling takes longer
        the larger the block: for all patches at once take the reference.

    Raises:
      ValueError: kernel and input do not fit, or the block is empty.

    Example:
      >>> x, kernel = jnp.ones((1, 5, 4, 2)), jnp.ones((3, 2, 3 * 3 * 2, 7))
      >>> locally_connected(x, kernel, kernel_size=3).shape
      (1, 3, 2, 7)
    """
    x, kernel = _checked(x, kernel, kernel_size, stride, padding)
    h_out, w_out, *_ = kernel.shape
    rows, columns = block or (1, default_columns(w_out))
    if min(rows, columns) < 1:
        raise ValueError(f"block is {block}, wanted at least one row and one column")
    plan = Plan(_pair(kernel_size), _pair(stride), (min(rows, h_out), min(columns, w_out)))
    y = by_blocks(plan, jnp.transpose(x, (1, 2, 3, 0)), kernel)
    return jnp.transpose(y, (3, 0, 1, 2))


def output_size(side: Size, kernel_size: Size, stride: Size, padding: Padding) -> tuple[int, int]:
    """Rows and columns of the output; below 1 where the window exceeds the input."""
    (height, width), (k_h, k_w), (s_h, s_w) = _pair(side), _pair(kernel_size), _pair(stride)
    if padding == "SAME":
        return -(-height // s_h), -(-width // s_w)
    return (height - k_h) // s_h + 1, (width - k_w) // s_w + 1


class LocallyConnected(nnx.Module):
    """A locally connected layer with a bias for every place and channel."""

    def __init__(
        self,
        input_size: Size,
        c_in: int,
        c_out: int,
        kernel_size: Size,
        *,
        stride: Size = 1,
        padding: Padding = "VALID",
        block: tuple[int, int] | None = None,
        dtype: DTypeLike = jnp.float32,
        kernel_init: nnx.Initializer,
        bias_init: nnx.Initializer,
        rngs: nnx.Rngs,
    ):
        """Draw the weights.

        Args:
          input_size: height and width of the input; every place has weights, so it is fixed.
          c_in: channels of the input.
          c_out: channels of the output.
          kernel_size: of the window.
          stride: of the window.
          padding: of the input.
          block: see `locally_connected`.
          dtype: of the arithmetic and the output; weights are float32.
          kernel_init: draws the kernel, of shape (h_out, w_out, k_h * k_w * c_in, c_out).
          bias_init: draws the bias, of shape (h_out, w_out, c_out).
          rngs: its stream `params` is used.
        """
        self.kernel_size, self.stride, self.block = kernel_size, stride, block
        self.padding: Padding = padding
        self.dtype = dtype
        k_h, k_w = _pair(kernel_size)
        places = output_size(input_size, kernel_size, stride, padding)
        kernel_shape = (*places, k_h * k_w * c_in, c_out)
        self.kernel = nnx.Param(kernel_init(rngs.params(), kernel_shape, jnp.float32))
        self.bias = nnx.Param(bias_init(rngs.params(), (*places, c_out), jnp.float32))

    def __call__(
        self, x: Float[Array, "batch height width c_in"]
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """The formula of this module, plus the bias."""
        y = locally_connected(
            x.astype(self.dtype),
            self.kernel[...].astype(self.dtype),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            block=self.block,
        )
        return y + self.bias[...].astype(self.dtype)


def _checked(
    x: Float[Array, "batch height width c_in"],
    kernel: Float[Array, "h_out w_out patch c_out"],
    kernel_size: Size,
    stride: Size,
    padding: Padding,
) -> tuple[Float[Array, "batch h_padded w_padded c_in"], Float[Array, "h_out w_out patch c_out"]]:
    """The padded input and the kernel, in one dtype."""
    _, height, width, c_in = x.shape
    k_h, k_w = _pair(kernel_size)
    places = output_size((height, width), kernel_size, stride, padding)
    if min(places) < 1 or kernel.shape[:3] != (*places, k_h * k_w * c_in):
        raise ValueError(
            f"kernel has filters of {kernel.shape[2]} weights at {kernel.shape[:2]} places; a "
            f"{k_h} x {k_w} window on a {height} x {width} x {c_in} input (stride {stride}, "
            f"padding {padding}) wants {k_h * k_w * c_in} weights at {places} places"
        )
    pads = lax.padtype_to_pads((height, width), (k_h, k_w), _pair(stride), padding)
    dtype = jnp.result_type(x, kernel)
    return jnp.pad(x.astype(dtype), ((0, 0), *pads, (0, 0))), kernel.astype(dtype)


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size
