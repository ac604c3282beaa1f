"""Grey pixels of a benchmark's faces, windowed and resized: what the classical rows start from."""

import numpy as np
from jaxtyping import Int, UInt8

from common.data.read_images import read_images
from common.images import crop, resize, to_grey
from common.types import Benchmark, ImageSource

Window = tuple[float, float, float, float]
"""Top, bottom, left, right, as shares of the picture's side (LFW: 250 pixels)."""

WHOLE: Window = (0.0, 1.0, 0.0, 1.0)
CENTER: Window = (0.2, 0.8, 0.2, 0.8)
"""150 x 150 of LFW's 250 x 250: the detector's box with a little around it."""
TIGHT: Window = (0.26, 0.74, 0.30, 0.70)
"""120 x 100: brows to chin."""
SKLEARN: Window = (0.28, 0.78, 0.312, 0.688)
"""Rows 70 to 195, columns 78 to 172: the window of scikit-learn's fetch_lfw_pairs."""


def cut(picture: np.ndarray, window: Window) -> np.ndarray:
    """The window of a picture of any size."""
    height, width = picture.shape[:2]
    top, bottom = round(window[0] * height), round(window[1] * height)
    left, right = round(window[2] * width), round(window[3] * width)
    return crop(picture, (top, bottom), (left, right))


def paired_images(benchmark: Benchmark) -> Int[np.ndarray, " images"]:
    """Numbers of the images that a pair of View 1 or View 2 names, ascending."""
    views = (benchmark.view1_train, benchmark.view1_test, benchmark.view2)
    return np.unique(np.concatenate([view.images() for view in views]))


def grey_faces(
    benchmark: Benchmark, images: Int[np.ndarray, " images"]
) -> UInt8[np.ndarray, "images height width"]:
    """The named images of a benchmark, whole and grey, 0 to 255.

    Args:
      benchmark: whose images.
      images: numbers of those to read.
    """
    return read_images(Chosen(benchmark.images, images), to_grey, description="Reading faces")


def windowed(
    grey: UInt8[np.ndarray, "images height width"], window: Window, size: tuple[int, int]
) -> UInt8[np.ndarray, "images new_height new_width"]:
    """The window of each face, resized to height x width."""
    return np.stack([resize(cut(face, window), *size) for face in grey])


class Chosen:
    """Some images of a source."""

    def __init__(self, source: ImageSource, numbers: Int[np.ndarray, " images"]) -> None:
        self.source, self.numbers = source, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        return self.source[int(self.numbers[index])]
