"""NN2, the Inception network, from the rows of its table; NN3 and NN4, which are smaller.

NN3 is NN2 on 160 x 160 pixels. NN4 sees 96 x 96 pixels and has no 5 x 5 convolutions in the higher
layers, at 285 million multiply-adds. Which layers those are is not published. Leaving the 5 x 5
convolutions out from 4e on gives 284.7 million (285.3 with biases); no other row to begin at gives
285: from 4d on it is 281, from 5a on 289. So that is our NN4 (docs/facenet.md).

Source: Schroff et al. 2015, Table 2 and Sec. 4.
"""

from dataclasses import replace

from flax import nnx
from jaxtyping import Array, Float

from facenet_jax.config import NetworkConfig
from facenet_jax.inception import Inception, InceptionRow
from facenet_jax.layers import Conv, Draws, Linear, local_response_norm, max_pool

TABLE_2 = (
    InceptionRow("2", 0, (64, 192), (0, 0), None, 0),
    InceptionRow("3a", 64, (96, 128), (16, 32), "max", 32),
    InceptionRow("3b", 64, (96, 128), (32, 64), "l2", 64),
    InceptionRow("3c", 0, (128, 256), (32, 64), "max", 0, stride=2),
    InceptionRow("4a", 256, (96, 192), (32, 64), "l2", 128),
    InceptionRow("4b", 224, (112, 224), (32, 64), "l2", 128),
    InceptionRow("4c", 192, (128, 256), (32, 64), "l2", 128),
    InceptionRow("4d", 160, (144, 288), (32, 64), "l2", 128),
    InceptionRow("4e", 0, (160, 256), (64, 128), "max", 0, stride=2),
    InceptionRow("5a", 384, (192, 384), (48, 128), "l2", 128),
    InceptionRow("5b", 384, (192, 384), (48, 128), "max", 128),
)
"""The rows inception (2) to inception (5b) of NN2."""

NN4_WITHOUT_5X5 = ("4e", "5a", "5b")


def inception_rows(config: NetworkConfig) -> tuple[InceptionRow, ...]:
    """The rows of a network's table, in its width."""
    bare = NN4_WITHOUT_5X5 if config.network == "NN4" else ()
    rows = (replace(row, five=(0, 0)) if row.name in bare else row for row in TABLE_2)
    return tuple(row.scaled(config) for row in rows)


class NN2(nnx.Module):
    """NN2, NN3 or NN4 up to, and without, the projection to the unit sphere."""

    def __init__(self, config: NetworkConfig, *, draws: Draws):
        self.response_norm = config.response_norm
        channels = config.channels(64)
        self.conv1 = Conv(3, channels, 7, config=config, draws=draws, stride=2)
        inception = {}
        for row in inception_rows(config):
            inception[row.name] = Inception(channels, row, config=config, draws=draws)
            channels = row.channels(channels)
        self.inception = nnx.Dict(inception)
        self.fc = Linear(channels, config.embedding_size, config=config, draws=draws)

    def __call__(
        self, x: Float[Array, "batch side side 3"], *, training: bool = False
    ) -> Float[Array, "batch dim"]:
        """From images about zero to unnormalized embeddings."""
        norm = local_response_norm if self.response_norm else lambda x: x
        x = norm(max_pool(self.conv1(x, training=training)))
        x = self.inception["2"](x, training=training)
        x = max_pool(norm(x))
        for row in TABLE_2[1:]:
            x = self.inception[row.name](x, training=training)
        x = x.mean(axis=(1, 2))  # avg pool
        return self.fc(x)
