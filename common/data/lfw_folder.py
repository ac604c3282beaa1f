"""A copy of LFW on disk: where its images and its protocol files are.

Images stand as `<Name>/<Name>_NNNN.jpg` or, flat, as `<Name>_NNNN.jpg`.
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.protocol import ImageName, NamedPair, images_of

PAIR_FILES = ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt")
PEOPLE_FILES = ("people.txt", "peopleDevTrain.txt", "peopleDevTest.txt")

IMAGE_FOLDERS = (
    "lfw",
    "lfw_funneled",
    "lfw-funneled",
    "lfw-deepfunneled",
    "lfw_deepfunneled",
)
"""Names under which the archives unpack; the first that holds images is taken."""

_IMAGE_FILE = re.compile(r"([^\s/\\.][^\s/\\]*)_(\d{4})\.jpg")


class LfwError(ValueError):
    """A copy of LFW cannot be used; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class LfwFolder:
    """A copy of LFW: where its parts are; `open_lfw` checks what they hold."""

    images: Path
    """The folder of the people's folders, or of the images."""
    protocol: Mapping[str, Path]
    """The protocol files by name: the three of pairs, and those of people that were found."""


def image_folder(root: Path, names: Sequence[str] = IMAGE_FOLDERS) -> Path | None:
    """The folder below a root that holds LFW's images, or the root itself; None without any.

    Args:
      root: to look in.
      names: of folders in the root that are tried first, in this order.
    """
    candidates = [root / name for name in names]
    # Some archives unpack to a folder within a folder of the same name.
    candidates += [root / name / name for name in names]
    for folder in [*candidates, root]:
        if folder.is_dir() and _holds_images(folder):
            return folder
    return None


def list_images(folder: Path) -> dict[ImageName, Path]:
    """All LFW images of a folder, by name, in the order of their names; other files are ignored.

    Raises:
      LfwError: a folder cannot be read; or one image is there twice, in a person's folder and
        beside the folders.
    """
    found: dict[ImageName, Path] = {}
    try:
        with os.scandir(folder) as entries:
            images = [image for entry in entries for image in _images_at(entry)]
    except OSError as error:
        raise LfwError(f"{error.filename} cannot be read ({error.strerror})") from error
    for name, path in images:
        if name in found:
            raise LfwError(f"{name} is there twice: {found[name]} and {path}; keep one")
        found[name] = path
    return dict(sorted(found.items()))


def _images_at(entry: os.DirEntry[str]) -> list[tuple[ImageName, Path]]:
    """The images that an entry of the image folder is or, being a person's folder, holds."""
    if entry.name.startswith("."):
        return []
    if not entry.is_dir():
        match = _IMAGE_FILE.fullmatch(entry.name)
        return [(ImageName(match[1], int(match[2])), Path(entry.path))] if match else []
    with os.scandir(entry.path) as files:
        matches = [(_IMAGE_FILE.fullmatch(file.name), file.path) for file in files]
    return [
        (ImageName(entry.name, int(match[2])), Path(path))
        for match, path in matches
        if match and match[1] == entry.name
    ]


def _holds_images(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(_images_at(entry) for entry in entries)
    except PermissionError:
        return False


def find_protocol(places: Sequence[Path]) -> dict[str, Path]:
    """The protocol files that are in the places, each in the first that has it."""
    found = {}
    for name in (*PAIR_FILES, *PEOPLE_FILES):
        for place in places:
            if (place / name).is_file():
                found[name] = place / name
                break
    return found


def check_complete(
    folder: Path, images: Collection[ImageName], pairs: Iterable[Sequence[NamedPair]]
) -> None:
    """Assert that every image that a pair names is there.

    Args:
      folder: of the images, for the message.
      images: that are there.
      pairs: of View 1 and View 2, in lists.

    Raises:
      LfwError: counts the images that are missing and names the first five.
    """
    wanted = images_of(list(pairs))
    missing = sorted(wanted - set(images))
    if missing:
        raise LfwError(
            f"{folder}: {len(missing)} of the {len(wanted)} images that the pairs name are missing "
            f"({first_five(missing)}); copy LFW again"
        )


def first_five(names: Sequence[object]) -> str:
    """The first five of a list, and whether there are more.

    Example:
      >>> first_five("abcdefg")
      'a, b, c, d, e, ...'
    """
    return ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
