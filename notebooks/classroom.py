"""What the lectures share: pictures, heads with one knob to turn, and checks.

Nothing of a paper is computed here: that stands in the lectures.
"""

import io
import os
from collections.abc import Sequence
from typing import Any

import jax
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.figure import Figure

from common.data.synthetic_scene import Rendered, Scenes, render
from common.types import Benchmark

# The kernel pretends to be a terminal; a progress bar would print a line for each of its steps.
os.environ.pop("FORCE_COLOR", None)

SYNTHETIC = "SYNTHETIC faces"
"""What every picture made from built-in faces says."""

# A palette that color-blind readers can tell apart (Okabe and Ito 2008).
BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip


# Pictures


def show(figure: Figure, title: str, *, faces: str = SYNTHETIC) -> None:
    """Display a figure under a title that says whose faces it was made from; "" for none."""
    figure.suptitle(f"{faces}: {title}" if faces else title, fontsize=11)
    png = io.BytesIO()
    figure.savefig(png, dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    display(Image(png.getvalue()))


def gallery(
    images: Sequence[np.ndarray] | np.ndarray,
    title: str,
    captions: Sequence[str] = (),
    *,
    columns: int = 8,
    signed: bool = False,
    faces: str = SYNTHETIC,
) -> None:
    """Pictures in rows, grey or color, 0 to 1 or 0 to 255; signed ones with grey for zero."""
    rows = -(-len(images) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(1.35 * columns, 1.5 * rows + 0.5), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes in grid.flat:
        axes.axis("off")
    for number, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        image = np.asarray(image)
        top = np.abs(image).max() if signed else 255 if image.dtype == np.uint8 else 1
        low = -top if signed else 0
        shown = image if signed or image.dtype == np.uint8 else image.clip(0, 1)
        axes.imshow(shown, cmap="gray", vmin=low, vmax=top)
        if number < len(captions):
            axes.set_title(captions[number], fontsize=8)
    show(figure, title, faces=faces)


# Checks


def agree(what: str, by_hand: Any, package: Any, *, tolerance: float = 1e-4) -> None:
    """Say how far the two are apart, relative to the largest value; stop if that is too far."""
    by_hand, package = np.asarray(by_hand, float), np.asarray(package, float)
    if by_hand.shape != package.shape:
        raise AssertionError(f"{what}: shapes {by_hand.shape} and {package.shape}")
    size = max(float(np.abs(package).max()), 1e-12)
    apart = float(np.abs(by_hand - package).max()) / size
    if not apart <= tolerance:
        raise AssertionError(f"{what}: by hand and the package differ by {apart:.2g} of the size")
    print(f"{what}: by hand and the package agree ({apart:.1g} of the size)")


def check(number: int, answer: Any, expected: Any, *, tolerance: float = 1e-4) -> None:
    """Judge the answer to an exercise; an open one, None or `...`, is no error."""
    if answer is None or answer is ...:
        print(f"exercise {number}: open")
        return
    if isinstance(expected, str | tuple):
        right = answer == expected
    else:
        answer, expected = np.asarray(answer, float), np.asarray(expected, float)
        right = answer.shape == expected.shape and np.allclose(
            answer, expected, rtol=tolerance, atol=tolerance * max(1e-12, np.abs(expected).max())
        )
    print(f"exercise {number}: {'right' if right else 'not right yet'}")


# Synthetic heads


def photograph(*parts: Scenes, side: int) -> list[Rendered]:
    """Draw some groups of scenes, all in one go: the renderer is compiled once."""
    together = jax.tree.map(lambda *values: np.concatenate(values), *parts)
    drawn = render(together, side)
    ends = np.cumsum([len(part.scale) for part in parts])
    pieces = [np.split(values, ends[:-1]) for values in drawn]
    return [Rendered(*group) for group in zip(*pieces, strict=True)]


def neutral(scenes: Scenes) -> Scenes:
    """The same people, all photographed alike: frontal, mouth shut, light from ahead and above."""
    images = len(scenes.scale)
    first = jax.tree.map(lambda values: np.repeat(values[:1], images, axis=0), scenes)
    plain = scenes._replace(
        expression=np.zeros_like(scenes.expression),
        pose=np.zeros_like(scenes.pose),
        scale=np.full_like(scenes.scale, 0.0029),
        center=np.full_like(scenes.center, 0.49),
        ambient=np.full_like(scenes.ambient, 0.2),
        light_color=np.full_like(scenes.light_color, 1.1),
        cloth=first.cloth,
        background=np.full_like(scenes.background, 0.5),
        noise=np.zeros_like(scenes.noise),
    )
    return lit(plain, 0.0)


def lit(scenes: Scenes, azimuth: float) -> Scenes:
    """One knob: the light comes from this many degrees to the image's right."""
    angle, up = np.radians(azimuth), np.radians(25.0)
    toward = [np.sin(angle) * np.cos(up), -np.sin(up), -np.cos(angle) * np.cos(up)]
    light = np.tile(np.array(toward, np.float32), (len(scenes.scale), 1))
    return scenes._replace(light=light)


def turned(scenes: Scenes, yaw: float, *, roll: float = 0.0) -> Scenes:
    """Another: the heads turn by this many degrees to the image's right, or tilt clockwise."""
    pose = np.zeros_like(scenes.pose)
    pose[:, 0], pose[:, 2] = yaw, roll
    return scenes._replace(pose=pose)


def sized(scenes: Scenes, share: float) -> Scenes:
    """A third: the heads are seen from farther away, at this share of their size."""
    return scenes._replace(scale=np.float32(share) * scenes.scale)


# Real faces


def real_faces() -> Benchmark | None:
    """Labeled Faces in the Wild where LFW_DIR names a copy, else None; says which."""
    if not os.environ.get("LFW_DIR"):
        print("LFW_DIR is not set: this lecture uses SYNTHETIC faces")
        return None
    from common.data.lfw import find_lfw
    from common.data.lfw_benchmark import open_lfw

    folder = find_lfw(None, download=False)
    if folder is None:
        return None
    benchmark = open_lfw(folder)
    source = benchmark.provenance
    print(f"real faces: LFW ({source.variant}), {source.images:,} images of {source.people:,}")
    return benchmark
