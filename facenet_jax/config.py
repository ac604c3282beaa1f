"""The paper's networks and its training values, and the switches of ours.

NN1 is Table 1, NN2 Table 2; NN3 is NN2 at 160 x 160 pixels. Of NN4 the paper gives the side, that
the higher layers have no 5 x 5 convolutions, and 285 million multiply-adds: the layer table is
ours (nn2.py). The layers of NNS1 and NNS2 are not published at all, so they are not built. The
residual networks are not the paper's: they learn from few faces what NN4 does not (residual.py,
residual_prelu.py).

Source: Schroff, Kalenichenko, Philbin 2015, Sec. 3 and 4, Tables 1 and 2.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Network: TypeAlias = Literal["NN1", "NN2", "NN3", "NN4", "residual", "residual-prelu"]


@dataclass(frozen=True)
class NetworkConfig:
    """A network; the defaults are the paper's NN2."""

    network: Network = "NN2"
    side: int = 224
    """Height and width of the input, in pixels."""
    embedding_size: int = 128
    """The paper compares 64, 128, 256 and 512."""
    batch_norm: bool = False
    """Normalize after every convolution by statistics of the batch. Not in the paper, but in most
    Inception networks since."""
    width: float = 1.0
    """Channels as a share of the paper's: below 1 for small machines and for tests."""
    multiple: int = 1
    """Numbers of channels are rounded to multiples of it: 16 float32 fill a register of today's
    processors, and a convolution of 34 channels takes as long as one of 48."""
    response_norm: bool = True
    """The `norm` of the paper's tables, over neighboring channels. Batch normalization, where it is
    on, does that work too."""
    embedding_norm: bool = False
    """Normalize the embedding's components by statistics of the batch before it is brought to the
    unit sphere, so that embeddings lie all around it from the first step on."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """In which to compute; parameters, statistics and embeddings are float32 always."""

    def __post_init__(self) -> None:
        if min(self.side, self.embedding_size, self.multiple) < 1 or self.width <= 0:
            raise ValueError(
                f"side {self.side}, embedding size {self.embedding_size}, width {self.width}, "
                f"channels in multiples of {self.multiple}; wanted all above zero"
            )

    def channels(self, published: int) -> int:
        """In this network, for so many in the paper's; none stays none."""
        if not published:
            return 0
        return self.multiple * max(1, round(published * self.width / self.multiple))


NN1 = NetworkConfig("NN1", side=220)
NN2 = NetworkConfig("NN2", side=224)
NN3 = NetworkConfig("NN3", side=160)
NN4 = NetworkConfig("NN4", side=96)

NN4_SMALL = NetworkConfig(
    "NN4", side=96, batch_norm=True, width=0.35, multiple=16, response_norm=False
)
"""For training on a small machine; not a network of the paper's."""
RESIDUAL = NetworkConfig(
    "residual", side=96, batch_norm=True, response_norm=False, embedding_norm=True
)
"""For few faces and a small machine; not a network of the paper's."""
RESIDUAL_PRELU = NetworkConfig("residual-prelu", side=64, batch_norm=True, response_norm=False)
"""For the same, with fewer pixels and more channels; it is the network that ships."""


def network_config(name: str) -> NetworkConfig:
    """The network of that name: the paper's as it has it, or one of the residual ones.

    Raises:
      ValueError: no such network, or one whose layers are not published.
    """
    networks = {config.network: config for config in (NN1, NN2, NN3, NN4, RESIDUAL, RESIDUAL_PRELU)}
    if name in ("NNS1", "NNS2"):
        raise ValueError(
            f"the paper gives {name}'s size and speed but not its layers, so it cannot be built; "
            "NN4 is the smallest network whose layers are known well enough"
        )
    if name not in networks:
        raise ValueError(f"no network {name!r}; there are {', '.join(networks)}")
    return networks[name]


@dataclass(frozen=True)
class TrainingValues:
    """How the paper trains: SGD with AdaGrad on semi-hard triplets of large batches."""

    margin: float = 0.2
    """alpha, between squared distances (0 to 4 on the unit sphere)."""
    learning_rate: float = 0.05
    """Of AdaGrad, at the start; the paper lowers it at the end."""
    faces_per_identity: int = 40
    """In a batch, about; random negatives are added, the paper does not say how many."""
    batch: int = 1800
    """Faces, about."""


PAPER = TrainingValues()
