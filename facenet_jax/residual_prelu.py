"""A plain network with shortcuts and learned slopes, for few small faces; not one of the paper's.

    conv1   32 x 27 x  32   3 x 3, stride 2
    conv2   16 x 14 x  64   3 x 3, stride 2; and x + two 3 x 3
    conv3    8 x  7 x 128   3 x 3, stride 2; twice x + two 3 x 3
    conv4    4 x  4 x 256   3 x 3, stride 2
    fc      128             of all 16 places

for the middle 54 columns of a face of 64 x 64 x 3: ten convolutions and fc, as SphereFace's
shallowest residual network has them, with half of its channels. Four things differ from
`residual.py`: the columns at the sides, which show hair and background, are left out; nothing is
pooled; what is below zero is not lost (a PReLU multiplies it by a slope that is learned); and there
are more channels where the maps are small.

Source: Liu et al. 2017, "SphereFace", Table 2 (the 10-layer network) and Sec. 4.1 (6/7 as wide as
  high); He et al. 2015, "Delving deep into rectifiers", for the PReLU.
"""

from typing import NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from common.framing import upright_columns
from facenet_jax.config import NetworkConfig
from facenet_jax.layers import Conv, Draws, Linear, Maps


class Unit(NamedTuple):
    """A 3 x 3 convolution of stride 2, and blocks: two more with a shortcut around them."""

    name: str
    channels: int
    blocks: int


UNITS = (Unit("conv1", 32, 0), Unit("conv2", 64, 1), Unit("conv3", 128, 2), Unit("conv4", 256, 0))


class ResidualPReLU(nnx.Module):
    """The network up to, and without, the projection to the unit sphere."""

    def __init__(self, config: NetworkConfig, *, draws: Draws):
        def conv(c_in: int, c_out: int, stride: int = 1) -> Conv:
            return Conv(
                c_in, c_out, 3, config=config, draws=draws, stride=stride, learned_slope=True
            )

        self.columns = upright_columns(config.side)
        height, width, channels, units = config.side, self.columns, 3, {}
        for unit in UNITS:
            height, width = -(-height // 2), -(-width // 2)
            c_in, channels = channels, config.channels(unit.channels)
            in_blocks = [conv(channels, channels) for _ in range(2 * unit.blocks)]
            units[unit.name] = nnx.List([conv(c_in, channels, stride=2), *in_blocks])
        self.units = nnx.Dict(units)
        self.fc = Linear(
            height * width * channels, config.embedding_size, config=config, draws=draws
        )

    def __call__(self, x: Maps, *, training: bool = False) -> Float[Array, "batch dim"]:
        """From images about zero to unnormalized embeddings."""
        left_out = (x.shape[2] - self.columns) // 2
        x = x[:, :, left_out : left_out + self.columns]
        for unit in UNITS:
            first, *in_blocks = self.units[unit.name]
            x = first(x, training=training)
            for one, two in zip(in_blocks[::2], in_blocks[1::2], strict=True):
                x = x + two(one(x, training=training), training=training)
        return self.fc(x.reshape(len(x), -1))
