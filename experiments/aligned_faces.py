"""Aligned faces of a whole data set, made once and kept in the cache.

The cache's key is all that the result depends on: the images' content, where the faces were looked
for, the configuration, the landmark network's weights and the code of the alignment itself. So
nothing stale is ever read. Faces are written a batch at a time; a run that was killed goes on
behind the last batch that is whole.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, UInt8

import common
import common.landmarks
import deepface_jax
from common.data.cache import cache_dir, clear_disk_errors
from common.data.locking import locked
from common.data.progress import progress
from common.landmarks.crops import lfw_squares
from common.landmarks.squares import Squares
from common.types import Benchmark, ImageSource
from deepface_jax.aligner import Aligner
from deepface_jax.config import AlignConfig

BATCH = 64


@dataclass(frozen=True)
class AlignedSet:
    """Aligned faces, in the order in which they were asked for; read from disk as needed."""

    images: UInt8[np.ndarray, "faces size size 3"]
    status: Int[np.ndarray, " faces"]
    """A `deepface_jax.Fallback` each."""
    landmarks: Float32[np.ndarray, "faces 68 2"]
    """In pixels of the original image; NaN where no face was found, or none was looked for."""

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
    parts = [
        content.encode(),
        json.dumps(asdict(config), sort_keys=True).encode(),
        alignment_digest(),
    ]
    parts += [np.ascontiguousarray(part).tobytes() for part in squares]
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    folder = cache_dir("aligned", key)
    with locked(folder), clear_disk_errors(folder):
        _fill(folder, source, squares, config)
    return AlignedSet(*(_array(folder, name) for name in ("images", "status", "landmarks")))


def aligned_benchmark(benchmark: Benchmark, config: AlignConfig) -> AlignedSet:
    """All images of a benchmark, in its order, each looked at where LFW has its faces."""
    height = benchmark.images[0].shape[0]
    squares = lfw_squares(len(benchmark.images), height)
    content = " ".join([benchmark.provenance.sha256, *benchmark.names])
    return aligned_faces(benchmark.images, squares, config, content=content)


def _fill(folder: Path, source: ImageSource, squares: Squares, config: AlignConfig) -> None:
    """Align what is not there yet."""
    total, counter = len(source), folder / "done.txt"
    done = int(counter.read_text()) if counter.exists() else 0
    if done == total and total:
        return
    size = config.size
    shapes = {
        "images": (np.uint8, (total, size, size, 3)),
        "status": (np.int64, (total,)),
        "landmarks": (np.float32, (total, 68, 2)),
    }
    arrays = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", "r+" if done else "w+", dtype=dtype, shape=shape
        )
        for name, (dtype, shape) in shapes.items()
    }
    aligner = Aligner(config=config, batch=BATCH)
    with progress(f"Aligning faces ({_described(config)})", total) as advance:
        advance(done)
        for start in range(done, total, BATCH):
            rows = slice(start, min(start + BATCH, total))
            pictures = np.stack([source[number] for number in range(rows.start, rows.stop)])
            found = aligner(pictures, Squares(*(part[rows] for part in squares)))
            for name, array in arrays.items():
                array[rows] = getattr(found, name)
                array.flush()
            partial = counter.with_suffix(".part")
            partial.write_text(str(rows.stop))
            partial.replace(counter)
            advance(rows.stop - rows.start)


def _array(folder: Path, name: str) -> np.ndarray:
    return np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)


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
