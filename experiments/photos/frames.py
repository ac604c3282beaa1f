"""A video file or a camera as a stream of photos."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8


class FrameError(ValueError):
    """A video or a camera gives no pictures; the message says which."""


class Frame(NamedTuple):
    """One picture of the stream."""

    number: int
    """From 0 on, with those that were passed over."""
    seconds: float
    """Since the first: by a file's mean frame rate (0 where it names none), or by the clock."""
    pixels: UInt8[np.ndarray, "height width 3"]
    """RGB."""


def frames(source: Path | int, *, every: int = 1, most: int | None = None) -> Iterator[Frame]:
    """The first frame and every so many-th after it, until the end.

    Args:
      source: a video file, or the number of a camera.
      every: 1 for all frames.
      most: how many to give at most.

    Raises:
      FrameError: it cannot be opened, or not one frame can be read.
    """
    import cv2

    camera = isinstance(source, int)
    named = f"camera {source}" if isinstance(source, int) else str(source)
    if isinstance(source, Path) and not source.is_file():
        raise FrameError(f"{named} is no file; wanted a video")
    capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    try:
        if not capture.isOpened():
            raise FrameError(
                f"{named} cannot be opened; "
                + ("is it plugged in, and not in use?" if camera else "wanted a video file")
            )
        rate = capture.get(cv2.CAP_PROP_FPS)
        began, number, given = time.monotonic(), 0, 0
        while (most is None or given < most) and capture.grab():
            if number % every == 0:
                whole, pixels = capture.retrieve()
                if not whole:
                    break
                seconds = time.monotonic() - began if camera else number / rate if rate > 0 else 0.0
                yield Frame(number, seconds, np.ascontiguousarray(pixels[..., ::-1], np.uint8))
                given += 1
            number += 1
        if not given:
            raise FrameError(f"{named} has no frame that can be read")
    finally:
        capture.release()
