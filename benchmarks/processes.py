"""Ours and its peers, each in a process of its own, asked to work in turn.

So one side's threads, caches and allocator do not help or hinder another's; memory is each
process's own; and a peer that takes too much memory or time can be stopped, which the record then
says instead of a time. All sides first make one call whose results must agree. After that they
take turns, in an order that changes, and each keeps its median.
"""

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from benchmarks.harness import Comparison, status_mib

Values = Mapping[str, np.ndarray]
Outcome = Literal["finished", "out-of-memory", "too-slow"]
Malloc = Literal["default", "steady"]

STEADY_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(4 << 30), "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
"""Makes glibc keep large blocks that are freed, instead of asking the system anew each step."""

_NOT_CACHED = {"JAX_ENABLE_COMPILATION_CACHE": "false"}  # a first call shall show compile time
_NO_MEMORY = ("can't allocate memory", "not enough memory", "RESOURCE_EXHAUSTED")
_POLL_SECONDS = 0.05


class Job(NamedTuple):
    """What a side does, with its inputs made."""

    run: Callable[[], Any]
    """The work; it returns when its results are finished. This is timed."""
    values: Callable[[], Values]
    """What came out of the call before, by name, for comparison; not timed."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    name: str
    package: str
    """Whose version is recorded."""
    prepare: Callable[[], Job]
    """A function at the top level of its module, or a functools.partial of one."""
    imports: tuple[str, ...] = ()
    """Modules imported before memory is first looked at."""
    compiles: bool = False
    """The first call compiles, so it never counts."""


@dataclass(frozen=True)
class Setting:
    """How sides are measured: all alike."""

    repeats: int = 5
    """Timed calls of each side, at most."""
    enough_seconds: float = 10.0
    """A side is not asked again after so many seconds of timed calls. Where the first call takes
    as long, and compiles nothing, it is the only one and is the side's time."""
    limit_seconds: float = 180.0
    """A peer whose call takes longer is stopped: `too-slow`. Preparing may take its time."""
    limit_mib: float = 12 * 1024.0
    """A peer that holds more is stopped: `out-of-memory`."""
    malloc: Malloc = "default"
    """`steady`: see `STEADY_MALLOC`."""
    cores: int | None = None
    """To run on; None for all."""


class Stopped(Exception):
    """A side came upon a limit, which is the message."""


def compare_apart(
    work: str,
    *,
    ours: Side,
    peers: Sequence[Side],
    tolerance: float,
    setting: Setting,
    gflop: float | None = None,
    facts: Mapping[str, Any] | None = None,
) -> list[Comparison]:
    """Measure ours and all peers in turn; a line for each peer.

    `max_difference` is the largest over the values that both sides have, each as a share of the
    largest of ours.

    Args:
      work: what is done, with its sizes, as the record says it.
      ours: our side.
      peers: the other sides.
      tolerance: what `max_difference` may be.
      setting: repeats and limits.
      gflop: floating-point operations of one call, in 10^9; the lines then tell the rates.
      facts: anything more that the lines shall say.

    Raises:
      RuntimeError: a side failed, or ours came upon a limit.
      ValueError: a peer's values are others than ours.
    """
    with ExitStack() as stack:
        unhurried = replace(setting, limit_seconds=float("inf"))  # ours is to finish in any case
        runners = [stack.enter_context(_running(ours, unhurried))]
        runners += [stack.enter_context(_running(peer, setting)) for peer in peers]
        for runner in runners:
            runner.begin()
        own, *others = runners
        if own.outcome != "finished":
            raise RuntimeError(f"{work}: ours, {ours.name}, ended as {own.outcome}")
        differences = [_difference(own.values, runner.values) for runner in others]
        for peer, difference in zip(peers, differences, strict=True):
            if difference > tolerance:
                raise ValueError(
                    f"{work}: {peer.name} differs by {difference:.2g} of the largest value, "
                    f"allowed is {tolerance:.2g}: not the same work"
                )
        for turn in range(setting.repeats):
            for number in range(len(runners)):
                runners[(turn + number) % len(runners)].again()
    common = {"malloc": setting.malloc, "first_call_seconds_ours": own.first, **(facts or {})}
    lines = []
    for runner, difference in zip(others, differences, strict=True):
        own_seconds = own.median
        seconds = runner.median if runner.outcome == "finished" else None
        more: dict[str, Any] = dict(common)
        if runner.outcome == "finished":
            more["first_call_seconds_peer"] = runner.first
        else:
            more |= {"limit_seconds": setting.limit_seconds, "limit_mib": setting.limit_mib}
        if gflop:
            more["gflop_per_second_ours"] = gflop / own_seconds
            more["gflop_per_second_peer"] = gflop / seconds if seconds else None
        lines.append(
            Comparison(
                work=work,
                ours=ours.name,
                peer=runner.side.name,
                peer_version=version(runner.side.package),
                seconds_ours=own_seconds,
                seconds_peer=seconds,
                ratio=seconds / own_seconds if seconds else None,
                peak_mib_ours=own.peak,
                peak_mib_peer=runner.peak,
                max_difference=difference,
                repeats=len(own.seconds),
                peer_outcome=runner.outcome,
                facts=more,
            )
        )
    return lines


def fastest_seconds(side: Side, setting: Setting) -> float:
    """Of the timed calls of one side alone."""
    with _running(side, setting) as runner:
        runner.begin()
        for _ in range(setting.repeats):
            runner.again()
    if runner.outcome != "finished":
        raise RuntimeError(f"{side.name} ended as {runner.outcome}")
    return min(runner.seconds)


