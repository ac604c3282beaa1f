"""Train DeepFace on a folder of people by the paper's recipe, at its size.

    python -m experiments.train_deepface --train-dir DIR
    python -m experiments.train_deepface --train-dir DIR --pieces 4
    python -m experiments.train_deepface --train-dir DIR --kernel-parts 2    # on 2, 4, 6... devices

The faces are aligned in 3D first. A training that was killed goes on from its last checkpoint; on
several devices each batch is split. How long it takes: `python -m experiments.plan deepface`. The
row of the comparison table has another recipe, for little data (`experiments/deepface_lfw.py`).
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Options:
    """Train DeepFace on a folder of people by the paper's recipe."""

    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    pieces: int = 1
    """Parts that a batch's gradient is computed in, to save memory."""
    kernel_parts: int = 1
    """Devices that share the kernels of L4 to F8, where one cannot hold them."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of activations and products."""
    seed: int = 0
    """Of weights, order and dropout."""
    from_scratch: bool = False
    """Forget an earlier training with the same settings that is done."""


def main(options: Options) -> int:
    """Train, say how it went; returns the exit code."""
    from common.data.folders import read_folder
    from common.training import TrainingError
    from deepface_jax.config import AlignConfig
    from deepface_jax.network_config import DF_4_4K
    from deepface_jax.train import PAPER
    from experiments.deepface_training import train
    from experiments.training_command import named_folder
    from experiments.training_faces import aligned_folder

    try:
        folder = named_folder(options.train_dir)
        faces = aligned_folder(read_folder(folder, "train"), AlignConfig())
        people = len(faces.folder.people)
        network = replace(DF_4_4K, classes=people, compute_dtype=options.dtype)
        config = replace(PAPER, pieces=options.pieces)
        trained = train(
            faces, network, config, seed=options.seed, from_scratch=options.from_scratch,
            kernel_parts=options.kernel_parts,
        )  # fmt: skip
    except (ValueError, OSError, TrainingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, value in trained.summary.items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    import tyro

    sys.exit(main(tyro.cli(Options, description=__doc__)))
