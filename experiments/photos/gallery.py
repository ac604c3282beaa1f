"""A gallery of known people: `<person>/<photo>.jpg`, each photo an embedding.

Every start reads all photos' bytes, and finds and embeds those faces alone whose bytes are new to
the index (`experiments.photos.gallery_index`). What is not in a gallery any more is forgotten.
"""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from common.data.cache import clear_disk_errors
from common.data.lfw_folder import first_five
from common.data.locking import locked
from common.data.progress import note, progress
from experiments.alignment.align_report import printable
from experiments.alignment.align_sources import SUFFIXES
from experiments.alignment.face_canvas import PlacedCanvas, read_photo
from experiments.photos.find_faces import BATCH, FaceFinder, Seen
from experiments.photos.gallery_index import Entry, GalleryIndex, index_path
from experiments.photos.lost_galleries import forget, forget_lost

SAVE_SECONDS = 20.0
"""Between two saves of the index while a gallery is embedded."""


class GalleryError(ValueError):
    """Nobody can be recognized by this folder; the message says why."""


class GalleryPhoto(NamedTuple):
    """One photo of a known person."""

    person: str
    name: str
    """`person/photo.jpg`."""
    path: Path


@dataclass(frozen=True)
class Gallery:
    """The known people, a row a photo."""

    photos: Sequence[GalleryPhoto]
    embeddings: Float32[np.ndarray, "photos dim"]
    left_out: dict[str, str]
    """Photos without a face, by name, and why."""
    several: list[str]
    """Photos with several faces, of which the largest was taken."""
    without: list[str]
    """People of whom no photo is left."""
    embedded: int
    """Photos that were embedded now, and not found in the index."""
    index: Path

    @property
    def people(self) -> int:
        """How many can be recognized."""
        return len({photo.person for photo in self.photos})


def gallery_photos(folder: Path) -> list[GalleryPhoto]:
    """All photos of a gallery, by person and name; hidden files are passed over.

    Raises:
      GalleryError: there are none.
      OSError: a folder cannot be read.
    """
    if not folder.is_dir():
        raise GalleryError(
            f"{printable(folder)} is no folder; wanted a gallery, <person>/<photo>.jpg"
        )
    beside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    people = [path for path in beside if path.is_dir()]
    photos, others = [], [path.name for path in beside if not path.is_dir()]
    for person in people:
        for path in sorted(person.iterdir()):
            name = f"{person.name}/{path.name}"
            if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != ".":
                photos.append(GalleryPhoto(person.name, name, path))
            elif not path.name.startswith("."):
                others.append(name)
    if not photos:
        raise GalleryError(
            f"{printable(folder)} holds no photos of people: {len(people)} folders and "
            f"{len(others)} other files; wanted <person>/<photo>.jpg, that is, a folder with the "
            f"name of each person and in it files that end in {', '.join(SUFFIXES)}"
        )
    if others:
        named = printable(first_five(others))
        note(f"passing over {len(others)} files that are no <person>/<photo>.jpg: {named}")
    return photos


def open_gallery(folder: Path, finder: FaceFinder) -> Gallery:
    """Find and embed the faces of all photos, or have them from the index.

    First the indexes of galleries that are gone are deleted; that of this one, if it has no photos.

    Raises:
      GalleryError: there are no photos, or none of them has a face.
      CacheError: the disk is full or cannot be written.
    """
    forget_lost()
    try:
        photos = gallery_photos(folder)
    except GalleryError:
        forget(folder)
        raise
    path = index_path(folder)
    with locked(path), clear_disk_errors(path):
        index = GalleryIndex(folder, finder.method, finder.embedder.size)
        digests, unreadable, embedded = _fill(index, photos, finder)
        if index.keep(set(digests)) or embedded:
            index.write()
    _warn_of_twins(photos, digests)
    kept, rows, left_out, several = [], [], dict[str, str](), []
    for photo, digest in zip(photos, digests, strict=True):
        entry = index.entries.get(digest)
        if entry is None:
            left_out[photo.name] = unreadable[photo.name]
        elif not entry.faces:
            left_out[photo.name] = no_face(entry.doubtful)
        else:
            kept.append(photo)
            rows.append(entry.embedding)
            if entry.faces > 1:
                several.append(photo.name)
    if not kept:
        said = printable(first_five([f"{name}: {why}" for name, why in left_out.items()]))
        raise GalleryError(
            f"none of the {len(photos)} photos of {printable(folder)} has a face that could be "
            f"found: {said}; wanted photos that show a face from the front"
        )
    without = sorted({photo.person for photo in photos} - {photo.person for photo in kept})
    return Gallery(kept, np.stack(rows), left_out, several, without, embedded, path)


def no_face(doubtful: int) -> str:
    """Why a photo is said to have no face."""
    if not doubtful:
        return "no face found"
    places = "one place" if doubtful == 1 else f"{doubtful} places"
    return f"no face found ({places} looked like one, but without its landmarks)"


def _fill(
    index: GalleryIndex, photos: Sequence[GalleryPhoto], finder: FaceFinder
) -> tuple[list[str], dict[str, str], int]:
    """Embed what is new; returns the photos' digests, the unreadable ones, and the count of new."""
    digests, unreadable, embedded = [], dict[str, str](), 0
    saved = time.monotonic()

    def look(photo: GalleryPhoto) -> tuple[str, list[PlacedCanvas] | None, str]:
        try:
            data = photo.path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest in index.entries:
                return digest, None, ""
            return digest, finder.look(read_photo(data, photo.path.name)), ""
        except ValueError as error:
            return "", None, str(error)
        except OSError as error:
            return "", None, f"cannot be read ({error.strerror})"

    with progress("Reading the gallery", len(photos)) as advance, ThreadPoolExecutor(2) as pool:
        for start in range(0, len(photos), BATCH):
            some = photos[start : start + BATCH]
            looked = list(pool.map(look, some))
            new = {digest: canvases for digest, canvases, _ in looked if canvases is not None}
            for digest, seen in zip(new, finder.embed(list(new.values())), strict=True):
                index.entries[digest] = _entry(seen, index.dim)
            for photo, (digest, _, problem) in zip(some, looked, strict=True):
                digests.append(digest)
                if problem:
                    unreadable[photo.name] = problem
            embedded += len(new)
            if new and time.monotonic() - saved > SAVE_SECONDS:
                index.write()
                saved = time.monotonic()
            advance(len(some))
    return digests, unreadable, embedded


def _entry(seen: Seen, dim: int) -> Entry:
    largest = seen.faces[0].embedding if seen.faces else np.zeros(dim, np.float32)
    return Entry(largest, len(seen.faces), seen.doubtful)


def _warn_of_twins(photos: Sequence[GalleryPhoto], digests: Sequence[str]) -> None:
    """Say which photos stand under two people's names."""
    first: dict[str, GalleryPhoto] = {}
    twins = []
    for photo, digest in zip(photos, digests, strict=True):
        before = first.setdefault(digest, photo)
        if digest and before.person != photo.person:
            twins.append(f"{before.name} and {photo.name}")
    if twins:
        note(f"{len(twins)} photos stand under two people's names: {printable(first_five(twins))}")
