"""How many faces a second are aligned and represented by a network."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from common.landmarks.crops import lfw_squares
from common.types import Benchmark
from deepface_jax.aligner import Aligner
from deepface_jax.config import AlignConfig

TIMED = 64
"""Faces that the speed is measured on."""


def faces_per_second(
    benchmark: Benchmark, align: AlignConfig, represent: Callable[[Any], Any]
) -> float:
    """From decoded pixels to embeddings: landmarks, alignment, network.

    Args:
      benchmark: its first faces are taken.
      align: how they are aligned.
      represent: takes aligned faces, (faces, size, size, 3), uint8, and returns NumPy's array.
    """
    pictures = np.stack([benchmark.images[number] for number in range(TIMED)])
    squares, aligner = lfw_squares(TIMED, pictures.shape[1]), Aligner(config=align)
    represent(aligner(pictures, squares).images)  # compiles
    start = time.perf_counter()
    represent(aligner(pictures, squares).images)
    return TIMED / (time.perf_counter() - start)
