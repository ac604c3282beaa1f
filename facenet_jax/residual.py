"""A plain network with shortcuts, for few faces; not one of the paper's.

    conv1    48 x 48 x 32    7 x 7, stride 2; then the maximum of 3 x 3, stride 2
    stage2   24 x 24 x 64    3 x 3; and x + two 3 x 3
    stage3   12 x 12 x 96    3 x 3, stride 2; and x + two 3 x 3
    stage4    6 x 6 x 128    3 x 3, stride 2; and x + two 3 x 3
    fc       128             of all 36 places

for an input of 96 x 96 x 3. NN2 to NN4 are 24 layers deep (23 convolutions on the longest path, and
fc), and learn slowly where each person has some seventeen faces. Here are ten convolutions, six of
them in pairs with a shortcut around them, and fc sees where on the face something is, which an
average over places forgets.

Source: He et al. 2016, "Deep residual learning for image recognition". Differs: the shortcut is
  added after the ReLU.
"""

from typing import NamedTuple

from flax import nnx
from jaxtyping import Array, Float

from facenet_jax.config import NetworkConfig
from facenet_jax.layers import Conv, Draws, Linear, Maps, max_pool

STEM = 32
"""Channels of conv1."""


class Stage(NamedTuple):
    """A 3 x 3 convolution, and two more with a shortcut around them."""

    name: str
    channels: int
    stride: int
    """Of the first convolution."""


STAGES = (Stage("stage2", 64, 1), Stage("stage3", 96, 2), Stage("stage4", 128, 2))


class Residual(nnx.Module):
    """The network up to, and without, the projection to the unit sphere."""

    def __init__(self, config: NetworkConfig, *, draws: Draws):
        def conv(c_in: int, c_out: int, size: int = 3, stride: int = 1) -> Conv:
            return Conv(c_in, c_out, size, config=config, draws=draws, stride=stride)

        channels, side = config.channels(STEM), _half(_half(config.side))
        self.conv1 = conv(3, channels, 7, 2)
        stages = {}
        for stage in STAGES:
            c_in, channels = channels, config.channels(stage.channels)
            first = conv(c_in, channels, stride=stage.stride)
            stages[stage.name] = nnx.List(
                [first, conv(channels, channels), conv(channels, channels)]
            )
            side = -(-side // stage.stride)
        self.stages = nnx.Dict(stages)
        self.fc = Linear(side * side * channels, config.embedding_size, config=config, draws=draws)

    def __call__(self, x: Maps, *, training: bool = False) -> Float[Array, "batch dim"]:
        """From images about zero to unnormalized embeddings."""
        x = max_pool(self.conv1(x, training=training))
        for stage in STAGES:
            first, second, third = self.stages[stage.name]
            x = first(x, training=training)
            x = x + third(second(x, training=training), training=training)
        return self.fc(x.reshape(len(x), -1))


def _half(side: int) -> int:
    return -(-side // 2)
