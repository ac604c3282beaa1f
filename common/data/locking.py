"""One process at a time: a lock that the system lets go when its owner dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.data.cache import clear_disk_errors
from common.data.progress import note


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock that belongs to a path; wait while another process or thread holds it.

    The lock is an empty hidden file beside the path. It stays there: to remove it would let a
    third process lock a new file while a second still waits for the old one.

    Args:
      path: that is to be written; it need not exist, its folder must.
      wait: for another that holds it; else go on without the lock.

    Yields:
      Whether it is held.
    """
    with clear_disk_errors(path), open(path.with_name(f".{path.name}.lock"), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            note(f"waiting for another process that works on {path.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield True
