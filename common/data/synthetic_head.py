"""A parametric 3D head: a mean shape, and fields that move it for identity and expression.

    vertices = mean + sum_i shape_i * field_i + sum_j expression_j * field_j

Every field is a smooth formula on a chart of the head: `across` is the longitude, 70 mm a radian
(0 between the eyes, negative on the subject's right, which is the image's left), and `down` names
a horizontal loop around the head by its height in front. Near the face's middle both are what a
frontal picture shows, so features are placed by ordinary measurements of the face in millimeters.

Head coordinates, in millimeters: x to the subject's left (image right), y down, z away from the
viewer; the origin lies between the ears, at the height of the eyes. The face looks along -z.

Source: the linear form is that of Blanz and Vetter, "A Morphable Model for the Synthesis of 3D
  Faces", SIGGRAPH 1999, Sec. 2; the fields here are formulas, not learned from scans.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from common.data.synthetic_features import (
    EXPRESSIONS,
    LONGITUDE_MM,
    MOUTH,
    SHAPES,
    features,
    landmark_chart,
)

# The loops from the temples to the shoulders: height in front, height behind, half width, depth in
# front and behind of the ears. The jaw's loop (108) runs from the chin up to the ears, so that
# the neck begins behind it; the loops after it go inward under the jaw, and down.
_LOOPS = np.array(
    [
        # down front  back  width z_front z_back
        (-30, -30, -30, 76.0, 96.0, 95.0),
        (-15, -15, -15, 74.0, 96.0, 95.0),
        (0, 0, -2, 72.0, 92.0, 94.0),
        (20, 20, 8, 70.5, 92.0, 90.0),
        (45, 45, 14, 69.0, 94.0, 84.0),
        (68, 68, 17, 66.0, 96.0, 78.0),
        (90, 90, 18, 61.0, 94.0, 72.0),
        (108, 108, 18, 55.5, 90.0, 68.0),
        (112, 112, 22, 52.0, 84.0, 66.0),
        (118, 113, 32, 47.0, 66.0, 63.0),
        (126, 114, 50, 44.0, 44.0, 60.0),
        (150, 132, 100, 47.0, 36.0, 57.0),
        (168, 152, 130, 58.0, 40.0, 60.0),
        (182, 166, 146, 90.0, 48.0, 66.0),
        (200, 184, 166, 136.0, 62.0, 72.0),
        (220, 206, 190, 160.0, 74.0, 80.0),
        (300, 286, 272, 174.0, 90.0, 90.0),
    ],
    dtype=np.float64,
)
_CROWN, _TEMPLES = -113.0, -30.0
_SIZES = (7.5, 10.0, 14.0, 19.0, 26.0)
"""Longest edges of the triangles of each size but the last, in millimeters."""


@dataclass(frozen=True)
class HeadModel:
    """The mesh and its fields; all in millimeters."""

    mean: Float[np.ndarray, "vertices 3"]
    shape: Float[np.ndarray, "shapes vertices 3"]
    """Displacement by one standard deviation of each of `SHAPES`."""
    expression: Float[np.ndarray, "expressions vertices 3"]
    """Displacement by each of `EXPRESSIONS` at full strength."""
    triangles: Int[np.ndarray, "triangles 3"]
    """Wound so that normals point outward; small ones first."""
    group_counts: tuple[int, ...]
    """How many triangles there are of each size (see renderer.measure)."""
    chart: Float[np.ndarray, "vertices 2"]
    """(across, down) of each vertex: where the texture is painted."""
    mirror: Int[np.ndarray, " vertices"]
    """Number of each vertex's mirror image; the mean head is symmetric."""
    landmark_vertices: Int[np.ndarray, "points 3"]
    landmark_weights: Float[np.ndarray, "points 3"]
    """Each of the 68 landmarks is this mean of three vertices, whatever the head does."""


@cache
def head_model() -> HeadModel:
    """Build the model: the same on every call."""
    across_lines, down_lines = _grid_lines()
    across, down = (axis.ravel() for axis in np.meshgrid(across_lines, down_lines))
    triangles = _triangles(len(down_lines), len(across_lines))
    numbers = np.arange(len(across)).reshape(len(down_lines), -1)
    mean = _loft(across, down)
    mean = mean + features(across, down)
    corners, weights = _anchor(landmark_chart(), across_lines, down_lines)
    expression = np.stack([field(across, down, mean) for field in EXPRESSIONS.values()])
    # A triangle's size is that of its most stretched state: the mouth's strip opens wide.
    states = np.concatenate([mean[None], mean + expression])[:, triangles]
    edges = np.linalg.norm(states - np.roll(states, 1, axis=2), axis=-1)
    longest = edges.max(axis=(0, 2))
    triangles = triangles[np.argsort(longest, kind="stable")]
    stops = np.searchsorted(np.sort(longest), _SIZES)
    return HeadModel(
        mean=mean,
        shape=np.stack([field(across, down, mean) for field in SHAPES.values()]),
        expression=expression,
        triangles=triangles,
        group_counts=tuple(int(n) for n in np.diff(stops, prepend=0, append=len(triangles))),
        chart=np.stack([across, down], axis=-1),
        mirror=numbers[:, ::-1].ravel(),
        landmark_vertices=corners,
        landmark_weights=weights,
    )


