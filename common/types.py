"""The vocabulary of the project in one screen.

Axis names have one spelling everywhere: `images` (or `batch`) `height width channels`, `dim`,
`points`, `pairs`. Positions are (x, y) in pixels, x to the right, y down, with the origin at the
center of the top-left pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt8

Images: TypeAlias = Float[Array | np.ndarray, "images height width channels"]
"""Pixels in [0, 1]; channels is 3 (RGB) or 1 (grey)."""

Embeddings: TypeAlias = Float[Array | np.ndarray, "images dim"]
"""One row a face: what a paper's representation makes of it."""

Labels: TypeAlias = Int[Array | np.ndarray, " images"]
"""Identity of each face, as any integer; equal means the same person."""

Landmarks: TypeAlias = Float[Array | np.ndarray, "images points 2"]
"""Facial points, (x, y) in pixels."""

Scores: TypeAlias = Float[np.ndarray, " pairs"]
"""Similarity of each pair: the higher, the more alike. A distance enters as its negative."""


@runtime_checkable
class ImageSource(Protocol):
    """Faces that are reached by index, decoded when asked for."""

    def __len__(self) -> int:
        """Count of images."""
        ...

    def __getitem__(self, index: int, /) -> UInt8[np.ndarray, "height width 3"]:
        """RGB pixels, 0 to 255, of one image."""
        ...


@dataclass(frozen=True)
class Pairs:
    """Verification pairs: two image numbers, whether they show one person, and the fold."""

    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    same: Bool[np.ndarray, " pairs"]
    fold: Int[np.ndarray, " pairs"]

    def __len__(self) -> int:
        return len(self.same)

    def __getitem__(self, chosen: Bool[np.ndarray, " pairs"] | Int[np.ndarray, " k"]) -> "Pairs":
        """The chosen pairs, by mask or by number."""
        return Pairs(self.first[chosen], self.second[chosen], self.same[chosen], self.fold[chosen])

    def images(self) -> Int[np.ndarray, " images"]:
        """Numbers of all images that the pairs name, ascending, each once."""
        return np.unique(np.concatenate([self.first, self.second]))


@dataclass(frozen=True)
class Provenance:
    """Where a benchmark's images come from; every record quotes it."""

    name: str
    """`lfw` or `synthetic`."""
    variant: str
    """`original`, `funneled`, `deepfunneled`, `unknown`, or `synthetic`."""
    sha256: str
    """Of the content of all images, in the order of their names."""
    images: int
    people: int
    synthetic: bool = False
    pairs_sha256: str = ""
    """The same of the images that the pairs of View 1 and View 2 name: of all copies of LFW, with
    or without the other images."""


@dataclass(frozen=True)
class Benchmark:
    """LFW, or anything of LFW's shape: images, View 1 and View 2.

    The images stand in a shuffled order (fixed seed), so that an image's number says nothing of
    the person on it. `names` and `identity` are for the harness and for reports; methods see the
    images, and of the labels what the harness hands to them.
    """

    images: ImageSource
    names: Sequence[str]
    """`Abel_Pacheco_0001`, one an image."""
    identity: Int[np.ndarray, " images"]
    view1_train: Pairs
    """fold is 0 throughout, as in `view1_test`."""
    view1_test: Pairs
    view2: Pairs
    """Ten folds, numbered 0 to 9."""
    view1_train_people: Bool[np.ndarray, " images"]
    """Images of the people that peopleDevTrain.txt names."""
    people_fold: Int[np.ndarray, " images"]
    """Fold of View 2 (0 to 9) whose people show on the image, after people.txt; -1 for none."""
    provenance: Provenance
