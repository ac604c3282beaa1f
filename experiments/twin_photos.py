"""Photographs that stand in LFW under two names: whoever they show, one name is wrong.

    python -m experiments.twin_photos
    python -m experiments.twin_photos --lfw-dir path/to/lfw --at-least 0.7

Pictures are compared, not people: the middle of one is searched in the other, a little larger or
smaller, and the correlation of their edges is near 1 only where both are prints of one photograph.
Labels of two different photographs cannot be checked so. A minute on two cores; docs/data.md lists
what it finds, and a test compares.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro
from jaxtyping import Float32, Int, UInt8

from common.data.read_images import read_images
from common.images import resize, to_grey
from common.types import Benchmark

SIDE = 125
"""Pixels that a picture is shrunk to."""
CELL = 4
"""Pixels of that, in a cell of a thumbnail."""
EDGE = 6
"""Pixels of that, left out on each side of a thumbnail."""
WORTH_A_LOOK = 0.6
"""Of two thumbnails' correlation."""
WINDOW = 80
"""Pixels of the middle that is searched."""
SIZES = (0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.12)
AT_LEAST = 0.85

Picture = UInt8[np.ndarray, "side side"]


class Twins(NamedTuple):
    """Two pictures of different names, and how alike they are: -1 to 1."""

    likeness: float
    first: int
    second: int


def find(
    pictures: UInt8[np.ndarray, "pictures side side"],
    person: Int[np.ndarray, " pictures"],
    *,
    advance: Callable[[int], None] = lambda pairs: None,
) -> list[Twins]:
    """Pairs of pictures under two names that are worth a look, the most alike first.

    Args:
      pictures: grey, 0 to 255, SIDE x SIDE.
      person: number of the name of each.
      advance: is told how many pairs were compared.
    """
    thumbnails = np.stack([_thumbnail(picture) for picture in pictures])
    found = []
    for first, thumbnail in enumerate(thumbnails):
        alike = thumbnails[first + 1 :] @ thumbnail
        others = first + 1 + np.flatnonzero(alike > WORTH_A_LOOK)
        for second in others[person[others] != person[first]]:
            found.append(Twins(likeness(pictures[first], pictures[second]), first, int(second)))
            advance(1)
    return sorted(found, reverse=True)


def likeness(one: Picture, other: Picture) -> float:
    """Largest correlation of the middle of one picture, in several sizes, with a part of another.

    Source: normalized cross-correlation (Lewis 1995), as OpenCV has it.
    """
    import cv2

    where = _edges(other, 1.0)
    best = -1.0
    for size in SIZES:
        side = round(SIDE * size)
        edges = _edges(resize(one, side, side), 1.0)
        start = (side - WINDOW) // 2
        middle = edges[start : start + WINDOW, start : start + WINDOW]
        best = max(best, float(cv2.matchTemplate(where, middle, cv2.TM_CCOEFF_NORMED).max()))
    return best


def _thumbnail(picture: Picture) -> Float32[np.ndarray, " cells"]:
    """Coarse edges, cell by cell, less their mean, of length 1."""
    middle = _edges(picture, CELL / 2)[EDGE : SIDE - EDGE, EDGE : SIDE - EDGE]
    cells = len(middle) // CELL
    middle = middle[: cells * CELL, : cells * CELL]
    mean = middle.reshape(cells, CELL, cells, CELL).mean(axis=(1, 3)).ravel()
    mean -= mean.mean()
    return mean / max(float(np.linalg.norm(mean)), 1e-6)


def _edges(picture: Picture, sigma: float) -> Float32[np.ndarray, "side side"]:
    """Difference of two Gaussians, of which one is six times as wide."""
    import cv2

    grey = picture.astype(np.float32)
    narrow, wide = (cv2.GaussianBlur(grey, (0, 0), width) for width in (sigma, 6 * sigma))
    return np.asarray(narrow - wide, np.float32)


def numbered_names(names: Sequence[str]) -> Int[np.ndarray, " names"]:
    """The same number for the same person: `Ann_0001` and `Ann_0002`."""
    return np.unique([name.rsplit("_", 1)[0] for name in names], return_inverse=True)[1]


def shrunken(rgb: UInt8[np.ndarray, "height width 3"]) -> Picture:
    """A picture as `find` takes it."""
    return resize(to_grey(rgb), SIDE, SIDE)


@dataclass(frozen=True)
class TwinPhotos:
    """Photographs that stand in LFW under two names."""

    lfw_dir: Path | None = None
    """Folder or .tgz of LFW. Else $LFW_DIR or scikit-learn's cache."""
    at_least: float = AT_LEAST
    """Likeness of what is shown, up to 1."""


def main(options: TwinPhotos) -> int:
    """Search and print; returns the exit code."""
    from common.data.lfw import find_lfw
    from common.data.lfw_benchmark import open_lfw

    try:
        folder = find_lfw(options.lfw_dir, download=False)
        if folder is None:
            raise ValueError("LFW is not on this machine; name it by --lfw-dir or LFW_DIR")
        benchmark = open_lfw(folder)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    pictures = read_images(benchmark.images, shrunken, description="Shrinking")
    found = find(pictures, numbered_names(benchmark.names))
    for twins, following in pairwise([*found, Twins(-1.0, 0, 0)]):
        if twins.likeness < options.at_least:
            break
        print(_said(twins, benchmark))
        if following.likeness < options.at_least:
            print(f"{following.likeness:.2f} is the next")
    print(f"{len(benchmark.names):,} images, {len(found):,} pairs looked at")
    return 0


def _said(twins: Twins, benchmark: Benchmark) -> str:
    some = [twins.first, twins.second]
    pairs = benchmark.view2
    named = np.isin(pairs.first, some) | np.isin(pairs.second, some)
    return (
        f"{twins.likeness:.2f} {benchmark.names[twins.first]} and {benchmark.names[twins.second]}: "
        f"in {np.count_nonzero(named)} pairs of View 2"
    )


if __name__ == "__main__":
    sys.exit(main(tyro.cli(TwinPhotos, description=__doc__)))
