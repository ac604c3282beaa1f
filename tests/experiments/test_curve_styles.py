"""Curves in one picture: however many rows there are, no two look alike."""

from experiments.curve_styles import COUNT, style_of
from experiments.rows import ROWS


def test_no_two_curves_have_one_style():
    styles = [style_of(number) for number in range(COUNT**2)]
    assert len(set(styles)) == COUNT**2 > len(ROWS)
    assert all(0 <= part < COUNT for style in styles for part in style)


def test_the_first_ones_differ_in_both():
    colors, dashes = zip(*(style_of(number) for number in range(COUNT)), strict=True)
    assert len(set(colors)) == len(set(dashes)) == COUNT
