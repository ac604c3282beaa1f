"""A small training folder of SYNTHETIC people, for `--tiny`."""

import csv
from pathlib import Path

import numpy as np

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render
from common.images import resize
from experiments.training_faces import CENTER_SHARE

SIDE = 64
SEED = 1
"""Not the benchmark's: other people."""
_SHARE = 1 / 2.2 / CENTER_SHARE
"""Side of a training crop, in sides of a picture that is framed as LFW's are."""


def synthetic_folder(folder: Path, *, train: int = 12, validation: int = 6, each: int = 6) -> Path:
    """Write the faces and `identities.csv`; the same ones each time.

    Args:
      folder: to write to.
      train: people to train on.
      validation: people to choose on.
      each: images of each person.
    """
    from PIL import Image

    people = train + validation
    rng = np.random.default_rng(SEED)
    person = np.repeat(np.arange(people), each)
    images = render(random_scenes(random_identities(people, rng), person, rng), SIDE).images
    margin = round((1 - _SHARE) / 2 * SIDE)
    for number, image in enumerate(images):
        own = folder / f"{person[number]:03d}"
        own.mkdir(parents=True, exist_ok=True)
        face = resize(np.asarray(image)[margin:-margin, margin:-margin], SIDE, SIDE)
        Image.fromarray(face).save(own / f"{number % each:02d}.png")
    with (folder / "identities.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["identity", "split"])
        table.writerows((f"{k:03d}", "train" if k < train else "validation") for k in range(people))
    return folder
