"""Where prepared data and downloads live, and clear words when the disk refuses them."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "CLASSIC_FACES_CACHE"


class CacheError(OSError):
    """The disk cannot hold what should be written; the message says what to do."""


def cache_root() -> Path:
    """$CLASSIC_FACES_CACHE, else $XDG_CACHE_HOME/classic-faces, else ~/.cache/classic-faces."""
    if own := os.environ.get(VARIABLE):
        return Path(own).expanduser().absolute()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser().absolute() / "classic-faces"
    return Path.home() / ".cache" / "classic-faces"


def cache_dir(*parts: str) -> Path:
    """A folder of the cache, made when it is not there.

    Args:
      parts: names of folders below the cache's root, outermost first.

    Raises:
      CacheError: the folder cannot be made or written to.
    """
    path = cache_root().joinpath(*parts)
    with clear_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise CacheError(f"{path} cannot be written; set {VARIABLE} to a folder that can")
    return path


@contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn what the system says of a full or unwritable disk into one line.

    Args:
      path: that is being written, for the message.

    Raises:
      CacheError: in the place of such an OSError; any other error passes unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise CacheError(
                f"the disk is full, {path} could not be written; make room, or set {VARIABLE} to "
                "a folder on a larger disk"
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            raise CacheError(
                f"{path} cannot be written ({error.strerror}); set {VARIABLE} to a folder that can"
            ) from error
        raise
