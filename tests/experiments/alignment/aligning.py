"""What the tests of the command share: an aligner that is quick, photos, and reading results."""

import csv

import numpy as np
from PIL import Image

from common.landmarks.crops import LFW_SIDE
from common.landmarks.predict import Outcome
from deepface_jax.aligner import AlignedFaces, Aligner
from deepface_jax.fallback import Fallback
from experiments.align import Align, main

STATUS = [*Fallback]


class ByColor(Aligner):
    """An aligner that aligns nothing: a third of a canvas's red tells what becomes of it."""

    seen: list[int] = []

    def __init__(self, landmarker, *, config, batch):
        self.config, self.batch = config, batch

    def __call__(self, canvases, squares):
        assert len(canvases) <= self.batch and canvases.shape[1:] == (250, 250, 3)
        np.testing.assert_allclose(squares.side, LFW_SIDE * 250)
        codes = [code_of(canvas) for canvas in canvases]
        self.seen += codes
        status = np.array([STATUS[code % 10] for code in codes])
        outcome = np.array([Outcome.UNSTABLE if code >= 80 else Outcome.FOUND for code in codes])
        return AlignedFaces(
            images=np.ascontiguousarray(canvases[:, :152, :152]),
            status=status,
            landmarks=np.full((len(codes), 68, 2), np.nan, np.float32),
            outcome=outcome,
            disagreement=np.array(codes, np.float32) / 1000,
        )


def save(path, code, size=(60, 50), **options):
    """A photo of one color, which JPEG keeps nearly."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (3 * code, 80, 40)).save(path, **options)
    return path


def code_of(picture):
    return (int(picture[50, 50, 0]) + 1) // 3


def run(named, output, **options):
    return main(Align(str(named), output, **options))


def rows(output):
    with (output / "report.csv").open(newline="") as file:
        return {row["image"]: row for row in csv.DictReader(file)}


def faces(output):
    """All files of aligned faces with their pixels."""
    return {
        path.relative_to(output).as_posix(): np.array(Image.open(path))
        for path in output.rglob("*")
        if path.is_file() and path.suffix == ".png"
    }
