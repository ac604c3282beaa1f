"""What FaceNet's studies share: the command's options, the faces, the networks."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tyro

from common.data.cache import cache_dir
from experiments.face_sets import FaceSet, read_faces
from experiments.facenet_lfw import TINY, TINY_RECIPE
from experiments.held_out import HeldOut
from experiments.studies.collapse_study import Trial
from experiments.studies.facenet_short import Short
from experiments.studies.weight_studies import Subject
from experiments.synthetic_folder import synthetic_folder
from experiments.train_facenet import train_folder
from experiments.training_command import named_folder
from facenet_jax.embedder import Embedder
from facenet_jax.recipes import PAPER_SMALL
from facenet_jax.weights import SHIPPED

ALIGNMENT = "aligned"
Name: TypeAlias = Literal[
    "quality", "pixels", "quantization", "clustering", "embedding", "share", "collapse"
]


@dataclass(frozen=True)
class Options:
    """FaceNet's studies on held-out people."""

    studies: Annotated[tuple[Name, ...], tyro.conf.Positional] = ()
    """Which; all when none is named."""
    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    weights: Path = SHIPPED
    """The .npz of the network that is studied; its .json lies beside it."""
    steps: tuple[int, ...] = Short.steps
    """Of the two phases of each training, for `embedding` and `share`."""
    record: bool = False
    """Replace the committed records."""
    tiny: bool = False
    """Synthetic people and a tiny network: end to end, no data. The figures mean nothing."""
    runs: Path = Path("runs")
    """Where records and the picture go."""

    @property
    def command(self) -> str:
        """What was typed, without paths."""
        words = ["python -m experiments.facenet_studies", *self.studies]
        if self.steps != Short.steps:
            words += ["--steps", *map(str, self.steps)]
        flags = {"--record": self.record, "--tiny": self.tiny}
        return " ".join([*words, *(flag for flag, on in flags.items() if on)])

    def check_recordable(self) -> None:
        """Refuse what committed records are not of: they have one network and one way to train.

        Raises:
          ValueError: synthetic faces, other weights than the shipped ones, or other steps.
        """
        if self.tiny:
            raise ValueError("--tiny measures synthetic faces, which are not recorded")
        if self.weights.resolve() != SHIPPED.resolve() or self.steps != Short.steps:
            raise ValueError(
                "records are of the shipped weights, and of trainings of "
                f"{' and '.join(map(str, Short.steps))} steps: leave out --record, or --weights "
                "and --steps"
            )


class StudySetting:
    """What the studies share; each part is made when a study first asks for it."""

    def __init__(self, options: Options):
        self.options = options
        self.folder = _folder(options)
        self._pairs = {"folds": 2, "pairs": 30} if options.tiny else {}
        self._faces: dict[int, FaceSet] = {}
        self._others: dict[int, HeldOut] = {}

    @cached_property
    def subject(self) -> Subject:
        """The trained network, and people it has not seen.

        Raises:
          ValueError: no weights, or weights that may have seen these people.
        """
        path = self.options.weights
        if self.options.tiny:
            path = train_folder(
                self.folder, "tiny", network=TINY, recipe=TINY_RECIPE, folds=2, pairs=30
            )
        embedder = Embedder.load(path)
        held_out = self.held_out(embedder.network.side)
        known = embedder.facts["held_out"]["sha256"]
        if known != held_out.sha256:
            raise ValueError(
                f"{path.name} was chosen on other people (checksum {known[:12]}) than this "
                f"folder's split `validation` ({held_out.sha256[:12]}), and may have been trained "
                "on some of these; name the folder that it was trained on"
            )
        return Subject(embedder, held_out)

    @cached_property
    def short(self) -> Short:
        """How small networks are trained."""
        if self.options.tiny:
            recipe = TINY_RECIPE[0], replace(TINY_RECIPE[1], identities=3, faces=3)
            return Short(replace(TINY, embedding_size=8), recipe, steps=(6, 2))
        return Short(steps=self.options.steps)

    @cached_property
    def trial(self) -> Trial:
        """How networks are trained that may collapse."""
        if self.options.tiny:
            config = replace(PAPER_SMALL[0], identities=3, faces=3, negatives=2, chunk=None)
            return Trial(replace(TINY, batch_norm=False), config, steps=3, seeds=(0, 1))
        return Trial()

    def faces(self, side: int) -> FaceSet:
        """The training people, at a network's size."""
        if side not in self._faces:
            self._faces[side] = read_faces(self.folder, "train", (ALIGNMENT,), side)
        return self._faces[side]

    def others(self, side: int) -> HeldOut:
        """The held-out people, likewise."""
        if side not in self._others:
            self._others[side] = self.held_out(side)
        return self._others[side]

    def held_out(self, side: int) -> HeldOut:
        """The people who are not trained on."""
        faces = read_faces(self.folder, "validation", (ALIGNMENT,), side)
        return HeldOut.of(faces, ALIGNMENT, **self._pairs)


def _folder(options: Options) -> Path:
    if options.tiny:
        return synthetic_folder(cache_dir("facenet", "synthetic"))
    return named_folder(options.train_dir)
