"""The piecewise-affine warp and all of frontalization, against scikit-image and OpenCV.

Run `taskset -c 0 python -m benchmarks.frontalize` (about five minutes; one core against one core);
it writes benchmarks/results/frontalize.json. 64 random faces of 250 x 250 pixels, the generic
face's mesh, outputs of 152 x 152 pixels in float32. Two meshes: one target for all faces, whose
pixel-to-triangle map is made once; and a target for each face, as the paper's residual has it,
whose map is part of the work. cv2.remap is given finished maps: it does a part of the work only.
The last three lines have no peer that does the same; they stand beside the warp by triangles.
"""

import os
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import benchmarks.one_core  # noqa: F401 - before JAX computes anything
from benchmarks.harness import Contender, compare, write
from common.geometry import interpolate, sample_batch, triangle_at_pixels, triangle_map
from common.images import decode_image
from common.landmarks.crops import lfw_squares
from common.landmarks.predict import Landmarker
from deepface_jax.aligner import Aligner
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import generic_face
from deepface_jax.frontalize import frontalize_batch
from deepface_jax.placement import reference

SIDE, SIZE, BATCH = 250, 152, 64
_TRIANGLES = "OpenCV warpAffine by triangle"


def inputs(batch: int = BATCH) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smooth images, source points, and target points that differ a little from face to face."""
    for module in ("cv2", "skimage.transform"):
        import_module(module)  # imported here, they count in neither side's memory
    import_module("cv2").setNumThreads(1)
    rng = np.random.default_rng(0)
    rows, columns = np.indices((SIDE, SIDE))[..., None] / 9
    waves = rng.random((2, batch, 1, 1, 3))
    images = 0.5 + 0.5 * np.sin(rows * waves[0] + columns * waves[1])
    points = _mesh()[0]
    own = rng.normal(size=(2, batch, *points.shape))
    return tuple(
        part.astype(np.float32)
        for part in (images, points * 0.75 + 67 + own[0], points + own[1] / 4)
    )


def our_still_warp(images: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """One mesh of targets for all."""
    faces, source_points, _, _ = _on_device(len(images))
    return np.asarray(sample_batch(faces, _still(source_points)))


def our_moving_warp(images: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A mesh of targets for each face, and its pixel-to-triangle map."""
    faces, *points, _ = _on_device(len(images))
    return np.asarray(sample_batch(faces, _moving(*points)))


def our_frontalization(
    images: np.ndarray, source: np.ndarray, target: np.ndarray, *, config: AlignConfig
) -> np.ndarray:
    """All steps from 68 landmarks on: 2D alignment, camera, visibility, two warps, blending."""
    faces, _, _, landmarks = _on_device(len(images))
    return np.asarray(frontalize_batch(faces, landmarks, generic_face(), config).image)


