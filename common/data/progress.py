"""A progress bar with an estimate of what is left, for work of more than two seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 2.0


@contextmanager
def progress(
    description: str, total: int | None, *, bytes: bool = False
) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr once the work has taken two seconds.

    Args:
      description: of the work, a few words.
      total: count of steps; unknown when None.
      bytes: steps are bytes, shown as MB and MB/s.

    Yields:
      To be called with the count of steps done since the last call.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    amount = [DownloadColumn(), TransferSpeedColumn()] if bytes else [MofNCompleteColumn()]
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *amount,
        TimeRemainingColumn(),
        console=Console(stderr=True, force_jupyter=False),  # else it wants ipywidgets
    )
    task = bar.add_task(description, total=total)
    started, shown = time.monotonic(), False

    def advance(steps: int) -> None:
        nonlocal shown
        bar.advance(task, steps)
        if not shown and time.monotonic() - started > PATIENCE_SECONDS:
            shown = True
            bar.start()

    try:
        yield advance
    finally:
        if shown:
            bar.stop()


def note(text: str) -> None:
    """Say one line on stderr."""
    from rich.console import Console

    Console(stderr=True, soft_wrap=True).print(text, markup=False, highlight=False)
