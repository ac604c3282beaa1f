"""Indexes of galleries that are gone: found and deleted, so that no template outlives its photo."""

import os
from pathlib import Path

from common.data.cache import cache_dir
from common.data.locking import locked
from common.data.progress import note
from experiments.alignment.align_report import printable
from experiments.photos.gallery_index import DAMAGED, gallery_of, index_path, partial_path


def forget(gallery: Path) -> None:
    """Delete the index of a gallery that has no photos.

    Raises:
      CacheError: the cache cannot be written.
    """
    path = index_path(gallery)
    with locked(path):
        if path.exists():
            path.unlink()
            note(f"the index of {printable(gallery)} is deleted")


def forget_lost() -> None:
    """Delete each index whose gallery is no folder any more, or that cannot be read.

    What a write that was killed has left goes too. An index that somebody holds the lock of is left
    to them.

    Raises:
      CacheError: the cache cannot be written.
    """
    files = cache_dir("galleries").glob("*.npz")
    for path in sorted({file.with_name(f"{file.name.split('.')[0]}.npz") for file in files}):
        with locked(path, wait=False) as mine:
            if not mine:
                continue
            partial_path(path).unlink(missing_ok=True)
            if path.exists() and (problem := _lost(path)):
                path.unlink()
                note(f"{problem}; its index is deleted")


def _lost(index: Path) -> str:
    """Why no gallery will use that index; empty if one may."""
    try:
        gallery = gallery_of(index)
    except DAMAGED as error:
        return f"{index} is damaged ({error})"
    # A folder that may not be looked into counts as gone: its people could not withdraw.
    return "" if os.path.isdir(gallery) else f"the gallery {printable(gallery)} is gone"
