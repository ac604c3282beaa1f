"""Every face of a photo: found, aligned as the network wants it, and taken to its embedding."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

import common
import common.landmarks
from common.landmarks.crops import lfw_squares
from common.landmarks.predict import Landmarker
from deepface_jax.aligner import Aligner
from deepface_jax.fallback import Fallback
from experiments import network_inputs, sphereface_training
from experiments.alignment import face_canvas
from experiments.alignment.aligned_faces import alignment_digest
from experiments.alignment.face_canvas import PlacedCanvas, Where, face_canvases
from experiments.photos import photo_embedders
from experiments.photos.photo_embedders import RowName

BATCH = 8
"""Faces aligned and embedded at once, however few there are."""


class Face(NamedTuple):
    """One face of a photo."""

    center: Float[np.ndarray, "2"]
    """(x, y) of its square, in pixels of the photo."""
    side: float
    """Of the square, in pixels of the photo."""
    embedding: Float32[np.ndarray, " dim"]


class Seen(NamedTuple):
    """What was seen of one photo."""

    faces: list[Face]
    """The largest first."""
    doubtful: int
    """Places that the search took for a face, where no landmarks are to be found."""


class FaceFinder:
    """Photos in, faces with embeddings out."""

    def __init__(
        self,
        row: RowName = "facenet",
        weights: Path | None = None,
        where: Where = "haar",
        false_accept_rate: float = 0.001,
    ):
        """Load the network; the landmarks' is loaded when there is something to look at.

        Args:
          row: whose network.
          weights: .npz of such a network, with its .json beside it; the shipped one when None.
          where: to look for the faces.
          false_accept_rate: of one comparison, which decides on the threshold.

        Raises:
          WeightsError: no such files, or they are damaged, or of another kind.
          ValueError: the weights have no threshold for that rate.
        """
        self.embedder = photo_embedders.load(row, weights, batch=BATCH)
        self.point = self.embedder.at(false_accept_rate)
        self.where: Where = where
        self.method = self._digest(row)

    @cached_property
    def _aligner(self) -> Aligner:
        return Aligner(Landmarker.load(batch=BATCH), config=self.embedder.align, batch=BATCH)

    def look(self, photo: UInt8[np.ndarray, "height width 3"]) -> list[PlacedCanvas]:
        """Where faces may be; may be called from several threads."""
        return face_canvases(photo, self.where)

    def embed(self, photos: Sequence[Sequence[PlacedCanvas]]) -> list[Seen]:
        """The faces on what was found on each photo."""
        canvases = [canvas for photo in photos for canvas in photo]
        if not canvases:
            return [Seen([], 0) for _ in photos]
        pixels = np.stack([canvas.pixels for canvas in canvases])
        aligned = self._aligner(pixels, lfw_squares(len(canvases)))
        # A head turned too far for 3D is aligned in 2D, as it was where thresholds were measured.
        good = aligned.status <= Fallback.TWO_D_CAMERA
        embedded = np.zeros((len(canvases), self.embedder.size), np.float32)
        if good.any():
            embedded[good] = self.embedder.embed(aligned.images[good])
        good &= embedded.any(axis=1)  # DeepFace's may be all zeros: as near to one as to another
        seen, number = [], 0
        for photo in photos:
            faces = [
                Face(canvas.center, canvas.side, embedded[row])
                for row, canvas in enumerate(photo, start=number)
                if good[row]
            ]
            seen.append(Seen(faces, len(photo) - len(faces)))
            number += len(photo)
        return seen

    def _digest(self, row: str) -> str:
        """sha256 of all that an embedding depends on, but for the photo.

        Packages are taken whole: a list of those modules that matter is not kept up to date.
        """
        weights = self.embedder.weights
        used = face_canvas, photo_embedders, network_inputs, sphereface_training
        modules = [Path(str(module.__file__)) for module in used]
        files = [weights, weights.with_suffix(".json"), Path(__file__), *modules]
        for package in (common, common.landmarks, self.embedder.package):
            files += sorted(Path(str(package.__file__)).parent.glob("*.py"))
        settings = (row, self.where, self.embedder.align)
        parts = [
            alignment_digest(),
            repr(settings).encode(),
            *(file.read_bytes() for file in files),
        ]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
