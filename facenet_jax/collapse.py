"""The collapse alarm: training on triplets can end with all faces in one point, f(x) = const.

There, a rule with a window finds nothing to learn from, the hardest triplets all cost the margin,
and neither comes back. The paper names the danger (Sec. 3.2); the loss alone does not show it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from common.training import TrainingError
from facenet_jax.triplets import Statistics


class CollapseError(TrainingError):
    """The embeddings have collapsed; the message says what to do."""

    def __init__(self, step: int, spread: float, d_an: float):
        """Found at a step, with that spread, different people that far apart."""
        super().__init__(
            f"the embeddings have collapsed at step {step:,}: their spread is {spread:.2g}, "
            f"different people are {d_an:.2g} apart. Training seldom comes back from there. "
            "Begin anew with one or more of these: the rule semi-hard "
            "instead of hardest or batch-hard, a lower learning rate, more "
            "identities in a batch, batch normalization, a network first trained to classify"
        )
        self.step, self.spread = step, spread


@dataclass
class CollapseAlarm:
    """Stops a training whose embeddings are not finite, or stay in one point."""

    smallest_spread: float = 1e-3
    """Of the embeddings. An untrained network's is several times larger."""
    patience: int = 5
    """Looks in a row that must be below before the alarm goes off."""

    def __post_init__(self) -> None:
        self._below = 0

    def look(self, step: int, statistics: Statistics) -> None:
        """Look at the statistics of a step; waits until they are there.

        Raises:
          CollapseError: spread below the smallest, too often in a row.
          TrainingError: statistics that are not finite.
        """
        spread, d_an = float(statistics.spread), float(statistics.d_an)
        if not isfinite(spread):
            raise TrainingError(
                f"the embeddings are not finite at step {step:,}. Begin anew "
                "with a lower learning rate, or look at the images around this step"
            )
        self._below = self._below + 1 if spread < self.smallest_spread else 0
        if self._below >= self.patience:
            raise CollapseError(step, spread, d_an)


def guarded(
    step: Callable[[Any, Any], tuple[Any, Any]], alarm: CollapseAlarm, *, every: int = 20
) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The same step, with the alarm looking at what it leaves every so many steps.

    Args:
      step: takes state and batch; the state has the count of steps (`step`) and the batch's
        statistics (`seen`).
      alarm: of this run.
      every: steps; each look waits for the step to end.
    """
    done: int | None = None

    def watched(state: Any, batch: Any) -> tuple[Any, Any]:
        nonlocal done
        done = int(state.step) if done is None else done
        state, loss = step(state, batch)
        done += 1
        if done % every == 0:
            alarm.look(done, state.seen)
        return state, loss

    return watched
