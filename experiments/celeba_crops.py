"""Build 112 x 112 training crops from your own copy of CelebA.

    python -m experiments.celeba_crops CELEBA OUTPUT

CELEBA is the folder of CelebA's in-the-wild images: `img_celeba/*.jpg` with the files
`identity_CelebA.txt` and `list_landmarks_celeba.txt` (five points a face), in it or in its
folders `Img` and `Anno`. OUTPUT gets `<identity>/<image>.jpg` and `identities.csv`, which splits
the people into those to train on and those to choose on. A run that was interrupted goes on.

CelebA is for non-commercial research only: Liu, Luo, Wang, Tang, "Deep Learning Face Attributes
in the Wild", ICCV 2015.
"""

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tyro
from jaxtyping import Float, UInt8

from common.images import ImageError, decode_image

SIDE = 112
JPEG_QUALITY = 95

# The crop holds the whole face: a square of 1.4 times the extent of 68 landmarks. These three
# numbers are the least-squares rule that finds that square (to 5 % of its side) from five points.
EYE_DISTANCE_WEIGHT, EYES_TO_MOUTH_WEIGHT = 1.743, 1.335
CENTER_BETWEEN_EYES_AND_MOUTH = 0.49


class CelebaError(ValueError):
    """A copy of CelebA cannot be used; the message says what is wrong."""


class Face(NamedTuple):
    """One image of the annotation files."""

    image: str
    identity: int
    points: Float[np.ndarray, "5 2"]
    """Left eye, right eye, nose, left and right corner of the mouth (in the picture), x and y."""


@dataclass(frozen=True)
class CelebaCrops:
    """Build 112 x 112 training crops from your own copy of CelebA."""

    celeba: Annotated[Path, tyro.conf.Positional]
    """Folder of the in-the-wild images and their two annotation files."""
    output: Annotated[Path, tyro.conf.Positional]
    """Folder for the crops; made if it is not there."""
    people: int = 1000
    """How many people: those with the most images, in the order of their numbers."""
    validation: int = 100
    """How many of them to set aside for choosing."""


def crop_square(points: Float[np.ndarray, "5 2"]) -> tuple[Float[np.ndarray, " 2"], float]:
    """Center (x, y) and side of the square around a face, in pixels of the picture.

    Example:
      >>> center, side = crop_square(np.array([[0, 0], [40, 0], [20, 25], [5, 40.0], [35, 40]]))
      >>> center.round(1).tolist(), round(side, 1)
      ([20.0, 19.6], 123.1)
    """
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    eye_distance = np.linalg.norm(points[1] - points[0])
    side = EYE_DISTANCE_WEIGHT * eye_distance + EYES_TO_MOUTH_WEIGHT * np.linalg.norm(mouth - eyes)
    return eyes + CENTER_BETWEEN_EYES_AND_MOUTH * (mouth - eyes), float(side)


def cut_face(
    picture: UInt8[np.ndarray, "height width 3"], points: Float[np.ndarray, "5 2"]
) -> UInt8[np.ndarray, "112 112 3"]:
    """The face's square, scaled to 112 x 112; beyond the border the edge is replicated.

    Raises:
      CelebaError: the points are one point.
    """
    import cv2

    center, side = crop_square(points)
    if side < 1:
        raise CelebaError("the five points are all in one place")
    size = max(1, round(side))
    corner = np.round(center - (size - 1) / 2).astype(int)
    rows = np.clip(np.arange(corner[1], corner[1] + size), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(corner[0], corner[0] + size), 0, picture.shape[1] - 1)
    how = cv2.INTER_AREA if size >= SIDE else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(picture[np.ix_(rows, columns)], (SIDE, SIDE), interpolation=how), np.uint8
    )


