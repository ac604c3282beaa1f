"""What a run leaves behind: records, scores and pictures, and its comparison with what stands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich import box
from rich.table import Table

from common import records
from common.records import Result
from experiments.measure import Measured
from experiments.rows import ROWS
from experiments.setting import Setting


def save(
    setting: Setting, row: str, measured: Sequence[Measured], committed: Path | None = None
) -> None:
    """Write a row's records, scores and pictures to the run's folder.

    Args:
      setting: of the run.
      row: as in `experiments.rows`.
      measured: its variants.
      committed: folder of committed records that these replace, if they do.
    """
    from experiments import pictures

    folder = setting.folder(row)
    for one in measured:
        result = one.result
        records.write(result, folder)
        if committed is not None:
            records.write(result, committed)
        stem = Path(result.file_name).stem
        np.savez_compressed(
            folder / f"{stem}_scores.npz", scores=one.outcome.scores, same=one.outcome.pairs.same,
            fold=one.outcome.pairs.fold,
        )  # fmt: skip
        if one.outcome.thresholds is not None:
            figure = pictures.worst_errors_figure(one)
            pictures.save(figure, folder / f"{stem}_errors.png", synthetic=result.synthetic)
            figure = pictures.histogram_figure(
                one.outcome.scores, one.outcome.pairs.same, float(one.outcome.thresholds.mean())
            )
            pictures.save(figure, folder / f"{stem}_scores.png", synthetic=result.synthetic)


def finish(
    setting: Setting, measured: Sequence[Measured], committed: Path, *, record: bool
) -> bool:
    """Print the rows beside the published ones, draw the ROC, compare with the records.

    Args:
      setting: of the run.
      measured: every row of the run.
      committed: folder of the committed records.
      record: `save` has replaced them; bring tables and pictures up to date.

    Returns:
      False when a measurement differs from its committed record by more than its tolerance.
    """
    from experiments import pictures

    results = [one.result for one in measured]
    if not results:
        return False
    setting.console.print(_table(results, synthetic=setting.benchmark.provenance.synthetic))
    figure = pictures.roc_figure(
        {f"{r.row} {r.variant}": r for r in _curves(results)},
        title=f"Verification on {setting.benchmark.provenance.name}, {results[0].pairs:,} pairs",
    )
    path = pictures.save(
        figure, setting.runs / "roc.png", synthetic=setting.benchmark.provenance.synthetic
    )
    setting.say(f"records, scores and pictures are in {path.parent}/")
    if results[0].synthetic:
        return True
    if record:
        from experiments import tables

        tables.update()
        tables.update_pictures()
        setting.say("the committed records, and the tables and curves of them, were replaced")
        return True
    verdicts = [compare(result, committed) for result in results]
    for _, sentence in verdicts:
        setting.say(sentence)
    agreeing = [agrees for agrees, _ in verdicts]
    setting.say(
        f"of {len(verdicts)} measurements, {agreeing.count(True)} agree with the committed "
        f"records, {agreeing.count(False)} differ, {agreeing.count(None)} were not compared"
    )
    return False not in agreeing


def _curves(results: Sequence[Result]) -> list[Result]:
    """Whose curves are drawn: all variants of one row, the headlines of several."""
    if len({result.row for result in results}) == 1:
        return list(results)
    return [r for r in results if r.row in ROWS and r.variant == ROWS[r.row].headline]


def _table(results: Sequence[Result], *, synthetic: bool) -> Table:
    """One line a result; synthetic faces have nothing published to stand beside."""
    title = "SYNTHETIC faces, not LFW" if synthetic else "LFW, View 2"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    names = ["row", "SYNTHETIC, measured"] if synthetic else ["row", "published", "measured"]
    for name in (*names, "AUC", "threshold"):
        table.add_column(name, no_wrap=True)
    for result in results:
        measured = ("SYNTHETIC " if synthetic else "") + measured_share(result)
        table.add_row(
            f"{result.row} {result.variant}",
            *([measured] if synthetic else [share(result.published), measured]),
            f"{result.metrics['auc']:.4f}",
            result.threshold_rule,
        )
    return table


def in_one_line(result: Result) -> str:
    """Name and figure of a result, beside the published one where there is one."""
    figure = measured_share(result)
    figure = figure if figure != "-" else f"AUC {result.metrics['auc']:.4f}"
    beside = result.published and not result.synthetic  # synthetic faces were never published on
    published = f" (published {share(result.published)})" if beside else ""
    return f"{result.row} {result.variant}: {figure}{published}"


def what_stands(row: str, committed: Path) -> str:
    """The committed record of a row's headline in one line, or that there is none.

    Raises:
      RecordError: the record is damaged.
    """
    path = committed / f"{row}_{ROWS[row].headline}_seed0.json"
    return f"recorded {in_one_line(records.read(path))}" if path.exists() else "no record"


def share(published: dict) -> str:
    """A published accuracy with its standard error, as `0.6002 ± 0.0079`."""
    if not published:
        return "-"
    error = published.get("standard_error")
    return f"{published['accuracy']:.4f}" + (f" ± {error:.4f}" if error is not None else "")


def measured_share(result: Result) -> str:
    """A measured accuracy with its standard error; `-` in the category without a threshold."""
    accuracy = result.metrics["accuracy"]
    if accuracy is None:
        return "-"
    return f"{accuracy['mean']:.4f} ± {accuracy['standard_error']:.4f}"


def compare(result: Result, committed: Path) -> tuple[bool | None, str]:
    """Whether a measurement agrees with its committed record, and a sentence that says so.

    None without a record, or with one of other images: there is nothing to agree with.

    Raises:
      RecordError: the committed record is damaged.
    """
    path = committed / result.file_name
    name = f"{result.row} {result.variant}"
    if not path.exists():
        return None, f"{name}: no committed record to compare with"
    stands = records.read(path)
    if not records.same_images(stands, result):
        return None, f"{name}: measured on other images than the committed record; not compared"
    agrees = abs(result.figure - stands.figure) <= stands.tolerance
    said = "agrees with" if agrees else "[bold red]differs from[/]"
    return agrees, (
        f"{name}: {said} the committed record ({result.figure:.4f} and {stands.figure:.4f}, "
        f"tolerance {stands.tolerance})"
    )
