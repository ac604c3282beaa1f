"""Batches of views of training faces, made while the step before is computed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import Int

from common.data.loader import shuffled_batches
from common.training import Batches
from facenet_jax.recipes import TrainConfig
from facenet_jax.sampling import IdentityBatches
from facenet_jax.train import Batch

View = Callable[[int, np.random.Generator], Batch]
"""Makes one face from its number; its randomness comes from the generator alone."""


def batches_of(
    config: TrainConfig, labels: Int[np.ndarray, " images"], view: View, *, seed: int = 0
) -> Batches:
    """A phase's endless batches; the same for the same seed.

    Raises:
      ValueError: a batch that the faces cannot fill, or that could have no triplet.
    """
    if not config.identities:
        return shuffled_batches(len(labels), view, batch=config.batch, seed=seed)
    numbers = IdentityBatches(
        labels, identities=config.identities, faces=config.faces, negatives=config.negatives,
        seed=seed,
    )  # fmt: skip
    return IdentityViews(numbers, view, seed=seed)


class IdentityViews:
    """Views of the faces that `IdentityBatches` chooses; a thread makes one batch ahead."""

    def __init__(self, numbers: IdentityBatches, view: View, *, seed: int = 0):
        """The same arguments give the same views.

        Args:
          numbers: chooses the faces.
          view: makes one.
          seed: of the views.
        """
        self._numbers, self._view, self._seed = numbers, view, seed
        self._thread = ThreadPoolExecutor(1)
        self._ahead: Future[Batch] | None = None
        self._made = 0
        self._place = {"numbers": numbers.get_state(), "made": 0}

    def __iter__(self) -> "IdentityViews":
        return self

    def __next__(self) -> Batch:
        ahead = self._ahead or self._begin()
        batch = ahead.result()
        self._ahead = self._begin()
        return batch

    def get_state(self) -> dict[str, Any]:
        """Where it is, as JSON can hold it: before the batch that is made ahead."""
        return self._place

    def set_state(self, state: dict[str, Any], /) -> None:
        """Go there.

        Raises:
          ValueError: the state is of other faces or other settings.
        """
        self._numbers.set_state(state["numbers"])
        self._made, self._place, self._ahead = state["made"], state, None

    def _begin(self) -> "Future[Batch]":
        self._place = {"numbers": self._numbers.get_state(), "made": self._made}
        chosen, batch = next(self._numbers), self._made
        self._made += 1
        return self._thread.submit(self._batch, chosen, batch)

    def _batch(self, chosen: Int[np.ndarray, " batch"], number: int) -> Batch:
        views = [
            self._view(int(face), np.random.default_rng((self._seed, number, place)))
            for place, face in enumerate(chosen)
        ]
        return Batch(*(np.stack(part) for part in zip(*views, strict=True)))
