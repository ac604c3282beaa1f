"""The values of DeepFace's alignment, and its switches.

The paper gives the output's size and the counts of fiducials; where the face lies on the output,
what is visible, and when to give up are ours (docs/deepface.md, deviations 3 to 5).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class AlignConfig:
    """How a face becomes the network's input; the defaults are the full method."""

    stage: Literal["crop", "2d", "3d"] = "3d"
    """Center crop only, 2D alignment only, or frontalization (paper: 87.9, 94.3, 95.92 on LFW)."""
    residual: bool = True
    """Add what the camera leaves over to the 3D reference, so that a face keeps its own shape."""
    blending: bool = True
    """Replace hidden triangles by their mirror image."""
    covariance: bool = True
    """Weigh the fiducials by Sigma; without it all count alike."""

    size: int = 152
    """Height and width of the output in pixels (paper: 152)."""
    interocular: float = 54.0
    """Pixels of the output between the centers of the eyes of the generic face."""
    eyes_x: float = 75.5
    """Pixels; the middle between the eyes on the output: midway."""
    eyes_y: float = 52.0
    """Pixels; how far down the output the eyes are."""
    center_share: float = 1 / 2.2
    """Side of the center crop as a share of the image's shorter side. LFW's images are a
    detector's boxes, enlarged 2.2 times."""

    iterations: int = 4
    """Of 2D alignment, at most."""
    tolerance: float = 0.5
    """Pixels of the output: 2D alignment ends when no fiducial moves farther."""

    detector_view: float = 1.2
    """Side of what the detector sees, in sides of the output: detectors want room around a face."""

    seen: tuple[float, float] = (0.05, 0.35)
    """Cosine between a triangle's normal and the viewer: hidden below, wholly visible above."""
    largest_turn_degrees: float = 75.0
    """Camera's direction off the frontal: beyond it the mesh shows too little of a face."""
    smallest_shape: float = 0.2
    """Ratio of the camera's singular values (1 for a camera without skew): below, it is
    degenerate."""
    largest_residual: float = 0.25
    """Root mean square of the residual, in inter-ocular distances: above, this is no face."""
    largest_share_outside: float = 0.25
    """Of the landmarks that may lie outside the image; its edge pixels stand for what is there."""


PAPER = AlignConfig()
