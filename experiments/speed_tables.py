"""DeepFace's speed beside PyTorch's, from what `python -m benchmarks.deepface` has written."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from experiments.markdown import markdown

GOALS = {("einsum", 128): 5.0, ("bmm", 128): 2.5, ("einsum", 32): 1.0, ("bmm", 32): 1.0}
"""How many times as fast as the peer a training step was meant to be, by product and batch."""
SHARE = 0.5
"""Of the peer's memory that a training step was meant to need at most."""
Comparison: TypeAlias = Mapping[str, Any]
"""A line of the file (`benchmarks.harness.Comparison`)."""


def read(path: Path) -> list[Comparison]:
    """The comparisons of a file of `benchmarks/results/`."""
    return json.loads(path.read_text(encoding="utf-8"))


def training(comparisons: Sequence[Comparison]) -> str:
    """Training steps: times, memory, and whether the goals are reached."""
    lines = []
    for one in comparisons:
        if "training step" not in one["work"]:
            continue
        batch, product = _batch(one), one["peer"].split()[-1]
        times, share = one["ratio"], _quotient(one["peak_mib_ours"], one["peak_mib_peer"])
        goal = GOALS[product, batch]
        lines.append((
            str(batch), one["peer"], _seconds(one["seconds_ours"]), _seconds(one["seconds_peer"]),
            one["peer_outcome"] if times is None else f"{times:.2f}",
            f"{goal:g}: {_said(times is None or times >= goal)}",
            _mib(one["peak_mib_ours"]), _mib(one["peak_mib_peer"]),
            "-" if share is None else f"{share:.2f}",
            f"{SHARE:g}: {'-' if share is None else _said(share <= SHARE)}",
        ))  # fmt: skip
    return markdown(
        ("batch", "peer", "s, ours", "s, peer", "times as fast", "goal, at least", "MiB, ours",
         "MiB, peer", "ours / peer", "goal, at most"),
        lines,
    )  # fmt: skip


def features(comparisons: Sequence[Comparison]) -> str:
    """Features on one core: seconds a face, ours, the peer's and the paper's."""
    lines = []
    for one in comparisons:
        if "features" not in one["work"]:
            continue
        batch, times = _batch(one), one["ratio"]
        lines.append((
            str(batch), one["peer"], _seconds(one["seconds_ours"], batch),
            _seconds(one["seconds_peer"], batch),
            one["peer_outcome"] if times is None else f"{times:.2f}",
            f"{one['facts']['published_seconds_per_face']:g}",
            _mib(one["peak_mib_ours"]), _mib(one["peak_mib_peer"]),
        ))  # fmt: skip
    return markdown(
        ("batch", "peer", "s a face, ours", "s a face, peer", "times as fast",
         "s a face, published", "MiB, ours", "MiB, peer"),
        lines,
    )  # fmt: skip


def _batch(one: Comparison) -> int:
    found = re.search(r"batch (\d+)", one["work"])
    assert found is not None  # benchmarks/deepface.py names it
    return int(found[1])


def _quotient(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours / theirs


def _seconds(seconds: float | None, faces: int = 1) -> str:
    return "-" if seconds is None else f"{seconds / faces:.3g}"


def _mib(size: float | None) -> str:
    return "-" if size is None else f"{size:,.0f}"


def _said(reached: bool) -> str:
    return "reached" if reached else "not reached"
