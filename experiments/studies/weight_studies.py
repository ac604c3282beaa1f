"""Studies of a trained network: worse pictures, fewer bytes, clusters. Nothing is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from common.data.progress import progress
from experiments.held_out import HeldOut
from experiments.studies.facenet_short import figures
from experiments.studies.worse_faces import Faces, compressed, shrunk
from facenet_jax.clustering import agreement, cluster
from facenet_jax.embedder import Embedder
from facenet_jax.quantization import from_bytes, to_bytes

QUALITIES = (10, 20, 30, 50, 70, 90)
"""Of JPEG, as in the paper's Table 4."""
SIDES = (16, 24, 32, 40, 64, 80)
"""In pixels. 40 x 40 and 80 x 80 are in the paper's Table 4; its larger ones are more than our
network sees."""
THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 1.0)
"""Of clustering, in thresholds of verification."""


@dataclass(frozen=True)
class Subject:
    """A trained network and people it has not seen, at its own size."""

    embedder: Embedder
    held_out: HeldOut

    def embed(self, faces: Faces, what: str) -> Float[np.ndarray, "faces dim"]:
        """Embeddings, with progress."""
        with progress(f"Embedding faces, {what}", len(faces)) as advance:
            return self.embedder.embed(faces, advance=advance)

    def point(self, setting: int | str, z: Float[np.ndarray, "faces dim"]) -> dict[str, Any]:
        """A setting with VAL and accuracy of its embeddings."""
        return {"setting": setting, **figures(self.held_out.measure(z)["held_out"])}


def quality(subject: Subject) -> list[dict[str, Any]]:
    """A point for each JPEG quality, and one for faces that were not compressed again."""
    faces = subject.held_out.images
    points = [
        subject.point(q, subject.embed(compressed(faces, q), f"JPEG quality {q}"))
        for q in QUALITIES
    ]
    return [*points, subject.point("as they are", subject.embed(faces, "as they are"))]


def pixels(subject: Subject) -> list[dict[str, Any]]:
    """A point for each number of pixels, up to all that the network sees."""
    faces = subject.held_out.images
    own = faces.shape[1]
    sides = [*(side for side in SIDES if side < own), own]
    return [
        subject.point(side**2, subject.embed(shrunk(faces, side), f"{side} x {side} pixels"))
        for side in sides
    ]


def quantization(subject: Subject) -> list[dict[str, Any]]:
    """A point for float32 embeddings and one for those of a byte a number."""
    z = subject.embed(subject.held_out.images, "as they are")
    coarse = from_bytes(to_bytes(z))
    pairs = subject.held_out.pairs
    before, after = (Embedder.distance(x[pairs.first], x[pairs.second]) for x in (z, coarse))
    threshold = subject.embedder.threshold
    changed = {
        "largest_change_of_a_squared_distance": float(np.abs(after - before).max()),
        "decisions_changed": int(np.count_nonzero((before <= threshold) != (after <= threshold))),
        "pairs": len(pairs),
    }
    dim = z.shape[1]
    return [
        {**subject.point("float32", z), "bytes": 4 * dim},
        {**subject.point("one byte a number", coarse), "bytes": dim, **changed},
    ]


def clustering(
    subject: Subject, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """A point for each threshold, and the clusters at the network's own."""
    z = subject.embed(subject.held_out.images, "as they are")
    points, clusters = [], np.zeros(len(z), np.int64)
    for share in thresholds:
        threshold = share * subject.embedder.threshold
        found = cluster(z, threshold)
        points.append({
            "setting": share, "threshold": threshold,
            **agreement(found, subject.held_out.label)._asdict(),
        })  # fmt: skip
        if share == 1:
            clusters = found
    return points, clusters
