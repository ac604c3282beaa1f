"""The locally connected layer L4 against torch and XLA's own: forward, and forward and backward.

Run `python -m benchmarks.locally_connected` (about two minutes on two quiet cores, 14 GiB) after
`python -m pip install --editable '.[bench]'`; it writes benchmarks/results/locally_connected.json.
63 x 63 x 16 inputs, 16 filters of 9 x 9 at each of 55 x 55 places, float32, all cores. Each side
has its arrays beforehand in the order that it wants, and leaves its results in that order.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Comparison, write
from benchmarks.machine import cores_here, peak_gflop_per_second
from benchmarks.options import Options, parse
from benchmarks.processes import Job, Setting, Side, Values, compare_apart
from benchmarks.starting_weights import corner
from deepface_jax.locally_connected import locally_connected


class Layer(NamedTuple):
    """Square input, square windows, stride 1, no padding."""

    side: int
    channels: int
    filters: int
    window: int

    @property
    def out(self) -> int:
        """Side of the output."""
        return self.side - self.window + 1


L4 = Layer(63, 16, 16, 9)
TINY = Layer(10, 4, 5, 3)


def inputs(layer: Layer, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input, kernel and incoming gradient, in our order of axes."""
    rng = np.random.default_rng(0)
    side, channels, filters, window = layer
    x = rng.standard_normal((batch, side, side, channels), np.float32)
    kernel = rng.standard_normal((layer.out, layer.out, window**2 * channels, filters), np.float32)
    dy = rng.standard_normal((batch, layer.out, layer.out, filters), np.float32)
    return x, kernel, dy


def our_layer(layer: Layer, batch: int, *, backward: bool) -> Job:
    """By blocks, with its own gradient."""
    parts = tuple(jnp.asarray(part) for part in inputs(layer, batch))
    return _job(_ours, layer, parts, backward, lambda dkernel: dkernel)


def xla_layer(layer: Layer, batch: int, *, backward: bool) -> Job:
    """jax.lax.conv_general_dilated_local, whose filters are channels first."""
    out, channels, window, filters = layer.out, layer.channels, layer.window, layer.filters
    x, kernel, dy = inputs(layer, batch)
    split = kernel.reshape(out, out, window, window, channels, filters)
    kernel = np.ascontiguousarray(split.transpose(0, 1, 4, 2, 3, 5)).reshape(kernel.shape)
    parts = tuple(jnp.asarray(part) for part in (x, kernel, dy))
    return _job(_xla, layer, parts, backward, partial(_channels_last, layer))


def torch_layer(layer: Layer, batch: int, *, backward: bool, product: Any, cores: int) -> Job:
    """F.unfold, then an einsum or a batched matrix product over the places."""
    from benchmarks.torch_deepface import local_kernel
    from benchmarks.torch_deepface import locally_connected as layer_in_torch

    torch: Any = import_module("torch")
    torch.set_num_threads(cores)
    x, kernel, dy = inputs(layer, batch)
    x = torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2))).requires_grad_(backward)
    kernel = torch.tensor(local_kernel(kernel, layer.window)).requires_grad_(backward)
    dy = torch.tensor(dy.reshape(batch, layer.out**2, layer.filters))
    found: list[Any] = []

    def run() -> None:
        y = layer_in_torch(x, kernel, layer.window, 1, product)
        found[:] = [y.detach(), *(torch.autograd.grad(y, (x, kernel), dy) if backward else ())]

    def values() -> Values:
        y, *gradients = found
        shown = {"y": corner(y.reshape(batch, layer.out, layer.out, layer.filters))}
        if backward:
            dx, dkernel = gradients
            shown["dx"] = corner(dx.permute(0, 2, 3, 1))
            shown["dkernel"] = corner(_channels_last(layer, dkernel.numpy()))
        return shown

    return Job(run, values)


def measure(options: Options) -> list[Comparison]:
    """Two sizes of batch, without and with the gradient, against all peers."""
    layer, batches = (TINY, (2,)) if options.quick else (L4, (8, 128))
    peak = peak_gflop_per_second(**({"side": 256} if options.quick else {}))
    setting = Setting(repeats=3, enough_seconds=5, malloc=options.malloc)
    return [
        line
        for batch in batches
        for backward in (False, True)
        for line in _compare(layer, batch, backward, setting, peak)
    ]


def main() -> None:
    """Compare, and write the record."""
    options = parse("locally_connected", ("torch",))
    write("locally_connected", measure(options), options.folder)


def _compare(
    layer: Layer, batch: int, backward: bool, setting: Setting, peak: float
) -> list[Comparison]:
    side, channels, filters, window = layer
    work = "forward and backward" if backward else "forward"
    products = 3 if backward else 1
    weights = layer.out**2 * window**2 * channels * filters
    peers = [
        Side(
            "jax.lax.conv_general_dilated_local",
            "jax",
            partial(xla_layer, layer, batch, backward=backward),
            compiles=True,
        )
    ]
    for product in ("einsum", "bmm"):
        prepare = partial(
            torch_layer, layer, batch, backward=backward, product=product, cores=cores_here()
        )
        peers.append(Side(f"torch F.unfold, {product}", "torch", prepare, ("torch",)))
    return compare_apart(
        f"locally connected, {work}, {side} x {side} x {channels}, {filters} filters of "
        f"{window} x {window}, batch {batch}",
        ours=Side(
            "locally_connected",
            "jax",
            partial(our_layer, layer, batch, backward=backward),
            compiles=True,
        ),
        peers=peers,
        tolerance=1e-4,
        setting=setting,
        gflop=2 * products * weights * batch / 1e9,
        facts={"gflop_per_second_machine": peak},
    )


def _job(
    form: Callable[..., jax.Array],
    layer: Layer,
    parts: tuple[jax.Array, ...],
    backward: bool,
    our_order: Callable[[Any], Any],
) -> Job:
    found: list[Any] = []

    def run() -> None:
        found[:] = jax.block_until_ready(_run(form, layer, backward, *parts))

    def values() -> Values:
        y, *gradients = found
        shown = {"y": corner(y)}
        if backward:
            dx, dkernel = gradients
            shown |= {"dx": corner(dx), "dkernel": corner(our_order(np.asarray(dkernel)))}
        return shown

    return Job(run, values)


def _channels_last(layer: Layer, kernel: np.ndarray) -> np.ndarray:
    """Filters by channel, row and column -> by row, column and channel."""
    out, channels, window, filters = layer.out, layer.channels, layer.window, layer.filters
    split = kernel.reshape(out, out, channels, window, window, filters)
    return split.transpose(0, 1, 3, 4, 2, 5).reshape(out, out, -1, filters)


def _ours(layer: Layer, x: jax.Array, kernel: jax.Array) -> jax.Array:
    return locally_connected(x, kernel, kernel_size=layer.window)


def _xla(layer: Layer, x: jax.Array, by_channel: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated_local(
        x,
        by_channel,
        (1, 1),
        "VALID",
        (layer.window, layer.window),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(
    form: Callable[..., jax.Array],
    layer: Layer,
    backward: bool,
    x: jax.Array,
    kernel: jax.Array,
    dy: jax.Array,
) -> tuple[jax.Array, ...]:
    if not backward:
        return (form(layer, x, kernel),)
    y, gradients = jax.vjp(partial(form, layer), x, kernel)
    return y, *gradients(dy)  # y too: else the compiler would leave the forward pass out


if __name__ == "__main__":
    main()
