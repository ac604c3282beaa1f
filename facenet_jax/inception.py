"""The Inception module: up to four branches beside one another, their channels put together.

Source: Szegedy et al. 2014, "Going deeper with convolutions"; Schroff et al. 2015, Table 2.
"""

from dataclasses import dataclass, replace
from typing import Literal

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from facenet_jax.config import NetworkConfig
from facenet_jax.layers import Conv, Draws, Maps, l2_pool, max_pool


@dataclass(frozen=True)
class InceptionRow:
    """A row of the paper's Table 2; a zero is a branch (or a projection) that is not there."""

    name: str
    one: int
    """#1x1."""
    three: tuple[int, int]
    """#3x3 reduce, #3x3."""
    five: tuple[int, int]
    """#5x5 reduce, #5x5."""
    pool: Literal["max", "l2"] | None
    """Always 3 x 3, beside the convolutions."""
    projection: int
    """The p of "pool proj"."""
    stride: int = 1
    """Of the 3 x 3 and 5 x 5 convolutions and of the pooling; reductions keep every place."""

    def channels(self, c_in: int) -> int:
        """Of the output."""
        pooled = 0 if self.pool is None else self.projection or c_in
        return self.one + self.three[1] + self.five[1] + pooled

    def scaled(self, config: NetworkConfig) -> "InceptionRow":
        """With the network's share of the channels."""
        of = config.channels
        return replace(
            self,
            one=of(self.one),
            three=(of(self.three[0]), of(self.three[1])),
            five=(of(self.five[0]), of(self.five[1])),
            projection=of(self.projection),
        )


class Inception(nnx.Module):
    """A row of the table as layers."""

    def __init__(self, c_in: int, row: InceptionRow, *, config: NetworkConfig, draws: Draws):
        def conv(c_in: int, c_out: int, size: int, stride: int = 1, gain: float = 1.0) -> Conv:
            return Conv(c_in, c_out, size, config=config, draws=draws, stride=stride, gain=gain)

        def branch(reduced: int, c_out: int, size: int) -> list[Conv]:
            if not c_out:
                return []
            return [conv(c_in, reduced, 1), conv(reduced, c_out, size, row.stride)]

        self.one = nnx.List([conv(c_in, row.one, 1)] if row.one else [])
        self.three = nnx.List(branch(*row.three, 3))
        self.five = nnx.List(branch(*row.five, 5))
        # The sum over nine places makes L2 pooling's output three times as large.
        gain = 1 / 3 if row.pool == "l2" else 1.0
        self.projection = nnx.List(
            [conv(c_in, row.projection, 1, gain=gain)] if row.projection else []
        )
        self.pool, self.stride = row.pool, row.stride

    def __call__(
        self, x: Maps, *, training: bool = False
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """The branches' channels, in the order of the table's columns."""
        branches = [(x, convs) for convs in (self.one, self.three, self.five) if convs]
        if self.pool is not None:
            pooled = (l2_pool if self.pool == "l2" else max_pool)(x, self.stride)
            branches.append((pooled, self.projection))
        outputs = []
        for y, convs in branches:
            for conv in convs:
                y = conv(y, training=training)
            outputs.append(y)
        return jnp.concatenate(outputs, axis=-1)
