"""What is to be aligned: one photo, a folder tree of photos, or Labeled Faces in the Wild."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.data.lfw_folder import first_five

SUFFIXES = (".jpg", ".jpeg", ".png")
"""Of the files of a tree that are photos, in small or capital letters."""


class AlignError(ValueError):
    """Nothing can be aligned, or nothing be written; the message says why."""


class Photo(NamedTuple):
    """One file to align."""

    name: str
    """Its place in the tree, with `/`; the aligned face's is the same, but for the suffix."""
    path: Path


class Sources(NamedTuple):
    """All files to align, in the order of their names."""

    photos: Sequence[Photo]
    passed_over: Sequence[str]
    """Files of the tree whose names are no photo's."""


def find_photos(named: str, output: Path) -> Sources:
    """The photos that a command names.

    Args:
      named: a file, a folder, or `lfw` for the copy that LFW_DIR names, or else is found or
        downloaded.
      output: folder of the aligned faces, of which nothing is taken for a photo.

    Raises:
      AlignError: nothing is there, or the output would overwrite the photos.
      LfwError: LFW_DIR is not a copy of LFW.
      OSError: a folder cannot be read.
    """
    if named == "lfw":
        return _lfw()
    source = Path(named).expanduser()
    if not source.exists():
        raise AlignError(f"{named} does not exist; wanted a photo, a folder of photos, or `lfw`")
    folder = source if source.is_dir() else source.parent
    if folder.resolve() == output.resolve():
        raise AlignError(f"{output} is where the photos are; name another folder for the output")
    if not source.is_dir():
        return Sources([Photo(source.name, source)], [])
    names = sorted(path.relative_to(source).as_posix() for path in _files(source, output.resolve()))
    photos = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not photos:
        raise AlignError(f"{named} holds no photos; wanted files that end in {', '.join(SUFFIXES)}")
    others = [name for name in names if not name.lower().endswith(SUFFIXES)]
    return Sources([Photo(name, source / name) for name in photos], others)


def _lfw() -> Sources:
    from common.data.lfw import find_lfw
    from common.data.lfw_folder import list_images

    folder = find_lfw()
    if folder is None:
        raise AlignError("LFW was neither found nor reachable; name a copy by LFW_DIR")
    images = list_images(folder.images).items()
    return Sources([Photo(f"{name.person}/{name}.jpg", path) for name, path in images], [])


def _files(source: Path, output: Path) -> Iterator[Path]:
    """All files of a tree that are not hidden, through links to folders too."""

    def fail(error: OSError) -> None:
        raise error

    visited: set[Path] = set()
    for root, folders, files in os.walk(source, followlinks=True, onerror=fail):
        place = Path(root)
        here = place.resolve()
        visited.add(here)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and (there := (place / name).resolve()) not in visited  # folders may link to each other
            and there != output
        ]
        yield from (place / name for name in files if not name.startswith("."))


def output_names(photos: Sequence[Photo], suffix: str, taken: Sequence[str]) -> list[str]:
    """Name of each photo's aligned face.

    Args:
      photos: of one run.
      suffix: of the aligned faces, with its dot.
      taken: names that the output has for other things.

    Raises:
      AlignError: two photos differ in their suffixes alone; counts and names them.

    Example:
      >>> output_names([Photo("Ann/a.b.jpg", Path()), Photo("c.PNG", Path())], ".png", [])
      ['Ann/a.b.png', 'c.png']
    """
    owners: dict[str, str] = {name: "the command itself" for name in taken}
    clashes = []
    for photo in photos:
        name = photo.name.rsplit(".", 1)[0] + suffix
        if name in owners:
            clashes.append(f"{photo.name} and {owners[name]}")
        owners[name] = photo.name
    if clashes:
        raise AlignError(
            f"{len(clashes)} aligned faces would have another's name, of {first_five(clashes)}; "
            "rename them"
        )
    return list(owners)[len(taken) :]
