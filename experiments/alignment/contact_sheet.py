"""A contact sheet: many pairs of pictures on one page, with words under some."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from common.images import resize

TILE = 112
"""Height and width of one picture on the sheet, in pixels."""
COLUMNS = 8
_CAPTION, _GAP = 16, 8
_PAPER, _INK = 255, (170, 30, 0)


class Pair(NamedTuple):
    """Two square pictures side by side."""

    before: UInt8[np.ndarray, "side side 3"]
    after: UInt8[np.ndarray, "size size 3"]
    caption: str
    """Under them; nothing when empty."""


def contact_sheet(pairs: Sequence[Pair]) -> UInt8[np.ndarray, "height width 3"]:
    """Lay pairs out in rows of COLUMNS."""
    columns = min(COLUMNS, len(pairs))
    rows = -(-len(pairs) // COLUMNS)
    down, across = TILE + _CAPTION + _GAP, 2 * TILE + _GAP
    sheet = np.full((_GAP + rows * down, _GAP + columns * across, 3), _PAPER, np.uint8)
    for number, pair in enumerate(pairs):
        top = _GAP + number // COLUMNS * down
        left = _GAP + number % COLUMNS * across
        both = [resize(picture, TILE, TILE) for picture in (pair.before, pair.after)]
        sheet[top : top + TILE, left : left + 2 * TILE] = np.concatenate(both, axis=1)
        _write(sheet[top + TILE : top + TILE + _CAPTION, left : left + 2 * TILE], pair.caption)
    return sheet


def _write(strip: UInt8[np.ndarray, "height width 3"], words: str) -> None:
    """Words on a strip of paper, in a script that every machine has."""
    from PIL import Image, ImageDraw, ImageFont

    if words:
        paper = Image.fromarray(strip)
        font = ImageFont.load_default(size=12)
        ImageDraw.Draw(paper).text((2, 1), words, fill=_INK, font=font)
        strip[:] = np.asarray(paper)
