"""SphereFace's network: Conv1.x, Conv2.x, Conv3.x, Conv4.x, FC1.

For SphereFace-20 and the paper's input of 112 x 96 x 3:

    Conv1.x  56 x 48 x  64   3 x 3, stride 2; 1 block
    Conv2.x  28 x 24 x 128   3 x 3, stride 2; 2 blocks
    Conv3.x  14 x 12 x 256   3 x 3, stride 2; 4 blocks
    Conv4.x   7 x  6 x 512   3 x 3, stride 2; 1 block
    FC1      512             fully connected: the feature

A block adds two 3 x 3 convolutions to what it gets. A PReLU follows every convolution, and nothing
follows FC1: the angles between features are to be free.

Source: Liu et al. 2017, Table 2; the authors' code for biases (those of blocks stay zero, so there
  are none) and for the first weights. Differs: normal where the code is uniform, with the same
  variance (docs/sphereface.md, deviation 4).
"""

from functools import partial
from math import sqrt

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from common.layers import FIRST_SLOPE, BatchNorm, prelu
from sphereface_jax.config import BLOCKS, NetworkConfig

BLOCK_SPREAD = 0.01
"""Standard deviation of a block's weights, before training: a block then changes next to nothing.
With batch normalization, which makes up for any factor, they are drawn as the others are."""


class SphereFace(nnx.Module):
    """The network of a configuration."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        self.config = config
        blocks, channels = BLOCKS[config.layers], (3, *config.channels)
        self.conv1, self.conv2, self.conv3, self.conv4 = (
            Unit(channels[n], channels[n + 1], blocks[n], norm=config.batch_norm, rngs=rngs)
            for n in range(4)
        )
        height, width = config.last
        self.fc1 = Linear(height * width * channels[-1], config.embedding_size, rngs=rngs)

    def __call__(
        self, images: Float[Array, "batch side columns 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """Features of faces: their direction is the person, their length says nothing.

        Args:
          images: RGB, 0 to 1, of the configured size.
          training: with batch normalization, normalize by this batch and update the running
            averages in place; without, it changes nothing.

        Raises:
          ValueError: images of another size.
        """
        wanted = self.config.side, self.config.columns, 3
        if images.shape[1:] != wanted:
            raise ValueError(
                f"images of {images.shape[1:]}; the network is configured for {wanted}: take the "
                "middle columns of square faces (crop.middle_columns), or set `side`"
            )
        x = (255 * images - 127.5) / 128
        for unit in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = unit(x, training=training)
        return self.fc1(x.reshape(len(x), -1))


class Unit(nnx.Module):
    """ConvN.x: a convolution of stride 2, and blocks."""

    def __init__(self, c_in: int, c_out: int, blocks: int, *, norm: bool, rngs: nnx.Rngs):
        self.first = Convolution(c_in, c_out, stride=2, bias=True, norm=norm, rngs=rngs)
        self.blocks = nnx.List(Block(c_out, norm=norm, rngs=rngs) for _ in range(blocks))

    def __call__(
        self, x: Float[Array, "batch height width c_in"], *, training: bool
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """Half the height and width, rounded up."""
        x = self.first(x, training=training)
        for block in self.blocks:
            x = block(x, training=training)
        return x


class Block(nnx.Module):
    """x + two convolutions of x."""

    def __init__(self, channels: int, *, norm: bool, rngs: nnx.Rngs):
        spread = None if norm else BLOCK_SPREAD
        self.one, self.two = (
            Convolution(channels, channels, bias=norm, norm=norm, spread=spread, rngs=rngs)
            for _ in range(2)
        )

    def __call__(
        self, x: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch height width channels"]:
        """The PReLU of the second comes before the sum, and none after it."""
        return x + self.two(self.one(x, training=training), training=training)


class Convolution(nnx.Module):
    """3 x 3, padded by one pixel of zeros; optional batch normalization and bias; PReLU."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        stride: int = 1,
        bias: bool,
        norm: bool,
        spread: float | None = None,
        rngs: nnx.Rngs,
    ):
        self.stride = stride
        spread = 1 / sqrt(9 * c_in) if spread is None else spread
        self.kernel = nnx.Param(spread * _normal(rngs.params(), (3, 3, c_in, c_out)))
        self.bias = nnx.Param(jnp.zeros(c_out)) if bias else None
        self.norm = BatchNorm(c_out) if norm else None
        self.slope = nnx.Param(jnp.full(c_out, FIRST_SLOPE))

    def __call__(
        self, x: Float[Array, "batch height width c_in"], *, training: bool
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """The PReLU of what comes out."""
        x = jax.lax.conv_general_dilated(
            x, self.kernel[...], (self.stride, self.stride), ((1, 1), (1, 1)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )  # fmt: skip
        if self.norm is not None:
            x = self.norm(x, training=training)
        if self.bias is not None:
            x = x + self.bias[...]
        return prelu(x, self.slope[...])


class Linear(nnx.Module):
    """x @ kernel + bias."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs):
        self.kernel = nnx.Param(_normal(rngs.params(), (inputs, outputs)) / sqrt(inputs))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: Float[Array, "batch inputs"]) -> Float[Array, "batch outputs"]:
        """Of unit variance for inputs of unit variance, before training."""
        return x @ self.kernel[...] + self.bias[...]


def _normal(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    return jax.random.normal(key, shape)


@partial(nnx.jit, static_argnums=0)
def build(config: NetworkConfig, rngs: nnx.Rngs) -> SphereFace:
    """The network with random weights, made under jit: op by op that takes far longer.

    Example:
      >>> model = build(NetworkConfig(layers=4, side=16, width=1 / 64), nnx.Rngs(0))
      >>> model.config.channels
      (1, 2, 4, 8)
    """
    return SphereFace(config, rngs=rngs)
