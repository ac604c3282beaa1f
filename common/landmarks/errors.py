"""How far predicted points are off, in distances between the eyes."""

from typing import Any

import numpy as np
from jaxtyping import Float

from common.landmarks.points import LEFT_CORNER, REGIONS, RIGHT_CORNER, eye_distance

FAILURE = 0.08
"""A face whose mean error is above this share of the distance between the eyes has failed."""


def normalized_errors(
    predicted: Float[np.ndarray, "faces 68 2"], truth: Float[np.ndarray, "faces 68 2"]
) -> Float[np.ndarray, "faces 68"]:
    """Distance of each point from its truth, divided by the distance between the face's eyes."""
    distance = np.linalg.norm(predicted - truth, axis=-1)
    return distance / eye_distance(truth)[:, None]


def error_summary(
    predicted: Float[np.ndarray, "faces 68 2"], truth: Float[np.ndarray, "faces 68 2"]
) -> dict[str, Any]:
    """Normalized mean error, overall and by region, and the share of faces that failed.

    The unit is the distance between the centers of the eyes; `by_outer_eye_corners` repeats the
    figures in the longer distance between the outer corners, which many papers use.
    """
    errors = normalized_errors(predicted, truth)
    corners = np.linalg.norm(truth[:, LEFT_CORNER] - truth[:, RIGHT_CORNER], axis=-1)
    by_corners = errors * (eye_distance(truth) / corners)[:, None]
    each = errors.mean(1)
    return {
        "faces": len(errors),
        "normalized_mean_error": float(errors.mean()),
        "median_over_faces": float(np.median(each)),
        "by_region": {name: float(errors[:, part].mean()) for name, part in REGIONS.items()},
        "failures": float((each > FAILURE).mean()),
        "by_outer_eye_corners": {
            "normalized_mean_error": float(by_corners.mean()),
            "failures": float((by_corners.mean(1) > FAILURE).mean()),
        },
    }


def error_covariance(
    predicted: Float[np.ndarray, "faces 68 2"], truth: Float[np.ndarray, "faces 68 2"]
) -> Float[np.ndarray, "136 136"]:
    """Covariance of the errors (x0, y0, x1, y1, ...), in squared distances between the eyes.

    About the mean error, with n - 1 faces.
    """
    errors = (predicted - truth) / eye_distance(truth)[:, None, None]
    return np.cov(errors.reshape(len(errors), -1), rowvar=False)
