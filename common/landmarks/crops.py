"""Where to look for the face: LFW's images are centered; any other photo is searched.

The numbers were fitted on images of View 1's training pairs only: the median square that the
landmark network asks for.
"""

import threading
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from common.landmarks.squares import Squares

LFW_CENTER = (0.504, 0.542)
"""(x, y) of the face's square, in widths and heights of LFW's images."""
LFW_SIDE = 0.530
"""Its side, in the same unit."""

CASCADE_SIDE = 1.16
"""Side of the face's square, in sides of the box that OpenCV's cascade finds."""
CASCADE_LOWERED = 0.094
"""How far the square's center lies below the box's, in sides of the box."""

_CASCADE = "haarcascade_frontalface_default.xml"
_kept = threading.local()  # a cascade must not be used by two threads at once


class Found(Enum):
    """What the search for a face ended with; the value says it in words."""

    ONE = "one face"
    LARGEST = "several faces, the largest taken"
    NONE = "no face found, the middle of the picture taken"


class Search(NamedTuple):
    """Where to look in one picture, and why there."""

    square: Squares
    """Of one face."""
    found: Found
    faces: int
    """How many were found."""


def lfw_squares(images: int, size: int = 250) -> Squares:
    """The same square for each of LFW's images, which are centered on the face.

    Args:
      images: how many.
      size: height and width of the images, in pixels.
    """
    center = np.array(LFW_CENTER) * size - 0.5
    return Squares(np.tile(center, (images, 1)), np.full(images, LFW_SIDE * size), np.zeros(images))


def search(picture: UInt8[np.ndarray, "height width 3"], *, smallest: int = 20) -> Search:
    """Find the face of any photo by OpenCV's Haar cascade.

    Args:
      picture: RGB.
      smallest: side in pixels of the smallest face to look for.

    Returns:
      The largest face's square. Where none is found, the largest square in the picture's middle;
      the landmarks found in it may be good all the same, or come out as UNSTABLE.

    Source: Viola, Jones 2001; the cascade is the one that OpenCV ships.
    """
    squares = search_all(picture, smallest=smallest)
    faces = len(squares.side)
    height, width = picture.shape[:2]
    if faces == 0:
        center = np.array([[(width - 1) / 2, (height - 1) / 2]])
        side = np.array([float(min(height, width))])
        return Search(Squares(center, side, np.zeros(1)), Found.NONE, 0)
    largest = Squares(*(part[:1] for part in squares))
    return Search(largest, Found.ONE if faces == 1 else Found.LARGEST, faces)


def search_all(picture: UInt8[np.ndarray, "height width 3"], *, smallest: int = 20) -> Squares:
    """Find all faces of any photo by OpenCV's Haar cascade.

    Args:
      picture: RGB.
      smallest: side in pixels of the smallest face to look for.

    Returns:
      The face's square in each box of the cascade, the largest first; none where none is found.
      Some boxes show no face: the landmarks found in them come out as UNSTABLE, mostly.

    Source: Viola, Jones 2001; the cascade is the one that OpenCV ships.
    """
    import cv2

    grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    found = _cascade().detectMultiScale(
        grey, scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest)
    )
    boxes = np.asarray(found, float).reshape(-1, 4)
    left, top, side, _ = boxes[np.argsort(-boxes[:, 2], kind="stable")].T
    middle = (side - 1) / 2
    center = np.stack([left + middle, top + middle + CASCADE_LOWERED * side], axis=1)
    return Squares(center, CASCADE_SIDE * side, np.zeros(len(boxes)))


def _cascade():
    import cv2
    import cv2.data

    if not hasattr(_kept, "cascade"):
        path = Path(cv2.data.haarcascades) / _CASCADE
        _kept.cascade = cv2.CascadeClassifier(str(path))
        if _kept.cascade.empty():
            raise RuntimeError(
                f"{path} is missing: this OpenCV has no Haar cascades; install "
                "opencv-python-headless >=4.10,<5"
            )
    return _kept.cascade
