"""The report of aligned faces: what became of every photo, kept as the work goes on.

Rows are appended a batch at a time, after the batch's faces are written. So a run that was killed
leaves at most one torn line, which is left out when the next run reads the file.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

UNREADABLE = "unreadable"
"""Outcome of a file that is no whole picture."""


class ReportError(ValueError):
    """A file in the report's place is none; the message names it."""


class Row(NamedTuple):
    """What became of one photo; all in words, as the file has it."""

    image: str
    outcome: str
    """`aligned`, the fallback's name, or UNREADABLE."""
    stage: str
    """How far it came: `3d`, `2d`, `crop`; empty for an unreadable file."""
    faces: str
    """How many the search found; empty where none was asked for."""
    note: str
    """How the search ended, or why the file is unreadable."""
    disagreement: str
    """Of the landmark network's two looks, in distances between the eyes; empty without them."""
    key: str
    """sha256 of all that the aligned face depends on; empty where the file cannot be read."""


class Report:
    """The rows of `report.csv`, the last of each image."""

    def __init__(self, path: Path):
        """Read the file, if it is there.

        Raises:
          ReportError: it is not a report of this command.
        """
        self.path, self.rows = path, dict[str, Row]()
        if not path.exists():
            return
        # File names need not be UTF-8.
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            lines = csv.reader(file)
            try:
                if next(lines, list(Row._fields)) != list(Row._fields):
                    raise ReportError(f"{path} is no report of aligned faces; move it away")
                for line in lines:
                    if len(line) == len(Row._fields):  # else torn
                        self.rows[line[0]] = Row(*line)
            except csv.Error as error:
                raise ReportError(f"{path} is no report of aligned faces ({error})") from None

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows to the file, whole lines at once."""
        self.rows |= {row.image: row for row in rows}
        with self._open(self.path, "a") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def rewrite(self, rows: Iterable[Row]) -> None:
        """Replace the file: these rows, in their order, and no others; whole or not at all."""
        self.rows = {row.image: row for row in rows}
        part = self.path.with_name(f".{self.path.name}.part")
        with self._open(part, "w") as file:
            csv.writer(file, lineterminator="\n").writerows([Row._fields, *self.rows.values()])
        os.replace(part, self.path)

    @staticmethod
    def _open(path: Path, mode: str):
        return path.open(mode, newline="", encoding="utf-8", errors="surrogateescape")


def print_counts(rows: Sequence[Row]) -> None:
    """Print how often each outcome and each note came, with the first three images of each."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    outcomes, notes = dict[str, list[str]](), dict[str, list[str]]()
    for row in rows:
        outcomes.setdefault(row.outcome, []).append(row.image)
        if row.note and row.outcome != UNREADABLE and row.faces != "1":
            notes.setdefault(row.note, []).append(row.image)
    table = Table("outcome", "images", "share", "the first of them", title=f"{len(rows):,} images")
    for counted in (outcomes, notes):
        for words, images in sorted(counted.items(), key=lambda item: -len(item[1])):
            names = ", ".join(images[:3]) + (", ..." if len(images) > 3 else "")
            share = f"{len(images) / len(rows):.1%}"
            # As text, for a name may hold what rich takes for markup.
            table.add_row(words, f"{len(images):,}", share, Text(printable(names)))
        table.add_section()
    Console().print(table)


def printable(name: object) -> str:
    """A file name with a question mark for each byte that is not UTF-8."""
    return str(name).encode("utf-8", "replace").decode()
