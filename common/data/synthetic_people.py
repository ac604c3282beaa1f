"""Who the synthetic people are, and how they happen to be photographed: random, from a seed."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from common.data.synthetic_features import SHAPES, Number
from common.data.synthetic_scene import Scenes
from common.data.synthetic_texture import Texture, random_textures

YAW_LIMIT, PITCH_LIMIT, ROLL_LIMIT = 40.0, 20.0, 12.0
BACKGROUND_CELLS = 4


class Identities(NamedTuple):
    """What makes people themselves: the shape of the head and its colors."""

    shape: Float[np.ndarray, "people shapes"]
    texture: Texture


def random_identities(people: int, rng: np.random.Generator) -> Identities:
    """Draw some people."""
    shape = 1.15 * rng.standard_normal((people, len(SHAPES))).clip(-2, 2)
    return Identities(shape.astype(np.float32), random_textures(people, rng))


def random_scenes(
    identities: Identities, person: Int[np.ndarray, " images"], rng: np.random.Generator
) -> Scenes:
    """Photograph people as the press does: any light, expression and background, many poses.

    Args:
      identities: of all people.
      person: who is on each image.
      rng: what happens on the images; nothing of it depends on the person.
    """
    images = len(person)

    def normal(spread: Number, limit: Number) -> np.ndarray:
        return (spread * rng.standard_normal(images)).clip(-limit, limit)

    pose = [normal(16, YAW_LIMIT), normal(6, PITCH_LIMIT), normal(4, ROLL_LIMIT)]
    azimuth, elevation = np.radians(normal(12, 35)), np.radians(25 + normal(7, 20))
    light = [
        np.sin(azimuth) * np.cos(elevation),
        -np.sin(elevation),
        -np.cos(azimuth) * np.cos(elevation),
    ]
    mouth_open = rng.uniform(-0.8, 0.5, images).clip(0)
    smile = rng.uniform(-0.4, 0.9, images).clip(0)
    cells = (images, BACKGROUND_CELLS, BACKGROUND_CELLS, 1)
    backdrop = rng.uniform(0.36, 0.64, (images, 1, 1, 1)) + 0.05 * rng.standard_normal(cells)
    backdrop = backdrop + 0.025 * rng.standard_normal((*cells[:3], 3))
    scenes = Scenes(
        shape=identities.shape[person],
        texture=jax.tree.map(lambda values: values[person], identities.texture),
        expression=np.stack([mouth_open, smile, rng.uniform(-0.5, 0.8, images)], axis=-1),
        pose=np.stack(pose, axis=-1),
        scale=0.0029 * (1 + normal(0.04, 0.1)),
        center=np.stack([0.5 + normal(0.01, 0.03), 0.47 + normal(0.01, 0.03)], axis=-1),
        light=np.stack(light, axis=-1),
        ambient=rng.uniform(0.4, 0.55, images),
        light_color=rng.uniform(1.0, 1.15, (images, 1)) * rng.uniform(0.95, 1.05, (images, 3)),
        cloth=rng.uniform(0.1, 0.6, (images, 1)) * rng.uniform(0.7, 1, (images, 3)),
        background=backdrop,
        noise=np.full(images, 0.012),
        seed=rng.integers(0, 2**31, images),
    )
    return jax.tree.map(
        lambda values: values.astype(np.int32 if values.dtype.kind == "i" else np.float32), scenes
    )
