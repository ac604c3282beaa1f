"""What networks see of a training folder: its faces, aligned or center-cropped, at a size."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from common.data.folders import read_folder
from common.data.progress import progress
from common.images import resize
from deepface_jax.config import AlignConfig
from experiments.training_faces import aligned_folder

ALIGNMENTS: dict[str, AlignConfig] = {
    "aligned": AlignConfig(stage="2d"),
    "center-crop": AlignConfig(stage="crop"),
}
"""FaceNet's two modes on LFW: a similarity alignment (by our landmarks), and a fixed crop of the
center. Training crops are framed alike (`experiments.training_faces`)."""


@dataclass(frozen=True)
class FaceSet:
    """The faces of one split."""

    images: dict[str, UInt8[np.ndarray, "faces side side 3"]]
    """By alignment."""
    label: Int[np.ndarray, " faces"]
    people: int
    sha256: str
    """Of names and contents of all images."""

    def key(self, settings: Any) -> str:
        """A name for what is made of these faces with those settings, which JSON can hold."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        digest.update(self.label.tobytes())
        for images in self.images.values():
            digest.update(images.tobytes())
        return digest.hexdigest()[:32]


def read_faces(folder: Path, split: str, alignments: Sequence[str], side: int) -> FaceSet:
    """The faces of a split, under each alignment.

    Args:
      folder: `<identity>/<image>.jpg`.
      split: `train` or `validation`.
      alignments: of `ALIGNMENTS`.
      side: in pixels, of the network's input.

    Raises:
      FolderError: the folder cannot be trained on.
      ImageError: an image cannot be decoded.
      CacheError: the disk is full or cannot be written.
    """
    return faces_aligned(folder, split, {name: ALIGNMENTS[name] for name in alignments}, side)


def faces_aligned(
    folder: Path, split: str, alignments: Mapping[str, AlignConfig], side: int
) -> FaceSet:
    """The same under any alignments; see `read_faces`."""
    found = read_folder(folder, split)
    images = {
        name: at_side(aligned_folder(found, config).aligned.images, side)
        for name, config in alignments.items()
    }
    return FaceSet(images, found.label.astype(np.int32), len(found.people), found.sha256)


def at_side(
    images: UInt8[np.ndarray, "faces height width 3"], side: int
) -> UInt8[np.ndarray, "faces side side 3"]:
    """All faces, resized to the network's input, in memory."""
    made = np.empty((len(images), side, side, 3), np.uint8)
    with progress(f"Resizing faces to {side} x {side}", len(images)) as advance:
        for number, image in enumerate(images):
            made[number] = resize(np.asarray(image), side, side)
            advance(1)
    return made
