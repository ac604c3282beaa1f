"""The colors of a synthetic face, painted on the head's chart (see synthetic_head.py).

`paint` is a formula: the renderer calls it for every pixel, so edges are sharp at any size.
"""

from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from common.data.synthetic_features import (
    BROW,
    EYE_ACROSS,
    EYE_HALF_WIDTH,
    MOUTH,
    MOUTH_HALF_WIDTH,
    Spot,
    brow,
    lower_lid,
    lower_lip,
    upper_lid,
    upper_lip,
)

Plane: TypeAlias = Any
"""A number for each pixel, or one for all; NumPy's or JAX's."""

BLOTCHES = 4


class Texture(NamedTuple):
    """What a person's colors are; a batch of them has a leading axis. Colors are sRGB, 0 to 1."""

    skin: Float[Array | np.ndarray, "*people 3"]
    hair: Float[Array | np.ndarray, "*people 3"]
    iris: Float[Array | np.ndarray, "*people 3"]
    lips: Float[Array | np.ndarray, "*people 3"]
    hairline: Float[Array | np.ndarray, "*people 3"]
    """In mm: raised over the forehead, receding at the temples, longer at the sides."""
    brow: Float[Array | np.ndarray, "*people 2"]
    """Half thickness in mm, and density, 0 to 1."""
    beard: Float[Array | np.ndarray, "*people"]
    """Density, 0 to 1."""
    blush: Float[Array | np.ndarray, "*people"]
    freckles: Float[Array | np.ndarray, "*people"]
    """Density, 0 to 1."""
    blotches: Float[Array | np.ndarray, "*people blotches 3"]
    """Waves of lighter and darker skin: cycles per 100 mm across and down, and phase."""


_SKINS = np.array([(0.96, 0.80, 0.71), (0.87, 0.67, 0.54), (0.68, 0.47, 0.35), (0.42, 0.28, 0.21)])
_HAIRS = np.array(
    [
        (0.07, 0.06, 0.06),
        (0.22, 0.14, 0.09),
        (0.40, 0.26, 0.15),
        (0.74, 0.58, 0.35),
        (0.52, 0.22, 0.10),
        (0.62, 0.61, 0.60),
    ]
)
_IRISES = np.array([(0.20, 0.12, 0.07), (0.36, 0.23, 0.12), (0.40, 0.42, 0.24), (0.33, 0.48, 0.62)])


def random_textures(people: int, rng: np.random.Generator) -> Texture:
    """Draw the colors of some people."""
    tone = rng.beta(1.1, 1.5, people)  # 0 fair, 1 dark
    skin = _between(_SKINS, tone) + rng.normal(0, 0.012, (people, 3))
    # Dark skin goes with dark hair and dark eyes.
    dark = rng.random(people) < tone * 2.2
    hair = _HAIRS[np.where(dark, rng.integers(0, 2, people), rng.integers(0, 6, people))]
    iris = _between(_IRISES, np.where(dark, 0.25, 1) * rng.random(people))
    lips = skin * [0.86, 0.68, 0.70] + rng.random((people, 1)) * [0.05, -0.07, -0.03]
    long_hair = rng.random(people) < 0.35
    sides = np.where(long_hair, rng.uniform(70, 110, people), rng.uniform(-8, 14, people))
    hairline = [rng.normal(0, 7, people), np.abs(rng.normal(0, 9, people)), sides]
    brows = [rng.uniform(1.6, 3.6, people), rng.uniform(0.55, 0.95, people)]
    waves = [rng.normal(0, 1, (people, BLOTCHES, 2)), rng.uniform(0, 6.3, (people, BLOTCHES, 1))]
    return Texture(
        skin=skin.clip(0.02, 0.98),
        hair=hair * rng.uniform(0.8, 1.2, (people, 1)),
        iris=iris,
        lips=lips.clip(0.02, 0.98),
        hairline=np.stack(hairline, axis=-1),
        brow=np.stack(brows, axis=-1),
        beard=np.where(long_hair, 0, rng.uniform(-1.2, 0.85, people).clip(0)),
        blush=rng.uniform(0, 1, people),
        freckles=rng.uniform(-1.5, 1, people).clip(0),
        blotches=np.concatenate(waves, axis=-1),
    )


