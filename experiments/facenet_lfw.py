"""The FaceNet row: embeddings on the unit sphere, compared by squared distance.

    python -m experiments.reproduce facenet
    python -m experiments.reproduce facenet --from-scratch --train-dir DIR

`aligned` sees faces aligned by a similarity transform of our landmarks, `center-crop` a fixed crop
of LFW's images; both with the network that is shipped. `mirrored` is `aligned` with the mean of the
embeddings of a face and of its mirror image. `--from-scratch` trains the network first, by the
recipe for little data, which was chosen on View 1 and on people held out of the training folder
(docs/facenet.md). `nn4` and `nn4-center-crop` are of one of the paper's networks on the same faces,
`residual` and `residual-center-crop` of an earlier network that shipped, `paper-recipe` is the
paper's recipe; they are there where they were trained on this machine (`python -m
experiments.train_facenet --recipe small-data-nn4`, `small-data-residual` or `paper`).

The threshold is fitted on nine folds; a face that cannot be aligned is center-cropped, counted,
and stays in its pairs. Runtime: minutes with weights that are there, an hour from scratch on one
core.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from common.data.cache import cache_dir
from common.data.progress import note, progress
from common.harness import EmbeddingMethod, run_view1, run_view2
from common.pair_metric import unit
from common.protocol import Category
from common.types import Scores
from experiments.alignment.aligned_faces import aligned_benchmark
from experiments.face_sets import ALIGNMENTS, at_side
from experiments.facenet_training import as_facts
from experiments.measure import Measured, measure
from experiments.network_speed import faces_per_second
from experiments.paper_numbers import DEEP
from experiments.setting import NotRerun, Setting
from experiments.synthetic_folder import synthetic_folder
from experiments.train_facenet import INPUTS, RECIPES, SEED, export_path, train_folder
from facenet_jax.config import NetworkConfig
from facenet_jax.embedder import Embedder
from facenet_jax.recipes import Recipe, TrainConfig
from facenet_jax.weights import SHIPPED, WeightsError

CATEGORY = Category.UNRESTRICTED_LABELED
PUBLISHED = {
    "aligned": DEEP["FaceNet, aligned"],
    "center-crop": DEEP["FaceNet, fixed center crop"],
    "paper-recipe": DEEP["FaceNet, aligned"],
}
"""By variant; nobody published the others."""
TRAINED_HERE = {
    "small-data-nn4": {"nn4": "aligned", "nn4-center-crop": "center-crop"},
    "small-data-residual": {"residual": "aligned", "residual-center-crop": "center-crop"},
    "paper": {"paper-recipe": "aligned"},
}
"""Recipes whose weights do not ship, and their variants with the alignment of each."""
TOLERANCE = 0.004
MIRRORED = "mean of the embeddings of the face and of its mirror image"
"""At test time."""

TINY = NetworkConfig("NN1", side=32, embedding_size=32, batch_norm=True, width=1 / 16)
TINY_RECIPE: Recipe = (
    TrainConfig(epochs=4.0, identities=0, negatives=24, triplets=0.0, softmax=1.0,
                optimizer="adam", learning_rate=0.003),
    TrainConfig(epochs=4.0, identities=6, faces=4, negatives=0, optimizer="adam",
                learning_rate=0.001),
)  # fmt: skip


def run(setting: Setting) -> list[Measured]:
    """Measure the network under both alignments, and other recipes' where they are there."""
    embedder = Embedder.load(_weights(setting))
    measured = [_measure(setting, embedder, name, name) for name in ALIGNMENTS]
    measured.append(_measure(setting, embedder, "aligned", "mirrored", mirrored=True))
    if setting.benchmark.provenance.synthetic:
        return measured
    for name, variants in TRAINED_HERE.items():
        try:
            embedder = _trained_here(name)
        except WeightsError as error:
            note(f"not measured: {' and '.join(variants)}: {error}")
            continue
        for variant, alignment in variants.items():
            measured.append(_measure(setting, embedder, alignment, variant))
    return measured


def _trained_here(name: str) -> Embedder:
    """The network that a recipe has made on this machine.

    Raises:
      WeightsError: none is there, or it was made in another way.
    """
    path, (network, recipe) = export_path(name), RECIPES[name]
    command = f"python -m experiments.train_facenet --recipe {name} --train-dir DIR"
    if not path.exists():
        raise WeightsError(f"its weights are not in the cache; to train them: {command}")
    embedder = Embedder.load(path)
    facts = embedder.facts
    usual = as_facts((TrainConfig(),))[0]  # of settings that came after the training
    came = {"network": embedder.network,
            "recipe": [{**usual, **phase} for phase in facts.get("recipe", ())],
            "alignment": facts.get("inputs"), "seed": facts.get("seed")}  # fmt: skip
    wanted = {"network": network, "recipe": as_facts(recipe),
              "alignment": list(INPUTS), "seed": SEED}  # fmt: skip
    if other := [part for part in wanted if came[part] != wanted[part]]:
        raise WeightsError(
            f"{path.name} in the cache is of another {' and another '.join(other)} than the recipe "
            f"has today; to train it anew: {command}"
        )
    # By today's name: weights keep the one that the recipe had when they were trained.
    return replace(embedder, facts={**facts, "name": name})


