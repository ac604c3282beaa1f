"""Where a face lies on the output: one placement for the 2D anchors, the 3D reference, the crop.

A frontal face is therefore placed alike by 2D alignment and by frontalization.
"""

import numpy as np
from jaxtyping import Float

from deepface_jax.config import AlignConfig
from deepface_jax.face_model import FaceModel3D


def reference(face: FaceModel3D, config: AlignConfig) -> Float[np.ndarray, "vertices 3"]:
    """The mesh facing the output: x and y in its pixels, z in pixels from the eyes' plane."""
    return _place(face.points, config)


def reference_landmarks(face: FaceModel3D, config: AlignConfig) -> Float[np.ndarray, "68 3"]:
    """The generic face's 68 points, placed as the mesh is."""
    return _place(face.landmarks, config)


def six_fiducials(landmarks):
    """Two eye centers, nose tip, and three points of the mouth: corners and middle.

    The paper names six fiducials and no points; these are our choice of iBUG's: the means of
    36-41 and of 42-47, 30, 48, 54, and the mean of 51 and 57.

    Args:
      landmarks: `... 68 axes` of NumPy or JAX.

    Returns:
      `... 6 axes`, of the same kind.
    """
    weights = np.zeros((6, 68), np.float32)
    weights[0, 36:42] = weights[1, 42:48] = 1 / 6
    weights[[2, 3, 4], [30, 48, 54]] = 1
    weights[5, [51, 57]] = 1 / 2
    return weights @ landmarks


def anchors(face: FaceModel3D, config: AlignConfig) -> Float[np.ndarray, "6 2"]:
    """The paper's anchor locations: where the generic face has its six fiducials."""
    return six_fiducials(reference_landmarks(face, config))[:, :2]


def center_crop(height: int, width: int, config: AlignConfig) -> Float[np.ndarray, "2 3"]:
    """Transform that takes the square in the middle of an image to the output."""
    scale = config.size / (config.center_share * min(height, width))
    middle = (config.size - 1) / 2
    return np.array(
        [
            [scale, 0, middle - scale * (width - 1) / 2],
            [0, scale, middle - scale * (height - 1) / 2],
        ],
        np.float32,
    )


def _place(points: np.ndarray, config: AlignConfig) -> np.ndarray:
    placed = points * config.interocular + [config.eyes_x, config.eyes_y, 0.0]
    return placed.astype(np.float32)
