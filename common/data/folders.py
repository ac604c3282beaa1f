"""A training set on disk: `<identity>/<image>.jpg`, split by people into training and validation.

People of the split `validation` are never trained on: everything is chosen on them.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt8

from common.images import decode_image

SPLITS = ("train", "validation")
ENDINGS = {".jpg", ".jpeg", ".png"}
HELD_OUT_EVERY = 20
"""One image in so many of each training person is kept back to measure the classification on."""


class FolderError(ValueError):
    """A folder cannot be trained on; the message says what is wrong."""


@dataclass(frozen=True)
class FaceFolder:
    """The faces of one split, decoded when asked for."""

    paths: list[Path]
    """By person, then by name."""
    label: Int[np.ndarray, " images"]
    """Number of the person, from 0 on, in the order of `people`."""
    people: list[str]
    sha256: str
    """Of names and contents of all images."""

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """One face; raises ImageError, naming the file, if it cannot be decoded."""
        path = self.paths[index]
        return decode_image(path.read_bytes(), str(path))

    def held_out(self) -> Bool[np.ndarray, " images"]:
        """Every twentieth image of each person, from the eleventh on.

        Where nobody has so many, the last one of those who have most.

        Raises:
          FolderError: nobody has two.
        """
        position = np.arange(len(self.label)) - np.searchsorted(self.label, self.label)
        first = min(HELD_OUT_EVERY // 2, int(position.max()))
        if first == 0:
            raise FolderError(
                f"each of the {len(self.people)} people has one image; to hold one back, at least "
                "one of them needs two"
            )
        return position % HELD_OUT_EVERY == first


def read_folder(folder: Path, split: str) -> FaceFolder:
    """The people of a split.

    Args:
      folder: has a folder of images for each person, and may have `identities.csv` with the columns
        identity and split. Without it every tenth person, by name, is of `validation`.
      split: `train` or `validation`.

    Raises:
      FolderError: no such folder, fewer than two people, somebody without images, or a table that
        is damaged.
    """
    if not folder.is_dir():
        raise FolderError(
            f"{folder} is no folder; wanted one with <identity>/<image>.jpg: name it with "
            "--train-dir or FACES_TRAIN_DIR (docs/data.md says how to make one)"
        )
    people, paths, label = _people(folder, split), [], []
    for number, name in enumerate(people):
        files = sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in ENDINGS)
        if not files:
            raise FolderError(f"{folder / name} has no .jpg or .png file, or is not there")
        label += [number] * len(files)
        paths += files
    if len(people) < 2:
        raise FolderError(
            f"{folder} has images of {len(people)} people of the split {split}; wanted two or more,"
            " each with a folder <identity>/ of .jpg or .png files"
        )
    digest = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).digest()
        digest.update(f"{path.parent.name}/{path.name}\n".encode() + content)
    return FaceFolder(paths, np.array(label), people, digest.hexdigest())


def _people(folder: Path, split: str) -> list[str]:
    table = folder / "identities.csv"
    if not table.exists():
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        return [n for k, n in enumerate(names) if (k % 10 == 9) == (split == "validation")]
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [(row["identity"], row["split"]) for row in csv.DictReader(file)]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise FolderError(
            f"{table} cannot be read ({error}); wanted columns identity and split"
        ) from None
    seen: set[str] = set()
    for line, (identity, own) in enumerate(rows, start=2):
        if own not in SPLITS or not identity or identity in seen:
            raise FolderError(
                f"{table}, line {line}: {identity!r} of the split {own!r}; wanted each identity "
                f"once, of a split of {', '.join(SPLITS)}"
            )
        seen.add(identity)
    return sorted(identity for identity, own in rows if own == split)
