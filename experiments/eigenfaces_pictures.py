"""Pictures of a face space: the gallery, and faces rebuilt from more and more of it."""

import numpy as np
from jaxtyping import UInt8

from common.images import to_float
from common.types import Benchmark
from eigenfaces.model import FaceSpace, fit, project, reconstruct
from experiments import pictures
from experiments.setting import Setting

FITTED = 1500  # images of View 1 train, enough for pictures
SHOWN = 23
STEPS = (5, 15, 50, 100, 200)
FACES = 5


def draw(
    setting: Setting,
    benchmark: Benchmark,
    training: UInt8[np.ndarray, "training height width"],
    unseen: UInt8[np.ndarray, "unseen height width"],
) -> None:
    """Draw the gallery and the reconstructions.

    Args:
      setting: of the call.
      benchmark: whose faces.
      training: faces that the space is fitted on.
      unseen: faces of other people, to rebuild.
    """
    height, width = training.shape[1:]
    pixels = to_float(training).reshape(len(training), -1)
    most = min(max(STEPS), len(training) - 1)
    with setting.busy("A face space to look at"):
        space = fit(pixels, most)
    shares = np.asarray(space.eigenvalues) / pixels.var(axis=0).sum()
    mean = np.asarray(space.mean).reshape(height, width)
    shown = np.asarray(space.eigenfaces[:SHOWN]).reshape(-1, height, width)
    folder, name = setting.folder("eigenfaces"), benchmark.provenance.variant
    synthetic = benchmark.provenance.synthetic
    figure = pictures.gallery_figure(mean, shown, shares[:SHOWN].tolist())
    pictures.save(figure, folder / f"gallery_{name}.png", synthetic=synthetic)

    faces = to_float(unseen[:FACES])
    rebuilt = {
        count: _rebuild(space, faces.reshape(FACES, -1), count).reshape(faces.shape)
        for count in STEPS
        if count <= most
    }
    figure = pictures.reconstruction_figure(faces, rebuilt)
    pictures.save(figure, folder / f"reconstruction_{name}.png", synthetic=synthetic)


def _rebuild(space: FaceSpace, faces: np.ndarray, count: int) -> np.ndarray:
    leading = FaceSpace(space.mean, space.eigenfaces[:count], space.eigenvalues[:count])
    return np.asarray(reconstruct(leading, project(leading, faces)))
