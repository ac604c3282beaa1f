"""What makes the plain head a face: its features, how people differ in them, and how they move.

Each field gives every vertex a displacement in millimeters, from its place on the chart
(`across`, `down`: see synthetic_head.py) and on the mean head.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

Chart: TypeAlias = Float[np.ndarray, " vertices"]
Vectors: TypeAlias = Float[np.ndarray, "vertices 3"]

Number: TypeAlias = float | int  # to beartype, an int is no float
Spot: TypeAlias = tuple[Number, Number]

LONGITUDE_MM = 70.0
"""Millimeters of `across` to one radian of longitude."""
MOUTH = (67.4, 68.6)
"""`down` of the two loops along the inner lips; between them lies the mouth's opening."""
MOUTH_HALF_WIDTH = 25.0
EYE_ACROSS = 32.5
EYE_HALF_WIDTH = 14.0


# The edges that both the landmarks and the paint follow; NumPy or JAX arrays.


def upper_lid(along: Any) -> Any:
    """`down` of the upper lid's edge; `along` is -1 at one corner of the eye and 1 at the other."""
    return 1.0 - 6.0 * (1 - along**2)


def lower_lid(along: Any) -> Any:
    """`down` of the lower lid's edge."""
    return 1.0 + 4.4 * (1 - along**2)


def upper_lip(along: Any) -> Any:
    """`down` of the upper lip's outer edge, with its bow; `along` is -1 and 1 at the corners."""
    return 68.0 - 7.6 * (1 - abs(along) ** 1.7) + 1.4 / (1 + (along / 0.12) ** 4)


def lower_lip(along: Any) -> Any:
    """`down` of the lower lip's outer edge."""
    return 68.0 + 10.0 * (1 - abs(along) ** 2.4)


def brow(along: Any) -> Any:
    """`down` of the middle of a brow; `along` is 0 at its inner end and 1 at its outer end."""
    return -16.5 - 16.0 * along + 19.0 * along**2.4


BROW = (13.0, 51.0)
"""`across` of a brow's inner and outer end."""


def landmark_chart() -> Float[np.ndarray, "68 2"]:
    """(across, down) of the 68 landmarks in iBUG order, from the subject's right."""
    contour = [(-97, 2), (-98, 30), (-98, 57), (-95, 82), (-85, 99), (-69, 106), (-48, 108)]
    contour += [(-24, 108), (0, 108)]
    contour += [(-x, y) for x, y in contour[-2::-1]]
    ends = np.linspace(1, 0, 5)
    right_brow = [(-(BROW[0] + (BROW[1] - BROW[0]) * end), brow(end)) for end in ends]
    left_brow = [(-x, y) for x, y in right_brow[::-1]]
    nose = [(0, -2), (0, 13), (0, 28), (0, 41.5)]
    nose += [(-14, 49), (-7, 51), (0, 52.5), (7, 51), (14, 49)]
    lids = [(-1, upper_lid), (-0.38, upper_lid), (0.38, upper_lid)]
    lids += [(1, lower_lid), (0.38, lower_lid), (-0.38, lower_lid)]
    eyes = [
        (center + EYE_HALF_WIDTH * along, lid(np.array(along)))
        for center in (-EYE_ACROSS, EYE_ACROSS)
        for along, lid in lids
    ]
    top, bottom = [-1, -0.6, -0.24, 0, 0.24, 0.6, 1], [0.6, 0.24, 0, -0.24, -0.6]
    mouth = [(MOUTH_HALF_WIDTH * a, upper_lip(np.array(a))) for a in top]
    mouth += [(MOUTH_HALF_WIDTH * a, lower_lip(np.array(a))) for a in bottom]
    mouth += [(x, MOUTH[0]) for x in (-22, -8, 0, 8, 22)] + [(x, MOUTH[1]) for x in (8, 0, -8)]
    points = contour + right_brow + left_brow + nose + eyes + mouth
    return np.array(points, dtype=np.float64)


def hair_line(across: np.ndarray) -> np.ndarray:
    """`down` of the mean hairline: high over the forehead, down to the sideburns and the nape."""
    across = np.abs(across)
    sideburn = 66 * _step(across, 58, 86)
    ear = -16 * _step(across, 96, 104)
    nape = 136 * _step(across, 128, 140)
    return -68 + sideburn + ear + nape


def _step(value: np.ndarray, start: Number, stop: Number) -> np.ndarray:
    """0 up to start, 1 from stop, smooth between."""
    t = np.clip((value - start) / (stop - start), 0, 1)
    return t * t * (3 - 2 * t)


def _bump(a: Chart, d: Chart, at: Spot, size: Spot) -> Chart:
    """A Gaussian hill of height 1 at (across, down)."""
    return np.exp(-(((a - at[0]) / size[0]) ** 2 + ((d - at[1]) / size[1]) ** 2) / 2)


