"""Compute the generic 3D face: the mean shape of the training people's reference points.

Run `python -m experiments.mean_shape --train-dir DIR`; DIR (or FACES_TRAIN_DIR) holds
landmarks.npz and identities.csv. It writes deepface_jax/generic_face.json. Only people of the
split `train` are used, and each counts once, however many pictures there are of them.

Generalized Procrustes analysis: every shape is moved, scaled and turned onto the mean, the mean is
taken again, until it stays. Mirror images count too, so the mean is symmetric; it looks where the
people look on average.

Source: Gower 1975, "Generalized Procrustes Analysis".
"""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepface_jax.face_model import MIRROR_68, SHAPE_FILE, to_head_coordinates

ROUNDS, TOLERANCE = 100, 1e-10

Shapes = Float[np.ndarray, "shapes 68 3"]


@dataclass(frozen=True)
class Args:
    """Where the reference points are."""

    train_dir: Path | None = None
    """Folder with landmarks.npz and identities.csv; by default FACES_TRAIN_DIR."""
    output: Path = SHAPE_FILE
    """File to write."""


def procrustes_mean(
    shapes: Shapes, weights: Float[np.ndarray, " shapes"]
) -> Float[np.ndarray, "68 3"]:
    """Symmetric mean of shapes, which looks where the shapes do on average.

    Args:
      shapes: any position, scale and orientation.
      weights: positive; how much each shape counts.
    """
    shapes = np.concatenate([shapes, shapes[:, MIRROR_68] * [-1, 1, 1]])
    weights = np.tile(weights, 2) / (2 * weights.sum())
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = shapes / np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    mean = np.tensordot(weights, shapes, 1)
    for _ in range(ROUNDS):
        turned = np.tensordot(weights, shapes @ _rotations(shapes, mean), 1)
        turned /= np.linalg.norm(turned)
        change, mean = np.abs(turned - mean).max(), turned
        if change < TOLERANCE:
            break
    # The mean rotation onto the mean shape, undone, leaves the mean view.
    average = np.tensordot(weights, _rotations(shapes, mean), 1)
    u, _, vt = np.linalg.svd(average)
    return to_head_coordinates(mean @ (u @ vt).T)


def _rotations(shapes: Shapes, mean: np.ndarray) -> Float[np.ndarray, "shapes 3 3"]:
    """R that makes shape @ R nearest to the mean, no reflections."""
    u, _, vt = np.linalg.svd(np.einsum("npi,pj->nij", shapes, mean))
    sign = np.ones((len(shapes), 1, 3))
    sign[:, 0, 2] = np.linalg.det(u @ vt)
    return (u * sign) @ vt


def read_shapes(folder: Path) -> tuple[Shapes, Float[np.ndarray, " shapes"], int]:
    """Training people's reference points, the weight of each, and how many people there are."""
    with (folder / "identities.csv").open(newline="") as file:
        train = {row["identity"] for row in csv.DictReader(file) if row["split"] == "train"}
    with np.load(folder / "landmarks.npz", allow_pickle=False) as file:
        chosen = np.isin(file["identity"], sorted(train))
        points = file["points"][chosen].astype(np.float64)
        identities = file["identity"][chosen]
    people, person, images = np.unique(identities, return_inverse=True, return_counts=True)
    return points, 1.0 / images[person], len(people)


def main(args: Args) -> None:
    """Read, average, write.

    Raises:
      SystemExit: the reference points are not there.
    """
    folder = args.train_dir or Path(os.environ.get("FACES_TRAIN_DIR", ""))
    for name in ("landmarks.npz", "identities.csv"):
        if not (folder / name).is_file():
            raise SystemExit(
                f"{folder / name} is not there; pass --train-dir or set FACES_TRAIN_DIR to the "
                "folder of faces with reference points"
            )
    shapes, weights, people = read_shapes(folder)
    mean = procrustes_mean(shapes, weights)
    about = (
        f"mean of {len(shapes)} faces of {people} people, 68 iBUG points; x right, y down, z away "
        "from the viewer; unit: distance between the eye centers, origin midway between them"
    )
    lines = ",\n".join(f"  {json.dumps([round(float(v), 5) + 0.0 for v in row])}" for row in mean)
    args.output.write_text(
        f'{{\n "about": {json.dumps(about)},\n "landmarks": [\n{lines}\n ]\n}}\n'
    )
    print(f"{args.output.name}: {about}")


if __name__ == "__main__":
    import tyro

    main(tyro.cli(Args, description=__doc__))
