"""The paper's networks and its training values, and those for a small machine.

All five networks of Table 2 have four units. A unit begins with a convolution of stride 2 and goes
on with so many residual blocks of two convolutions; the name counts the convolutions.

Source: Liu et al. 2017, Sec. 3.2 and 4.1, Table 2; the authors' code (wy1iu/sphereface) for what
  the paper leaves out: the annealing, biases, and the first weights.
"""

from dataclasses import dataclass
from typing import Literal

from common.augment import MODERATE, AugmentConfig
from common.framing import upright_columns

BLOCKS: dict[int, tuple[int, int, int, int]] = {
    4: (0, 0, 0, 0),
    10: (0, 1, 2, 0),
    20: (1, 2, 4, 1),
    36: (2, 4, 8, 2),
    64: (3, 8, 16, 3),
}
"""Residual blocks of the units Conv1.x to Conv4.x, by the number of convolutions (Table 2)."""

CHANNELS = (64, 128, 256, 512)
"""Of the units (Table 2)."""


@dataclass(frozen=True)
class NetworkConfig:
    """A network; the defaults are SphereFace-20, which the authors' code trains."""

    layers: int = 20
    """Convolutions: 4, 10, 20, 36 or 64."""
    side: int = 112
    """Height of the input, in pixels; `columns` is its width."""
    embedding_size: int = 512
    """Units of the last layer, FC1 in the paper."""
    width: float = 1.0
    """Channels as a share of the paper's: below 1 for small machines and for tests."""
    batch_norm: bool = False
    """Normalize after every convolution by statistics of the batch. Not in the paper."""

    def __post_init__(self) -> None:
        if self.layers not in BLOCKS:
            known = ", ".join(map(str, BLOCKS))
            raise ValueError(f"no network of {self.layers} convolutions; the paper has {known}")
        if self.side < 16 or self.embedding_size < 1 or self.width <= 0:
            raise ValueError(
                f"side {self.side}, embedding size {self.embedding_size}, width {self.width}; "
                "wanted a side of 16 or more, and the others above zero"
            )

    @property
    def columns(self) -> int:
        """Width of the input, in pixels: 6/7 of the side, as the paper's 96 is of 112.

        As many columns are left out on either side, so that the face's middle stays the middle.
        """
        return upright_columns(self.side)

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the units, in this network."""
        return tuple(max(1, round(self.width * published)) for published in CHANNELS)

    @property
    def last(self) -> tuple[int, int]:
        """Height and width of the last maps, after four strides of 2, each rounded up."""
        return -(-self.side // 16), -(-self.columns // 16)


@dataclass(frozen=True)
class TrainConfig:
    """A training; the defaults are the authors' code's for CASIA-WebFace."""

    epochs: float = 14.6
    """Passes over the training faces (28,000 batches of 0.49 million images)."""
    batch: int = 256

    m: int = 4
    """The right person's angle counts m times: 1, which is no margin, to 4."""
    lambda_base: float = 1000.0
    """Weight of the plain cosine beside psi before the first step."""
    lambda_gamma: float = 0.12
    """How fast it falls: base / (1 + gamma * step)."""
    lambda_min: float = 5.0
    """Where it stays."""
    feature_length: float = 0.0
    """Above zero, every feature counts as if it had this length (not in the paper; the authors'
    note 3 recommends it). At zero its own length scales the logits."""

    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    """Of SGD, and of Adam's first mean."""
    schedule: Literal["lowered", "cosine"] = "lowered"
    """`lowered`: a tenth of the rate after 4/7 of the steps, a hundredth after 6/7. `cosine`: a
    rise over `warmup` epochs, then a cosine to zero."""
    warmup: float = 0.0
    """Epochs."""
    weight_decay: float = 5e-4
    """Of kernels; part of the gradient."""
    clip: float = float("inf")
    """Largest norm of a gradient."""
    average: float = 0.0
    """Decay of the running average of the weights, which is what is kept; 0 for none."""
    augment: AugmentConfig = AugmentConfig(mirror=True)

    def __post_init__(self) -> None:
        if self.batch < 1 or self.epochs <= 0:
            raise ValueError(f"{self.epochs} epochs, batches of {self.batch}; wanted both above 0")
        if self.m not in (1, 2, 3, 4):
            raise ValueError(f"angles that count m = {self.m} times; wanted 1, 2, 3 or 4")
        if min(self.lambda_base, self.lambda_gamma, self.lambda_min, self.feature_length) < 0:
            raise ValueError("the annealing's numbers and a feature's length cannot be below zero")
        if not 0 <= self.average < 1:
            raise ValueError(f"an average that keeps {self.average} a step; wanted 0 to below 1")

    def steps(self, faces: int) -> int:
        """Of the whole training, for so many training faces."""
        return max(1, round(self.epochs * faces / self.batch))


PAPER = TrainConfig()

SMALL = NetworkConfig(layers=10, side=64, width=0.375, batch_norm=True)
"""For training on two cores: about 1/50 of SphereFace-20's multiply-adds."""
SMALL_DATA = TrainConfig(
    epochs=20.0, batch=64, lambda_gamma=0.2, feature_length=24.0,
    optimizer="adam", learning_rate=1e-3, schedule="cosine", warmup=1.0, weight_decay=0.0,
    clip=5.0, average=0.998, augment=MODERATE,
)  # fmt: skip
"""For some ten thousand faces (docs/sphereface.md, deviations 9 to 14)."""
