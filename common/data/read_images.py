"""Read all images of a source through grain: in order, in threads, into one array."""

from collections.abc import Callable

import numpy as np

from common.data.progress import progress
from common.types import ImageSource


def read_images(
    source: ImageSource,
    transform: Callable[[np.ndarray], np.ndarray],
    *,
    threads: int = 2,
    description: str = "Reading images",
) -> np.ndarray:
    """Decode and transform every image.

    Args:
      source: of RGB images.
      transform: of one image, uint8 `height width 3`, to an array whose shape and dtype are the
        same for all; called from several threads.
      threads: to read and transform in. Threads, since decoding lets the interpreter's lock go
        and worker processes take seconds to start.
      description: of the work, for the progress bar.

    Returns:
      The results, stacked along a new first axis, in the order of the source.

    Raises:
      ValueError: the source is empty, or two results differ in shape or dtype.

    Example:
      >>> reds = np.zeros((3, 4, 5, 3), np.uint8)
      >>> read_images(reds, lambda image: image[..., 0]).shape
      (3, 4, 5)
    """
    import grain
    from absl import flags

    if len(source) == 0:
        raise ValueError("there are no images to read")
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()  # grain asks for its flags, which no command of ours parses
    first = np.asarray(transform(source[0]))
    out = np.empty((len(source), *first.shape), first.dtype)
    results = (
        grain.MapDataset.range(len(source))
        .map(lambda index: transform(source[index]))
        .to_iter_dataset(grain.ReadOptions(num_threads=threads, prefetch_buffer_size=8 * threads))
    )
    with progress(description, len(source)) as advance:
        for index, result in enumerate(results):
            if (result.shape, result.dtype) != (first.shape, first.dtype):
                raise ValueError(
                    f"image {index} gave {result.dtype} {result.shape}, image 0 gave "
                    f"{first.dtype} {first.shape}; a transform must give the same for all"
                )
            out[index] = result
            advance(1)
    return out
