"""Arrays on disk that are made a batch of rows at a time: a killed run goes on where it was.

`done.txt` beside them counts the rows of the batches that are whole; it is renamed into place after
their arrays are flushed, so that it never counts a row too many.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from common.data.progress import progress

Shapes = dict[str, tuple[type, tuple[int, ...]]]
"""Of each array: its type, its size with the rows first; all have as many rows."""


def is_whole(folder: Path, rows: int) -> bool:
    """Whether all rows are there."""
    return _counter(folder).exists() and _done(folder) == rows


def fill(
    folder: Path,
    shapes: Shapes,
    make: Callable[[slice], Sequence[np.ndarray]],
    *,
    batch: int,
    description: str,
) -> None:
    """Make the rows that are not there yet.

    Args:
      folder: holds the arrays, one a file.
      shapes: of the whole arrays.
      make: gives some rows of each array, in the order of `shapes`.
      batch: rows at a time.
      description: of the work, for the progress display.
    """
    done = _done(folder)
    arrays = [
        np.lib.format.open_memmap(
            folder / f"{name}.npy", "r+" if done else "w+", dtype=dtype, shape=shape
        )
        for name, (dtype, shape) in shapes.items()
    ]
    total = len(arrays[0])
    with progress(description, total) as advance:
        advance(done)
        for start in range(done, total, batch):
            rows = slice(start, min(start + batch, total))
            for array, part in zip(arrays, make(rows), strict=True):
                array[rows] = part
                array.flush()
            partial = _counter(folder).with_suffix(".part")
            partial.write_text(str(rows.stop))
            partial.replace(_counter(folder))
            advance(rows.stop - rows.start)


def kept(folder: Path, name: str) -> np.ndarray:
    """One array, read from disk as needed."""
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)


def _done(folder: Path) -> int:
    counter = _counter(folder)
    return int(counter.read_text()) if counter.exists() else 0


def _counter(folder: Path) -> Path:
    return folder / "done.txt"
