"""Find Labeled Faces in the Wild, or fetch it.

The order: the folder that is named; `LFW_DIR`; scikit-learn's cache; our cache; a download.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from common.data.archives import ArchiveError, unpack
from common.data.cache import cache_dir
from common.data.content import sha256_of_file
from common.data.download import UnreachableError
from common.data.download import download as fetch
from common.data.lfw_content import digest_images, sha256_of_images
from common.data.lfw_folder import (
    IMAGE_FOLDERS,
    PAIR_FILES,
    LfwError,
    LfwFolder,
    check_complete,
    find_protocol,
    image_folder,
    list_images,
)
from common.data.lfw_mirror import MIRROR
from common.data.locking import locked
from common.data.progress import note
from common.data.variant import write_origin
from common.protocol import ProtocolError, read_pairs

_ARCHIVES = ("lfw.tgz", "lfw-funneled.tgz", "lfw-deepfunneled.tgz", "lfw.tar")
_FUNNELED = ("lfw_funneled", "lfw-funneled")


def find_lfw(
    lfw_dir: Path | None = None, *, download: bool = True, timeout: float = 10.0
) -> LfwFolder | None:
    """Find a copy of LFW, or download it (about 180 MB).

    The original images are preferred: aligned ones in scikit-learn's cache are taken only where
    the originals cannot be downloaded.

    Args:
      lfw_dir: a folder of images, with the protocol files in it or beside it, or an archive of
        them, or a folder that holds one. When None, the environment variable LFW_DIR counts.
      download: what is missing may be downloaded.
      timeout: seconds in which the mirror must answer.

    Returns:
      The copy; None when no folder is named, none is found, and the mirror cannot be reached.

    Raises:
      LfwError: the named folder is not a copy of LFW, or lacks a file that cannot be fetched.
      ArchiveError: the named archive is damaged, or points outside its folder.
      DownloadError: the mirror was reached, but the download broke off or its checksum is wrong.
      CacheError: the disk is full or cannot be written.
    """
    named = lfw_dir or (Path(value) if (value := os.environ.get("LFW_DIR")) else None)
    if named is not None:
        return _open_named(named.expanduser().absolute(), download, timeout)
    homes = (scikit_learn_home(), cache_dir("lfw"))
    for home in homes:
        if (folder := _open_home(home, ["lfw"], download, timeout)) is not None:
            return folder
    if download:
        try:
            return _download(timeout)
        except UnreachableError as error:
            note(f"the original LFW is not here and cannot be downloaded: {error}")
    for home in homes:
        if (folder := _open_home(home, IMAGE_FOLDERS[1:], False, timeout)) is not None:
            return folder
    return None


def scikit_learn_home() -> Path:
    """Where scikit-learn keeps LFW: we read it there, and do not copy it."""
    root = os.environ.get("SCIKIT_LEARN_DATA") or Path.home() / "scikit_learn_data"
    return Path(root).expanduser().absolute() / "lfw_home"


def funneled_beside(folder: LfwFolder) -> LfwFolder | None:
    """The funneled images that lie beside a copy's images, with the same protocol; or None."""
    for name in _FUNNELED:
        images = folder.images.with_name(name)
        if images != folder.images and images.is_dir() and list_images(images):
            return LfwFolder(images, folder.protocol)
    return None


def _open_named(root: Path, download: bool, timeout: float) -> LfwFolder:
    """A folder or archive that the user named: it must be usable."""
    if not root.exists():
        raise LfwError(f"{root} does not exist; LFW_DIR or --lfw-dir must name a copy of LFW")
    folder = root.parent if root.is_file() else root
    archive = root if root.is_file() else None
    images = None if archive else image_folder(root)
    if images is None and archive is None:
        archive = next((root / name for name in _ARCHIVES if (root / name).is_file()), None)
    if archive is not None:
        sha256 = sha256_of_file(archive)
        target = cache_dir("lfw", "unpacked") / sha256[:32]
        images = image_folder(_unpack(archive, sha256, target))
    if images is None:
        raise LfwError(
            f"{root} holds no LFW images: wanted <Name>/<Name>_NNNN.jpg, <Name>_NNNN.jpg, or "
            f"{_ARCHIVES[0]}"
        )
    places = [folder, images, images.parent, *([] if archive else [folder.parent])]
    return LfwFolder(images, _protocol(places, download, timeout))


def _open_home(
    home: Path, names: Sequence[str], download: bool, timeout: float
) -> LfwFolder | None:
    """A copy in a cache, if it is there and whole; if not whole, says why it is passed over."""
    images = image_folder(home, names) if home.is_dir() else None
    if images is None:
        return None
    try:
        folder = LfwFolder(images, _protocol([home, images], download, timeout))
        pairs = [fold for name in PAIR_FILES for fold in read_pairs(folder.protocol[name])]
        check_complete(images, list_images(images), pairs)
    except (LfwError, ProtocolError) as error:
        note(f"passing over {images}: {error}")
        return None
    return folder


def _protocol(places: Sequence[Path], download: bool, timeout: float) -> dict[str, Path]:
    """The protocol files in the places; those of pairs else from our cache or the mirror."""
    found, cache = find_protocol(places), cache_dir("lfw")
    for name in PAIR_FILES:
        if name in found:
            continue
        url, sha256 = MIRROR[name]
        kept = cache / name
        if not (kept.is_file() and sha256_of_file(kept) == sha256):
            if not download:
                raise LfwError(f"{name} is missing; put it into {places[0]}")
            try:
                fetch(url, kept, sha256, timeout=timeout)
            except UnreachableError as error:
                raise LfwError(
                    f"{name} is missing; put it into {places[0]}, for {error}"
                ) from error
        found[name] = kept
    return found


def _download(timeout: float) -> LfwFolder:
    """LFW from the mirror: into scikit-learn's cache if there is one without it, else into ours."""
    home = scikit_learn_home()
    if not (home.is_dir() and os.access(home, os.W_OK) and not (home / "lfw").exists()):
        home = cache_dir("lfw")
    # One lock over both steps, for the archive is gone once it is unpacked.
    with locked(home / "download"):
        for name in PAIR_FILES:
            fetch(MIRROR[name].url, home / name, MIRROR[name].sha256, timeout=timeout)
        if not (home / "lfw").is_dir():
            url, sha256 = MIRROR["lfw.tgz"]
            archive = fetch(url, home / "lfw.tgz", sha256, timeout=timeout)
            _unpack(archive, sha256, home / "lfw")
            archive.unlink()
    images = image_folder(home, ["lfw"])
    if images is None:
        raise LfwError(f"{home / 'lfw'} holds no LFW images; remove it and start again")
    return LfwFolder(images, find_protocol([home]))


def _unpack(archive: Path, sha256: str, target: Path) -> Path:
    def note_origin(folder: Path) -> None:
        images = image_folder(folder)
        if images is None:
            raise ArchiveError(f"{archive} holds no LFW images (<Name>/<Name>_NNNN.jpg)")
        digests = digest_images(list_images(images))
        write_origin(images, archive_sha256=sha256, images_sha256=sha256_of_images(digests))

    return unpack(archive, target, finish=note_origin)
