"""Aligned faces of a whole data set, made once and kept in the cache.

The cache's key is all that the result depends on: the images' content, where the faces were looked
for, the configuration, the landmark network's weights and the code of the alignment itself. So
nothing stale is ever read. Landmarks are kept by themselves: they are most of the work, and the
same for all that is done with them. Both are written a batch at a time; a run that was killed goes
on behind the last batch that is whole.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, UInt8

import common
import common.landmarks
import deepface_jax
from common.data.cache import cache_dir, clear_disk_errors
from common.data.locking import locked
from common.landmarks.crops import lfw_squares
from common.landmarks.squares import Squares
from common.types import Benchmark, ImageSource
from deepface_jax.aligner import Aligner
from deepface_jax.config import AlignConfig
from experiments.kept_arrays import fill, is_whole, kept

BATCH = 64


@dataclass(frozen=True)
class AlignedSet:
    """Aligned faces, in the order in which they were asked for; read from disk as needed."""

    images: UInt8[np.ndarray, "faces size size 3"]
    status: Int[np.ndarray, " faces"]
    """A `deepface_jax.Fallback` each."""

    @property
    def fallbacks(self) -> int:
        """How many faces are not aligned as the configuration asks."""
        return int(np.count_nonzero(self.status))


def aligned_faces(
    source: ImageSource, squares: Squares, config: AlignConfig, *, content: str
) -> AlignedSet:
    """Every image of a source, aligned.

    Args:
      source: RGB images, all of one size.
      squares: where the face is on each.
      config: stage and switches.
      content: sha256 or the like that changes whenever an image or their order does.

    Raises:
      CacheError: the disk is full or cannot be written.
    """
    folder = cache_dir("aligned", _key(content, squares, config))
    with locked(folder), clear_disk_errors(folder):
        if not is_whole(folder, len(source)):
            _align(folder, source, squares, config, content)
    return AlignedSet(kept(folder, "images"), kept(folder, "status"))


def aligned_benchmark(benchmark: Benchmark, config: AlignConfig) -> AlignedSet:
    """All images of a benchmark, in its order, each looked at where LFW has its faces."""
    height = benchmark.images[0].shape[0]
    squares = lfw_squares(len(benchmark.images), height)
    content = " ".join([benchmark.provenance.sha256, *benchmark.names])
    return aligned_faces(benchmark.images, squares, config, content=content)


def _align(
    folder: Path, source: ImageSource, squares: Squares, config: AlignConfig, content: str
) -> None:
    """Align what is not there yet."""
    aligner = Aligner(config=config, batch=BATCH)
    size, faces = config.size, len(source)
    landmarks = np.full((faces, 68, 2), np.nan, np.float32)
    if config.stage != "crop":
        landmarks = _landmarks(aligner, source, squares, content)
    fill(
        folder, {"images": (np.uint8, (faces, size, size, 3)), "status": (np.int64, (faces,))},
        lambda rows: aligner.frontalize(_read(source, rows), landmarks[rows]),
        batch=BATCH, description=f"Aligning faces ({_described(config)})",
    )  # fmt: skip


def _landmarks(
    aligner: Aligner, source: ImageSource, squares: Squares, content: str
) -> Float32[np.ndarray, "faces 68 2"]:
    """In pixels of each image, as 2D alignment found them; what comes after it has no say."""
    asked = replace(aligner.config, stage="2d", residual=True, blending=True, covariance=True)
    folder = cache_dir("landmarks", _key(content, squares, asked))

    def find(rows: slice) -> list[np.ndarray]:
        some = Squares(*(part[rows] for part in squares))
        return [aligner.find(_read(source, rows), some).landmarks]

    with locked(folder), clear_disk_errors(folder):
        if not is_whole(folder, len(source)):
            shapes = {"landmarks": (np.float32, (len(source), 68, 2))}
            fill(folder, shapes, find, batch=BATCH, description="Finding landmarks")
    return kept(folder, "landmarks")


def _key(content: str, squares: Squares, config: AlignConfig) -> str:
    settings = json.dumps(asdict(config), sort_keys=True)
    parts = [content.encode(), settings.encode(), alignment_digest()]
    parts += [np.ascontiguousarray(part).tobytes() for part in squares]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _read(source: ImageSource, rows: slice) -> UInt8[np.ndarray, "faces height width 3"]:
    return np.stack([source[number] for number in range(rows.start, rows.stop)])


def _described(config: AlignConfig) -> str:
    switches = ("residual", "blending", "covariance") if config.stage == "3d" else ()
    off = [f"no {name}" for name in switches if not getattr(config, name)]
    return ", ".join([config.stage, *off])


@cache
def alignment_digest() -> bytes:
    """Digest of all that aligns a face: modules, weights, the generic face."""
    packages = {
        deepface_jax: [
            *("align.py", "aligner.py", "face_model.py", "fallback.py", "frontalize.py"),
            *("placement.py", "visibility.py", "generic_face.json"),
        ],
        common: ["geometry.py"],
        common.landmarks: [
            *("network.py", "points.py", "predict.py", "squares.py"),
            *("weights.npz", "error_covariance.npz"),
        ],
    }
    digest = hashlib.sha256()
    for package, names in packages.items():
        for name in names:
            digest.update(Path(str(package.__file__)).with_name(name).read_bytes())
    return digest.digest()