class _Runner:
    """The parent's view of a side's process."""

    def __init__(self, side: Side, setting: Setting, process: Any, connection: Connection):
        self.side, self._setting = side, setting
        self._process, self._connection = process, connection
        self.outcome: Outcome = "finished"
        self.seconds: list[float] = []
        self.first = float("nan")
        self.peak: float | None = None
        self.values: Values = {}

    @property
    def median(self) -> float:
        """Of the timed calls."""
        return statistics.median(self.seconds)

    def begin(self) -> None:
        """Prepare, make the first call, fetch its values."""
        with self._limits():
            self._answer(float("inf"))
            self.first, self.peak = self._ask("run")
            self.values = self._ask("values")
            if self.first >= self._setting.enough_seconds and not self.side.compiles:
                self.seconds.append(self.first)

    def again(self) -> None:
        """One more timed call, unless there were enough."""
        if self.outcome != "finished" or sum(self.seconds) >= self._setting.enough_seconds:
            return
        with self._limits():
            seconds, peak = self._ask("run")
            # The first timed call replaces the first one's peak, which had compiling in it.
            if peak is not None:
                self.peak = max(peak, self.peak or 0.0) if self.seconds else peak
            self.seconds.append(seconds)

    @contextmanager
    def _limits(self) -> Iterator[None]:
        try:
            yield
        except Stopped as stopped:
            self._process.kill()
            self.outcome = "too-slow" if str(stopped) == "too-slow" else "out-of-memory"
            self.peak = None

    def _ask(self, order: str) -> Any:
        self._connection.send(order)
        return self._answer(self._setting.limit_seconds)

    def _answer(self, limit_seconds: float) -> Any:
        end = time.monotonic() + limit_seconds
        while not self._connection.poll(_POLL_SECONDS):
            if not self._process.is_alive() and not self._connection.poll():
                break
            if time.monotonic() > end:
                raise Stopped("too-slow")
            with suppress(OSError, RuntimeError):  # it has just ended, or this is not Linux
                if status_mib("VmRSS", self._process.pid) > self._setting.limit_mib:
                    raise Stopped("out-of-memory")
        try:
            kind, answer = self._connection.recv()
        except EOFError:
            self._process.join()
            if self._process.exitcode == -9:  # the system's own way to say it
                raise Stopped("out-of-memory") from None
            raise RuntimeError(
                f"{self.side.name}: its process ended with code {self._process.exitcode}"
            ) from None
        if kind == "stopped":
            raise Stopped(answer)
        if kind == "failed":
            raise RuntimeError(f"{self.side.name} failed: {answer}")
        return answer


@contextmanager
def _running(side: Side, setting: Setting) -> Iterator[_Runner]:
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, side), daemon=True)
    malloc = STEADY_MALLOC if setting.malloc == "steady" else {}
    with _surroundings({**_NOT_CACHED, **malloc}, setting.cores):
        process.start()
    there.close()
    try:
        yield _Runner(side, setting, process, here)
    finally:
        with suppress(OSError):
            here.send("end")
        process.join(1)
        process.kill()
        process.join()
        here.close()


@contextmanager
def _surroundings(environment: Mapping[str, str], cores: int | None) -> Iterator[None]:
    """What a process started inside inherits: glibc and thread pools look only once."""
    old = dict(os.environ)
    all_cores = os.sched_getaffinity(0) if cores and hasattr(os, "sched_getaffinity") else None
    os.environ.update(environment)
    try:
        if all_cores:
            os.sched_setaffinity(0, sorted(all_cores)[:cores])
        yield
    finally:
        if all_cores:
            os.sched_setaffinity(0, all_cores)
        os.environ.clear()
        os.environ.update(old)


def _serve(connection: Connection, side: Side) -> None:
    """The side's process: prepare, then do what is asked."""
    try:
        for name in side.imports:
            import_module(name)
        before = status_mib("VmRSS") if sys.platform.startswith("linux") else None
        job = side.prepare()
        connection.send(("done", None))
        while (order := connection.recv()) != "end":
            answer = dict(job.values()) if order == "values" else _timed(job, before)
            connection.send(("done", answer))
    except (EOFError, KeyboardInterrupt):  # the parent is gone
        return
    except Exception as error:
        memory = isinstance(error, MemoryError) or any(say in str(error) for say in _NO_MEMORY)
        failure = ("stopped", "out-of-memory") if memory else ("failed", repr(error))
        connection.send(failure)


def _timed(job: Job, before: float | None) -> tuple[float, float | None]:
    """Seconds of a call, and the peak of memory in it above what was in use before preparing."""
    if before is not None:
        with suppress(OSError, AttributeError):  # other C libraries than glibc have no trim
            ctypes.CDLL(None).malloc_trim(0)  # what preparing has left behind is not the work's
        Path("/proc/self/clear_refs").write_text("5")  # the peak falls to what is in use
    start = time.perf_counter()
    job.run()
    seconds = time.perf_counter() - start
    return seconds, None if before is None else status_mib("VmHWM") - before


def _difference(ours: Values, peers: Values) -> float:
    """Largest, as a share of our largest; NaN for a peer that was stopped."""
    if not peers:
        return float("nan")
    shared = ours.keys() & peers.keys()
    if not shared:
        raise ValueError(f"no value to compare: ours {sorted(ours)}, the peer's {sorted(peers)}")
    largest = 0.0
    for name in shared:
        own, other = np.asarray(ours[name]), np.asarray(peers[name])
        if own.shape != other.shape:
            raise ValueError(f"{name}: ours has shape {own.shape}, the peer's {other.shape}")
        scale = np.abs(own).max() or 1.0
        difference = float(np.abs(own - other).max() / scale)
        if not np.isfinite(difference):
            raise ValueError(f"{name} is not finite")
        largest = max(largest, difference)
    return largest
