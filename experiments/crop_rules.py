"""Fit where to look for a face: the constants of common/landmarks/crops.py and predict.py.

    python -m experiments.crop_rules --lfw-dir DIR

The square that the landmark network asks for, on the images of View 1's training pairs (never those
of View 2): its median, beside LFW's frame and beside the box of OpenCV's Haar cascade. And how far
the network's two looks contradict each other on faces, on faces upside down, and on squares of
background: between them lies the limit from which on a face counts as not found. The constants are
printed; a person takes them over. Runtime: about three minutes on two cores.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, UInt8

from common.landmarks.crops import CASCADE_LOWERED, CASCADE_SIDE, Found, lfw_squares, search
from common.landmarks.predict import UNSTABLE_ABOVE, Landmarker, Outcome
from common.landmarks.squares import Squares, squares_around

_PERCENTILES = (50, 90, 99, 99.9)
_BACKGROUND_SIDE = 0.25
"""In widths of LFW's images; in the corners, where there is seldom a face."""


@dataclass(frozen=True)
class CropRules:
    """Fit where to look for a face."""

    lfw_dir: Path | None = None
    """Folder or .tgz of LFW. Else $LFW_DIR, scikit-learn's cache, or a download."""


def main(options: CropRules) -> int:
    """Print what the network asks for; returns the exit code."""
    from common.data.lfw import LfwError, find_lfw
    from common.data.lfw_benchmark import open_lfw

    try:
        folder = find_lfw(options.lfw_dir)
    except LfwError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if folder is None:
        print("error: LFW was neither found nor reachable (docs/data.md)", file=sys.stderr)
        return 1
    benchmark = open_lfw(folder)
    faces = np.stack([benchmark.images[int(k)] for k in benchmark.view1_train.images()])
    landmarker = Landmarker.load()
    size = faces.shape[1]
    found = landmarker(faces, lfw_squares(len(faces), size))
    good = found.outcome == Outcome.FOUND
    asked = squares_around(found.points[good])
    center = (np.median(asked.center, axis=0) + 0.5) / size
    print(f"{len(faces):,} images of View 1's training pairs, {good.mean():.4f} of them FOUND")
    print(f"LFW_CENTER = ({center[0]:.3f}, {center[1]:.3f})")
    print(f"LFW_SIDE = {np.median(asked.side) / size:.3f}")
    side, lowered = cascade_rule(faces[good], asked)
    print(f"CASCADE_SIDE = {side:.2f}\nCASCADE_LOWERED = {lowered:.3f}")

    print(f"disagreement of the two looks (UNSTABLE_ABOVE = {UNSTABLE_ABOVE}); {_PERCENTILES}")
    upside_down = np.ascontiguousarray(faces[:, ::-1, ::-1])
    turned = lfw_squares(len(faces), size)
    turned = Squares(size - 1 - turned.center, turned.side, turned.roll)
    _tell("faces", found.disagreement)
    _tell("faces upside down", landmarker(upside_down, turned).disagreement)
    _tell("background", landmarker(faces, _corners(len(faces), size)).disagreement)
    return 0


def cascade_rule(
    faces: UInt8[np.ndarray, "faces height width 3"], asked: Squares
) -> tuple[float, float]:
    """Median side and lowering of the asked squares, in sides of the box that the cascade finds."""
    sides, lowered = [], []
    for number, face in enumerate(faces):
        looked = search(face)
        if looked.found is Found.NONE:
            continue
        box = looked.square.side[0] / CASCADE_SIDE
        middle = looked.square.center[0] - [0, CASCADE_LOWERED * box]
        if abs(middle - asked.center[number]).max() < box / 2:  # it is the same face
            sides.append(asked.side[number] / box)
            lowered.append((asked.center[number, 1] - middle[1]) / box)
    return float(np.median(sides)), float(np.median(lowered))


def _corners(images: int, size: int) -> Squares:
    side = _BACKGROUND_SIDE * size
    corner = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[np.arange(images) % 4]
    center = side / 2 + corner * (size - side) - 0.5
    return Squares(center, np.full(images, side), np.zeros(images))


def _tell(what: str, disagreement: Float[np.ndarray, " faces"]) -> None:
    values = ", ".join(f"{np.percentile(disagreement, q):.3f}" for q in _PERCENTILES)
    print(f"  {what}: {values}; {(disagreement > UNSTABLE_ABOVE).mean():.4f} above the limit")


if __name__ == "__main__":
    sys.exit(main(tyro.cli(CropRules, description=__doc__)))
