"""How FaceNet is trained: the paper's recipe, and one for a small set of faces.

A recipe is one phase or several, each with its own loss, batches, optimizer and schedule; a phase
begins with the network that the one before has left.

`PAPER` has the paper's values, and where it gives none, ours (docs/facenet.md, deviations 6 to 8).
`PAPER_SMALL` is the same with batches that twenty faces a person can fill (deviation 9).
`SMALL_DATA` departs from the paper wherever that helps people who were not trained on (deviations
10 to 16), the network included; `SMALL_DATA_RESIDUAL` and `SMALL_DATA_NN4` are what earlier
networks were trained by.

Source: Schroff et al. 2015, Sec. 3.2 and 3.3.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from common.augment import MODERATE, NONE, AugmentConfig
from facenet_jax.config import PAPER as PUBLISHED
from facenet_jax.mining import SEMI_HARD, Mining
from facenet_jax.triplets import Mean


@dataclass(frozen=True)
class TrainConfig:
    """One phase of a training; the defaults are the paper's."""

    epochs: float = 100.0
    """As many faces as that many passes would show (the paper counts hours: 1,000 to 2,000)."""

    identities: int = 40
    """In a batch; 0 for batches of random faces alone. The paper does not give it."""
    faces: int = PUBLISHED.faces_per_identity
    """Of an identity in a batch, at most."""
    negatives: int = PUBLISHED.batch - 40 * PUBLISHED.faces_per_identity
    """Random faces in a batch, at least; they also fill up what identities lack. The paper adds
    some and does not say how many."""
    augment: AugmentConfig = NONE
    chunk: int | None = None
    """Faces that are embedded at a time, to save memory; the gradient is the whole batch's."""

    triplets: float = 1.0
    """Weight of the triplet loss."""
    mining: Mining = SEMI_HARD
    mean: Mean = "pairs"
    """What the sum over triplets is divided by."""
    softmax: float = 0.0
    """Weight of a classification of the training people (none in the paper)."""
    scale: float = 24.0
    """s of the classification: cosines are multiplied by it."""
    cosine_margin: float = 0.0
    """m of the classification: taken off the cosine of the right person."""
    margin_rise: float = 0.0
    """Epochs in which m grows from nothing, by the same amount each step."""
    classifier_length: float = 0.0
    """Each person's direction is brought back to that length after every step, so that it grows no
    slower to turn; the shorter, the farther a step turns it. 0 to leave lengths free."""

    optimizer: Literal["adagrad", "sgd", "adam"] = "adagrad"
    learning_rate: float = PUBLISHED.learning_rate
    momentum: float = 0.9
    """Of SGD, and of Adam's first mean."""
    accumulator: float = 0.1
    """AdaGrad's sum of squares before the first step."""
    schedule: Literal["lowered", "cosine"] = "lowered"
    """`lowered`: a tenth of the rate for the last fifth of the steps. `cosine`: a rise over
    `warmup` epochs, then a cosine to zero."""
    warmup: float = 0.0
    weight_decay: float = 0.0
    """Of the network's kernels; part of the gradient."""
    clip: float = float("inf")
    """Largest norm of a gradient."""
    average: float = 0.0
    """Decay of the running average of the weights, which is what is kept; 0 for none."""

    def __post_init__(self) -> None:
        if self.batch < 2 or (self.triplets <= 0 and self.softmax <= 0):
            raise ValueError(
                f"batches of {self.batch} faces, triplets weighed {self.triplets}, softmax "
                f"{self.softmax}; wanted two faces or more, and a weight above zero"
            )
        if not 0 <= self.average < 1:
            raise ValueError(f"an average that keeps {self.average} a step; wanted 0 to below 1")

    @property
    def batch(self) -> int:
        """Faces of a batch."""
        return self.identities * self.faces + self.negatives

    def steps(self, faces: int) -> int:
        """Of the whole phase, for so many training faces."""
        return max(1, round(self.epochs * faces / self.batch))


Recipe: TypeAlias = tuple[TrainConfig, ...]
"""The phases, in their order."""

PAPER: Recipe = (TrainConfig(),)
PAPER_SMALL: Recipe = (replace(PAPER[0], epochs=40.0, identities=21, faces=20, negatives=60),)
SMALL_DATA: Recipe = (
    TrainConfig(
        epochs=20.0, identities=0, negatives=64, augment=MODERATE,
        triplets=0.0, softmax=1.0, cosine_margin=0.35, margin_rise=2.0, classifier_length=0.5,
        optimizer="adam", learning_rate=1e-3, schedule="cosine", warmup=1.0,
        clip=5.0, average=0.998,
    ),
    TrainConfig(
        epochs=6.0, identities=60, faces=8, negatives=0, augment=MODERATE,
        optimizer="adam", learning_rate=6e-4, schedule="cosine", warmup=0.5,
        clip=5.0, average=0.99,
    ),
)  # fmt: skip
SMALL_DATA_RESIDUAL: Recipe = (
    TrainConfig(
        epochs=20.0, identities=0, negatives=64, augment=MODERATE,
        triplets=0.0, softmax=1.0, cosine_margin=0.2,
        optimizer="adam", learning_rate=1e-3, schedule="cosine", warmup=0.5,
        clip=5.0, average=0.998,
    ),
    TrainConfig(
        epochs=14.0, identities=20, faces=6, negatives=8, augment=MODERATE,
        optimizer="adam", learning_rate=3e-4, schedule="cosine", warmup=0.5,
        clip=5.0, average=0.998,
    ),
)  # fmt: skip
SMALL_DATA_NN4: Recipe = (
    TrainConfig(
        epochs=32.0, identities=0, negatives=128, augment=MODERATE,
        triplets=0.0, softmax=1.0, cosine_margin=0.15,
        optimizer="sgd", learning_rate=0.1, schedule="cosine", warmup=1.0,
        weight_decay=5e-4, clip=5.0, average=0.998,
    ),
    TrainConfig(
        epochs=10.0, identities=20, faces=6, negatives=8, augment=MODERATE,
        optimizer="sgd", learning_rate=0.02, schedule="cosine", warmup=0.5,
        weight_decay=5e-4, clip=5.0, average=0.998,
    ),
)  # fmt: skip