def _pair(a: Chart, d: Chart, at: Spot, size: Spot) -> Chart:
    """The same hill on both sides of the face."""
    return _bump(np.abs(a), d, at, size)


def _along(x: Chart | Number = 0, y: Chart | Number = 0, z: Chart | Number = 0) -> Vectors:
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def _outward(a: Chart, amount: Chart) -> Vectors:
    angle = a / LONGITUDE_MM
    return _along(amount * np.sin(angle), 0.0, -amount * np.cos(angle))


def _profile(d: Chart, heights: list[Spot]) -> Chart:
    """A smooth curve through (down, height), flat beyond its ends."""
    from scipy.interpolate import PchipInterpolator

    down, height = np.array(heights, dtype=np.float64).T
    return PchipInterpolator(down, height)(np.clip(d, down[0], down[-1]))


def _nose(a: Chart, d: Chart) -> Chart:
    ridge = [(-14, 0), (-4, 2.5), (6, 6), (20, 13), (34, 21), (41, 24), (45, 22), (49, 12)]
    ridge += [(52, 4), (56, 0)]
    breadth = _profile(d, [(-10, 7), (5, 6), (25, 7), (38, 8.5), (50, 8.5)])
    wings = 9.5 * _pair(a, d, (12.5, 44), (4.2, 4.2))
    return _profile(d, ridge) * np.exp(-((np.abs(a) / breadth) ** 2.2) / 1.6) + wings


def _ear(a: Chart, d: Chart) -> Chart:
    """A rim around a shallow bowl."""
    radius = np.hypot((np.abs(a) - 117) / 13, (d - 9) / 29)
    return np.exp(-(radius**4)) * (0.45 + 0.55 * np.minimum(radius, 1) ** 2)


def features(a: Chart, d: Chart) -> Vectors:
    """Nose, eyes, lips and the rest, on the mean head.

    Args:
      a: across, in millimeters.
      d: down, in millimeters.
    """
    forward = (
        _nose(a, d)
        - 9.0 * _pair(a, d, (26, 0), (14, 9))  # sockets
        + 6.0 * _pair(a, d, (EYE_ACROSS, 0), (11, 7.5))  # eyeballs under their lids
        + 4.0 * _pair(a, d, (27, -18), (17, 5.5))  # brows' ridge
        + 4.5 * _pair(a, d, (44, 27), (14, 12))  # cheekbones
        + 2.5 * _pair(a, d, (34, 58), (8, 14))  # cheeks beside the mouth
        + 5.0 * _bump(a, d, (0, 68), (17, 14))  # the teeth's arch
        + 3.2 * _lip(a, d, 63.6, 2.8, 20)
        + 4.2 * _lip(a, d, 73.2, 3.4, 17)
        - 1.2 * _bump(a, d, (0, 57), (2.6, 4))  # philtrum
        - 2.8 * _bump(a, d, (0, 83), (16, 4.5))  # groove over the chin
        + 5.5 * _bump(a, d, (0, 99), (15, 9))  # chin
    )
    hair = 6.0 * _step(hair_line(a) - d, -4, 16)
    return (
        _along(z=-forward)
        + _outward(a, hair)
        + _along(y=-hair * _step(-d, 80, 113))
        + (_along(np.sign(a) * 15.0, 0.0, 7.0) * _ear(a, d)[:, None])
    )


def _lip(a: Chart, d: Chart, down: Number, thickness: Number, half_width: Number) -> Chart:
    return np.exp(-(((d - down) / thickness) ** 2) / 2 - (np.abs(a) / half_width) ** 4)


Field: TypeAlias = Callable[[Chart, Chart, Vectors], Vectors]


def _head(d: Chart) -> Chart:
    """1 on the head, 0 on the shoulders."""
    return 1 - _step(d, 112, 165)


