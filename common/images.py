"""Decode, crop, resize: the only place where uint8 becomes float32 in [0, 1].

Decoding is Pillow's, because it is strict: a truncated file is an error here, not a half-grey face.
"""

import io

import numpy as np
from jaxtyping import Float, UInt8


class ImageError(ValueError):
    """A file is not a whole picture of the wanted size; the message names it."""


def decode_image(
    data: bytes, name: str, *, height: int | None = None, width: int | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """Decode a JPEG or PNG to RGB; grey and CMYK pictures are converted.

    Args:
      data: content of the file.
      name: of the file, for the error.
      height: wanted, in pixels; any when None.
      width: wanted, in pixels; any when None.

    Returns:
      Pixels, 0 to 255.

    Raises:
      ImageError: empty, not an image, truncated, or of another size.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise ImageError(f"{name} is empty (0 bytes); copy it again")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as picture:
            size = picture.size
            if (width or size[0], height or size[1]) != size:
                raise ImageError(
                    f"{name} is {size[0]} x {size[1]} pixels, wanted {width} x {height}"
                )
            return np.array(picture.convert("RGB"))
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a JPEG or PNG image; copy it again") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{name} cannot be decoded ({error}); copy it again") from None


def to_float(pixels: UInt8[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
    """Pixels of 0 to 255 as float32 in [0, 1].

    Example:
      >>> to_float(np.array([0, 51, 255], np.uint8)).tolist()
      [0.0, 0.20000000298023224, 1.0]
    """
    return pixels.astype(np.float32) / np.float32(255)


def to_grey(rgb: UInt8[np.ndarray, "*axes 3"]) -> UInt8[np.ndarray, "*axes"]:
    """Luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B), rounded.

    Example:
      >>> to_grey(np.array([[255, 0, 0], [9, 9, 9]], np.uint8)).tolist()
      [76, 9]
    """
    # Integers with a 16-bit fraction: exact, and a third of the memory of floats.
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


def crop(
    pixels: UInt8[np.ndarray, "height width *channels"],
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> UInt8[np.ndarray, "rows columns *channels"]:
    """The window of rows [start, stop) and columns [start, stop).

    Raises:
      ValueError: the window is empty or leaves the picture.
    """
    height, width = pixels.shape[:2]
    if not (0 <= rows[0] < rows[1] <= height and 0 <= columns[0] < columns[1] <= width):
        raise ValueError(
            f"window of rows {rows} and columns {columns} is not inside a picture of {height} rows "
            f"and {width} columns"
        )
    return pixels[rows[0] : rows[1], columns[0] : columns[1]]


def resize(
    pixels: UInt8[np.ndarray, "height width *channels"], height: int, width: int
) -> UInt8[np.ndarray, "new_height new_width *channels"]:
    """Resize to height x width: area averages to shrink, bilinear to enlarge."""
    import cv2

    shrinks = height <= pixels.shape[0] and width <= pixels.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
