"""What every row runs on: the benchmark that was found, where runs go, and the terminal."""

import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from common.types import Benchmark


class NotRerun(ValueError):
    """A row that needs hours of training, or faces that are not here; the message says which.

    Its committed record stands.
    """


@dataclass(frozen=True)
class Setting:
    """One call of `experiments.reproduce`."""

    benchmark: Benchmark
    more: tuple[Benchmark, ...]
    """Other variants of LFW that were found beside the first (funneled, deepfunneled)."""
    tiny: bool
    runs: Path
    """Records, pictures and scores of this call."""
    command: str
    """As a user would type it, without paths."""
    console: Console
    train_dir: Path | None = None
    """Folder of training people, where one was named."""
    from_scratch: bool = False
    """Train anew what is shipped or cached."""

    def say(self, text: str) -> None:
        """Print a line; on synthetic faces every line says so."""
        mark = "[bold red]SYNTHETIC[/] " if self.benchmark.provenance.synthetic else ""
        self.console.print(f"{mark}{text}", highlight=False)

    def folder(self, row: str) -> Path:
        """Where this row's files go; made on demand."""
        path = self.runs / row
        path.mkdir(parents=True, exist_ok=True)
        return path

    def watch(self, what: str) -> Callable[[Iterable[int]], Iterable[int]]:
        """A wrapper for a loop that shows its progress and the time left."""

        def watched(steps: Iterable[int]) -> Iterable[int]:
            with self._progress() as progress:
                yield from progress.track(steps, description=self._marked(what))

        return watched

    @contextmanager
    def busy(self, what: str):
        """Show a spinner with the seconds, for work that has no steps."""
        with self._progress() as progress:
            progress.add_task(self._marked(what), total=None)
            yield

    def _marked(self, what: str) -> str:
        return f"SYNTHETIC {what}" if self.benchmark.provenance.synthetic else what

    def _progress(self) -> Progress:
        return Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
            TimeElapsedColumn(), TimeRemainingColumn(), console=Console(file=sys.stderr),
            transient=True,
        )  # fmt: skip
