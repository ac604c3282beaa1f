"""Landmarks of many faces in one call, from the shipped weights.

The network looks twice: at the square it is given, and at the square that its first answer asks
for, turned upright and of the training crops' size. So a loose or tilted square does no harm, and
two answers that contradict each other show that there is no face to be found.
"""

from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Float32, Int, UInt8

from common.landmarks.network import LandmarkNetwork
from common.landmarks.points import eye_distance
from common.landmarks.squares import Squares, cut, squares_around, to_picture
from common.landmarks.train import COMPILER_OPTIONS
from common.landmarks.weights import SHIPPED, load_network

UNSTABLE_ABOVE = 0.15
"""Disagreement of the two looks, in distances between the eyes, from which on we trust neither."""
_FAINT = 2.0
"""Standard deviation of every channel (0 to 255) below which a square shows nothing."""

Picture: TypeAlias = UInt8[np.ndarray, "..."] | Float[np.ndarray, "..."]
"""RGB, height x width x 3: uint8, or floats in [0, 1]."""


class Outcome(IntEnum):
    """What became of a face."""

    FOUND = 0
    NOT_FINITE = 1
    """The picture or its square has NaN or infinite values."""
    BLANK = 2
    """The square is black, white or nearly of one color."""
    UNSTABLE = 3
    """The two looks contradict each other: no face, upside down, or too far out of the square."""


class Prediction(NamedTuple):
    """One row a face. The points are finite whatever came, but mean something only if FOUND."""

    points: Float32[np.ndarray, "faces 68 2"]
    """(x, y) in pixels of the picture."""
    depth: Float32[np.ndarray, "faces 68"]
    """In pixels, away from the viewer, relative to the mean of the face's points."""
    outcome: Int[np.ndarray, " faces"]
    """An `Outcome`. Of a face that is NOT_FINITE or BLANK the points are the average face's."""
    disagreement: Float32[np.ndarray, " faces"]
    """Mean distance between the two looks' points, in distances between the eyes."""


