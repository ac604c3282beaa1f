"""What every benchmark shares: interleaved timing, peak memory, one JSON file of comparisons.

Load on the machine drifts, so ours and the peer take turns and each keeps its median. Memory is
measured apart, each side once in a fresh process, since an allocator seldom gives back what an
earlier call has used.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

RESULTS = Path(__file__).parent / "results"


class Contender(NamedTuple):
    """One side of a comparison."""

    name: str
    """What the record calls it, say `scikit-learn PCA(solver="full")`."""
    run: Callable[..., Any]
    """A function at the top level of its module (a fresh process must find it), which returns
    finished results: a JAX function ends with `jax.block_until_ready` or `np.asarray`."""


@dataclass(frozen=True)
class Comparison:
    """One line of benchmarks/results/<name>.json."""

    work: str
    ours: str
    peer: str
    peer_version: str
    seconds_ours: float
    """Median over the repeats."""
    seconds_peer: float | None
    """None where the peer did not finish."""
    ratio: float | None
    """seconds_peer / seconds_ours: above 1, ours is the faster."""
    peak_mib_ours: float | None
    """Memory above what was in use before the call (before its inputs were made, where sides have
    processes of their own: benchmarks/processes.py); None where the system cannot tell."""
    peak_mib_peer: float | None
    max_difference: float
    """Between the two results; 0 for equal ones, NaN (null in the file) where they are different
    things."""
    repeats: int
    peer_outcome: str = "finished"
    """Or `out-of-memory`, `too-slow`: the peer was stopped (benchmarks/processes.py)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else was measured, or is to stand beside it; units in the names."""

    def __str__(self) -> str:
        ours = (
            f"{self.work}: {self.ours} {self.seconds_ours:.3g} s, {_mib(self.peak_mib_ours)}; "
            f"{self.peer} {self.peer_version}"
        )
        if self.seconds_peer is None or self.ratio is None:
            return f"{ours} {self.peer_outcome}"
        return (
            f"{ours} {self.seconds_peer:.3g} s, {_mib(self.peak_mib_peer)}; "
            f"{self.ratio:.3g} times as fast, largest difference {self.max_difference:.2g}"
        )


def compare(
    work: str,
    *,
    inputs: Callable[[], tuple[Any, ...]],
    ours: Contender,
    peer: Contender,
    peer_version: str,
    difference: Callable[[Any, Any], float] | None = None,
    repeats: int = 7,
) -> Comparison:
    """Time both sides in turn on the same inputs, and measure the peak memory of each.

    Both run once untimed, which compiles, imports and gives the results to compare. The memory
    of a first call includes what it compiles or imports, unless `inputs` has imported it.

    Args:
      work: what is done, with its sizes, as the record says it.
      inputs: makes the arguments of both sides, the same at every call; at the top level of its
        module, or a functools.partial of such a function.
      ours: our side.
      peer: the other side, which does the same work in the fastest way it offers.
      peer_version: of the peer's package.
      difference: of our result and the peer's; by default the largest absolute one of two arrays.
      repeats: timed calls of each side, at least 1.
    """
    peaks = [_peak_mib_in_fresh_process(side.run, inputs) for side in (ours, peer)]
    arguments = inputs()
    results = [side.run(*arguments) for side in (ours, peer)]
    seconds: dict[Contender, list[float]] = {ours: [], peer: []}
    for repeat in range(repeats):
        # The order alternates, so that neither side always finds the caches the other has left.
        for side in (ours, peer) if repeat % 2 == 0 else (peer, ours):
            start = time.perf_counter()
            side.run(*arguments)
            seconds[side].append(time.perf_counter() - start)
    median_ours, median_peer = (statistics.median(seconds[side]) for side in (ours, peer))
    return Comparison(
        work=work,
        ours=ours.name,
        peer=peer.name,
        peer_version=peer_version,
        seconds_ours=median_ours,
        seconds_peer=median_peer,
        ratio=median_peer / median_ours,
        peak_mib_ours=peaks[0],
        peak_mib_peer=peaks[1],
        max_difference=float((difference or largest_difference)(*results)),
        repeats=repeats,
    )


def write(name: str, comparisons: Sequence[Comparison], folder: Path = RESULTS) -> Path:
    """Print the comparisons and write them to `<folder>/<name>.json`, four digits a number."""
    for comparison in comparisons:
        print(comparison)
    lines = [
        {key: _four_digits(value) for key, value in asdict(comparison).items()}
        for comparison in comparisons
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(lines, indent=2) + "\n")
    return path


def largest_difference(a: Any, b: Any) -> float:
    """Largest absolute difference of two arrays of one shape."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(
            f"ours has shape {a.shape}, the peer's result {b.shape}: not the same work"
        )
    return float(np.max(np.abs(a - b)))


def _peak_mib_in_fresh_process(
    run: Callable[..., Any], inputs: Callable[[], tuple[Any, ...]]
) -> float | None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peak_mib, run, inputs).result()


def _peak_mib(run: Callable[..., Any], inputs: Callable[[], tuple[Any, ...]]) -> float | None:
    """Peak of resident memory during one call, above what was resident before it."""
    arguments = inputs()
    if not sys.platform.startswith("linux"):
        run(*arguments)  # so that a failure shows here as it would on Linux
        return None
    # Not ru_maxrss: a new process starts with its parent's, so a big parent hides every peak.
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is in use
    before = status_mib("VmRSS")
    run(*arguments)
    return status_mib("VmHWM") - before


def status_mib(field: str, process: int | str = "self") -> float:
    """Of a process on Linux: `VmRSS`, what it holds, or `VmHWM`, the most it has held."""
    path = Path(f"/proc/{process}/status")
    for line in path.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{path} has no {field}: memory cannot be measured here")


def _mib(peak: float | None) -> str:
    return "memory not measured" if peak is None else f"{peak:.1f} MiB"


def _four_digits(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _four_digits(part) for key, part in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None  # JSON has no NaN
    return value
