"""The judge of the exercises."""

import numpy as np
import pytest

from notebooks.classroom import check

RNG = np.random.default_rng(1)
VALUES = RNG.standard_normal((3, 4))


def verdict(capsys, answer, expected, **options):
    check(3, answer, expected, **options)
    said = capsys.readouterr().out
    assert said.startswith("exercise 3: ") and said.count("\n") == 1
    return said.removeprefix("exercise 3: ").strip()


@pytest.mark.parametrize("expected", [0.0, "hard", ("L", 9), VALUES, [0.5, 1.0]])
@pytest.mark.parametrize("answer", [None, ...])
def test_open(capsys, answer, expected):
    assert verdict(capsys, answer, expected) == "open"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (2, 2.0), ("hard", "hard"), (("L", 9), ("L", 9)), (VALUES.tolist(), VALUES),
        (VALUES.astype(np.float32), VALUES), (0.0, 0.0),
    ],
)  # fmt: skip
def test_right(capsys, answer, expected):
    assert verdict(capsys, answer, expected) == "right"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0, 2.0), (np.nan, 2.0), ("easy", "hard"), (("C", 9), ("L", 9)), (VALUES[0], VALUES),
        (VALUES.T, VALUES), (VALUES + 1e-3, VALUES), (VALUES[0, 0], np.full(3, VALUES[0, 0])),
    ],
)  # fmt: skip
def test_not_right(capsys, answer, expected):
    assert verdict(capsys, answer, expected) == "not right yet"


def test_tolerance_is_of_the_size(capsys):
    assert verdict(capsys, 100.5 * VALUES, 100 * VALUES, tolerance=1e-2) == "right"
    assert verdict(capsys, 100.5 * VALUES, 100 * VALUES, tolerance=1e-3) == "not right yet"
