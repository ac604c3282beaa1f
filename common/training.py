"""The training loop: next batch, step, log, evaluate, save. No paper in it."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from common.checkpoint import Checkpoints
from common.data.progress import note


@runtime_checkable
class Batches(Iterator[Any], Protocol):
    """An endless iterator of batches that can say where it is, and go there (as grain's can)."""

    def get_state(self) -> dict[str, Any]:
        """Where it is, as JSON can hold it."""
        ...

    def set_state(self, state: dict[str, Any], /) -> None:
        """Go there."""
        ...


class TrainingError(RuntimeError):
    """Training cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Schedule:
    """How long to train, and what to do on the way."""

    steps: int
    batch: int
    """Images of a step, for the count of images per second."""
    evaluate_every: int = 500
    """Steps."""
    save_seconds: float = 120.0
    """Time between checkpoints."""
    look_every: int = 20
    """Steps between looks at the loss; each look waits for the step to end."""


def fit(
    step: Callable[[Any, Any], tuple[Any, Any]],
    state: Any,
    batches: Batches,
    schedule: Schedule,
    *,
    evaluate: Callable[[Any], Mapping[str, float]],
    checkpoints: Checkpoints,
    log: Callable[[int, Mapping[str, float]], None] = lambda step, values: None,
) -> tuple[Any, float]:
    """Train from the newest checkpoint on, if there is one, to the last step.

    Args:
      step: takes state and batch, and returns the next state and the loss; it may consume the
        state that it is given.
      state: to begin with.
      batches: a batch a step.
      schedule: see there.
      evaluate: names and values to show, of a state.
      checkpoints: of this run.
      log: is given the step's number with the loss, and with what `evaluate` returned.

    Returns:
      The state after the last step, and the seconds that training took, in all its runs.

    Raises:
      TrainingError: a loss is not finite.
    """
    done, before = 0, 0.0
    if (found := checkpoints.restore(state)) is not None:
        done, state, position = found
        batches.set_state(position["data"])
        before = position["seconds"]
        note(f"going on after step {done:,} of {schedule.steps:,}")
    began = saved = time.monotonic()
    with _Display(schedule.steps, done) as show:
        while done < schedule.steps:
            batch = next(batches)
            state, loss = step(state, batch)
            done += 1
            last = done == schedule.steps
            save = last or time.monotonic() - saved > schedule.save_seconds
            if save or done % schedule.look_every == 0:
                value = _finite(float(loss), done)
                show.step(done, value, schedule)
                log(done, {"loss": value})
            if last or done % schedule.evaluate_every == 0:
                values = evaluate(state)
                show.evaluation(done, values)
                log(done, values)
            if save:
                _sound(state, done)
                saved = time.monotonic()
                seconds = before + saved - began
                position = {"data": batches.get_state(), "seconds": seconds}
                checkpoints.save(done, state, position)
    return state, before + time.monotonic() - began


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} at step {step:,}; a checkpoint, if there is one, is from before "
            "it. Begin anew with a lower learning rate, or look at the images around this step"
        )
    return loss


def _sound(state: Any, step: int) -> None:
    """The loss is of the weights before the step: what the step made of them is looked at too."""
    import jax
    import jax.numpy as jnp

    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in floats):
        raise TrainingError(
            f"step {step:,} made weights that are not finite, and they were not saved. Begin anew "
            "with a lower learning rate, or look at the images around this step"
        )


class _Display:
    """Progress on stderr: images a second, loss, the last evaluation, the time left."""

    def __init__(self, steps: int, done: int):
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True, soft_wrap=True)
        self._bar = Progress(
            TextColumn("Training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task("", total=steps, completed=done, said="")
        self._looked, self._done, self._loss, self._speed = time.monotonic(), done, math.nan, 0.0

    def step(self, done: int, loss: float, schedule: Schedule) -> None:
        """Show how far training is."""
        now = time.monotonic()
        if done > self._done:
            self._speed = (done - self._done) * schedule.batch / (now - self._looked)
        self._looked, self._done, self._loss = now, done, loss
        said = f"{self._speed:.0f} images/s, loss {loss:.4f}"
        self._bar.update(self._task, completed=done, said=said)

    def evaluation(self, done: int, values: Mapping[str, float]) -> None:
        """Print a line that stays."""
        said = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        self._console.print(
            f"step {done:,}: loss {self._loss:.4f}, {said}; {self._speed:.0f} images/s",
            highlight=False,
        )
        self._looked, self._done = time.monotonic(), done

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
