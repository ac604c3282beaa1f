"""Endless shuffled batches from grain, made in threads, that can say where they are."""

from collections.abc import Callable
from typing import Any

import numpy as np

from common.training import Batches


def shuffled_batches(
    count: int,
    view: Callable[[int, np.random.Generator], Any],
    *,
    batch: int,
    seed: int,
    threads: int = 2,
) -> Batches:
    """Every item once an epoch, in another order each time; the same for the same seed.

    Args:
      count: of items.
      view: makes one item from its number; arrays, or a NamedTuple of them. Its randomness must
        come from the generator alone.
      batch: items of a batch; the last ones of an epoch are put together with the next epoch's.
      seed: of order and views.
      threads: that make views; their number changes nothing in the result.
    """
    import grain
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()  # grain asks for its flags, which no command of ours parses
    views = grain.MapDataset.range(count).seed(seed).shuffle().repeat().random_map(view)
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=4 * batch)
    return iter(views.to_iter_dataset(options).batch(batch))
