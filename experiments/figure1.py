"""The paper's Figure 1, (a) to (h), drawn from our stages for any face.

Run `python -m experiments.figure1 PICTURE OUTPUT.png` for a photo, or
`python -m experiments.figure1 --synthetic SEED OUTPUT.png` for a synthetic head with its true
landmarks. A picture of a real face belongs into `runs/`, which is never committed.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render
from common.images import ImageError, decode_image, resize
from common.landmarks.crops import Found, search
from common.landmarks.points import eye_distance
from common.landmarks.predict import Landmarker, Outcome
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import FaceModel3D, assemble, generic_face
from experiments import pictures
from experiments.alignment.figure1_panels import draw
from experiments.alignment.figure1_stages import FigureError, stages

SYNTHETIC_POSE = (35.0, -4.0, 9.0)
"""Yaw, pitch and roll of the synthetic head, in degrees."""
SYNTHETIC_SIZE = 400
LARGEST_EYE_DISTANCE = 120.0
"""Pixels between the eyes, above which a photo is shrunk: bilinear sampling would skip pixels."""


def figure1(
    picture: UInt8[np.ndarray, "height width 3"],
    landmarks: Float[np.ndarray, "68 2"],
    face: FaceModel3D,
    config: AlignConfig = PAPER,
) -> Figure:
    """Compute the stages of one face and draw the eight panels.

    Args:
      picture: RGB, 0 to 255.
      landmarks: iBUG order, in pixels of the picture.
      face: the 3D reference.
      config: placement and limits.

    Raises:
      FigureError: the face cannot be frontalized.
    """
    return draw(stages(picture, landmarks, face, config), face, config)


def synthetic_face(
    seed: int,
) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "68 2"]]:
    """A synthetic head in SYNTHETIC_POSE, and its true landmarks; the same seed, the same head.

    Raises:
      FigureError: the seed is negative.
    """
    if seed < 0:
        raise FigureError(f"the seed is {seed}; wanted 0 or more")
    rng = np.random.default_rng(seed)
    scene = random_scenes(random_identities(1, rng), np.zeros(1, int), rng)
    scene = scene._replace(
        pose=np.array([SYNTHETIC_POSE], np.float32), noise=np.zeros(1, np.float32)
    )
    drawn = render(scene, SYNTHETIC_SIZE, samples=2)
    return drawn.images[0], drawn.landmarks[0]


def photographed_face(
    path: Path,
) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "68 2"], Found]:
    """A photo, shrunk if its face is large, with the landmarks found, and how the search ended.

    Raises:
      ImageError: the file is no picture.
      FigureError: no face is found.
    """
    picture = decode_image(path.read_bytes(), str(path))
    looked = search(picture)
    prediction = Landmarker.load(batch=1)([picture], looked.square)
    outcome = Outcome(int(prediction.outcome[0]))
    if outcome != Outcome.FOUND:
        raise FigureError(
            f"{path}: no landmarks ({outcome.name}, {looked.found.value}); wanted one clear face"
        )
    return *shrink(picture, prediction.points[0]), looked.found


def shrink(
    picture: UInt8[np.ndarray, "height width 3"], landmarks: Float[np.ndarray, "68 2"]
) -> tuple[UInt8[np.ndarray, "new_height new_width 3"], Float[np.ndarray, "68 2"]]:
    """Picture and landmarks with the eyes at most LARGEST_EYE_DISTANCE pixels apart."""
    factor = LARGEST_EYE_DISTANCE / float(eye_distance(landmarks))
    if factor >= 1:
        return picture, landmarks
    height, width = (max(2, round(factor * side)) for side in picture.shape[:2])
    scale = np.array([width / picture.shape[1], height / picture.shape[0]])
    return resize(picture, height, width), (landmarks + 0.5) * scale - 0.5


@dataclass(frozen=True)
class Args:
    """PICTURE OUTPUT.png, or --synthetic SEED OUTPUT.png."""

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """The photo and the PNG to write; of a synthetic head, the PNG alone."""
    synthetic: int | None = None
    """Seed of a synthetic head, 0 or more."""


def main(args: Args) -> int:
    """Draw and write the figure; returns the exit code."""
    synthetic = args.synthetic is not None
    try:
        _check(args.paths, synthetic=synthetic)
        face = generic_face()
        if args.synthetic is not None:
            picture, landmarks = synthetic_face(args.synthetic)
            face = assemble(face.landmarks)  # true landmarks have no error that Sigma knows of
        else:
            picture, landmarks, found = photographed_face(args.paths[0])
            print(f"{args.paths[0].name}: {found.value}")
        figure = figure1(picture, landmarks, face)
        path = pictures.save(figure, args.paths[-1], synthetic=synthetic)
    except (FigureError, ImageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Figure 1 is in {path}")
    return 0


def _check(paths: tuple[Path, ...], *, synthetic: bool) -> None:
    wanted = ("OUTPUT.png",) if synthetic else ("PICTURE", "OUTPUT.png")
    if len(paths) != len(wanted) or paths[-1].suffix.lower() != ".png":
        came = " ".join(map(str, paths)) or "no path"
        raise FigureError(f"{came} came; wanted {' '.join(wanted)}")


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args, description=__doc__)))
