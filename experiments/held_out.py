"""An embedding measured on people who were not trained on: accuracy, VAL at FAR, a threshold."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from common.types import Pairs, Scores
from common.verification import (
    fit_threshold,
    fold_accuracies,
    mean_and_standard_error,
    nine_fold_thresholds,
    threshold_of_each_pair,
)
from experiments.face_sets import FaceSet
from experiments.training_faces import validation_pairs
from facenet_jax.validation import operating_points, validation_rate

FALSE_ACCEPT_RATE = 0.001


def spread(z: Float[np.ndarray, "faces dim"]) -> float:
    """Half the mean squared distance of two embeddings: 0 where all are one, 1 all around.

    Example:
      >>> spread(np.array([[1.0, 0.0], [-1.0, 0.0]]))
      1.0
    """
    return float(1 - np.sum(np.square(z.mean(axis=0, dtype=np.float64))))


@dataclass(frozen=True)
class HeldOut:
    """The validation people, under one alignment."""

    images: UInt8[np.ndarray, "faces side side 3"]
    label: Int[np.ndarray, " faces"]
    pairs: Pairs
    """In the shape of LFW's View 2."""
    sha256: str

    @staticmethod
    def of(faces: FaceSet, alignment: str, *, folds: int = 10, pairs: int = 300) -> "HeldOut":
        """Those faces; raises ValueError where they are too few for so many pairs."""
        drawn = validation_pairs(faces.label, folds=folds, pairs=pairs)
        return HeldOut(faces.images[alignment], faces.label, drawn, faces.sha256)

    def watch(self, z: Float[np.ndarray, "faces dim"]) -> dict[str, float]:
        """Accuracy with nine folds' thresholds, and VAL, to be shown while training."""
        scores = self._scores(z)
        pairs = self.pairs
        thresholds = nine_fold_thresholds(scores, pairs.same, pairs.fold)
        accuracy = fold_accuracies(scores, pairs.same, pairs.fold, thresholds)
        return {
            "held-out accuracy": float(np.mean(accuracy)),
            f"VAL at FAR {FALSE_ACCEPT_RATE}": self._validation(z)[0],
        }

    def measure(self, z: Float[np.ndarray, "faces dim"]) -> dict[str, Any]:
        """The blocks `threshold`, `thresholds` and `held_out` of the file beside the weights.

        The one threshold that is kept is the best on the drawn pairs; its error rates are measured
        fold by fold, with the threshold of the other folds. The others are for false accept rates,
        over all pairs of all people (`facenet_jax.validation.operating_points`).
        """
        scores, pairs = self._scores(z), self.pairs
        thresholds = nine_fold_thresholds(scores, pairs.same, pairs.fold)
        accuracy = fold_accuracies(scores, pairs.same, pairs.fold, thresholds)
        accepted = scores >= threshold_of_each_pair(thresholds, pairs.fold)
        mean, error = mean_and_standard_error(accuracy)
        rate, rate_error, impostors = self._validation(z)
        people = len(np.unique(self.label))
        points = operating_points(z, self.label, splits=self._splits)
        return {
            "threshold": {
                "squared_distance": -fit_threshold(scores, pairs.same),
                "false_accept_rate": float(np.mean(accepted[~pairs.same])),
                "true_accept_rate": float(np.mean(accepted[pairs.same])),
                "pairs": len(pairs),
            },
            "thresholds": [point._asdict() for point in points],
            "held_out": {
                "images": len(self.label), "identities": people, "sha256": self.sha256,
                "accuracy": {"mean": mean, "standard_error": error},
                "spread": spread(z),
                "val_at_far": {str(FALSE_ACCEPT_RATE): {
                    "mean": rate, "standard_error": rate_error, "impostors_per_split": impostors,
                }},
            },
        }  # fmt: skip

    def _scores(self, z: Float[np.ndarray, "faces dim"]) -> Scores:
        first, second = z[self.pairs.first], z[self.pairs.second]
        return np.asarray(-np.sum(np.square(first - second), axis=1, dtype=np.float64))

    def _validation(self, z: Float[np.ndarray, "faces dim"]) -> tuple[float, float, int]:
        return validation_rate(
            z, self.label, false_accept_rate=FALSE_ACCEPT_RATE, splits=self._splits
        )

    @property
    def _splits(self) -> int:
        return min(5, len(np.unique(self.label)) // 2)
