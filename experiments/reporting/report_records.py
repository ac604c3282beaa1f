"""The records that a report is made of: read strictly, one for every row and variant."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.records import Result, read_all
from experiments.record_checks import TableError, check_record
from experiments.rows import ROWS, Row


@dataclass(frozen=True)
class Records:
    """Everything measured that a report shows."""

    results: Sequence[Result]
    """All of them, in the order of their files."""
    checksums: dict[str, str]
    """sha256 of each record's file, by its name."""

    def headline(self, name: str) -> Result | None:
        """The record that stands for a row."""
        wanted = (name, ROWS[name].headline)
        return next((r for r in self.results if (r.row, r.variant) == wanted), None)

    def headlines(self) -> list[tuple[Row, Result]]:
        """Every measured row with its record, in the order of ROWS."""
        found = ((row, self.headline(name)) for name, row in ROWS.items())
        return [(row, result) for row, result in found if result is not None]

    def variants(self, name: str) -> list[Result]:
        """Every record of a row."""
        return [r for r in self.results if r.row == name]


def read_records(folder: Path, *, strict: bool = False) -> Records:
    """Read and check the records of a folder.

    Args:
      folder: of the committed records.
      strict: a row without a record is an error; else it is shown as not measured.

    Raises:
      RecordError: a file is no record, or says it is another.
      TableError: a record is synthetic, of an unknown row, incomplete, or one of two for the same
        row and variant; or, when strict, a row has no record.
    """
    results = read_all(folder)
    seen: dict[tuple[str, str], str] = {}
    for result in results:
        check_record(result)
        twin = seen.setdefault((result.row, result.variant), result.file_name)
        if twin != result.file_name:
            raise TableError(
                f"{twin} and {result.file_name} both claim {result.row} {result.variant}: keep one"
            )
    missing = [
        f"{name}_{row.headline}_seed0.json"
        for name, row in ROWS.items()
        if (name, row.headline) not in seen
    ]
    if missing and strict:
        raise TableError(
            f"no record {', '.join(missing)} in {folder.name}/; measure the row with "
            "`python -m experiments.reproduce ROW --record`, or leave out --strict"
        )
    checksums = {
        r.file_name: hashlib.sha256((folder / r.file_name).read_bytes()).hexdigest()
        for r in results
    }
    return Records(results, checksums)