def our_landmarks(images: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The landmark network alone: two looks at each face."""
    return _landmarker()(_pictures(len(images)), lfw_squares(len(images))).points


def our_alignment(images: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """All of it: landmarks, 2D alignment with the detector rerun, frontalization."""
    return _aligner()(_pictures(len(images)), lfw_squares(len(images))).images


def remap(images: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """OpenCV's sampling alone; its maps are made beforehand (and its weights are of 5 bits)."""
    import cv2

    maps = _finished_maps(len(images))
    return np.stack([cv2.remap(i, *m, cv2.INTER_LINEAR) for i, m in zip(images, maps, strict=True)])


def triangle_by_triangle(
    images: np.ndarray, source: np.ndarray, target: np.ndarray, *, still: bool
) -> np.ndarray:
    """What is found in tutorials: warpAffine of each triangle's box, and a mask."""
    import cv2

    points, triangles = _mesh()
    output = np.zeros((len(images), SIZE, SIZE, 3), np.float32)
    for number, image in enumerate(images):
        goal = points if still else target[number]
        for corners in triangles:
            low = np.floor(goal[corners].min(axis=0)).astype(int).clip(0, SIZE)
            high = np.ceil(goal[corners].max(axis=0)).astype(int).clip(-1, SIZE - 1) + 1
            width, height = (int(n) for n in high - low)
            if width <= 0 or height <= 0:
                continue
            local = (goal[corners] - low).astype(np.float32)
            affine = cv2.getAffineTransform(source[number][corners], local)
            piece = cv2.warpAffine(image, affine, (width, height), borderMode=cv2.BORDER_REPLICATE)
            mask = np.zeros((height, width), np.uint8)
            cv2.fillConvexPoly(mask, np.round(local).astype(np.int32), 1)
            window = output[number, low[1] : high[1], low[0] : high[0]]
            window[mask > 0] = piece[mask > 0]
    return output


def scikit_image(
    images: np.ndarray, source: np.ndarray, target: np.ndarray, *, still: bool
) -> np.ndarray:
    """PiecewiseAffineTransform; it has no other way than to triangulate anew, by Delaunay."""
    from skimage.transform import PiecewiseAffineTransform, warp

    points, triangles = _mesh()
    used = np.unique(triangles)
    _, once = np.unique(points[used].round(3), axis=0, return_index=True)  # no point twice
    chosen = used[once]
    output = []
    for number, image in enumerate(images):
        goal = points if still else target[number]
        transform = PiecewiseAffineTransform.from_estimate(goal[chosen], source[number][chosen])
        output.append(warp(image, transform, output_shape=(SIZE, SIZE), mode="edge"))
    return np.stack(output).astype(np.float32)


def median_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Median of the absolute differences; triangulations and seams differ at single pixels."""
    return float(np.median(np.abs(a - b)))


def not_comparable(a: np.ndarray, b: np.ndarray) -> float:
    """Where ours does more than the peer, the results are not the same thing."""
    return float("nan")


def main() -> None:
    """Compare, and write the record."""
    lines = []
    for still, ours in ((True, our_still_warp), (False, our_moving_warp)):
        mesh = "one target mesh" if still else "a target mesh a face"
        peers = [
            ("scikit-image PiecewiseAffineTransform", partial(scikit_image, still=still), 8),
            (_TRIANGLES, partial(triangle_by_triangle, still=still), BATCH),
            ("cv2.remap, finished maps", remap, BATCH),
        ]
        for name, peer, batch in peers if still else peers[:2]:
            lines.append(_line(f"warp, {mesh}", name, peer, ours, batch))
    full = partial(our_frontalization, config=PAPER)
    triangles = partial(triangle_by_triangle, still=False)
    for work, ours in (
        ("frontalization from landmarks on", full),
        ("landmarks alone", our_landmarks),
        ("landmarks, 2D alignment and frontalization", our_alignment),
    ):
        work = f"{work}, beside the warp alone"
        lines.append(_line(work, _TRIANGLES, triangles, ours, difference=not_comparable))
    write("frontalize", lines)


def _line(
    work: str, name: str, peer: Any, ours: Any, batch: int = BATCH, difference: Any = None
) -> Any:
    package = "scikit-image" if name.startswith("scikit") else "opencv-python-headless"
    shown = ours.func if isinstance(ours, partial) else ours
    return compare(
        f"{work}, {batch} faces, {SIDE} to {SIZE} pixels, one core",
        inputs=partial(inputs, batch),
        ours=Contender(shown.__name__, ours),
        peer=Contender(name, peer),
        peer_version=version(package),
        difference=difference or median_difference,
        repeats=5,
    )


@cache
def _mesh() -> tuple[np.ndarray, np.ndarray]:
    face = generic_face()
    return reference(face, PAPER)[:, :2], face.triangles


@cache
def _landmarker() -> Landmarker:
    return Landmarker.load(batch=BATCH)


@cache
def _aligner() -> Aligner:
    return Aligner(_landmarker(), batch=BATCH)


@cache
def _pictures(batch: int) -> np.ndarray:
    """Real faces of LFW where LFW_DIR names it, else the random images: 0 to 255."""
    if "LFW_DIR" not in os.environ:
        return (inputs(batch)[0] * 255).astype(np.uint8)
    paths = sorted((Path(os.environ["LFW_DIR"]) / "lfw").glob("*/*.jpg"))[:batch]
    return np.stack([decode_image(path.read_bytes(), path.name) for path in paths])


@cache
def _numbers() -> np.ndarray:
    return triangle_map(*_mesh(), SIZE, SIZE)


@cache
def _on_device(batch: int) -> tuple[jax.Array, ...]:
    """What both sides get; copied to JAX beforehand, as the peers have their arrays at hand."""
    return tuple(jnp.array(part) for part in (*inputs(batch), _landmarks(batch)))


@jax.jit
def _still(source: jax.Array) -> jax.Array:
    points, triangles = _mesh()
    return jax.vmap(lambda one: interpolate(points, triangles, one, _numbers()))(source)


@jax.jit
def _moving(source: jax.Array, target: jax.Array) -> jax.Array:
    triangles = _mesh()[1]

    def one(source: jax.Array, target: jax.Array) -> jax.Array:
        numbers = triangle_at_pixels(target, triangles, SIZE, SIZE)
        return interpolate(target, triangles, source, numbers)

    return jax.vmap(one)(source, target)


@cache
def _finished_maps(batch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    points, triangles = _mesh()
    positions = [
        np.asarray(interpolate(points, triangles, jnp.asarray(source), _numbers()))
        for source in inputs(batch)[1]
    ]
    return [(p[..., 0].copy(), p[..., 1].copy()) for p in positions]


@cache
def _landmarks(batch: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = generic_face().landmarks
    yaw = rng.uniform(-0.8, 0.8, (batch, 1))
    turned = np.stack(
        [shape[:, 0] * np.cos(yaw) - shape[:, 2] * np.sin(yaw), shape[:, 1] + 0 * yaw], -1
    )
    return (turned * 42 + 120 + rng.normal(size=turned.shape)).astype(np.float32)


if __name__ == "__main__":
    main()
