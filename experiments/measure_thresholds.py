"""Measure what `experiments.identify` needs of a network: thresholds, on people held out.

    python -m experiments.measure_thresholds deepface-small --train-dir DIR
    python -m experiments.measure_thresholds sphereface --train-dir DIR --weights other.npz

The people are those of the split `validation`, aligned as the network's training faces were. Three
blocks go into the .json beside the weights (`experiments.held_out.HeldOut.measure`), and the card
is written anew. Training FaceNet or SphereFace does this as well; the arrays are not touched.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from common.data.cache import clear_disk_errors
from common.data.progress import progress
from common.weights_file import write_facts
from experiments import deepface_card, facenet_card, sphereface_card
from experiments.face_sets import faces_aligned
from experiments.held_out import HeldOut
from experiments.photos import photo_embedders
from experiments.photos.photo_embedders import PhotoEmbedder, RowName
from experiments.training_command import named_folder

CARDS: dict[RowName, Callable[[Path], Path]] = {
    "facenet": facenet_card.write_card,
    "sphereface": sphereface_card.write_card,
    "deepface-small": deepface_card.write_card,
}
PART = 512
"""Faces that are embedded between two signs of progress."""


@dataclass(frozen=True)
class Thresholds:
    """Measure a network's thresholds on people who were not trained on."""

    row: Annotated[RowName, tyro.conf.Positional]
    """Whose network."""
    weights: Path | None = None
    """.npz of such a network, with its .json beside it; the shipped one when not given."""
    train_dir: Path | None = None
    """`<identity>/<image>.jpg` (else $FACES_TRAIN_DIR)."""
    folds: int = 10
    """Of the held-out people."""
    pairs: int = 300
    """Of each kind, in each of those folds."""


def main(options: Thresholds) -> int:
    """Measure, write, say what was found; returns the exit code."""
    try:
        folder = named_folder(options.train_dir)
        embedder = photo_embedders.load(options.row, options.weights, batch=64)
        others = faces_aligned(folder, "validation", {"own": embedder.align}, embedder.align.size)
        held_out = HeldOut.of(others, "own", folds=options.folds, pairs=options.pairs)
        found = held_out.measure(_embed(embedder, held_out.images))
        path = embedder.weights.with_suffix(".json")
        facts = {**json.loads(path.read_text(encoding="utf-8")), **found}
        with clear_disk_errors(path):
            write_facts(facts, path)
            CARDS[options.row](embedder.weights)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for point in found["thresholds"]:
        print(
            f"squared distance {point['squared_distance']:.3f}: false accept rate "
            f"{point['false_accept_rate']:.2g}, true accept rate {point['true_accept_rate']:.4f}"
        )
    print(f"written: {path}")
    return 0


def _embed(embedder: PhotoEmbedder, faces: np.ndarray) -> np.ndarray:
    found = []
    with progress("Embedding faces", len(faces)) as advance:
        for start in range(0, len(faces), PART):
            found.append(embedder.embed(faces[start : start + PART]))
            advance(len(found[-1]))
    return np.concatenate(found)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Thresholds, description=__doc__)))
