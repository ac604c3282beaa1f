"""The worst errors of every row, as pairs of photographs with the scores of all rows.

They show real faces: only a report inside the folder of runs may hold them.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from common import records as record_files
from common.records import Result
from common.types import Benchmark
from common.verification import accuracy, threshold_of_each_pair, worst_errors
from experiments.reporting.report_figures import data_uri
from experiments.reporting.report_records import Records


@dataclass(frozen=True)
class RowScores:
    """What a row said of all pairs."""

    title: str
    scores: Float[np.ndarray, " pairs"]
    thresholds: Float[np.ndarray, " pairs"]

    def accepted(self) -> Bool[np.ndarray, " pairs"]:
        """Pairs that were taken for one person."""
        return self.scores >= self.thresholds


@dataclass(frozen=True)
class ErrorPair:
    """A pair that a row gets wrong."""

    names: tuple[str, str]
    pictures: tuple[str, str]
    """Addresses that load nothing."""
    fold: int
    same: bool
    said: Sequence[tuple[str, float, float, bool]]
    """Of every row: title, score, threshold, and whether it is right."""


@dataclass(frozen=True)
class WorstOfRow:
    """The worst errors of one row."""

    title: str
    false_accepts: Sequence[ErrorPair]
    false_rejects: Sequence[ErrorPair]


def gather(
    records: Records, benchmark: Benchmark, runs: Path, *, count: int = 3
) -> tuple[list[WorstOfRow], list[str]]:
    """The worst errors of every row whose scores lie in the runs.

    Args:
      records: of the report.
      benchmark: the photographs and pairs that were scored.
      runs: where `experiments.reproduce` wrote its scores.
      count: of each kind and row.

    Returns:
      One entry a row that has scores, and a sentence for each row that has none of use.
    """
    rows, missing = [], []
    for row, result in records.headlines():
        found = _scores(row.title, result, benchmark, runs)
        if isinstance(found, str):
            missing.append(f"{row.title}: {found}")
        else:
            rows.append(found)
    return [_worst(row, rows, benchmark, count) for row in rows], missing


def _scores(title: str, result: Result, benchmark: Benchmark, runs: Path) -> RowScores | str:
    """A row's scores, or why they cannot be shown."""
    if result.metrics["accuracy"] is None:
        return "without a threshold there are no errors to show."
    folder = runs / result.row
    record, scores = folder / result.file_name, folder / f"{Path(result.file_name).stem}_scores.npz"
    if not record.exists() or not scores.exists():
        return "no scores of a run lie here."
    try:
        run = record_files.read(record)
        with scores.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            found, same, fold = (np.asarray(stored[key]) for key in ("scores", "same", "fold"))
        thresholds = threshold_of_each_pair(
            np.asarray(run.metrics["accuracy"]["thresholds"], np.float64), fold
        )
        fits = _fits(run, result, benchmark, same, fold)
        if fits and len(found) == len(same):
            share = accuracy(found, same, thresholds)
            if abs(share - run.figure) < 1e-6:
                return RowScores(title, found, thresholds)
    except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
        return f"its scores cannot be read: {error}"
    return "the scores that lie here are not those of the committed record."


def _fits(
    run: Result, result: Result, benchmark: Benchmark, same: np.ndarray, fold: np.ndarray
) -> bool:
    """Whether a run scored these pairs of these images, and agrees with its committed record."""
    pairs = benchmark.view2
    return (
        run.data.get("sha256") == benchmark.provenance.sha256
        and record_files.same_images(run, result)
        and np.array_equal(same, pairs.same)
        and np.array_equal(fold, pairs.fold)
        and abs(run.figure - result.figure) <= result.tolerance
    )


def _worst(
    row: RowScores, rows: Sequence[RowScores], benchmark: Benchmark, count: int
) -> WorstOfRow:
    kinds = worst_errors(row.scores, benchmark.view2.same, row.thresholds, count=count)
    accepts, rejects = ([_pair(int(p), rows, benchmark) for p in pairs] for pairs in kinds)
    return WorstOfRow(row.title, accepts, rejects)


def _pair(pair: int, rows: Sequence[RowScores], benchmark: Benchmark) -> ErrorPair:
    pairs = benchmark.view2
    first, second = int(pairs.first[pair]), int(pairs.second[pair])
    same = bool(pairs.same[pair])
    return ErrorPair(
        names=(_readable(benchmark.names[first]), _readable(benchmark.names[second])),
        pictures=(_picture(benchmark, first), _picture(benchmark, second)),
        fold=int(pairs.fold[pair]) + 1,
        same=same,
        said=[
            (
                row.title, float(row.scores[pair]), float(row.thresholds[pair]),
                bool(row.accepted()[pair]) == same,
            )
            for row in rows
        ],
    )  # fmt: skip


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _picture(benchmark: Benchmark, image: int) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(benchmark.images[image])).save(stream, "JPEG", quality=80)
    return data_uri(stream.getvalue(), "image/jpeg")
