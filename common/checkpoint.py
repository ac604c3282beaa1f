"""Checkpoints of a training run: Orbax, on one page.

A checkpoint is a pytree of arrays (model, optimizer, averages) and, beside it, where the data
stood. A run that is killed goes on from its last whole checkpoint; a half-written one is ignored.
"""

import errno
from pathlib import Path
from types import TracebackType
from typing import Any

import jax
from orbax.checkpoint import v1 as ocp


class Checkpoints:
    """The checkpoints of one run, in one folder; the newest few are kept."""

    def __init__(self, folder: Path, *, keep: int = 2):
        """Open, or make, the folder.

        Args:
          folder: of this run alone.
          keep: how many checkpoints.
        """
        training: Any = ocp.training  # its own annotations contradict each other
        self._checkpointer = training.Checkpointer(
            folder.absolute(),  # Orbax refuses relative paths
            save_decision_policy=training.save_decision_policies.FixedIntervalPolicy(1),
            preservation_policy=training.preservation_policies.LatestN(keep),
            cleanup_tmp_directories=True,
        )

    def save(self, step: int, state: Any, position: dict[str, Any]) -> None:
        """Save, and wait until it is on disk.

        Args:
          step: how many steps were made.
          state: a pytree of arrays.
          position: of the data, as JSON can hold it.

        Raises:
          OSError: the disk is full; the checkpoints before are whole.
        """
        try:
            self._checkpointer.save(
                step, state, custom_metadata={"position": position}, overwrite=True
            )
        except (ValueError, RuntimeError) as error:  # tensorstore's words for what the disk says
            if "No space left" not in str(error) and "quota" not in str(error):
                raise
            raise OSError(errno.ENOSPC, "no space left for a checkpoint") from error

    def restore(self, like: Any) -> tuple[int, Any, dict[str, Any]] | None:
        """The newest checkpoint: step, state and position; None when there is none.

        Args:
          like: a state of the same structure, shapes and dtypes.

        Raises:
          ValueError: the checkpoint is of another structure, or damaged.
        """
        latest = self._checkpointer.latest
        if latest is None:
            return None
        try:
            state = self._checkpointer.load(latest, jax.tree.map(_abstract, like))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"checkpoint {latest.step} in {self._checkpointer.directory} is not one of this "
                f"run ({str(error).splitlines()[0]}); name another folder, or delete this one"
            ) from error
        metadata: Any = self._checkpointer.metadata(latest).custom_metadata
        return int(latest.step), state, metadata["position"]

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._checkpointer.close()


def _abstract(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None))
