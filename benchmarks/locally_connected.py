"""The locally connected layer L4 against torch and XLA's own: forward, and forward and backward.

Run `python -m benchmarks.locally_connected` (some minutes, 8 GiB); it writes
benchmarks/results/locally_connected.json. The torch peers need `pip install torch` (its CPU build
is enough) and are left out, with a note, where it is missing. 63 x 63 x 16 inputs, 16 filters of
9 x 9 at each of 55 x 55 places, float32, all cores. Each side has its arrays beforehand in the
order that it wants, and leaves its results in that order.
"""

import argparse
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import RESULTS, Comparison, Contender, compare, largest_difference, write
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
TINY = Layer(10, 3, 4, 3)


def inputs(layer: Layer, batch: int) -> tuple[Any, ...]:
    """Input, kernel and incoming gradient, as each side wants them; None for a missing torch.

    Ours are channels last, a filter's weights by row, column and channel; the peers' filters are
    by channel, row and column, and torch has its channels first.
    """
    rng = np.random.default_rng(0)
    side, channels, filters, window = layer
    x = rng.standard_normal((batch, side, side, channels), np.float32)
    kernel = rng.standard_normal((layer.out, layer.out, window**2 * channels, filters), np.float32)
    dy = rng.standard_normal((batch, layer.out, layer.out, filters), np.float32)
    split = kernel.reshape(layer.out, layer.out, window, window, channels, filters)
    by_channel = np.ascontiguousarray(split.transpose(0, 1, 4, 2, 3, 5)).reshape(kernel.shape)
    ours = tuple(jnp.asarray(part) for part in (x, kernel, dy, by_channel))
    if not find_spec("torch"):
        return layer, ours, None
    torch = import_module("torch")
    places = layer.out**2
    theirs = (
        np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
        by_channel.reshape(places, -1, filters),
        np.ascontiguousarray(dy.reshape(batch, places, filters)),
    )
    return layer, ours, tuple(torch.from_numpy(part) for part in theirs)


def our_layer(layer: Layer, ours: Any, theirs: Any, *, backward: bool) -> Any:
    """By blocks, with its own gradient."""
    x, kernel, dy, _ = ours
    return jax.block_until_ready(_run(_ours, layer, backward, x, kernel, dy))


def xla_layer(layer: Layer, ours: Any, theirs: Any, *, backward: bool) -> Any:
    """jax.lax.conv_general_dilated_local."""
    x, _, dy, by_channel = ours
    return jax.block_until_ready(_run(_xla, layer, backward, x, by_channel, dy))


def torch_layer(layer: Layer, ours: Any, theirs: Any, *, backward: bool, product: str) -> Any:
    """F.unfold, then an einsum or a batched matrix product over the places."""
    torch = import_module("torch")
    x, kernel, dy = (part.detach() for part in theirs)
    x.requires_grad_(backward)
    kernel.requires_grad_(backward)
    patches = torch.nn.functional.unfold(x, layer.window)  # batch, patch, places
    if product == "einsum":
        y = torch.einsum("npl,lpo->nlo", patches, kernel)
    else:
        y = torch.bmm(patches.permute(2, 0, 1), kernel).transpose(0, 1)
    return torch.autograd.grad(y, (x, kernel), dy) if backward else (y,)


def difference(ours: Any, peers: Any, *, layer: Layer) -> float:
    """The largest of y, or of both gradients, as a share of the largest value."""
    own, other = ([np.asarray(part) for part in side] for side in (ours, peers))
    if len(own) == 2:  # the peer's gradients, in our order of axes
        dx, dkernel = other
        other[0] = dx if dx.shape == own[0].shape else dx.transpose(0, 2, 3, 1)
        out, channels, window = layer.out, layer.channels, layer.window
        split = dkernel.reshape(out, out, channels, window, window, layer.filters)
        other[1] = split.transpose(0, 1, 3, 4, 2, 5)
    pairs = zip(own, other, strict=True)
    return max(largest_difference(a, b.reshape(a.shape)) / np.abs(a).max() for a, b in pairs)


def comparisons(layer: Layer, batch: int, *, backward: bool, repeats: int) -> list[Comparison]:
    """Against every peer that is there."""
    peers = [("jax.lax.conv_general_dilated_local", "jax", partial(xla_layer, backward=backward))]
    if find_spec("torch"):
        peers += [
            (
                f"torch F.unfold, {product}",
                "torch",
                partial(torch_layer, backward=backward, product=product),
            )
            for product in ("einsum", "bmm")
        ]
    side, channels, filters, window = layer
    work = "forward and backward" if backward else "forward"
    return [
        compare(
            f"locally connected, {work}, {side} x {side} x {channels}, {filters} filters of "
            f"{window} x {window}, batch {batch}",
            inputs=partial(inputs, layer, batch),
            ours=Contender("locally_connected", partial(our_layer, backward=backward)),
            peer=Contender(name, run),
            peer_version=version(package),
            difference=partial(difference, layer=layer),
            repeats=repeats,
        )
        for name, package, run in peers
    ]


def main() -> None:
    """Compare, and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.locally_connected")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where to write the record")
    options = parser.parse_args()
    if not find_spec("torch"):
        print("torch is not installed: its lines are left out (pip install torch)")
    layer, batches = (TINY, (2,)) if options.tiny else (L4, (8, 128))
    lines = [
        line
        for batch in batches
        for backward in (False, True)
        for line in comparisons(layer, batch, backward=backward, repeats=3)
    ]
    write("locally_connected", lines, options.folder)


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
    return jax.vjp(partial(form, layer), x, kernel)[1](dy)


if __name__ == "__main__":
    main()
