"""Write the comparison as one self-contained page, or its table as Markdown or LaTeX.

    python -m experiments.report                          writes runs/report.html
    python -m experiments.report --format latex           writes runs/report.tex
    python -m experiments.report page.html --no-faces     may lie anywhere

The page is made from the committed records alone and loads nothing. Where LFW and the scores of a
run lie on this machine it also shows the worst errors; these are photographs of real people, so
they appear only in a report that lies in the folder of runs.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from experiments.reporting.report_records import Records, read_records

if TYPE_CHECKING:
    from experiments.reporting.report_page import Errors

RECORDS = Path(__file__).parent / "results"
_SUFFIXES = {"html": ".html", "markdown": ".md", "latex": ".tex"}


@dataclass(frozen=True)
class Report:
    """Write the comparison as one self-contained page, or its table as Markdown or LaTeX."""

    out: Annotated[Path | None, tyro.conf.Positional] = None
    """File to write; `report.html`, `.md` or `.tex` in the folder of runs when not given."""
    format: Literal["html", "markdown", "latex"] = "html"
    """The whole report, or only its table."""
    lfw_dir: Path | None = None
    """Folder or .tgz of LFW, for the worst errors. Else $LFW_DIR or scikit-learn's cache."""
    faces: bool = True
    """Show the worst errors, where LFW and scores lie here and the report lies in the runs."""
    strict: bool = False
    """A row without a record is an error, instead of shown as not measured."""
    runs: Path = Path("runs")
    """Where `experiments.reproduce` left its scores."""


def main(options: Report) -> int:
    """Write the report; returns the exit code."""
    out = options.out or options.runs / f"report{_SUFFIXES[options.format]}"
    try:
        text = _text(options, out)
        write_whole(out, text)
    except (ValueError, OSError) as error:
        Console(stderr=True).print(
            f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True
        )
        return 1
    print(f"wrote {out}")
    return 0


def _text(options: Report, out: Path) -> str:
    from experiments.reporting import report_tables

    records = read_records(RECORDS, strict=options.strict)
    if options.format == "markdown":
        return report_tables.markdown(records)
    if options.format == "latex":
        return report_tables.latex(records)
    from experiments.reporting.report_page import page

    return page(records, _errors(options, out, records))


def _errors(options: Report, out: Path, records: Records) -> "Errors":
    """The worst errors, where they can and may be shown."""
    from common.data.lfw import find_lfw
    from common.data.lfw_benchmark import open_lfw
    from experiments.reporting.report_errors import gather
    from experiments.reporting.report_page import Errors

    if not options.faces:
        return Errors(missing=["photographs were not asked for."])
    if options.runs.resolve() not in out.resolve().parents:
        return Errors(missing=[
            "photographs of real people stay in the folder of runs, and this report lies elsewhere."
        ])  # fmt: skip
    if not list(options.runs.glob("*/*_scores.npz")):
        return Errors(missing=[
            "no scores of a run lie here; `python -m experiments.reproduce all` makes them."
        ])  # fmt: skip
    folder = find_lfw(options.lfw_dir, download=False)
    if folder is None:
        return Errors(missing=["LFW is not on this machine; name it by --lfw-dir or LFW_DIR."])
    rows, missing = gather(records, open_lfw(folder), options.runs)
    return Errors(rows, missing)


def write_whole(path: Path, text: str) -> None:
    """Write a text; the file is whole, or what it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Report, description=__doc__)))
