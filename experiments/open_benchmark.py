"""Find what a run measures on: LFW where it is or can be had, else synthetic faces, said loudly."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from common.types import Benchmark
from experiments.setting import Setting

if TYPE_CHECKING:
    from experiments.reproduce import Reproduce


def open_setting(options: "Reproduce", console: Console) -> Setting:
    """Open the benchmark and say in the first line what it is.

    Raises:
      ValueError: the named copy of LFW cannot be used, or --record without real LFW.
      OSError: a disk is full or cannot be written.
    """
    benchmark, more = _open(options)
    source = benchmark.provenance
    if options.record and (source.synthetic or options.tiny):
        raise ValueError("--record needs the real LFW: synthetic runs never enter the records")
    runs = options.runs / "synthetic" if source.synthetic else options.runs
    named = options.train_dir or os.environ.get("FACES_TRAIN_DIR")
    setting = Setting(
        benchmark, more, options.tiny, runs, options.command, console,
        train_dir=Path(named) if named else None, from_scratch=options.from_scratch,
    )  # fmt: skip
    if source.synthetic and not options.tiny:
        console.print(
            "[bold red]SYNTHETIC[/]: LFW was neither found nor reachable, so this run measures "
            "built-in synthetic faces. Name a copy by --lfw-dir or LFW_DIR (docs/data.md)."
        )
    setting.say(
        f"{source.name} ({source.variant}): {source.images:,} images of {source.people:,} people, "
        f"{len(benchmark.view2):,} pairs in {len(set(benchmark.view2.fold.tolist()))} folds, "
        f"sha256 {source.sha256[:12]}"
    )
    return setting


def _open(options: "Reproduce") -> tuple[Benchmark, tuple[Benchmark, ...]]:
    if options.tiny:
        return _synthetic(people=60, images_per_person=4, pairs_per_fold=20, size=64), ()
    from common.data.lfw import find_lfw, funneled_beside
    from common.data.lfw_benchmark import open_lfw

    folder = find_lfw(options.lfw_dir, download=options.download)
    if folder is None:
        return _synthetic(), ()
    funneled = funneled_beside(folder)
    return open_lfw(folder), (open_lfw(funneled),) if funneled else ()


def _synthetic(**sizes: int) -> Benchmark:
    from common.data.synthetic import synthetic_benchmark

    return synthetic_benchmark(**sizes)
