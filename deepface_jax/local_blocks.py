"""The locally connected layer by blocks of outputs, and its gradient; no more patches than those.

Here the batch is the last axis and the input is padded already: see `locally_connected` for the
layer as it is used. The patches of a block are a stack of slices. Each place then is one matrix
product along the batch:

    outputs  = filters^T patches      patch x c_out, patch x batch -> c_out x batch
    dfilters = patches doutputs^T     patch x batch, c_out x batch -> patch x c_out
    dpatches = filters doutputs       patch x c_out, c_out x batch -> patch x batch
"""

import itertools
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

LARGEST_DEFAULT = 11
"""Columns of a block: 11 x 1,296 inputs x 128 images are 7 MB of patches in L4."""


class Plan(NamedTuple):
    """What is fixed when the loop is compiled: each a number of rows and a number of columns."""

    window: tuple[int, int]
    """Of the input that an output sees."""
    stride: tuple[int, int]
    """Between the windows of neighboring outputs."""
    block: tuple[int, int]
    """Of outputs computed at once; not more than there are."""


def default_columns(width: int) -> int:
    """Columns of a block: at most 11; of what leaves the least overlap, the most."""
    if width <= LARGEST_DEFAULT:
        return width
    choices = range(LARGEST_DEFAULT // 2, LARGEST_DEFAULT + 1)
    return min(choices, key=lambda columns: (-width % columns, -columns))


def sum_dtype(x: Array) -> DTypeLike:
    """Of sums of products: products of bfloat16 numbers are summed in float32."""
    return jnp.promote_types(x.dtype, jnp.float32)


def product(formula: str, a: Array, b: Array) -> Array:
    """Einstein's sum, in `sum_dtype`."""
    return jnp.einsum(formula, a, b, preferred_element_type=sum_dtype(a))


@partial(jax.jit, static_argnums=0)  # so that a call outside of jit compiles its loop but once
def _loop(
    plan: Plan,
    x: Float[Array, "height width c_in batch"],
    kernel: Float[Array, "h_out w_out patch c_out"],
) -> Float[Array, "h_out w_out c_out batch"]:
    def step(y: Array, block: tuple[Array, Array]) -> tuple[Array, None]:
        start, _ = block
        patches = _patches(_window(x, plan, start), plan)
        outputs = product("hwpo,hwpn->hwon", _block(kernel, plan, start), patches)
        return _put(outputs, y, start), None

    h_out, w_out, _, c_out = kernel.shape
    y = jnp.zeros((h_out, w_out, c_out, x.shape[-1]), x.dtype)
    return lax.scan(step, y, _blocks(plan, h_out, w_out))[0]


def _forward(plan: Plan, x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _loop(plan, x, kernel), (x, kernel)


@partial(jax.jit, static_argnums=0)
def _backward(
    plan: Plan, saved: tuple[Array, Array], dy: Float[Array, "h_out w_out c_out batch"]
) -> tuple[Array, Array]:
    x, kernel = saved

    def step(
        gradients: tuple[Array, Array], block: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], None]:
        dx, dkernel = gradients
        start, first_time = block
        window, doutputs = _window(x, plan, start), _block(dy, plan, start)
        dfilters = product("hwpn,hwon->hwpo", _patches(window, plan), doutputs)
        # What overlaps gets its filters' gradient twice, the same one; what is added counts once.
        doutputs = jnp.where(first_time[..., None, None], doutputs, 0)
        dpatches = product("hwpo,hwon->hwpn", _block(kernel, plan, start), doutputs)
        # Gathering is slicing; its transpose pads each patch to where it came from, and adds.
        add_back = jax.linear_transpose(partial(_patches, plan=plan), window.astype(dx.dtype))
        dwindow = _window(dx, plan, start) + add_back(dpatches)[0]
        dx = _put(dwindow, dx, _first_input(plan, start))
        return (dx, _put(dfilters, dkernel, start)), None

    zeros = jnp.zeros_like(x, sum_dtype(x)), jnp.zeros_like(kernel)
    h_out, w_out, *_ = kernel.shape
    dx, dkernel = lax.scan(step, zeros, _blocks(plan, h_out, w_out))[0]
    return dx.astype(x.dtype), dkernel


by_blocks = jax.custom_vjp(_loop, nondiff_argnums=(0,))
"""Outputs of a plan, x and kernel: the layer without bias. x and kernel have one dtype."""
by_blocks.defvjp(_forward, _backward)


def _blocks(
    plan: Plan, h_out: int, w_out: int
) -> tuple[Int[Array, "blocks 4"], Bool[Array, "blocks rows columns"]]:
    """Where each block starts (row, column, 0, 0), and which outputs no earlier block has.

    All have one shape: one that would exceed the outputs is moved back onto its neighbor.
    """
    starts, first_time = [], []
    rows, columns = plan.block
    for h, w in itertools.product(range(0, h_out, rows), range(0, w_out, columns)):
        back_h, back_w = max(h + rows - h_out, 0), max(w + columns - w_out, 0)
        starts.append((h - back_h, w - back_w, 0, 0))
        first_time.append(
            np.logical_and.outer(np.arange(rows) >= back_h, np.arange(columns) >= back_w)
        )
    return jnp.array(starts, jnp.int32), jnp.array(first_time)


def _patches(
    window: Float[Array, "height width c_in batch"], plan: Plan
) -> Float[Array, "rows columns patch batch"]:
    """What each output of a block sees, in the order of the kernel's third axis."""
    (k_h, k_w), (s_h, s_w), (rows, columns) = plan
    places = itertools.product(range(0, rows * s_h, s_h), range(0, columns * s_w, s_w))
    patches = jnp.stack([window[h : h + k_h, w : w + k_w] for h, w in places])
    return patches.reshape(rows, columns, -1, window.shape[-1])


def _first_input(plan: Plan, start: Int[Array, "4"]) -> Int[Array, "4"]:
    """Where the window of the output at a start begins."""
    return start * jnp.array((*plan.stride, 1, 1), start.dtype)


def _window(
    x: Float[Array, "height width c_in batch"], plan: Plan, start: Int[Array, "4"]
) -> Float[Array, "h_window w_window c_in batch"]:
    """All that the block sees which starts there."""
    (k_h, k_w), (s_h, s_w), (rows, columns) = plan
    sides = (rows - 1) * s_h + k_h, (columns - 1) * s_w + k_w
    return lax.dynamic_slice(x, _first_input(plan, start), (*sides, *x.shape[2:]))


def _block(
    a: Float[Array, "h_out w_out p q"], plan: Plan, start: Int[Array, "4"]
) -> Float[Array, "rows columns p q"]:
    """What belongs to the outputs of a block."""
    return lax.dynamic_slice(a, start, (*plan.block, *a.shape[2:]))


def _put(
    part: Float[Array, "rows columns p q"],
    whole: Float[Array, "h_all w_all p q"],
    start: Int[Array, "4"],
) -> Float[Array, "h_all w_all p q"]:
    return lax.dynamic_update_slice(whole, part.astype(whole.dtype), start)