def _grid_lines() -> tuple[np.ndarray, np.ndarray]:
    """Lines of the chart's grid: dense where the face is, the mouth's two edges among them."""
    half = np.concatenate(
        [np.linspace(0, 60, 15), np.linspace(60, 132, 13)[1:], np.linspace(132, 220, 8)[1:]]
    )
    half = half * (np.pi * LONGITUDE_MM / half[-1])
    crown = _TEMPLES + (_CROWN - _TEMPLES) * np.sin(np.linspace(np.pi / 2, 0.14, 10))
    face = np.concatenate(
        [
            np.linspace(-30, 36, 16),
            np.linspace(36, 57, 8)[1:],
            np.linspace(57, MOUTH[0], 5)[1:],
            np.linspace(MOUTH[1], 80, 5),
            np.linspace(80, 112, 8)[1:],
        ]
    )
    below = np.concatenate([[115, 119, 124, 131], np.linspace(140, 300, 15)])
    return np.concatenate([-half[:0:-1], half]), np.concatenate([crown, face, below])


def _triangles(rows: int, columns: int) -> Int[np.ndarray, "triangles 3"]:
    """Two triangles a cell, wound so that normals point outward, mirrored about the middle."""
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b = number[:-1, :-1].ravel(), number[:-1, 1:].ravel()
    c, d = number[1:, :-1].ravel(), number[1:, 1:].ravel()
    right = np.tile(np.arange(columns - 1) >= columns // 2, rows - 1)[:, None]
    upper = np.where(right, np.stack([a, d, b], 1), np.stack([a, c, b], 1))
    lower = np.where(right, np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return np.concatenate([upper, lower])


def _loft(
    across: Float[np.ndarray, " vertices"], down: Float[np.ndarray, " vertices"]
) -> Float[np.ndarray, "vertices 3"]:
    """The plain head: ellipses, one a loop, tilted as the table says."""
    from scipy.interpolate import PchipInterpolator

    front, back, width, z_front, z_back = PchipInterpolator(_LOOPS[:, 0], _LOOPS[:, 1:])(
        np.maximum(down, _TEMPLES)
    ).T
    above = np.clip((_TEMPLES - down) / (_TEMPLES - _CROWN), 0, 1)  # 0 at the temples, 1 on top
    front, back = (height - above * (_TEMPLES - _CROWN) for height in (front, back))
    angle = across / LONGITUDE_MM
    ahead = np.cos(angle)
    z = np.where(
        ahead > 0,
        -z_front * (1 - above**2.6) ** 0.5 * ahead,
        -z_back * (1 - above**2.2) ** 0.5 * ahead,
    )
    x = width * (1 - above**2.4) ** 0.5 * np.sin(angle)
    return np.stack([x, front + (back - front) * (1 - ahead) / 2, z], axis=-1)


def _anchor(
    points: Float[np.ndarray, "points 2"], across_lines: np.ndarray, down_lines: np.ndarray
) -> tuple[Int[np.ndarray, "points 3"], Float[np.ndarray, "points 3"]]:
    """The triangle of the chart's grid that each point lies in, and its weights there."""
    column, u = _cell(points[:, 0], across_lines)
    row, v = _cell(points[:, 1], down_lines)
    a = row * len(across_lines) + column
    b, c, d = a + 1, a + len(across_lines), a + len(across_lines) + 1
    # The same two diagonals as in `_triangles`.
    cases = [
        (np.stack([a, b, d], 1), np.stack([1 - u, u - v, v], 1)),
        (np.stack([a, d, c], 1), np.stack([1 - v, u, v - u], 1)),
        (np.stack([a, b, c], 1), np.stack([1 - u - v, u, v], 1)),
        (np.stack([b, d, c], 1), np.stack([1 - v, u + v - 1, 1 - u], 1)),
    ]
    right = column >= len(across_lines) // 2
    case = np.where(right, np.where(u >= v, 0, 1), np.where(u + v <= 1, 2, 3))[:, None]
    corners, weights = (np.choose(case, list(option)) for option in zip(*cases, strict=True))
    return corners, weights


def _cell(values: np.ndarray, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the line before each value, and how far it is on the way to the next, 0 to 1."""
    before = np.clip(np.searchsorted(lines, values, side="right") - 1, 0, len(lines) - 2)
    return before, (values - lines[before]) / (lines[before + 1] - lines[before])
