"""Measure the landmark network on held-out people, and write the record beside its weights."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from common.data.progress import note
from common.landmarks.augment import random_square
from common.landmarks.errors import error_covariance, error_summary
from common.landmarks.network import LandmarkNetwork, NetworkConfig
from common.landmarks.predict import Landmarker, Outcome, whole
from common.landmarks.squares import Squares
from common.landmarks.train import TrainConfig
from experiments.alignment.landmark_faces import LandmarkFaces

RECORD, COVARIANCE = "errors.json", "error_covariance.npz"
_DISTURBED_SEED = 20140624


class Measured(NamedTuple):
    """What was measured on held-out people."""

    figures: dict[str, Any]
    covariance: Float[np.ndarray, "136 136"]
    """Of the errors (x0, y0, x1, y1, ...), in squared distances between the eyes."""
    mean: Float[np.ndarray, " 136"]
    """Of the same errors, in distances between the eyes."""


def measure(network: LandmarkNetwork, held_out: LandmarkFaces) -> Measured:
    """Errors on the crops as they are, and on turned, scaled and shifted squares of them.

    The crops were framed by the reference points, so they tell the network a little about the
    answer; the disturbed squares do not.
    """
    landmarker = Landmarker(network)
    note(f"measuring on {len(held_out):,} faces of {held_out.people} held-out people")
    pictures, points = zip(*(held_out[k] for k in range(len(held_out))), strict=True)
    truth = np.stack([face[:, :2] for face in points])
    squares = whole(pictures)
    landmarker(pictures[:1])  # compiles
    began = time.perf_counter()
    found = landmarker(pictures)
    seconds = time.perf_counter() - began

    rng = np.random.default_rng(_DISTURBED_SEED)
    drawn = [random_square(len(picture), rng) for picture in pictures]
    disturbed = Squares(*(np.concatenate(column) for column in zip(*drawn, strict=True)))
    found_disturbed = landmarker(pictures, disturbed)

    reference = np.stack([face[:, 2] - face[:, 2].mean() for face in points])
    eyes = np.linalg.norm(truth[:, 36:42].mean(1) - truth[:, 42:48].mean(1), axis=-1)
    depth = np.abs(found.depth - reference).mean(1) / eyes
    figures = {
        "as_handed": error_summary(found.points, truth),
        "as_handed_one_look": error_summary(landmarker.once(pictures, squares), truth),
        "disturbed": error_summary(found_disturbed.points, truth),
        "disturbed_one_look": error_summary(landmarker.once(pictures, disturbed), truth),
        "depth_mean_absolute_error": float(depth.mean()),
        "disagreement_percentiles": _percentiles(found.disagreement),
        "disagreement_percentiles_disturbed": _percentiles(found_disturbed.disagreement),
        "outcomes": {o.name: int((found.outcome == o).sum()) for o in Outcome},
        "outcomes_disturbed": {o.name: int((found_disturbed.outcome == o).sum()) for o in Outcome},
        "faces_per_second": len(truth) / seconds,
    }
    errors = (found.points - truth) / eyes[:, None, None]
    mean = errors.reshape(len(errors), -1).mean(0)
    return Measured(figures, error_covariance(found.points, truth), mean)


def _percentiles(values: Float[np.ndarray, " faces"]) -> dict[str, float]:
    return {str(q): float(np.percentile(values, q)) for q in (50, 90, 99, 99.9, 100)}


def write_record(
    measured: Measured,
    folder: Path,
    *,
    held_out: LandmarkFaces,
    trained_on: LandmarkFaces,
    config: TrainConfig,
    network: NetworkConfig,
    seed: int,
    steps_done: int,
    minutes: float,
) -> dict[str, Any]:
    """Write errors.json and error_covariance.npz; returns the record."""
    record = {
        "what": "68-point landmark network, measured on people that it was not trained on",
        "unit": "distance between the centers of the eyes (means of their six points)",
        "reference": "machine-made points (MediaPipe Face Mesh 0.10.21), not human annotation",
        **measured.figures,
        "data": {
            "name": "CelebA crops, 112 x 112",
            "training": {"images": len(trained_on), "identities": trained_on.people},
            "validation": {"images": len(held_out), "identities": held_out.people},
            "sha256": trained_on.sha256,
            "lfw_overlap": "screened",
        },
        "training": {
            "minutes": minutes,
            "steps_done": steps_done,
            "seed": seed,
            **asdict(config),
        },
        "model": asdict(network),
        "versions": _versions(),
        "command": "python -m experiments.train_landmarks",
    }
    (folder / RECORD).write_text(json.dumps(_rounded(record), indent=2) + "\n")
    np.savez_compressed(
        folder / COVARIANCE,
        covariance=measured.covariance.astype(np.float32),
        mean=measured.mean.astype(np.float32),
    )
    return record


def _rounded(value: Any) -> Any:
    """Figures to six places: more are noise."""
    if isinstance(value, Mapping):
        return {name: _rounded(inside) for name, inside in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("jax", "flax", "optax", "numpy")} | {
        "opencv": version("opencv-python-headless")
    }
