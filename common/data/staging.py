"""Whole or not at all: a folder is written beside its place and renamed when it is complete."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.data.cache import clear_disk_errors


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """An empty folder to write in; it becomes the target, unless the block raises.

    To be used under the target's lock, for what an earlier, killed process left behind is removed
    first.

    Args:
      target: that does not exist yet; its parent does.

    Raises:
      CacheError: the disk is full or cannot be written.
    """
    with clear_disk_errors(target):
        for left in target.parent.glob(f".{target.name}.partial-*"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
        try:
            yield folder
            folder.chmod(0o755)  # mkdtemp's are for one user alone
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
