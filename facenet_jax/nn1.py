"""NN1: Zeiler and Fergus' network with 1 x 1 convolutions added; 140 million parameters.

Source: Schroff et al. 2015, Table 1; Zeiler, Fergus 2013; Lin, Chen, Yan 2013 (1 x 1).
"""

from typing import Literal, NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from facenet_jax.config import NetworkConfig
from facenet_jax.layers import Conv, Draws, Linear, local_response_norm, max_pool, maxout


class Row(NamedTuple):
    """A row of the paper's Table 1."""

    name: str
    kind: Literal["conv", "pool", "rnorm", "maxout"]
    channels: int = 0
    """Of the output; none given keeps the input's."""
    size: int = 3
    """Of the kernel; all pooling is 3 x 3."""
    stride: int = 1


TABLE_1 = (
    Row("conv1", "conv", 64, 7, stride=2),
    Row("pool1", "pool", stride=2),
    Row("rnorm1", "rnorm"),
    Row("conv2a", "conv", 64, 1),
    Row("conv2", "conv", 192),
    Row("rnorm2", "rnorm"),
    Row("pool2", "pool", stride=2),
    Row("conv3a", "conv", 192, 1),
    Row("conv3", "conv", 384),
    Row("pool3", "pool", stride=2),
    Row("conv4a", "conv", 384, 1),
    Row("conv4", "conv", 256),
    Row("conv5a", "conv", 256, 1),
    Row("conv5", "conv", 256),
    Row("conv6a", "conv", 256, 1),
    Row("conv6", "conv", 256),
    Row("pool4", "pool", stride=2),
    Row("fc1", "maxout", 32 * 128),
    Row("fc2", "maxout", 32 * 128),
)
"""All rows but the last, fc7128, and but `concat`, which flattens the maps before fc1."""

P = 2
"""Of maxout: how many linear units compete for one output."""


class NN1(nnx.Module):
    """The network up to, and without, the projection to the unit sphere."""

    def __init__(self, config: NetworkConfig, *, draws: Draws):
        self.response_norm = config.response_norm
        layers, channels, side = {}, 3, config.side
        for row in TABLE_1:
            c_out = config.channels(row.channels) or channels
            if row.kind == "conv":
                layers[row.name] = Conv(
                    channels, c_out, row.size, config=config, draws=draws, stride=row.stride
                )
            elif row.kind == "maxout":
                inputs = side * side * channels
                layers[row.name] = Linear(inputs, P * c_out, config=config, draws=draws)
                side = 1
            channels, side = c_out, -(-side // row.stride)
        self.layers = nnx.Dict(layers)
        self.fc7128 = Linear(channels, config.embedding_size, config=config, draws=draws)

    def __call__(
        self, x: Float[Array, "batch side side 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """From images about zero to unnormalized embeddings."""
        for row in TABLE_1:
            if row.kind == "conv":
                x = self.layers[row.name](x, training=training)
            elif row.kind == "pool":
                x = max_pool(x, row.stride)
            elif row.kind == "rnorm":
                x = local_response_norm(x) if self.response_norm else x
            else:
                x = maxout(self.layers[row.name](x.reshape(len(x), -1)), P)
        return self.fc7128(x)