def _between(anchors: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Colors on the line through the anchors; place is 0 at the first, 1 at the last."""
    at = place * (len(anchors) - 1)
    return np.stack([np.interp(at, range(len(anchors)), channel) for channel in anchors.T], axis=-1)


def paint(
    across: Float[Array, "*pixels"],
    down: Float[Array, "*pixels"],
    texture: Texture,
    mouth_open: Float[Array | np.ndarray, ""],
    cloth: Float[Array | np.ndarray, " 3"],
) -> Float[Array, "*pixels 3"]:
    """Color of the head, before light falls on it.

    Args:
      across: of the points on the chart, in mm.
      down: of the points on the chart, in mm.
      texture: of one person.
      mouth_open: 0 to 1; teeth show from a little above 0.
      cloth: color of what covers the shoulders.

    Returns:
      sRGB, 0 to 1.
    """
    side = jnp.abs(across)
    color = _skin(across, down, texture)
    stubble = 0.25 * texture.skin + 0.4 * texture.hair
    color = _mix(color, stubble, texture.beard * _beard(side, down))
    color = _mix(color, texture.hair, _brow(side, down, texture.brow))
    color = _mix(color, texture.lips, _lips(side, down))
    color = _mouth(color, side, down, mouth_open)
    color = _eye(color, side, down, texture.iris)
    strands = 1 + 0.10 * jnp.sin(0.9 * side + 0.05 * down) + 0.07 * jnp.sin(2.3 * side + 1)
    color = _mix(color, strands[..., None] * texture.hair, _hair(side, down, texture.hairline))
    return _mix(color, cloth, _step(down - 0.10 * side, 146, 148)).clip(0, 1)


def _mix(below: Plane, above: Plane, share: Plane) -> Plane:
    return below + (above - below) * share[..., None]


def _step(value: Plane, start: Plane, stop: Plane) -> Plane:
    t = ((value - start) / (stop - start)).clip(0, 1)
    return t * t * (3 - 2 * t)


def _bump(a: Plane, d: Plane, at: Spot, size: Spot) -> Plane:
    return jnp.exp(-(((a - at[0]) / size[0]) ** 2 + ((d - at[1]) / size[1]) ** 2) / 2)


def _skin(across: Plane, down: Plane, texture: Texture) -> Plane:
    side = jnp.abs(across)
    waves = jnp.zeros_like(across)
    for cycles_across, cycles_down, phase in texture.blotches:
        waves += jnp.sin(0.0628 * (cycles_across * across + cycles_down * down) + phase)
    shade = 1 + 0.022 * waves
    shade -= 0.10 * _bump(side, down, (32.5, 11), (12, 4))  # under the eyes
    shade -= 0.16 * _bump(side, down, (24, -8), (9, 4))  # beside the nose's root
    shade -= 0.55 * _bump(side, down, (6.5, 51.2), (2.9, 1.3))  # nostrils
    shade -= 0.14 * _bump(side, down, (18.5, 46), (2.2, 5))  # the wings' crease
    shade -= 0.12 * _bump(side, down, (0, 80.5), (12, 2.2))  # under the lower lip
    shade -= 0.25 * _bump(side, down, (110, 10), (7, 14))  # the ear's bowl
    shade -= 0.30 * _step(down, 109, 118) * (1 - _step(down, 122, 165))  # the jaw's shadow
    spots = jnp.sin(across * 1.31 + 2 * jnp.sin(down * 0.63)) * jnp.sin(
        down * 1.17 + 2 * jnp.sin(across * 0.57)
    )
    spots = _step(spots, 0.6, 0.9) * _bump(side, down, (18, 24), (26, 16)) * texture.freckles
    color = texture.skin * (shade - 0.22 * spots)[..., None]
    rosy = _bump(side, down, (42, 34), (15, 13)) + 0.6 * _bump(side, down, (0, 42), (9, 8))
    return color * (1 - rosy[..., None] * texture.blush * jnp.array([0.0, 0.10, 0.09]))


def _beard(side: Plane, down: Plane) -> Plane:
    cheek = 54 + 10 * _bump(side, down * 0, (38, 0), (14, 1)) - 34 * _step(side, 60, 96)
    region = _step(down, cheek - 4, cheek + 14) * (1 - _step(down, 110, 124))
    return region * (1 - _step(side, 98, 108))


def _brow(side: Plane, down: Plane, style: Plane) -> Plane:
    along = (side - BROW[0]) / (BROW[1] - BROW[0])
    inside = along.clip(0, 1)
    half = style[0] * (1 - 0.65 * inside**2)
    cover = 1 - _step(jnp.abs(down - brow(inside)), half - 0.8, half + 0.9)
    return cover * style[1] * _step(along, -0.05, 0.08) * (1 - _step(along, 0.97, 1.07))


def _lips(side: Plane, down: Plane) -> Plane:
    along = (side / MOUTH_HALF_WIDTH).clip(0, 1.1)
    top, bottom = upper_lip(along), lower_lip(along)
    cover = _step(down, top - 0.5, top + 0.8) * (1 - _step(down, bottom - 1.2, bottom + 0.6))
    return cover * (1 - _step(along, 0.94, 1.02))


def _mouth(color: Plane, side: Plane, down: Plane, mouth_open: Plane) -> Plane:
    """The strip between the lips: a dark line when shut; teeth and darkness when open."""
    depth = (down - MOUTH[0]) / (MOUTH[1] - MOUTH[0])  # 0 at the upper lip, 1 at the lower
    width = 1 - _step(side, MOUTH_HALF_WIDTH - 4, MOUTH_HALF_WIDTH)
    inside = _step(depth, -0.35, 0.0) * (1 - _step(depth, 1.0, 1.35)) * width
    color = _mix(color, jnp.array([0.22, 0.08, 0.08]), inside * 0.9)
    teeth = _step(depth, 0.0, 0.05) * (1 - _step(depth, 0.42, 0.50)) * _step(mouth_open, 0.08, 0.2)
    teeth *= 1 - _step(side, 13, 20)
    return _mix(color, jnp.array([0.88, 0.86, 0.80]), teeth)


def _eye(color: Plane, side: Plane, down: Plane, iris: Plane) -> Plane:
    along = ((side - EYE_ACROSS) / EYE_HALF_WIDTH).clip(-1.2, 1.2)
    arch = 1 - along**2
    top, bottom = upper_lid(along), lower_lid(along)
    near = _step(arch, -0.12, 0.10)
    crease = jnp.exp(-(((down - (top - 3.4)) / 0.8) ** 2)) * near * 0.28
    color = color * (1 - crease)[..., None]
    opening = _step(down, top - 0.3, top + 0.5) * (1 - _step(down, bottom - 0.5, bottom + 0.3))
    opening *= _step(arch, 0.0, 0.06)
    white = jnp.array([0.92, 0.90, 0.88]) * (1 - 0.35 * along**2)[..., None]
    radius = jnp.hypot(side - EYE_ACROSS, down + 0.2)
    ring = iris * (0.75 + 0.5 * _step(radius, 2.5, 4.5) - 0.6 * _step(radius, 4.8, 6.0))[..., None]
    ball = _mix(white, ring, 1 - _step(radius, 5.6, 6.3))
    ball = _mix(ball, jnp.full(3, 0.03), 1 - _step(radius, 2.2, 2.8))
    ball = ball * (1 - 0.35 * (1 - _step(down - top, 0, 3.5)))[..., None]  # the lid's shadow
    glint = jnp.hypot(side - EYE_ACROSS, down + 2.4)
    ball = _mix(ball, jnp.ones(3), 0.9 * (1 - _step(glint, 0.7, 1.3)))
    color = _mix(color, ball, opening)
    lashes = jnp.exp(-(((down - top) / 0.85) ** 2)) * near
    return color * (1 - 0.75 * lashes)[..., None]


def _hair(side: Plane, down: Plane, hairline: Plane) -> Plane:
    raised, receding, longer = hairline
    line = -68 - raised - receding * _bump(side, down * 0, (40, 0), (14, 1))
    line += (66 + raised) * _step(side, 58, 86) - 16 * _step(side, 96, 104)
    line += 136 * _step(side, 128, 140)
    line += jnp.minimum(longer, 112 - line) * _step(side, 84, 96)
    fringe = 1.6 * jnp.sin(side * 0.8) + 1.2 * jnp.sin(side * 2.1)
    return 1 - _step(down, line + fringe - 3, line + fringe + 2)
