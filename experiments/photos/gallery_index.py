"""What was seen of a gallery's photos, kept in one file of the cache.

There is one file a gallery, and it holds the photos that the gallery has now and no others: who
takes a photo away has its template deleted by the next run. It says whose it is, so that every run
finds the files of galleries that are gone (`experiments.photos.lost_galleries`).
"""

import hashlib
import zipfile
from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from common.data.cache import cache_dir
from common.data.progress import note

DAMAGED = (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile)
"""What reading a file raises that is no index, or half of one."""


class Entry(NamedTuple):
    """What was seen of one photo."""

    embedding: Float32[np.ndarray, " dim"]
    """Of the largest face; zeros where there is none."""
    faces: int
    doubtful: int
    """As in `find_faces.Seen`."""


def index_path(gallery: Path) -> Path:
    """The index of that folder.

    Raises:
      CacheError: the cache cannot be written.
    """
    name = hashlib.sha256(str(gallery.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return cache_dir("galleries") / f"{name[:32]}.npz"


def partial_path(index: Path) -> Path:
    """Where an index is written before it takes its place."""
    return index.with_suffix(".part.npz")


def gallery_of(index: Path) -> Path:
    """The gallery that an index is of.

    Raises:
      DAMAGED: the file is no index.
    """
    with index.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return Path(str(stored["gallery"]))


class GalleryIndex:
    """Entries by the sha256 of their photo's bytes."""

    def __init__(self, gallery: Path, method: str, dim: int):
        """Read the file, if it is there; one that is of no use is deleted.

        Args:
          gallery: folder of the photos.
          method: sha256 of all else that an entry depends on.
          dim: length of the embeddings.
        """
        self.gallery, self.path = gallery.resolve(), index_path(gallery)
        self.method, self.dim = method, dim
        self.entries: dict[str, Entry] = {}
        if self.path.exists() and not self._read():
            self.path.unlink()

    def _read(self) -> bool:
        """Take the entries over, if they were made by the same method; says whether."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if str(stored["method"]) != self.method:
                    return False
                photos, embeddings = stored["photos"], stored["embeddings"]
                counts = stored["counts"]
            if (len(photos), self.dim) != embeddings.shape or counts.shape != (len(photos), 2):
                raise ValueError(f"{len(photos)} photos, embeddings of shape {embeddings.shape}")
        except DAMAGED as error:
            note(f"{self.path} is damaged ({error}); the gallery is embedded again")
            return False
        for photo, embedding, count in zip(photos, embeddings, counts, strict=True):
            self.entries[str(photo)] = Entry(embedding, int(count[0]), int(count[1]))
        return True

    def keep(self, photos: Set[str]) -> bool:
        """Forget all other photos; says whether there were any."""
        others = self.entries.keys() - photos
        for photo in others:
            del self.entries[photo]
        return bool(others)

    def write(self) -> None:
        """Replace the file, whole or not at all."""
        embeddings = np.zeros((len(self.entries), self.dim), np.float32)
        for row, entry in enumerate(self.entries.values()):
            embeddings[row] = entry.embedding
        counts = [(entry.faces, entry.doubtful) for entry in self.entries.values()]
        partial = partial_path(self.path)
        np.savez(
            partial,
            allow_pickle=False,
            gallery=np.array(str(self.gallery)),
            method=np.array(self.method),
            photos=np.array(list(self.entries), dtype="U64"),
            embeddings=embeddings,
            counts=np.array(counts, np.int64).reshape(-1, 2),
        )
        partial.replace(self.path)
