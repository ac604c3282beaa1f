"""The rows that can be measured: one line each, and nothing else to touch to add one.

A row is a module `experiments/<row>_lfw.py` with `run(setting) -> list[Measured]`. Modules are
imported when their row is asked for, so that no row pays for another's libraries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from experiments.measure import Measured
from experiments.setting import Setting


@dataclass(frozen=True)
class Row:
    """A line of the comparison table."""

    module: str
    title: str
    headline: str
    """The variant that stands for the row where only one line is shown."""
    theirs: str = ""
    """What the published figure is called alone, where the title says something of ours."""

    def load(self) -> Callable[[Setting], list[Measured]]:
        """The function that measures the row."""
        return import_module(self.module).run


ROWS: dict[str, Row] = {
    "eigenfaces": Row("experiments.eigenfaces_lfw", "Eigenfaces", "official"),
    "fisherfaces": Row("experiments.fisherfaces_lfw", "Fisherfaces", "cropped"),
    "lbp": Row("experiments.lbp_lfw", "LBP histograms", "cropped"),
    "deepface-alignment": Row(
        "experiments.deepface_alignment_lfw",
        "DeepFace's alignment, LBP and SVM, no network",
        "3d",
        theirs="DeepFace's alignment, LBP and SVM",
    ),
    "deepface": Row("experiments.deepface_lfw", "DeepFace", "chi-squared"),
    "deepface-networks": Row(
        "experiments.deepface_networks_lfw",
        "DeepFace's ensemble, two epochs each",
        "ensemble",
        theirs="DeepFace's ensemble",
    ),
    "deepface-small": Row(
        "experiments.deepface_small_lfw", "DeepFace's layers, small", "chi-squared"
    ),
    "facenet": Row("experiments.facenet_lfw", "FaceNet", "aligned"),
    "sphereface": Row("experiments.sphereface_lfw", "SphereFace", "mirrored"),
    "ideas": Row(
        "experiments.ideas_lfw",
        "One idea at a time: DeepFace's bundle, five epochs",
        "local-softmax-3d",
    ),
}
