"""The eight trainings of `experiments.ideas`: one recipe for all, but for the loss.

All take as many steps, of as many faces, with random views of one kind, by one optimizer on one
schedule, from random weights. What differs is what a name says; and what belongs to it: triplets
need several faces of a person in a batch, while a softmax learns best from faces drawn at random.
The networks keep their own lengths of the embedding.

Source: Taigman et al. 2014, Sec. 2 and 3; Schroff et al. 2015, Sec. 3. Differs: docs/ideas.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from flax import nnx

from common.augment import MODERATE
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import DEEPFACE_SMALL, Filters
from deepface_jax.network_config import NetworkConfig as DeepFaceConfig
from experiments import facenet_training, local_embedding
from experiments.face_sets import FaceSet, faces_aligned
from experiments.facenet_training import Trained
from experiments.held_out import HeldOut
from experiments.ideas import BUNDLES, Bundle
from experiments.local_embedding import LocalConfig
from facenet_jax import model
from facenet_jax.config import RESIDUAL, NetworkConfig
from facenet_jax.recipes import Recipe, TrainConfig
from facenet_jax.train import Build, make_embed

ALIGNMENTS = {"2d": AlignConfig(stage="2d"), "3d": AlignConfig(stage="3d")}
BUILDS: dict[str, Build] = {"local": local_embedding.build, "convolutional": model.build}


@dataclass(frozen=True)
class Short:
    """How all of them are trained."""

    epochs: float = 5.0
    """As many faces as that many passes would show."""
    learning_rate: float = 1e-3
    """Of Adam, at its height."""
    warmup: float = 0.25
    """Epochs in which the rate rises; then it falls on a cosine to zero."""
    identities: int = 20
    """People of a batch, for triplets; the softmax gets as many faces, drawn at random."""
    faces: int = 6
    """Of each of them, at most."""
    negatives: int = 8
    """Random faces of a batch, at least."""
    scale: float = 24.0
    """Of the softmax: cosines are multiplied by it."""
    cosine_margin: float = 0.0
    """Of the softmax: taken off the cosine of the right person."""
    seed: int = 0
    """Of weights, order and views."""

    def recipe(self, loss: str) -> Recipe:
        """The one phase of a training.

        Args:
          loss: of `experiments.ideas.LOSSES`.
        """
        people, batch = self.identities, self.identities * self.faces + self.negatives
        identities, negatives = (people, self.negatives) if loss == "triplets" else (0, batch)
        return (
            TrainConfig(
                epochs=self.epochs, identities=identities, faces=self.faces,
                negatives=negatives, augment=MODERATE,
                triplets=float(loss == "triplets"), softmax=float(loss == "softmax"),
                scale=self.scale, cosine_margin=self.cosine_margin,
                optimizer="adam", learning_rate=self.learning_rate, schedule="cosine",
                warmup=self.warmup, clip=5.0,
            ),
        )  # fmt: skip


@dataclass(frozen=True)
class Trainings:
    """The networks, how they are trained, and whom they are watched on."""

    networks: Mapping[str, LocalConfig | NetworkConfig] = field(
        default_factory=lambda: {
            "local": LocalConfig(DEEPFACE_SMALL),
            "convolutional": replace(RESIDUAL, side=DEEPFACE_SMALL.side),
        }
    )
    short: Short = Short()
    folds: int = 10
    """Of the held-out people."""
    pairs: int = 300
    """Of each kind, in each of those folds."""

    def sets(
        self, folder: Path, wanted: Sequence[Bundle] = BUNDLES
    ) -> Iterator[tuple[Bundle, FaceSet, HeldOut]]:
        """Each bundle with its training faces and its held-out people.

        Args:
          folder: of people.
          wanted: in this order; neighbors that see the same pictures share them.

        Raises:
          FolderError, ImageError, CacheError, ValueError: it cannot be trained on.
        """
        for (network, alignment), some in groupby(wanted, lambda one: (one.network, one.alignment)):
            side = self.networks[network].side
            seen = {alignment: ALIGNMENTS[alignment]}
            faces = faces_aligned(folder, "train", seen, side)
            others = faces_aligned(folder, "validation", seen, side)
            held_out = HeldOut.of(others, alignment, folds=self.folds, pairs=self.pairs)
            for bundle in some:
                yield bundle, faces, held_out

    def is_done(self, bundle: Bundle, faces: FaceSet) -> bool:
        """Whether its training stands in the cache, finished."""
        return facenet_training.is_done(
            faces, self.networks[bundle.network], self.short.recipe(bundle.loss),
            seed=self.short.seed,
        )  # fmt: skip

    def train(
        self, bundle: Bundle, faces: FaceSet, held_out: HeldOut, *, from_scratch: bool = False
    ) -> Trained:
        """One of the trainings; one that is done is only read, a killed one goes on.

        Args:
          bundle: which.
          faces: from `sets`.
          held_out: from `sets`.
          from_scratch: forget one that is done.

        Raises:
          ValueError: batches that the faces cannot fill.
          CacheError: the disk is full.
          TrainingError: the loss is not finite, or the embeddings have collapsed.
        """
        return facenet_training.train(
            faces, held_out, self.networks[bundle.network], self.short.recipe(bundle.loss),
            seed=self.short.seed, from_scratch=from_scratch, evaluations=1,
            build=BUILDS[bundle.network],
        )  # fmt: skip

    def embed(self, network: str) -> Any:
        """The jitted forward pass of a network: weights and uint8 faces in, embeddings out."""
        config, build = self.networks[network], BUILDS[network]
        return make_embed(nnx.split(nnx.eval_shape(lambda: build(config, nnx.Rngs(0))))[0])


TINY = Trainings(
    networks={
        "local": LocalConfig(DeepFaceConfig(
            side=24, C1=Filters(8, 5), C3=None, L4=Filters(8, 3, stride=2), L5=None, L6=None, F7=32,
            init="he", centered=True,
        )),
        "convolutional": NetworkConfig(
            "NN1", side=32, embedding_size=32, batch_norm=True, width=1 / 16
        ),
    },
    short=Short(epochs=10.0, learning_rate=3e-3, identities=6, faces=4, negatives=0),
    folds=2,
    pairs=30,
)  # fmt: skip
"""For synthetic faces, which only show that all works; a shallow network stands in for each."""
