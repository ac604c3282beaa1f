"""A jitted function over any number of faces, in batches of one shape: it compiles once."""

from collections.abc import Callable
from typing import Any

import numpy as np


def in_batches(
    function: Callable[[Any], Any],
    images: np.ndarray,
    *,
    batch: int = 64,
    advance: Callable[[int], None] = lambda faces: None,
) -> np.ndarray:
    """What the function makes of each face.

    Args:
      function: takes a batch of faces, returns an array with a row a face.
      images: the faces; of a file's, only a batch is in memory at a time.
      batch: faces at a time; a shorter rest is filled up.
      advance: is told how many faces were done.

    Example:
      >>> in_batches(lambda batch: batch.sum(axis=1), np.ones((5, 3)), batch=2)
      array([3., 3., 3., 3., 3.])
    """
    found = []
    for begin in range(0, len(images), batch):
        some = np.asarray(images[begin : begin + batch])
        filled = np.concatenate([some, np.repeat(some[-1:], batch - len(some), axis=0)])
        found.append(np.asarray(function(filled))[: len(some)])
        advance(len(some))
    return np.concatenate(found)
