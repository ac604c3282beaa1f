"""Who is it? The nearest photo of a gallery, or `unknown`, and how often that errs."""

from typing import NamedTuple

import numpy as np

from experiments.alignment.align_report import printable
from experiments.photos.find_faces import Face
from experiments.photos.gallery import Gallery
from experiments.photos.nearest import Nearest
from facenet_jax.validation import OperatingPoint


class Answer(NamedTuple):
    """What is said of one face."""

    face: Face
    name: str | None
    """The person's; None where nobody is near enough."""
    nearest: str
    """The gallery's photo that is nearest, whether near enough or not."""
    squared_distance: float
    """To that photo."""


class Recognizer:
    """A gallery, a threshold, and what is known of its errors."""

    def __init__(self, gallery: Gallery, point: OperatingPoint):
        """Build the search.

        Args:
          gallery: the known people.
          point: the threshold that decides, and its error rates.
        """
        self.gallery, self.point = gallery, point
        self.nearest = Nearest(gallery.embeddings)

    def __call__(self, faces: list[Face]) -> list[Answer]:
        """An answer a face, in their order."""
        if not faces:
            return []
        numbers, distances = self.nearest(np.stack([face.embedding for face in faces]))
        answers = []
        for face, number, distance in zip(faces, numbers, distances.tolist(), strict=True):
            photo = self.gallery.photos[number]
            name = photo.person if distance < self.point.squared_distance else None
            answers.append(Answer(face, name, photo.name, distance))
        return answers

    @property
    def false_name_rates(self) -> tuple[float, float]:
        """Chance of a name for a face of nobody in the gallery: for N people, for all photos.

        A stranger is compared with every photo. Were the photos of a person all alike, that would
        be one chance to err for each person; were they independent, one for each photo.
        """
        rate = self.point.false_accept_rate
        return (
            rate_of_any(rate, self.gallery.people),
            rate_of_any(rate, len(self.gallery.photos)),
        )

    def said(self, answer: Answer) -> str:
        """An answer in words, with the threshold and its error rate."""
        distance, nearest = f"{answer.squared_distance:.3f}", printable(answer.nearest)
        if answer.name is None:
            who = f"unknown, squared distance {distance} to the nearest, {nearest}"
        else:
            who = f"{printable(answer.name)}, squared distance {distance} to {nearest}"
        low, high = (f"{rate:.2g}" for rate in self.false_name_rates)
        against = low if low == high else f"{low} to {high}"
        return (
            f"{who} (threshold {self.point.squared_distance:.3f}; false accept rate "
            f"{self.point.false_accept_rate:.2g} a comparison, {against} against this gallery)"
        )


def rate_of_any(rate: float, comparisons: int) -> float:
    """Chance of one false accept or more in so many independent comparisons, 1 - (1 - rate)^n.

    Example:
      >>> rate_of_any(0.5, 2)
      0.75
    """
    return 1 - (1 - rate) ** comparisons
