"""What a run of many rows tells about itself: when it will be done, and what became of each row."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from common import records
from common.records import RecordError, Result
from experiments.rows import ROWS

MEASURED, SKIPPED, NOT_RERUN, FAILED = "measured", "already measured", "not rerun", "failed"


@dataclass(frozen=True)
class Fate:
    """What became of a row."""

    row: str
    outcome: str
    seconds: float
    said: str


@dataclass
class Estimate:
    """When the rows will be done: as long as their records took, at this machine's pace so far."""

    expected: dict[str, float]
    """Seconds by row, from the records; a row without a record is not in it."""
    clock: Callable[[], datetime] = datetime.now
    _done: dict[str, float] = field(default_factory=dict)

    def finished(self, row: str, seconds: float) -> None:
        """A row was measured in so many seconds."""
        self._done[row] = seconds

    def dropped(self, row: str) -> None:
        """A row is not measured after all."""
        self.expected.pop(row, None)

    def left(self, rows: Sequence[str]) -> float | None:
        """Seconds that these rows will take; None when one of them has no record to go by."""
        if not rows or not all(row in self.expected for row in rows):
            return None
        known = [row for row in self._done if row in self.expected]
        taken, foreseen = (
            sum(times[row] for row in known) for times in (self._done, self.expected)
        )
        pace = taken / foreseen if foreseen > 0 else 1.0
        return pace * sum(self.expected[row] for row in rows)

    def sentence(self, rows: Sequence[str]) -> str:
        """How long these rows will take, and when they will be done."""
        known = [row for row in rows if row in self.expected]
        seconds = self.left(known)
        count = f"{len(rows)} row{'s' if len(rows) > 1 else ''} to go"
        if seconds is None:
            return f"{count}; no record tells how long they take"
        end = self.clock() + timedelta(seconds=seconds)
        without = len(rows) - len(known)
        beside = f", without the {without} that no record tells of" if without else ""
        rerun = " if all are rerun" if len(known) > 1 else ""
        return f"{count}, about {duration(seconds)}{rerun}: done at about {end:%H:%M}{beside}"


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
      >>> duration(42.0), duration(100.0), duration(5400.0)
      ('42 s', '2 min', '1 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def expected_seconds(committed: Path, names: Sequence[str]) -> dict[str, float]:
    """How long each row took by its committed records: the whole row, or else all its variants.

    Raises:
      RecordError: a record is damaged.
    """
    rows: dict[str, list[Result]] = {}
    for result in records.read_all(committed):
        if result.row in names:
            rows.setdefault(result.row, []).append(result)
    return {
        row: float(max(r.row_seconds for r in found) or sum(r.seconds for r in found))
        for row, found in rows.items()
    }


def already_measured(runs: Path, name: str, sha256: str) -> Result | None:
    """The record of a row's headline on these very images that a run left, if it can be read."""
    path = runs / name / f"{name}_{ROWS[name].headline}_seed0.json"
    if not path.exists():
        return None
    try:
        result = records.read(path)
    except RecordError:
        return None  # it is measured anew
    return result if result.data.get("sha256") == sha256 else None


def summary(fates: Sequence[Fate], started: float, *, synthetic: bool) -> Table:
    """One line a row: what became of it, in how long, with what figure or for what reason."""
    total = duration(time.perf_counter() - started)
    mark = "SYNTHETIC: " if synthetic else ""
    table = Table(title=f"{mark}{len(fates)} rows in {total}", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("row", "outcome", "time"):
        table.add_column(name, no_wrap=True)
    table.add_column("figure, or reason")
    for fate in fates:
        color = "red" if fate.outcome == FAILED else ""
        spent = duration(fate.seconds) if fate.outcome in (MEASURED, FAILED) else "-"
        table.add_row(fate.row, fate.outcome, spent, f"{mark}{escape(fate.said)}", style=color)
    return table
