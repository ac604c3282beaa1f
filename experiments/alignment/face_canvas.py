"""Photos of any size -> canvases of 250 x 250 that show the face as LFW's images do.

So one batch holds faces of all photos, and what was fitted on LFW's images (where the face is, how
large the center crop is) holds for all.
"""

import io
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, UInt8

from common.images import decode_image, resize
from common.landmarks.crops import LFW_CENTER, LFW_SIDE, Found, search, search_all
from common.landmarks.squares import Squares, cut

SIDE = 250
"""Height and width of a canvas in pixels: LFW's."""
SEARCHED_SIDE = 1000
"""Pixels of a photo's longer side, above which it is shrunk for the search."""

_CUT_SIDE = 4 * SIDE  # a part of a photo that is larger is shrunk before it is cut
_ORIENTATION = 0x0112  # EXIF's tag
_UPRIGHT = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}

Where: TypeAlias = Literal["haar", "centered", "whole"]
"""Search by OpenCV's cascade; where LFW's images have the face; the photo is a loose face crop."""


class FaceCanvas(NamedTuple):
    """One photo's face."""

    pixels: UInt8[np.ndarray, "250 250 3"]
    found: Found | None
    """How the search ended; None where none was asked for."""
    faces: int | None
    """How many it found."""


class PlacedCanvas(NamedTuple):
    """One of a photo's faces, and where it is."""

    pixels: UInt8[np.ndarray, "250 250 3"]
    center: Float[np.ndarray, "2"]
    """(x, y) of the face's square, in pixels of the photo."""
    side: float
    """Of the square, in pixels of the photo."""


def read_photo(data: bytes, name: str) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a photo and turn it upright, as its camera noted.

    Args:
      data: content of a JPEG or PNG file.
      name: of the file, for the error.

    Raises:
      ValueError: not a whole picture.
    """
    from PIL import Image

    pixels = decode_image(data, name)
    with Image.open(io.BytesIO(data)) as picture:
        try:
            turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
        except (OSError, SyntaxError, ValueError):  # the picture is whole, only its notes are not
            turn = None
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def face_canvas(photo: UInt8[np.ndarray, "height width 3"], where: Where) -> FaceCanvas:
    """Find the photo's face, and cut its canvas.

    Args:
      photo: RGB.
      where: to look.
    """
    height, width = photo.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    if where == "centered":
        return FaceCanvas(_cut(photo, middle, float(min(height, width))), None, None)
    if where == "whole":
        return FaceCanvas(_cut(photo, *_around(middle, float(max(height, width)))), None, None)
    small, scale = _to_search(photo)
    looked = search(small)
    center, side = _on_photo(looked.square, scale)
    canvas = _cut(photo, *_around(center[0], float(side[0])))
    return FaceCanvas(canvas, looked.found, looked.faces)


def face_canvases(photo: UInt8[np.ndarray, "height width 3"], where: Where) -> list[PlacedCanvas]:
    """Find all faces of the photo, and cut a canvas of each.

    Args:
      photo: RGB.
      where: to look; only `haar` finds several, or none.

    Returns:
      The largest face first.
    """
    if where != "haar":
        height, width = photo.shape[:2]
        side = max(height, width)
        center = np.array([(width - 1) / 2, (height - 1) / 2])
        if where == "centered":
            side = LFW_SIDE * min(height, width)
            center += (np.array(LFW_CENTER) - 0.5) * min(height, width)
        return [PlacedCanvas(face_canvas(photo, where).pixels, center, float(side))]
    small, scale = _to_search(photo)
    centers, sides = _on_photo(search_all(small), scale)
    return [
        PlacedCanvas(_cut(photo, *_around(center, float(side))), center, float(side))
        for center, side in zip(centers, sides, strict=True)
    ]


def _to_search(
    photo: UInt8[np.ndarray, "height width 3"],
) -> tuple[UInt8[np.ndarray, "_ _ 3"], Float[np.ndarray, "2"]]:
    """The photo as it is searched, and how many of its pixels, (x, y), are one of those."""
    height, width = photo.shape[:2]
    small = _shrunk(photo, SEARCHED_SIDE / max(height, width))
    return small, np.array([width / small.shape[1], height / small.shape[0]])


def _on_photo(
    squares: Squares, scale: Float[np.ndarray, "2"]
) -> tuple[Float[np.ndarray, "faces 2"], Float[np.ndarray, " faces"]]:
    """Centers and sides of what was found on the searched photo, in pixels of the photo."""
    return (squares.center + 0.5) * scale - 0.5, squares.side * scale.min()


def _around(center: np.ndarray, side: float) -> tuple[np.ndarray, float]:
    """Center and side of the canvas of a face's square: LFW's rule, the other way round."""
    whole = side / LFW_SIDE
    return center - (np.array(LFW_CENTER) - 0.5) * whole, whole


def _cut(
    photo: UInt8[np.ndarray, "height width 3"], center: np.ndarray, side: float
) -> UInt8[np.ndarray, "250 250 3"]:
    """The canvas at a center; beyond the photo's border the edge is replicated."""
    # What lies beside the canvas is left out and what is large is shrunk, so that even a photo of
    # a hundred megapixels asks for little memory.
    size = np.array(photo.shape[1::-1])
    low = np.floor(center - side / 2 - 1).astype(int).clip(0, size - 1)
    high = np.ceil(center + side / 2 + 2).astype(int).clip(low + 1, size)
    part = photo[low[1] : high[1], low[0] : high[0]]
    small = _shrunk(part, _CUT_SIDE / side)
    scale = np.array(small.shape[1::-1]) / (high - low)
    center = (center - low + 0.5) * scale - 0.5
    square = Squares(center[None], np.array([side * scale.min()]), np.zeros(1))
    return cut(small, square, 0, SIDE)


def _shrunk(photo: UInt8[np.ndarray, "height width 3"], factor: float) -> np.ndarray:
    """The photo times a factor; as it is, where that would not make it smaller."""
    if factor >= 1:
        return np.ascontiguousarray(photo)
    height, width = (max(1, round(factor * side)) for side in photo.shape[:2])
    return resize(photo, height, width)