SHAPES: dict[str, Field] = {
    "head width": lambda a, d, p: _along(0.035 * p[:, 0] * _head(d)),
    "head depth": lambda a, d, p: _along(z=0.03 * p[:, 2] * _head(d)),
    "skull height": lambda a, d, p: _along(y=-5.0 * _step(-d, 20, 113)),
    "face length": lambda a, d, p: _along(y=5.0 * _step(d, 0, 108) * _front(a)),
    "jaw width": lambda a, d, p: _along(0.07 * p[:, 0] * _bump(0 * a, d, (0, 96), (1, 22))),
    "chin length": lambda a, d, p: _along(y=3.5 * _bump(a, d, (0, 106), (30, 14))),
    "chin forward": lambda a, d, p: _along(z=-3.5 * _bump(a, d, (0, 98), (22, 12))),
    "chin width": lambda a, d, p: _along(3.5 * np.sign(a) * _pair(a, d, (22, 102), (12, 12))),
    "cheekbones": lambda a, d, p: _outward(a, 3.0 * _pair(a, d, (60, 24), (20, 14))),
    "cheek fullness": lambda a, d, p: _outward(a, 3.5 * _pair(a, d, (50, 62), (20, 18))),
    "forehead slope": lambda a, d, p: _along(z=4.0 * _bump(a, d, (0, -60), (60, 26))),
    "brow ridge": lambda a, d, p: _along(z=-1.8 * _pair(a, d, (25, -17), (18, 6))),
    "brow height": lambda a, d, p: _along(y=-2.2 * _pair(a, d, (32, -19), (18, 7))),
    "eye spacing": lambda a, d, p: _along(
        2.2 * np.sign(a) * _pair(a, d, (EYE_ACROSS, -2), (15, 12)) * _step(np.abs(a), 0, 16)
    ),
    "eye size": lambda a, d, p: _swell(a, d, (EYE_ACROSS, 0.5), (16, 9), 0.10),
    "eye tilt": lambda a, d, p: _along(
        y=-1.6 * (np.abs(a) - EYE_ACROSS) / 14 * _pair(a, d, (EYE_ACROSS, 0), (13, 8))
    ),
    "eye depth": lambda a, d, p: _along(z=2.0 * _pair(a, d, (EYE_ACROSS, -2), (15, 9))),
    "nose length": lambda a, d, p: _along(y=2.8 * _bump(a, d, (0, 46), (20, 11))),
    "nose width": lambda a, d, p: _along(0.13 * p[:, 0] * _bump(a, d, (0, 42), (16, 12))),
    "nose forward": lambda a, d, p: _along(z=-2.8 * _bump(a, d, (0, 41), (10, 11))),
    "nose bridge": lambda a, d, p: _along(z=-2.2 * _bump(a, d, (0, 14), (7, 11))),
    "mouth width": lambda a, d, p: _along(0.10 * p[:, 0] * _bump(a, d, (0, 68), (26, 10))),
    "mouth height": lambda a, d, p: _along(y=2.0 * _bump(a, d, (0, 68), (28, 10))),
    "lip thickness": lambda a, d, p: _along(y=(d - 68) * 0.16 * _bump(a, d, (0, 68), (20, 9))),
    "ears": lambda a, d, p: _along(np.sign(a) * 4.0, 0.0, 1.5) * _ear(a, d)[:, None],
    "hair volume": lambda a, d, p: (
        _outward(a, 2.5 * _step(hair_line(a) - d, -4, 24)) + _along(y=-3.0 * _step(-d, 70, 113))
    ),
    "asymmetry": lambda a, d, p: _along(
        1.2 * _bump(a, d, (0, 42), (14, 14)) - 1.2 * _bump(a, d, (0, 95), (40, 20))
    ),
}
"""By name: the displacement of one standard deviation."""


def _front(a: Chart) -> Chart:
    """1 on the face, 0 on the back of the head."""
    return 1 - _step(np.abs(a), 60, 140)


def _swell(a: Chart, d: Chart, at: Spot, size: Spot, share: Number) -> Vectors:
    weight = share * _pair(a, d, at, size)
    return _along(weight * np.sign(a) * (np.abs(a) - at[0]), weight * (d - at[1]))


def _open_mouth(a: Chart, d: Chart, mean: Vectors) -> Vectors:
    """The jaw drops: lips part over the mouth's width, the skin beside it stretches."""
    lips = np.clip(1 - (a / MOUTH_HALF_WIDTH) ** 2, 0, 1) ** 0.7
    below = np.where(d > 68, 1.0, 0.0) * (1 - _step(d, 108, 150))
    stretch = _step(d, 52, 96) * (1 - _step(d, 108, 150))
    jaw = (lips * below + (1 - lips) * stretch) * np.exp(-((np.abs(a) / 85) ** 4))
    return _along(y=20.0 * jaw, z=5.0 * jaw)


def _smile(a: Chart, d: Chart, mean: Vectors) -> Vectors:
    corner = _pair(a, d, (25, 68), (11, 10))
    cheek = _pair(a, d, (40, 38), (13, 11))
    outward = 6.0 * np.sign(a) * corner * _step(np.abs(a), 0, 20)
    return _along(outward, -4.5 * corner - 2.0 * cheek, 2.5 * corner - 3.0 * cheek)


EXPRESSIONS: dict[str, Field] = {
    "mouth open": _open_mouth,
    "smile": _smile,
    "brow raise": lambda a, d, p: _along(y=-6.0 * _pair(a, d, (32, -22), (20, 9))),
}
"""By name: the displacement at full strength, 1."""
