"""Measure rows of the comparison table on Labeled Faces in the Wild.

    python -m experiments.reproduce eigenfaces --lfw-dir ~/lfw
    python -m experiments.reproduce all

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
    runs: Path = Path("runs")
    """Where this run's records, pictures and scores go."""

    @property
    def command(self) -> str:
        """What was typed, without paths."""
        words = ["python -m experiments.reproduce", str(self.row)]
        flags = {"--tiny": self.tiny, "--from-scratch": self.from_scratch, "--record": self.record}
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
    from common.training import TrainingError
    from experiments import report_run
    from experiments.open_benchmark import open_setting
    from experiments.setting import NotRerun

    if options.row not in (*ROWS, "all"):
        raise ValueError(f"no row {options.row!r}; the rows are {', '.join(ROWS)}, or all")
    setting = open_setting(options, console)
    names = list(ROWS) if options.row == "all" else [options.row]
    measured, failed = [], []
    for name in names:
        start = time.perf_counter()
        setting.say(f"[bold]{ROWS[name].title}[/]")
        try:
            results = ROWS[name].load()(setting)
        except NotRerun as reason:
            if len(names) == 1:
                raise
            setting.say(f"{name} not rerun: {reason}")
            continue
        except (ValueError, OSError, TrainingError) as error:
            if len(names) == 1:
                raise
            setting.say(f"[red]{name} failed:[/] {error}")
            failed.append(name)
            continue
        measured += results
        report_run.save(setting, name, results)
        for one in results:
            setting.say(f"  {report_run.in_one_line(one.result)}")
        setting.say(f"{ROWS[name].title}: {time.perf_counter() - start:.0f} s")
    agrees = report_run.finish(setting, measured, RECORDS, record=options.record)
    return 0 if agrees and not failed else 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Reproduce, description=__doc__)))