class Landmarker:
    """The landmark network behind one call."""

    def __init__(self, network: LandmarkNetwork, *, batch: int = 64):
        """Compile on first use.

        Args:
          network: trained.
          batch: how many faces go through the network at once; a shorter rest is filled up.
        """
        self._side, self._batch = network.config.side, batch
        graph, weights = nnx.split(network)

        @partial(jax.jit, compiler_options=COMPILER_OPTIONS)
        def forward(views: UInt8[Array, "batch side side 3"]) -> Float[Array, "batch 68 3"]:
            return nnx.merge(graph, weights)(views.astype(jnp.float32) / 255)

        self._forward = forward

    @classmethod
    def load(cls, path: Path = SHIPPED, *, batch: int = 64) -> "Landmarker":
        """From the shipped weights, or others.

        Raises:
          WeightsError: the file is missing, damaged or another network's.
        """
        return cls(load_network(path), batch=batch)

    def __call__(
        self, pictures: Sequence[Picture] | np.ndarray, squares: Squares | None = None
    ) -> Prediction:
        """Find the points of one face a picture.

        Args:
          pictures: of any sizes.
          squares: where the faces are, roughly as `squares_around` would frame them; when None,
            each picture is a loose square crop.

        Raises:
          ValueError: a picture is not RGB, or there are not as many squares as pictures.
        """
        if squares is None:
            squares = whole(pictures)
        if not len(pictures) == len(squares.center) == len(squares.side) == len(squares.roll):
            raise ValueError(
                f"{len(pictures)} pictures came with {len(squares.side)} squares; wanted one each"
            )
        outcome = np.full(len(pictures), Outcome.FOUND, int)
        squares = _sane(squares, outcome)
        pixels = [_pixels(picture, k, outcome) for k, picture in enumerate(pictures)]
        first, _, blank = self._look(pixels, squares)
        outcome[blank & (outcome == Outcome.FOUND)] = Outcome.BLANK
        again = _near(squares_around(first, upright=True), squares)
        points, depth, _ = self._look(pixels, again)
        distance = np.linalg.norm(points - first, axis=-1).mean(-1)
        disagreement = distance / np.maximum(eye_distance(points), 1e-3 * again.side)
        found = outcome == Outcome.FOUND
        outcome[found & (disagreement > UNSTABLE_ABOVE)] = Outcome.UNSTABLE
        # Without anything to see, the second look has nothing to add.
        points = np.where(_blind(outcome)[:, None, None], first, points)
        return Prediction(
            points.astype(np.float32), depth.astype(np.float32), outcome,
            disagreement.astype(np.float32),
        )  # fmt: skip

    def once(self, pictures: Sequence[Picture] | np.ndarray, squares: Squares) -> np.ndarray:
        """The points after the first look alone, to see what the second one does."""
        ignored = np.zeros(len(pictures), int)
        return self._look([_pixels(p, k, ignored) for k, p in enumerate(pictures)], squares)[0]

    def _look(
        self, pixels: list[UInt8[np.ndarray, "_ _ 3"]], squares: Squares
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points, depth, and which squares show nothing."""
        out = np.empty((len(pixels), 68, 3))
        blank = np.zeros(len(pixels), bool)
        views = np.empty((self._batch, self._side, self._side, 3), np.uint8)
        for start in range(0, len(pixels), self._batch):
            stop = min(start + self._batch, len(pixels))
            views[stop - start :] = 128
            for row, face in enumerate(range(start, stop)):
                views[row] = cut(pixels[face], squares, face, self._side)
                blank[face] = views[row].std((0, 1)).max() < _FAINT
                if blank[face]:
                    views[row] = 128
            out[start:stop] = np.asarray(self._forward(views))[: stop - start]
        depth = out[..., 2] - out[..., 2].mean(-1, keepdims=True)
        return to_picture(out[..., :2], squares), depth * squares.side[:, None], blank


def whole(pictures: Sequence[Picture] | np.ndarray) -> Squares:
    """The smallest square around each whole picture."""
    sizes = np.array([np.shape(picture)[:2] for picture in pictures], float).reshape(-1, 2)
    return Squares((sizes[:, ::-1] - 1) / 2, sizes.max(1), np.zeros(len(sizes)))


def _pixels(
    picture: Picture, number: int, outcome: Int[np.ndarray, " faces"]
) -> UInt8[np.ndarray, "height width 3"]:
    """As uint8; a picture with values that are no number becomes grey, and its outcome says so."""
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(
            f"picture {number} has shape {picture.shape}; wanted RGB, (height, width, 3)"
        )
    if picture.dtype == np.uint8:
        return picture
    if not np.isfinite(picture).all():
        outcome[number] = Outcome.NOT_FINITE
        return np.full(picture.shape, 128, np.uint8)
    return (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)


def _sane(squares: Squares, outcome: Int[np.ndarray, " faces"]) -> Squares:
    """Squares that are no squares become the unit square, and their outcome says so."""
    good = np.isfinite(squares.center).all(-1) & np.isfinite(squares.side + squares.roll)
    good &= (squares.side > 0) & (squares.side < 1e5) & (np.abs(squares.center) < 1e6).all(-1)
    outcome[~good] = Outcome.NOT_FINITE
    return Squares(
        np.where(good[:, None], squares.center, 0.0),
        np.where(good, squares.side, 1.0),
        np.where(good, squares.roll, 0.0),
    )


def _near(wanted: Squares, given: Squares) -> Squares:
    """Keep the second square near the first, however wild the first answer."""
    side = wanted.side.clip(given.side / 3, given.side * 3)
    reach = given.side[:, None]
    center = wanted.center.clip(given.center - reach, given.center + reach)
    return Squares(center, side, wanted.roll)


def _blind(outcome: Int[np.ndarray, " faces"]) -> np.ndarray:
    return (outcome == Outcome.NOT_FINITE) | (outcome == Outcome.BLANK)
