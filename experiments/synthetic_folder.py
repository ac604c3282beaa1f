"""A training folder of synthetic people, none of whom is in the synthetic benchmark."""

from pathlib import Path

from common.data.cache import cache_dir, clear_disk_errors
from common.data.locking import locked

SEED = 1000
"""Another than the benchmark's: other people."""


def synthetic_folder(people: int, images_per_person: int, size: int) -> Path:
    """`<identity>/<image>.png`, made once and kept in the cache.

    Args:
      people: how many; every tenth is for validation.
      images_per_person: at least 2.
      size: height and width in pixels.
    """
    from PIL import Image

    from common.data.synthetic import synthetic_benchmark

    folder = cache_dir("synthetic-people", f"{people}x{images_per_person}x{size}")
    with locked(folder), clear_disk_errors(folder):
        if not (folder / "done").exists():
            made = synthetic_benchmark(
                people, images_per_person, folds=2, pairs_per_fold=1, size=size, seed=SEED
            )
            for number, name in enumerate(made.names):
                path = folder / f"{made.identity[number]:04d}" / f"{name}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(made.images[number]).save(path)
            (folder / "done").touch()
    return folder
