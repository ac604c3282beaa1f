"""The generic 3D face: 67 anchors, the triangles between them, and what lies around the face.

Head coordinates: the origin midway between the eye centers, their distance the unit; x to the
image's right, y down, z away from the viewer (so the nose is negative), as the face looks straight
into the camera. The shape is the mean of training faces (`python -m experiments.mean_shape`), in
place of the paper's USF Human-ID scans: docs/deepface.md, deviation 2.

Source: Taigman et al. 2014, Sec. 2.1, "3D Alignment", Fig. 1.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

SHAPE_FILE = Path(__file__).parent / "generic_face.json"
ERRORS_FILE = Path(__file__).parents[1] / "common" / "landmarks" / "error_covariance.npz"

LEFT_OUT = 28
"""Of the 68 iBUG points: the upper middle of the nose's ridge. It lies on the midline, so the mesh
stays symmetric, and on the straight line between 27 and 30 (to 0.01 of the unit): it tells least.
"""
ANCHORS = np.delete(np.arange(68), LEFT_OUT)
"""iBUG numbers of the 67 anchors, in order."""
MIRROR_68 = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48]
    + [59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)
"""iBUG number of every point's counterpart on the other side of the face."""

# The frame: far enough out to cover every output, at the depth of the ears.
_FRAME_X, _FRAME_TOP, _FRAME_BOTTOM, _FRAME_Z = 1.9, -1.5, 2.4, 0.8
_FOREHEAD_ABOVE_BROWS = 0.55
# Standard deviations of the fiducials' errors, in units, until they are measured.
_CONTOUR_ERROR, _BROW_ERROR, _INNER_ERROR = 0.08, 0.05, 0.03


@dataclass(frozen=True, eq=False)
class FaceModel3D:
    """A mesh of the anchors (in the order of `ANCHORS`) and of points around the face.

    The triangles outside of the anchors are the contour triangles of the paper's Fig. 1: with
    them the output has no jump at the edge of the face. The midline's vertices are there twice,
    for the left and for the right half: so a half can be hidden right up to the midline.
    `==` and hash go by identity, so that jit takes a face as a static argument.
    """

    points: Float[np.ndarray, "vertices 3"]
    """First the anchors, then the midline's anchors again, then what is around the face."""
    triangles: Int[np.ndarray, "triangles 3"]
    """Corners clockwise as seen from the front; those of one half, then their mirror images."""
    mirror: Int[np.ndarray, " vertices"]
    """Each vertex's counterpart on the other side."""
    anchor: Int[np.ndarray, " skin"]
    """The anchor that each of the first vertices is."""
    carry: Float[np.ndarray, "vertices skin"]
    """Each vertex as a mean of the first ones: itself, or those near it on its half; sum 1."""
    follow: Float[np.ndarray, " vertices"]
    """How much of the residual a vertex takes: 1; 0 on the frame, which stays."""
    covariance: Float[np.ndarray, "134 134"]
    """Sigma: of the anchors' errors, rows x0, y0, x1, y1, ..., in units squared."""
    landmarks: Float[np.ndarray, "68 3"]
    """All 68 points of the shape."""

    @property
    def skin(self) -> Int[np.ndarray, "triangles 3"]:
        """The triangles between anchors alone."""
        return self.triangles[(self.triangles < len(self.anchor)).all(axis=1)]


@cache
def generic_face() -> FaceModel3D:
    """The face of generic_face.json, with the measured Sigma where there is one.

    Raises:
      ValueError: a file is not what it should be.
    """
    landmarks = np.array(json.loads(SHAPE_FILE.read_text())["landmarks"])
    if landmarks.shape != (68, 3):
        raise ValueError(
            f"{SHAPE_FILE.name} holds points of shape {landmarks.shape}, wanted (68, 3); make it "
            "again with python -m experiments.mean_shape"
        )
    if not ERRORS_FILE.exists():
        return assemble(landmarks)
    with np.load(ERRORS_FILE, allow_pickle=False) as file:
        return assemble(landmarks, independent(file["covariance"].astype(np.float64)))


def independent(covariance: Float[np.ndarray, "136 136"]) -> Float[np.ndarray, "136 136"]:
    """A measured Sigma without what links one fiducial to another, and the same on both sides.

    The detector errs alike on neighboring points, so patterns that bend the face from point to
    point have next to no variance in a measured Sigma. A camera that trusts them most is led by
    what those patterns also hold: the person's own shape, which the generic face lacks.
    """
    own = covariance * np.kron(np.eye(68), np.ones((2, 2)))
    mirrored = np.stack([2 * MIRROR_68, 2 * MIRROR_68 + 1], axis=1).ravel()
    signs = np.tile([-1.0, 1.0], 68)
    return (own + own[np.ix_(mirrored, mirrored)] * np.outer(signs, signs)) / 2


def default_covariance() -> Float[np.ndarray, "136 136"]:
    """Sigma of independent errors: largest on the contour, as the paper says, then on the brows."""
    deviation = np.full(68, _INNER_ERROR)
    deviation[:17], deviation[17:27] = _CONTOUR_ERROR, _BROW_ERROR
    return np.diag(np.repeat(deviation**2, 2))