def read_annotations(celeba: Path) -> list[Face]:
    """All faces that both annotation files name.

    Raises:
      CelebaError: a file is missing or a line is not what it should be.
    """
    identity = {}
    for number, line in _lines(_find(celeba, "identity_CelebA.txt")):
        words = line.split()
        if len(words) != 2 or not words[1].isdigit():
            raise CelebaError(f"identity_CelebA.txt, line {number}: wanted `image identity`")
        identity[words[0]] = int(words[1])
    faces = []
    for number, line in _lines(_find(celeba, "list_landmarks_celeba.txt")):
        words = line.split()
        if number <= 2 and len(words) != 11:  # the count of images, then the columns' names
            continue
        try:
            points = np.array([float(word) for word in words[1:]]).reshape(5, 2)
        except ValueError:
            raise CelebaError(
                f"list_landmarks_celeba.txt, line {number}: wanted `image` and ten numbers"
            ) from None
        if words[0] in identity:
            faces.append(Face(words[0], identity[words[0]], points))
    if not faces:
        raise CelebaError(f"{celeba}: the two annotation files have no image in common")
    return faces


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def _find(celeba: Path, name: str) -> Path:
    for place in (celeba, celeba / "Anno", celeba / "Img"):
        if (place / name).exists():
            return place / name
    raise CelebaError(f"{celeba} has no {name}, neither there nor in its Anno or Img")


def choose(faces: list[Face], people: int, validation: int) -> dict[int, str]:
    """The people with the most images, ascending, each with its split.

    Every tenth or so, evenly spread, is for validation.

    Raises:
      CelebaError: there are fewer people than asked for.
    """
    counts = Counter(face.identity for face in faces)
    if not 0 <= validation < people <= len(counts):
        raise CelebaError(
            f"{people} people with {validation} for validation were asked for; the annotations "
            f"name {len(counts)} people"
        )
    chosen = sorted(sorted(counts, key=lambda i: (-counts[i], i))[:people])
    held_out = set(np.linspace(0, people - 1, validation).round().astype(int).tolist())
    return {
        identity: "validation" if at in held_out else "train" for at, identity in enumerate(chosen)
    }


def _write(face: Face, images: Path, output: Path) -> str | None:
    """Cut one face; returns what is wrong with it, or None."""
    import cv2

    target = output / f"{face.identity:05d}" / f"{Path(face.image).stem}.jpg"
    if target.exists():
        return None
    try:
        crop = cut_face(decode_image((images / face.image).read_bytes(), face.image), face.points)
    except (ImageError, CelebaError, FileNotFoundError) as error:
        return f"{face.image}: {error}"
    target.parent.mkdir(parents=True, exist_ok=True)
    _, jpeg = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    partial = target.with_suffix(f".{os.getpid()}.part")
    partial.write_bytes(jpeg.tobytes())
    partial.replace(target)
    return None


def build(options: CelebaCrops) -> dict[str, int]:
    """Cut all faces of the chosen people; returns how many were written, or were there.

    Raises:
      CelebaError: what came is not CelebA, or images are missing or damaged (names the first five;
        all others are cut).
    """
    from common.data.progress import progress

    faces = read_annotations(options.celeba)
    images = _find(options.celeba, "img_celeba")
    split = choose(faces, options.people, options.validation)
    wanted = [face for face in faces if face.identity in split]
    problems = []
    with progress("Cutting faces", len(wanted)) as advance, ThreadPoolExecutor(2) as threads:
        for problem in threads.map(lambda face: _write(face, images, options.output), wanted):
            problems += [problem] if problem else []
            advance(1)
    if problems:
        named = "; ".join(problems[:5])
        raise CelebaError(f"{len(problems)} of {len(wanted)} images could not be cut: {named}")
    counts = Counter(face.identity for face in wanted)
    with (options.output / "identities.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["identity", "images", "split"])
        rows.writerows([f"{i:05d}", counts[i], said] for i, said in split.items())
    return {"images": len(wanted), "people": len(split)}


def main(options: CelebaCrops) -> int:
    """Build and say what was built; returns the exit code."""
    try:
        built = build(options)
    except (CelebaError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{built['images']:,} crops of {built['people']:,} people are in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(CelebaCrops, description=__doc__)))
