"""The landmark network: a loose face crop in, 68 points with depth out.

A residual network without batch normalization: each kernel is standardized instead (zero mean,
unit gain for every output channel), and each residual branch starts at nothing. No face then ever
touches another's result, training and inference are one function, and there are no running
averages to keep. The last feature map is flattened, not averaged: where a feature stands is what
we want to know.

Source: Brock, De, Smith 2021, "Characterizing signal propagation to close the performance gap in
  unnormalized ResNets" (scaled weight standardization); De, Smith 2020 (SkipInit). Differs from
  both: ours is much smaller, and regresses coordinates.
"""

from dataclasses import dataclass
from math import pi, sqrt

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from common.landmarks.points import POINTS

# Of a unit normal variable, max(x, 0) times this has variance 1.
_RELU_GAIN = sqrt(2 / (1 - 1 / pi))


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network."""

    side: int = 64
    """Height and width of the crop, in pixels; a multiple of 16."""
    widths: tuple[int, ...] = (24, 48, 96, 160)
    """Channels at 1/2, 1/4, 1/8 and 1/16 of the crop's side."""
    blocks: tuple[int, ...] = (0, 1, 2, 1)
    """Residual blocks at each of them."""
    squeezed: int = 64
    """Channels that are flattened."""
    hidden: int = 256
    """Units of the fully connected layer."""


class StandardizedConv(nnx.Module):
    """A 3 x 3 convolution whose kernel has zero mean and unit gain for every output channel."""

    def __init__(self, c_in: int, c_out: int, *, stride: int = 1, rngs: nnx.Rngs):
        self.stride = stride
        drawn = jax.random.normal(rngs.params(), (3, 3, c_in, c_out))
        self.kernel = nnx.Param(drawn / sqrt(9 * c_in))
        self.gain = nnx.Param(jnp.ones(c_out))
        self.bias = nnx.Param(jnp.zeros(c_out))

    def __call__(
        self, x: Float[Array, "batch height width c_in"]
    ) -> Float[Array, "batch h_out w_out c_out"]:
        """Convolve with zero padding; the output has 1/stride of the side, rounded up."""
        kernel = self.kernel[...]
        kernel = kernel - kernel.mean(axis=(0, 1, 2))
        variance = jnp.square(kernel).sum(axis=(0, 1, 2))
        kernel = kernel * (self.gain[...] * jax.lax.rsqrt(variance + 1e-6))
        y = jax.lax.conv_general_dilated(
            x,
            kernel,
            (self.stride, self.stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return y + self.bias[...]


class Block(nnx.Module):
    """x + strength * conv(relu(conv(relu(x)))), where the strength is learned from 0 on."""

    def __init__(self, width: int, *, rngs: nnx.Rngs):
        self.conv1 = StandardizedConv(width, width, rngs=rngs)
        self.conv2 = StandardizedConv(width, width, rngs=rngs)
        self.strength = nnx.Param(jnp.zeros(()))

    def __call__(
        self, x: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width channels"]:
        """Add the branch."""
        return x + self.strength[...] * self.conv2(scaled_relu(self.conv1(scaled_relu(x))))


class LandmarkNetwork(nnx.Module):
    """The network; see `NetworkConfig` for its sizes."""

    def __init__(self, config: NetworkConfig, *, rngs: nnx.Rngs):
        if config.side % 16 or len(config.widths) != 4 or len(config.blocks) != 4:
            raise ValueError(
                f"side is {config.side} with {len(config.widths)} widths and {len(config.blocks)} "
                "counts of blocks; wanted a side that is a multiple of 16, four widths, and four "
                "counts"
            )
        self.config = config
        layers = []
        c_in, stride = 12, 1
        for width, blocks in zip(config.widths, config.blocks, strict=True):
            layers.append(StandardizedConv(c_in, width, stride=stride, rngs=rngs))
            layers += [Block(width, rngs=rngs) for _ in range(blocks)]
            c_in, stride = width, 2
        self.layers = nnx.List(layers)
        last = config.side // 16
        self.squeeze = nnx.Linear(c_in, config.squeezed, rngs=rngs)
        self.hidden = nnx.Linear(last * last * config.squeezed, config.hidden, rngs=rngs)
        self.out = nnx.Linear(
            config.hidden, 3 * POINTS, kernel_init=nnx.initializers.zeros, rngs=rngs
        )

    def __call__(self, crops: Float[Array, "batch side side 3"]) -> Float[Array, "batch points 3"]:
        """Where the points are.

        Args:
          crops: RGB, 0 to 1.

        Returns:
          x, y and relative depth, in sides of the crop; (0, 0) is the crop's center, and depth
          grows away from the viewer.
        """
        x = pixel_blocks(4 * (crops - 0.5))
        for layer in self.layers:
            x = layer(x)
        x = self.squeeze(scaled_relu(x))
        x = self.hidden(scaled_relu(x.reshape(len(x), -1)))
        return self.out(scaled_relu(x)).reshape(len(x), POINTS, 3)


def scaled_relu(x: Float[Array, "*axes"]) -> Float[Array, "*axes"]:
    """max(x, 0), scaled so that unit normal input gives variance 1."""
    return _RELU_GAIN * jax.nn.relu(x)


def pixel_blocks(
    images: Float[Array, "batch height width 3"],
) -> Float[Array, "batch height/2 width/2 12"]:
    """Each 2 x 2 block of pixels becomes one place with twelve channels."""
    batch, height, width, channels = images.shape
    x = images.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // 2, width // 2, 4 * channels)
