"""Training curves for TensorBoard, written as training goes on."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType


class Curves:
    """Named values by step, in a folder that `tensorboard --logdir` reads.

    A run that goes on adds to what is there.
    """

    def __init__(self, folder: Path):
        """Open, or make, the folder."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(folder), flush_secs=30)

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step."""
        for name, value in values.items():
            self._writer.add_scalar(name.replace(" ", "_"), value, step)

    def __enter__(self) -> "Curves":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