def to_head_coordinates(landmarks: Float[np.ndarray, "68 3"]) -> Float[np.ndarray, "68 3"]:
    """Move and scale a shape that faces the camera, and make it symmetric."""
    eyes = np.stack([landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)])
    placed = (landmarks - eyes.mean(axis=0)) / np.linalg.norm(eyes[1] - eyes[0])
    return (placed + placed[MIRROR_68] * [-1, 1, 1]) / 2 + 0.0  # no negative zeros


def assemble(
    landmarks: Float[np.ndarray, "68 3"], covariance: Float[np.ndarray, "136 136"] | None = None
) -> FaceModel3D:
    """Build the mesh around 68 points.

    Args:
      landmarks: iBUG order, facing the camera, any position and scale.
      covariance: of the errors of all 68, rows x0, y0, x1, ..., in inter-ocular distances squared;
        by default `default_covariance`.

    Raises:
      ValueError: the covariance is not positive definite.
    """
    landmarks = to_head_coordinates(landmarks)
    if covariance is None:
        covariance = default_covariance()
    rows = np.delete(np.arange(136), [2 * LEFT_OUT, 2 * LEFT_OUT + 1])
    sigma = covariance[np.ix_(rows, rows)]
    if not np.allclose(sigma, sigma.T) or np.linalg.eigvalsh(sigma).min() <= 0:
        raise ValueError("the covariance of the landmarks' errors is not positive definite")

    anchors, around = landmarks[ANCHORS], np.concatenate([_forehead(landmarks), _frame()])
    middle, outer_middle = (np.flatnonzero(points[:, 0] == 0) for points in (anchors, around))
    anchor = np.concatenate([np.arange(len(anchors)), middle])
    outer = np.concatenate([np.arange(len(around)), outer_middle])
    points = np.concatenate([anchors[anchor], around[outer]])
    # +1 on the left half and the midline, -1 on the right half and on the midline's second copy.
    side = np.where(points[:, 0] <= 0, 1, -1)
    side[len(anchors) : len(anchor)] = side[len(anchor) + len(around) :] = -1
    same_place = np.linalg.norm(points[:, None] - points * [-1, 1, 1], axis=-1)
    mirror = (same_place + (side[:, None] == side)).argmin(axis=1)
    distance = np.linalg.norm(points[:, None, :2] - points[: len(anchor), :2], axis=-1)
    nearness = np.where(side[:, None] == side[: len(anchor)], (distance + 1e-9) ** -4.0, 0)
    carry = nearness / nearness.sum(axis=1, keepdims=True)
    carry[: len(anchor)] = np.eye(len(anchor))
    return FaceModel3D(
        points=points,
        triangles=_symmetric_delaunay(points[:, :2], np.flatnonzero(side > 0), mirror),
        mirror=mirror,
        anchor=anchor,
        carry=carry,
        follow=np.concatenate([np.ones(len(anchor)), (outer < len(_forehead(landmarks))) * 1.0]),
        covariance=sigma,
        landmarks=landmarks,
    )


def _forehead(landmarks: np.ndarray) -> np.ndarray:
    """Five points of an arch from temple to temple, as an ellipsoid would go on."""
    temple, bridge = landmarks[16], landmarks[27]
    top = np.array([0, landmarks[17:27, 1].min() - _FOREHEAD_ABOVE_BROWS, bridge[2] + 0.1])
    angle = np.radians([150, 120, 90, 60, 30])
    x = temple[0] * np.cos(angle)
    rest = temple[1:] + np.sin(angle)[:, None] * (top[1:] - temple[1:])
    return np.concatenate([np.where(angle == np.pi / 2, 0, x)[:, None], rest], axis=1)


def _frame() -> np.ndarray:
    """Sixteen points on a rectangle around everything."""
    x, y = np.linspace(-_FRAME_X, _FRAME_X, 5), np.linspace(_FRAME_TOP, _FRAME_BOTTOM, 5)
    sides = [(a, b) for a in x for b in y if abs(a) == _FRAME_X or b in (y[0], y[-1])]
    return np.array([(a, b, _FRAME_Z) for a, b in sides])


def _symmetric_delaunay(
    points: Float[np.ndarray, "vertices 2"],
    half: Int[np.ndarray, " left"],
    mirror: Int[np.ndarray, " vertices"],
) -> Int[np.ndarray, "triangles 3"]:
    """Delaunay triangles of the left half with the midline, and their mirror images.

    A triangulation of the whole would cut quadrilaterals across the midline in an arbitrary way.
    """
    from scipy.spatial import Delaunay

    triangles = half[Delaunay(points[half]).simplices]
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    b, c = b - a, c - a
    area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
    triangles[area < 0] = triangles[area < 0][:, ::-1]
    triangles = triangles[np.abs(area) > 1e-9]  # none along the midline itself
    return np.concatenate([triangles, mirror[triangles][:, ::-1]])
