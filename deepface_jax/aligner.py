"""Detect, align, frontalize: pictures in, the network's inputs out.

The three steps of this package in one call. The landmark network looks at the square where the
face should be, 2D alignment reruns it on the warped image, and the last landmarks frontalize the
original picture: each output is sampled once from the picture it came from.
"""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int, UInt8

from common.geometry import apply
from common.landmarks.predict import Landmarker, Outcome
from common.landmarks.squares import Squares, squares_around
from deepface_jax.align import align, similarity_to_anchors, widen
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import FaceModel3D, generic_face
from deepface_jax.frontalize import frontalize_batch
from deepface_jax.placement import reference_landmarks


class FoundFaces(NamedTuple):
    """One row a face: where its landmarks are."""

    landmarks: Float32[np.ndarray, "faces 68 2"]
    """In pixels of the picture; NaN where no face was found."""
    outcome: Int[np.ndarray, " faces"]
    """What the landmark network said, an `Outcome`; FOUND where it was not asked (stage `crop`)."""
    disagreement: Float32[np.ndarray, " faces"]
    """Of its two looks, in distances between the eyes; NaN where it was not asked."""


class DrawnFaces(NamedTuple):
    """One row a face: what the network will see."""

    images: UInt8[np.ndarray, "faces size size 3"]
    """The network's input, 0 to 255."""
    status: Int[np.ndarray, " faces"]
    """A `Fallback`: NONE where the face is aligned as the configuration asks."""


class AlignedFaces(NamedTuple):
    """Both, as `DrawnFaces` and `FoundFaces` say."""

    images: UInt8[np.ndarray, "faces size size 3"]
    status: Int[np.ndarray, " faces"]
    landmarks: Float32[np.ndarray, "faces 68 2"]
    outcome: Int[np.ndarray, " faces"]
    disagreement: Float32[np.ndarray, " faces"]


class Aligner:
    """Pictures and squares in, aligned faces out, a batch at a time."""

    def __init__(
        self,
        landmarker: Landmarker | None = None,
        face: FaceModel3D | None = None,
        config: AlignConfig = PAPER,
        *,
        batch: int = 64,
    ):
        """Compile on first use.

        Args:
          landmarker: finds the 68 points; by default with the shipped weights.
          face: the 3D reference; by default the generic face.
          config: stage and switches.
          batch: how many faces are aligned at once; a shorter rest is filled up.
        """
        self.config, self._batch = config, batch
        self._face = face or generic_face()
        self._landmarker = landmarker or Landmarker.load()

    def __call__(
        self, pictures: UInt8[np.ndarray, "faces height width 3"], squares: Squares
    ) -> AlignedFaces:
        """Align one face a picture: `find`, then `frontalize`.

        Args:
          pictures: RGB, 0 to 255, all of one size.
          squares: where the faces are, as `common.landmarks.crops` gives them.
        """
        found = self.find(pictures, squares)
        return AlignedFaces(*self.frontalize(pictures, found.landmarks), *found)

    def find(
        self, pictures: UInt8[np.ndarray, "faces height width 3"], squares: Squares
    ) -> FoundFaces:
        """The landmarks of one face a picture, as 2D alignment last found them."""
        found = FoundFaces(
            np.full((len(pictures), 68, 2), np.nan, np.float32),
            np.full(len(pictures), Outcome.FOUND, np.int64),
            np.full(len(pictures), np.nan, np.float32),
        )
        if self.config.stage != "crop":
            for rows, numbers in self._batches(len(pictures)):
                some = self._find(pictures[numbers], Squares(*(part[numbers] for part in squares)))
                _keep(found, rows, some)
        return found

    def frontalize(
        self,
        pictures: UInt8[np.ndarray, "faces height width 3"],
        landmarks: Float32[np.ndarray, "faces 68 2"],
    ) -> DrawnFaces:
        """The faces on the network's input, as far as the configuration's stage goes."""
        size = self.config.size
        drawn = DrawnFaces(
            np.empty((len(pictures), size, size, 3), np.uint8), np.empty(len(pictures), np.int64)
        )
        for rows, numbers in self._batches(len(pictures)):
            made = frontalize_batch(
                _pixels(pictures[numbers]), landmarks[numbers], self._face, self.config
            )
            images = jnp.round(made.image.clip(0, 1) * 255).astype(jnp.uint8)
            _keep(drawn, rows, DrawnFaces(np.asarray(images), np.asarray(made.status, np.int64)))
        return drawn

    def _batches(self, faces: int) -> Iterator[tuple[slice, Int[np.ndarray, " batch"]]]:
        """Where a batch goes, and which faces are in it; always as many: one compiled shape."""
        for start in range(0, faces, self._batch):
            numbers = np.arange(start, start + self._batch).clip(max=faces - 1)
            yield slice(start, start + self._batch), numbers

    def _find(
        self, pictures: UInt8[np.ndarray, "faces height width 3"], squares: Squares
    ) -> FoundFaces:
        found = self._landmarker(pictures, squares)
        start = similarity_to_anchors(found.points, self._face, self.config)
        aligned = align(_pixels(pictures), self._detect, self._face, self.config, start=start)
        outcome = np.asarray(found.outcome, np.int64)
        seen = (outcome == Outcome.FOUND)[:, None, None]
        landmarks = np.where(seen, np.asarray(aligned.landmarks), np.float32(np.nan))
        return FoundFaces(landmarks, outcome, found.disagreement)

    def _detect(self, views: Float[Array, "batch size size 3"]) -> Float[np.ndarray, "batch 68 2"]:
        """The detector as 2D alignment reruns it: the face is about where the generic one is."""
        view = apply(widen(self.config), reference_landmarks(self._face, self.config)[:, :2])
        one = squares_around(np.asarray(view)[None])
        squares = Squares(*(np.repeat(part, len(views), 0) for part in one))
        pictures = np.asarray((views * 255 + 0.5).clip(0, 255).astype(jnp.uint8))
        return self._landmarker.once(pictures, squares).astype(np.float32)


def _pixels(pictures: UInt8[np.ndarray, "faces height width 3"]) -> Float[Array, "faces h w 3"]:
    return jnp.asarray(pictures, jnp.float32) / 255


def _keep(whole: FoundFaces | DrawnFaces, rows: slice, part: FoundFaces | DrawnFaces) -> None:
    """Copy a batch to its rows; what filled it up is dropped."""
    for kept, made in zip(whole, part, strict=True):
        kept[rows] = made[: len(kept[rows])]
