"""Faces with reference points, from a folder of images, `landmarks.npz`, `identities.csv`."""

import csv
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from common.images import decode_image
from common.landmarks.points import POINTS

# The points are stored in 1/64 pixel. Their origin: by the mirror symmetry of the eyes of 1,695
# level frontal faces, x is 0.30 (+- 0.01) pixel greater than counted from the center of the
# top-left pixel. It is taken for a shift of both axes.
_UNIT, _SHIFT = 1 / 64, 0.30


class FacesError(ValueError):
    """A folder cannot be trained on; the message says what is wrong."""


@dataclass(frozen=True)
class LandmarkFaces:
    """The faces of one split, decoded when asked for: (image, points) by number."""

    paths: list[Path]
    points: Float32[np.ndarray, "faces 68 3"]
    """x, y in pixels of the image, and depth in the same unit, away from the viewer."""
    people: int
    sha256: str
    """Of landmarks.npz and identities.csv."""

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(
        self, index: int
    ) -> tuple[UInt8[np.ndarray, "height width 3"], Float32[np.ndarray, "68 3"]]:
        """One face; raises ImageError, naming the file, if it cannot be decoded."""
        path = self.paths[index]
        return decode_image(path.read_bytes(), str(path)), self.points[index]


def read_faces(folder: Path, split: str) -> LandmarkFaces:
    """The faces of the people whom identities.csv puts into a split.

    Args:
      folder: `<identity>/<image>.jpg` with `identities.csv` (identity, images, split) and
        `landmarks.npz` (identity, image, points).
      split: `train` or `validation`.

    Raises:
      FacesError: a file is missing or is not what it should be.
    """
    try:
        with (folder / "identities.csv").open(newline="") as file:
            chosen = {row["identity"] for row in csv.DictReader(file) if row["split"] == split}
        # NumPy does not close a file that it cannot read.
        with (folder / "landmarks.npz").open("rb") as file:
            with np.load(file, allow_pickle=False) as stored:
                identity, image, points = (stored[key] for key in ("identity", "image", "points"))
    except FileNotFoundError as error:
        raise FacesError(
            f"{error.filename} is missing; wanted a folder with identities.csv, landmarks.npz and "
            "<identity>/<image>.jpg: name it with --train-dir or FACES_TRAIN_DIR"
        ) from None
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise FacesError(f"{folder}: identities.csv or landmarks.npz is damaged: {error}") from None
    if points.shape != (len(identity), POINTS, 3) or len(image) != len(identity):
        raise FacesError(
            f"{folder / 'landmarks.npz'}: points of shape {points.shape} for {len(identity)} "
            f"faces; wanted ({len(identity)}, {POINTS}, 3)"
        )
    numbers = np.flatnonzero(np.isin(identity, sorted(chosen)))
    if len(numbers) == 0:
        raise FacesError(f"{folder} has no face with points of a person of the split {split}")
    place = points[numbers].astype(np.float32) * np.float32(_UNIT)
    place[..., :2] -= np.float32(_SHIFT)
    paths = [folder / str(identity[k]) / f"{image[k]}.jpg" for k in numbers]
    if missing := [path for path in paths if not path.exists()]:
        raise FacesError(f"{len(missing)} images are missing, the first of them {missing[0]}")
    content = b"".join((folder / name).read_bytes() for name in ("landmarks.npz", "identities.csv"))
    digest = hashlib.sha256(content).hexdigest()
    return LandmarkFaces(paths, place, len(set(identity[numbers])), digest)
