"""From a training folder to represented faces: align, train or restore, represent LFW."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from common.data.cache import cache_dir
from common.data.folders import read_folder
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import SMALL, NetworkConfig
from deepface_jax.normalize import normalize
from deepface_jax.train import SMALL_DATA, TrainConfig
from experiments.alignment.aligned_faces import aligned_benchmark
from experiments.deepface_training import Trained, train, training_folder
from experiments.faces import paired_images
from experiments.folder_facts import folder_facts
from experiments.network_inputs import Input
from experiments.network_speed import faces_per_second
from experiments.setting import NotRerun, Setting
from experiments.synthetic_folder import synthetic_folder
from experiments.training_faces import TrainingFaces, aligned_folder

SYNTHETIC = replace(SMALL_DATA, epochs=4.0, batch=32)
"""For synthetic faces, which only show that all works."""


@dataclass(frozen=True)
class Recipe:
    """All that makes a network: what it sees, its layers, its training."""

    name: str
    network: NetworkConfig
    """Its classes are replaced by the number of the training folder's people."""
    train: TrainConfig
    align: AlignConfig
    kind: Input = "rgb"
    seed: int = 0


@dataclass(frozen=True)
class Represented:
    """A benchmark's faces as a trained network represents them."""

    recipe: Recipe
    trained: Trained
    f: Float[np.ndarray, "images units"]
    """Normalized; zero for images that no pair names."""
    seconds: float
    """Of representing them."""
    faces_per_second: float
    """From decoded pixels to F7."""
    fallbacks: int


def training_faces(setting: Setting, align: AlignConfig) -> TrainingFaces:
    """The training people, aligned; synthetic ones where the benchmark is synthetic.

    Raises:
      NotRerun: no training folder was named.
      FolderError, ImageError: the folder cannot be trained on.
    """
    if setting.benchmark.provenance.synthetic:
        people = 20 if setting.tiny else 100
        folder = synthetic_folder(
            cache_dir("synthetic-people", str(people)), train=people, validation=people // 2
        )
    elif setting.train_dir is None:
        raise NotRerun(
            "its network is too large to ship; name a training folder with --train-dir or "
            "FACES_TRAIN_DIR (docs/data.md)"
        )
    else:
        folder = setting.train_dir
    return aligned_folder(read_folder(folder, "train"), align)


def represent(
    setting: Setting, recipe: Recipe, trained: Trained | None = None, *, forget: bool = True
) -> Represented:
    """Train, or restore, and represent every image that a pair names.

    Args:
      setting: of the call.
      recipe: of the network.
      trained: the network, where it is there already.
      forget: with `--from-scratch`, forget a training that is done.
    """
    if trained is None:
        if setting.benchmark.provenance.synthetic:
            recipe = replace(recipe, network=SMALL, train=SYNTHETIC)
        faces = training_faces(setting, recipe.align)
        network = replace(recipe.network, classes=len(faces.folder.people))
        trained = _trained(setting, faces, network, recipe, forget=forget)
        facts = described(setting, trained.summary["sha256"])
        trained = replace(trained, summary={**facts, **trained.summary})
    network = trained.network
    recipe = replace(recipe, network=network)
    benchmark = setting.benchmark
    aligned = aligned_benchmark(benchmark, recipe.align)
    images = paired_images(benchmark)
    start = time.perf_counter()
    f = np.zeros((len(benchmark.names), network.F7), np.float32)
    f[images] = np.asarray(normalize(trained.represent(aligned.images[images]), trained.maximum))
    return Represented(
        recipe, trained, f, time.perf_counter() - start,
        faces_per_second(benchmark, recipe.align, trained.represent),
        int(np.count_nonzero(aligned.status[images])),
    )  # fmt: skip


def is_done(setting: Setting, recipe: Recipe) -> bool:
    """Whether the recipe's training stands in the cache, finished."""
    if setting.benchmark.provenance.synthetic or setting.train_dir is None:
        return False
    faces = training_faces(setting, recipe.align)
    network = replace(recipe.network, classes=len(faces.folder.people))
    folder = training_folder(faces, network, recipe.train, kind=recipe.kind, seed=recipe.seed)
    return (folder / "training.json").exists()


def described(setting: Setting, sha256: str) -> dict[str, Any]:
    """Name and overlap with LFW of the training faces."""
    if setting.benchmark.provenance.synthetic:
        return {"data": "synthetic", "lfw_overlap": "excluded"}
    assert setting.train_dir is not None  # training_faces has asked for it
    facts = folder_facts(setting.train_dir, sha256)
    return {"data": facts["data"], "lfw_overlap": facts["lfw_overlap"]}


def _trained(
    setting: Setting,
    faces: TrainingFaces,
    network: NetworkConfig,
    recipe: Recipe,
    *,
    forget: bool,
) -> Trained:
    """The finished training; a training of hours is begun, or gone on with, only when asked for.

    Raises:
      NotRerun: it is not done, and `--from-scratch` was not given.
    """
    folder = training_folder(faces, network, recipe.train, kind=recipe.kind, seed=recipe.seed)
    done = (folder / "training.json").exists()
    if not (done or setting.from_scratch or setting.benchmark.provenance.synthetic):
        raise NotRerun("its training takes hours; --from-scratch begins it, or goes on with it")
    return train(
        faces, network, recipe.train, kind=recipe.kind, seed=recipe.seed,
        from_scratch=setting.from_scratch and forget,
    )  # fmt: skip
