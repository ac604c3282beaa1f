"""The training folder's faces, aligned as LFW's are, and pairs of its validation people."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from common.data.folders import FaceFolder, FolderError
from common.landmarks.squares import Squares
from common.types import Pairs
from deepface_jax.config import AlignConfig
from experiments.alignment.aligned_faces import AlignedSet, aligned_faces

CENTER_SHARE = 0.87
"""Side of the center crop in sides of a training crop: as much of a face as on LFW's crops."""


@dataclass(frozen=True)
class TrainingFaces:
    """One split, aligned."""

    aligned: AlignedSet
    folder: FaceFolder
    kept: Bool[np.ndarray, " images"] | None = None
    """Which images may be trained on; all where None."""

    @property
    def training(self) -> Int[np.ndarray, " images"]:
        """Numbers of the images to train on."""
        others = ~self.folder.held_out()
        return np.flatnonzero(others if self.kept is None else others & self.kept)

    @property
    def held_out(self) -> Int[np.ndarray, " images"]:
        """Numbers of the images that the classification is measured on."""
        return np.flatnonzero(self.folder.held_out())


def aligned_folder(folder: FaceFolder, config: AlignConfig) -> TrainingFaces:
    """Every face of a split, aligned (or from the cache).

    Raises:
      FolderError: the pictures are not squares of one size.
    """
    side = _one_size(folder)
    squares = Squares(
        np.full((len(folder), 2), (side - 1) / 2), np.full(len(folder), float(side)),
        np.zeros(len(folder)),
    )  # fmt: skip
    config = replace(config, center_share=CENTER_SHARE)
    return TrainingFaces(aligned_faces(folder, squares, config, content=folder.sha256), folder)


def _one_size(folder: FaceFolder) -> int:
    """Side of the pictures, which must be squares of one size; only their headers are read."""
    from PIL import Image

    side = None
    for path in folder.paths:
        with Image.open(path) as image:
            width, height = image.size
        side = side or width
        if (width, height) != (side, side):
            raise FolderError(
                f"{path} has {width} x {height} pixels; wanted squares, all as large as the first "
                f"({side} x {side})"
            )
    assert side is not None  # a folder has people, and they have images
    return side


def validation_pairs(
    label: Int[np.ndarray, " images"], *, folds: int = 10, pairs: int = 300, seed: int = 0
) -> Pairs:
    """Pairs of people who are not trained on, in the shape of LFW's View 2.

    Args:
      label: the person on each image.
      folds: no person is in two of them.
      pairs: same and as many different ones a fold, drawn without repetition.
      seed: of the draw.

    Raises:
      ValueError: the people of a fold have too few images for so many pairs.
    """
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.unique(label))
    parts = []
    for fold, members in enumerate(np.array_split(people, folds)):
        images = np.flatnonzero(np.isin(label, members))
        first, second = np.triu_indices(len(images), 1)
        alike = label[images[first]] == label[images[second]]
        for same in (True, False):
            candidates = np.flatnonzero(alike == same)
            if len(candidates) < pairs:
                raise ValueError(
                    f"fold {fold} has {len(candidates)} {'same' if same else 'different'} pairs of "
                    f"{len(members)} validation people, wanted {pairs}; the folder needs more of "
                    "them, or more images of each"
                )
            chosen = rng.choice(candidates, pairs, replace=False)
            parts.append((images[first[chosen]], images[second[chosen]], same, fold))
    return Pairs(
        np.concatenate([a for a, _, _, _ in parts]),
        np.concatenate([b for _, b, _, _ in parts]),
        np.repeat([same for _, _, same, _ in parts], pairs),
        np.repeat([fold for _, _, _, fold in parts], pairs),
    )
