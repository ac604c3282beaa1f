"""Detect, align, frontalize: pictures in, the network's inputs out.

The three steps of this package in one call. The landmark network looks at the square where the
face should be, 2D alignment reruns it on the warped image, and the last landmarks frontalize the
original picture: each output is sampled once from the picture it came from.
"""

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


class AlignedFaces(NamedTuple):
    """One row a face."""

    images: UInt8[np.ndarray, "faces size size 3"]
    """The network's input, 0 to 255."""
    status: Int[np.ndarray, " faces"]
    """A `Fallback`: NONE where the face is aligned as the configuration asks."""
    landmarks: Float32[np.ndarray, "faces 68 2"]
    """In pixels of the picture; NaN where no face was found."""
    outcome: Int[np.ndarray, " faces"]
    """What the landmark network said, an `Outcome`; FOUND where it was not asked (stage `crop`)."""
    disagreement: Float32[np.ndarray, " faces"]
    """Of its two looks, in distances between the eyes; NaN where it was not asked."""


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
        """Align one face a picture.

        Args:
          pictures: RGB, 0 to 255, all of one size.
          squares: where the faces are, as `common.landmarks.crops` gives them.
        """
        size = self.config.size
        faces = len(pictures)
        made = AlignedFaces(
            images=np.empty((faces, size, size, 3), np.uint8),
            status=np.empty(faces, np.int64),
            landmarks=np.empty((faces, 68, 2), np.float32),
            outcome=np.empty(faces, np.int64),
            disagreement=np.empty(faces, np.float32),
        )
        for start in range(0, faces, self._batch):
            rows = slice(start, start + self._batch)
            # Filled up by repeating the last: one compiled shape for all.
            numbers = np.arange(start, start + self._batch).clip(max=faces - 1)
            some = Squares(*(part[numbers] for part in squares))
            found = self._align(pictures[numbers], some)
            for whole, part in zip(made, found, strict=True):
                whole[rows] = part[: len(whole[rows])]
        return made

    def _align(
        self, pictures: UInt8[np.ndarray, "faces height width 3"], squares: Squares
    ) -> AlignedFaces:
        pixels = jnp.asarray(pictures, jnp.float32) / 255
        landmarks = np.full((len(pictures), 68, 2), np.nan, np.float32)
        outcome = np.full(len(pictures), Outcome.FOUND, np.int64)
        disagreement = np.full(len(pictures), np.nan, np.float32)
        if self.config.stage != "crop":
            found = self._landmarker(pictures, squares)
            outcome, disagreement = np.asarray(found.outcome, np.int64), found.disagreement
            start = similarity_to_anchors(found.points, self._face, self.config)
            aligned = align(pixels, self._detect, self._face, self.config, start=start)
            seen = outcome == Outcome.FOUND
            landmarks[seen] = np.asarray(aligned.landmarks)[seen]
        made = frontalize_batch(pixels, landmarks, self._face, self.config)
        images = np.asarray(jnp.round(made.image.clip(0, 1) * 255).astype(jnp.uint8))
        status = np.asarray(made.status, np.int64)
        return AlignedFaces(images, status, landmarks, outcome, disagreement)

    def _detect(self, views: Float[Array, "batch size size 3"]) -> Float[np.ndarray, "batch 68 2"]:
        """The detector as 2D alignment reruns it: the face is about where the generic one is."""
        view = apply(widen(self.config), reference_landmarks(self._face, self.config)[:, :2])
        one = squares_around(np.asarray(view)[None])
        squares = Squares(*(np.repeat(part, len(views), 0) for part in one))
        pictures = np.asarray((views * 255 + 0.5).clip(0, 255).astype(jnp.uint8))
        return self._landmarker.once(pictures, squares).astype(np.float32)