def _weights(setting: Setting) -> Path:
    """The file of the network to measure; trains it where that is asked for."""
    if setting.benchmark.provenance.synthetic:
        folder = synthetic_folder(cache_dir("facenet", "synthetic"))
        return train_folder(
            folder, "tiny", network=TINY, recipe=TINY_RECIPE, folds=2, pairs=30,
            from_scratch=setting.from_scratch,
        )  # fmt: skip
    if SHIPPED.exists() and not setting.from_scratch:
        return SHIPPED
    if setting.train_dir is not None and not setting.from_scratch:
        raise NotRerun("no weights are shipped; --from-scratch trains, or goes on with a training")
    if setting.train_dir is None:
        raise NotRerun(
            "training FaceNet needs faces: name a folder by --train-dir or FACES_TRAIN_DIR "
            "(docs/data.md)"
            if setting.from_scratch
            else f"no weights are shipped ({SHIPPED.name}), and to train them a folder of faces is "
            "needed: name it by --train-dir or FACES_TRAIN_DIR (docs/data.md)"
        )
    return train_folder(setting.train_dir, from_scratch=setting.from_scratch)


def _measure(
    setting: Setting, embedder: Embedder, alignment: str, variant: str, *, mirrored: bool = False
) -> Measured:
    benchmark, config = setting.benchmark, ALIGNMENTS[alignment]

    def embed(
        faces: UInt8[np.ndarray, "faces size size 3"],
        advance: Callable[[int], None] = lambda faces: None,
    ) -> Float[np.ndarray, "faces dim"]:
        z = embedder.embed(faces, advance=advance)
        if not mirrored:
            return z
        return unit(z + embedder.embed(np.ascontiguousarray(faces[:, :, ::-1]), advance=advance))

    aligned = aligned_benchmark(benchmark, config)
    paired = benchmark.view2.images()
    numbers = np.union1d(paired, benchmark.view1_test.images())
    speed = faces_per_second(benchmark, config, embed)
    start = time.perf_counter()
    faces = at_side(aligned.images[numbers], embedder.network.side)
    z = np.zeros((len(benchmark.names), embedder.network.embedding_size), np.float32)
    with progress(f"Embedding faces, {variant}", (1 + mirrored) * len(faces)) as advance:
        z[numbers] = embed(faces, advance)
    method = EmbeddingMethod(z, _similarity)
    view1 = run_view1(benchmark, method, CATEGORY).view1_accuracy()
    outcome = run_view2(
        benchmark, method, CATEGORY,
        watch=setting.watch(f"The ten folds of View 2, {variant}"),
    )  # fmt: skip
    assert outcome.thresholds is not None, "the category allows thresholds"
    facts, training = embedder.facts, embedder.facts["training"]
    return measure(
        setting, benchmark, outcome, row="facenet", variant=variant, category=CATEGORY,
        threshold_rule="nine-folds", published=PUBLISHED.get(variant),
        config={"network": embedder.network.network, "width": embedder.network.width,
                "side": embedder.network.side, "batch_norm": embedder.network.batch_norm,
                "mirrored": mirrored, "recipe": facts["name"],
                "trained_on": " and ".join(facts["inputs"]),
                "threshold_squared_distance": round(-float(outcome.thresholds.mean()), 4),
                "phases": {str(k): one for k, one in enumerate(facts["recipe"])},
                "held_out": facts["held_out"], "view1_accuracy": round(view1, 4),
                "align": asdict(config)},
        model={"parameters": embedder.parameters,
               "embedding_size": embedder.network.embedding_size},
        training={key: training[key] for key in
                  ("data", "images", "identities", "sha256", "lfw_overlap", "hours", "device")},
        seconds=time.perf_counter() - start, faces_per_second=speed, tolerance=TOLERANCE,
        seed=facts["seed"],
        alignment=config.stage, fallbacks=int(np.count_nonzero(aligned.status[paired])),
        test_time=MIRRORED if mirrored else "none",
    )  # fmt: skip


def _similarity(a: Float[np.ndarray, "pairs dim"], b: Float[np.ndarray, "pairs dim"]) -> Scores:
    return -Embedder.distance(a, b).astype(np.float64)
