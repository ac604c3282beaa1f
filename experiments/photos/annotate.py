"""A photo with a frame around each face, and under it what was said of it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from experiments.alignment.align_report import printable
from experiments.photos.answers import Answer

KNOWN, UNKNOWN = (0, 114, 178), (213, 94, 0)
"""Blue and orange, which color-blind readers tell apart (Okabe and Ito 2008)."""
JPEG_QUALITY = 95


def annotated(
    photo: UInt8[np.ndarray, "height width 3"], answers: Sequence[Answer]
) -> UInt8[np.ndarray, "height width 3"]:
    """Draw on a copy of the photo; its lines and letters grow with it."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(photo)
    draw = ImageDraw.Draw(picture)
    size = max(photo.shape[:2])
    line = max(1, round(size / 400))
    font = ImageFont.load_default(size=max(10, round(size / 40)))
    for answer in answers:
        color = UNKNOWN if answer.name is None else KNOWN
        (x, y), half = answer.face.center, answer.face.side / 2
        box = (x - half, y - half, x + half, y + half)
        draw.rectangle(box, outline=color, width=line)
        name = "unknown" if answer.name is None else printable(answer.name)
        words = f"{name} {answer.squared_distance:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
        width, height = right - left + 2 * line, bottom - top + 2 * line
        # Inside of the photo, wherever the face is.
        at_x = min(max(0.0, box[0]), max(0.0, photo.shape[1] - width))
        at_y = min(max(0.0, box[3] + line), max(0.0, photo.shape[0] - height))
        draw.rectangle((at_x, at_y, at_x + width, at_y + height), fill=color)
        draw.text((at_x + line - left, at_y + line - top), words, fill="white", font=font)
    return np.array(picture)


def write_jpeg(path: Path, pixels: UInt8[np.ndarray, "height width 3"]) -> None:
    """Write a picture, whole or not at all."""
    from PIL import Image

    partial = path.with_name(f".{path.name}.part")
    Image.fromarray(pixels).save(partial, "JPEG", quality=JPEG_QUALITY)
    os.replace(partial, path)
