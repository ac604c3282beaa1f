"""Measure rows of the comparison table on Labeled Faces in the Wild.

    python -m experiments.reproduce eigenfaces --lfw-dir ~/lfw
    python -m experiments.reproduce all
    python -m experiments.reproduce all --only-missing     # go on where a run was interrupted
    python -m experiments.reproduce facenet --plan --device-tflops 100    # the paper's training

A run writes records, pictures and scores to `runs/` and compares what it measured with the
committed records. Where LFW is neither found nor reachable it goes on with built-in synthetic
faces, and every line, record and picture says SYNTHETIC.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from experiments.plan import PLANNED, Hardware, Plan, show
from experiments.rows import ROWS

RECORDS = Path(__file__).parent / "results"
_CHOICES = "{" + ",".join((*ROWS, "all")) + "}"


@dataclass(frozen=True)
class Reproduce:
    """Measure rows of the comparison table on Labeled Faces in the Wild."""

    row: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar=_CHOICES)]
    """Which row; `all` for every one."""
    lfw_dir: Path | None = None
    """Folder or .tgz of LFW. Else $LFW_DIR, scikit-learn's cache, or a download."""
    train_dir: Path | None = None
    """Training folder, `<identity>/<image>.jpg` (else $FACES_TRAIN_DIR), for rows that train."""
    from_scratch: bool = False
    """Train anew what is shipped or cached."""
    download: bool = True
    """Fetch LFW from its mirrors where it is not on disk."""
    tiny: bool = False
    """A small synthetic benchmark: end to end in under a minute, no data, no network."""
    record: bool = False
    """Replace the committed records with what this run measures (real LFW only)."""
    only_missing: bool = False
    """Skip the rows that a run measured before on the same images, by its record in --runs."""
    runs: Path = Path("runs")
    """Where this run's records, pictures and scores go."""
    plan: bool = False
    """Measure nothing: print what the paper's own training would take (deepface, facenet) on the
    hardware that is named below. `python -m experiments.plan` has more to choose."""
    hardware: Annotated[Hardware, tyro.conf.arg(name="")] = Hardware()
    """For --plan."""

    @property
    def command(self) -> str:
        """What was typed, without paths."""
        words = ["python -m experiments.reproduce", str(self.row)]
        flags = {"--tiny": self.tiny, "--from-scratch": self.from_scratch, "--record": self.record,
                 "--only-missing": self.only_missing}  # fmt: skip
        words += [flag for flag, on in flags.items() if on]
        return " ".join(words)


def main(options: Reproduce) -> int:
    """Measure, record, compare, draw; returns the exit code."""
    from common.training import TrainingError

    console = Console()
    try:
        return _reproduce(options, console)
    except KeyboardInterrupt:
        console.print("\ninterrupted; what was prepared and downloaded so far is kept")
        return 130
    except (ValueError, OSError, TrainingError) as error:
        # Errors of this project say what came, what was wanted and what to do: one line suffices.
        Console(stderr=True).print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        return 1


def _reproduce(options: Reproduce, console: Console) -> int:
    from experiments import report_run, run_summary
    from experiments.measure import timed
    from experiments.open_benchmark import open_setting
    from experiments.run_summary import FAILED, MEASURED, NOT_RERUN, SKIPPED, Fate
    from experiments.setting import NotRerun

    if options.row not in (*ROWS, "all"):
        raise ValueError(f"no row {options.row!r}; the rows are {', '.join(ROWS)}, or all")
    if options.plan:
        if options.row not in PLANNED:
            raise ValueError(
                f"no plan for {options.row}: only the trainings of {' and '.join(PLANNED)} are of "
                "a size that needs one"
            )
        show(Plan(options.row, options.hardware), console)
        return 0
    if options.record and options.only_missing:
        raise ValueError("--record measures every row it replaces: leave out --only-missing")
    setting = open_setting(options, console)
    started = time.perf_counter()
    names = list(ROWS) if options.row == "all" else [options.row]
    alone = len(names) == 1
    fates: list[Fate] = []
    agrees = True
    for name in list(names) if options.only_missing else ():
        sha256 = setting.benchmark.provenance.sha256
        found = run_summary.already_measured(setting.runs, name, sha256)
        if found is not None:
            names.remove(name)
            fates.append(Fate(name, SKIPPED, 0.0, report_run.in_one_line(found)))
            if not found.synthetic:
                same, said = report_run.compare(found, RECORDS)
                setting.say(said)
                agrees = agrees and same is not False
    # Synthetic faces are fewer and smaller than LFW: its records do not tell how long they take.
    synthetic = setting.benchmark.provenance.synthetic
    expected = {} if synthetic else run_summary.expected_seconds(RECORDS, names)
    estimate = run_summary.Estimate(expected)
    measured = []
    for number, name in enumerate(names):
        start = time.perf_counter()
        setting.say(f"[bold]{ROWS[name].title}[/]")
        if not synthetic:
            setting.say(estimate.sentence(names[number:]))
        try:
            results = ROWS[name].load()(setting)
            if not options.from_scratch:
                results = timed(results, time.perf_counter() - start)
            report_run.save(setting, name, results, RECORDS if options.record else None)
        except Exception as error:  # a row that fails, however, must not take the others along
            if alone:
                raise
            outcome = NOT_RERUN if isinstance(error, NotRerun) else FAILED
            reason = str(error)
            if outcome == NOT_RERUN and not synthetic:
                reason = f"{report_run.what_stands(name, RECORDS)}; {reason}"
            fates.append(Fate(name, outcome, time.perf_counter() - start, reason))
            said = f"[red]{name} failed:[/]" if outcome == FAILED else f"{name} not rerun:"
            setting.say(f"{said} {escape(reason)}")
            estimate.dropped(name)
            continue
        measured += results
        seconds = time.perf_counter() - start
        for one in results:
            setting.say(f"  {report_run.in_one_line(one.result)}")
        setting.say(f"{ROWS[name].title}: {seconds:.0f} s")
        estimate.finished(name, seconds)
        headline = next((r.result for r in results if r.result.variant == ROWS[name].headline),
                        results[0].result)  # fmt: skip
        fates.append(Fate(name, MEASURED, seconds, report_run.in_one_line(headline)))
    if measured or not any(fate.outcome == SKIPPED for fate in fates):
        finished = report_run.finish(setting, measured, RECORDS, record=options.record)
        agrees = agrees and finished
    if not alone or options.only_missing:
        setting.console.print(run_summary.summary(fates, started, synthetic=synthetic))
    return 0 if agrees and not any(fate.outcome == FAILED for fate in fates) else 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Reproduce, description=__doc__)))
