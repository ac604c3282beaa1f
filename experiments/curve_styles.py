"""How curves in one picture are told apart: a color and a dash each, of seven."""

from typing import NamedTuple

COUNT = 7
"""Colors, and as many kinds of dashes."""


class Style(NamedTuple):
    """Numbers of a color and of a dash, 0 to 6; who draws has the lists."""

    color: int
    dash: int


def style_of(number: int) -> Style:
    """The style of the curve of that number: no two of the first 49 are alike.

    Example:
      >>> style_of(1), style_of(8)  # the eighth curve after it has its color and another dash
      (Style(color=1, dash=1), Style(color=1, dash=2))
    """
    return Style(number % COUNT, (number + number // COUNT) % COUNT)
