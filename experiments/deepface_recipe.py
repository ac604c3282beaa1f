"""From a training folder to DeepFace's rows: align, train, represent LFW, measure each metric."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from common.data.cache import cache_dir
from common.data.folders import read_folder
from common.harness import Method, Outcome, run_view2
from common.protocol import Category
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import SMALL, NetworkConfig
from deepface_jax.normalize import normalize
from deepface_jax.pair_method import ChiSquaredSvm, inner_product_method
from deepface_jax.train import SMALL_DATA, TrainConfig
from experiments.aligned_faces import aligned_benchmark
from experiments.deepface_training import Trained, train, training_folder
from experiments.faces import paired_images
from experiments.folder_facts import folder_facts
from experiments.measure import Measured, measure
from experiments.network_inputs import Input
from experiments.network_speed import faces_per_second
from experiments.paper_numbers import DEEPFACE, Published
from experiments.setting import NotRerun, Setting
from experiments.synthetic_folder import synthetic_folder
from experiments.training_faces import TrainingFaces, aligned_folder

CATEGORY = Category.UNRESTRICTED_LABELED
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


def measure_recipe(
    setting: Setting,
    row: str,
    recipe: Recipe,
    *,
    trained: Trained | None = None,
    published: Mapping[str, Published] = DEEPFACE,
) -> list[Measured]:
    """Every metric of one network.

    Args:
      setting: of the call.
      row: as in `experiments.rows`.
      recipe: of the network.
      trained: the network, where it is there already.
      published: the paper's figures, by metric; none where the network is not the paper's.
    """
    return measure_metrics(setting, row, represent(setting, recipe, trained), published=published)


def measure_metrics(
    setting: Setting,
    row: str,
    made: Represented,
    *,
    published: Mapping[str, Published],
    prefix: str = "",
) -> list[Measured]:
    """Every metric of represented faces.

    Args:
      setting: of the call.
      row: as in `experiments.rows`.
      made: by one network.
      published: the paper's figures, by variant.
      prefix: of the variants' names.
    """
    metrics: list[tuple[str, str, Method, float | None]] = [
        ("inner-product", "unsupervised", inner_product_method(made.f), None),
        ("chi-squared", "restricted", ChiSquaredSvm([made.f]), 0.0),
    ]
    measured = []
    for variant, protocol, method, threshold in metrics:
        start = time.perf_counter()
        outcome = run_view2(
            setting.benchmark,
            method,
            CATEGORY,
            fixed_threshold=threshold,
            watch=setting.watch(f"The ten folds of View 2, {prefix}{variant}"),
        )
        one = as_record(
            setting,
            outcome,
            [made],
            row=row,
            variant=prefix + variant,
            paper_protocol=protocol,
            published=published.get(prefix + variant),
            seconds=made.seconds + time.perf_counter() - start,
            threshold_rule="nine-folds" if threshold is None else "model",
        )
        measured.append(one)
    return measured


def as_record(
    setting: Setting,
    outcome: Outcome,
    made: Sequence[Represented],
    *,
    row: str,
    variant: str,
    paper_protocol: str,
    published: Published | None,
    threshold_rule: str,
    seconds: float,
) -> Measured:
    """The record of one metric, of one network or of several."""
    recipes = [one.recipe for one in made]
    summary = made[0].trained.summary
    hours = sum(one.trained.summary["hours"] for one in made)
    units = sum(one.f.shape[1] for one in made)
    return measure(
        setting, setting.benchmark, outcome, row=row, variant=variant, category=CATEGORY,
        threshold_rule=threshold_rule, published=published, paper_protocol=paper_protocol,
        config={"networks": [one.name for one in recipes],
                "epochs": [one.train.epochs for one in recipes],
                "recipes": {one.name: _settings(one) for one in recipes}},
        model={"parameters": sum(parameters(one.trained) for one in made),
               "embedding_size": units},
        training={**summary, "hours": round(hours, 3)},
        seconds=seconds,
        faces_per_second=1 / sum(1 / one.faces_per_second for one in made),
        seed=recipes[0].seed, tolerance=0.01,
        alignment=", ".join(sorted({one.align.stage for one in recipes})),
        fallbacks=max(one.fallbacks for one in made),
    )  # fmt: skip


def parameters(trained: Trained) -> int:
    """Weights and biases, with F8's, which training alone needs."""
    import jax

    return sum(leaf.size for leaf in jax.tree.leaves(trained.weights))


def described(setting: Setting, sha256: str) -> dict[str, Any]:
    """Name and overlap with LFW of the training faces."""
    if setting.benchmark.provenance.synthetic:
        return {"data": "synthetic", "lfw_overlap": "excluded"}
    assert setting.train_dir is not None  # training_faces has asked for it
    facts = folder_facts(setting.train_dir, sha256)
    return {"data": facts["data"], "lfw_overlap": facts["lfw_overlap"]}


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {
        "network": asdict(recipe.network), "train": asdict(recipe.train),
        "align": asdict(recipe.align), "input": recipe.kind, "seed": recipe.seed,
    }  # fmt: skip


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
