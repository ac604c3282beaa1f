"""What each idea is worth on the same data: network, loss and alignment in all eight bundles.

    python -m experiments.reproduce ideas --train-dir DIR --from-scratch

trains the eight one after the other (some nine minutes each on one core), and measures them
on View 2 by the squared distance of their embeddings. A training that is done is not done again,
until all are; one that was killed goes on. Without `--from-scratch`, those that are done are
measured. docs/ideas.md has what comes of it.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np

from common.data.cache import cache_dir
from common.data.progress import note, progress
from common.harness import EmbeddingMethod, run_view2
from common.protocol import Category
from common.types import Scores
from experiments.alignment.aligned_faces import aligned_benchmark
from experiments.face_sets import at_side
from experiments.facenet_training import Trained
from experiments.folder_facts import folder_facts
from experiments.ideas import ROW, Bundle
from experiments.ideas_training import ALIGNMENTS, TINY, Trainings
from experiments.measure import Measured, measure
from experiments.network_speed import faces_per_second
from experiments.setting import NotRerun, Setting
from experiments.synthetic_folder import synthetic_folder
from facenet_jax.embedder import Embedder
from facenet_jax.train import embed_all

CATEGORY = Category.UNRESTRICTED_LABELED
TOLERANCE = 0.01
Speeds: TypeAlias = dict[tuple[str, str], float]
"""Faces per second of a network under an alignment; the loss changes nothing of it."""


def run(setting: Setting) -> list[Measured]:
    """Train or restore all eight, and measure those that are there."""
    synthetic = setting.benchmark.provenance.synthetic
    trainings = TINY if synthetic else Trainings()
    folder = _folder(setting)
    forget = setting.from_scratch and all(
        trainings.is_done(bundle, faces) for bundle, faces, _ in trainings.sets(folder)
    )
    measured, missing = [], []
    speeds: Speeds = {}
    for bundle, faces, held_out in trainings.sets(folder):
        if not (setting.from_scratch or synthetic or trainings.is_done(bundle, faces)):
            missing.append(bundle.name)
            continue
        note(f"training, or restoring, {bundle.name}")
        trained = trainings.train(bundle, faces, held_out, from_scratch=forget)
        measured.append(_measure(setting, trainings, bundle, trained, folder, speeds))
    if not measured:
        raise NotRerun(
            "its trainings take about an hour; --from-scratch begins them, or goes on with them"
        )
    if missing:
        note(f"not trained, so not measured: {', '.join(missing)}")
    return measured


def _folder(setting: Setting) -> Path:
    if setting.benchmark.provenance.synthetic:
        return synthetic_folder(cache_dir("facenet", "synthetic"))
    if setting.train_dir is None:
        raise NotRerun(
            "its networks are not shipped; name a training folder with --train-dir or "
            "FACES_TRAIN_DIR (docs/data.md)"
        )
    return setting.train_dir


def _measure(
    setting: Setting,
    trainings: Trainings,
    bundle: Bundle,
    trained: Trained,
    folder: Path,
    speeds: Speeds,
) -> Measured:
    benchmark, align = setting.benchmark, ALIGNMENTS[bundle.alignment]
    layers, facts, training = trained.network, trained.facts, trained.facts["training"]
    side, forward = trainings.networks[bundle.network].side, trainings.embed(bundle.network)

    def embed(faces: Any, advance: Callable[[int], None] = lambda faces: None) -> np.ndarray:
        return embed_all(forward, trained.weights, at_side(faces, side), advance=advance)

    seen = bundle.network, bundle.alignment
    if seen not in speeds:
        speeds[seen] = faces_per_second(benchmark, align, embed)
    aligned, numbers = aligned_benchmark(benchmark, align), benchmark.view2.images()
    start = time.perf_counter()
    z = np.zeros((len(benchmark.names), layers.embedding_size), np.float32)
    with progress(f"Embedding faces, {bundle.name}", len(numbers)) as advance:
        z[numbers] = embed(aligned.images[numbers], advance)
    outcome = run_view2(
        benchmark, EmbeddingMethod(z, _similarity), CATEGORY,
        watch=setting.watch(f"The ten folds of View 2, {bundle.name}"),
    )  # fmt: skip
    about = folder_facts(folder, training["sha256"])
    network: Any = layers  # a dataclass, of one paper or the other
    return measure(
        setting, benchmark, outcome, row=ROW, variant=bundle.name, category=CATEGORY,
        threshold_rule="nine-folds", published=None,
        config={"epochs": trainings.short.epochs, "steps": sum(facts["steps"]), "side": side,
                "held_out_accuracy": round(facts["held_out"]["accuracy"]["mean"], 4),
                "held_out": facts["held_out"], "bundle": bundle._asdict(),
                "network": asdict(network), "recipe": facts["recipe"][0], "align": asdict(align)},
        model={"parameters": sum(
                   leaf.size for leaf in jax.tree.leaves(trained.weights.params["network"])
               ),
               "embedding_size": layers.embedding_size},
        training={"data": about["data"], "lfw_overlap": about["lfw_overlap"], **training},
        seconds=time.perf_counter() - start, faces_per_second=speeds[seen], tolerance=TOLERANCE,
        seed=facts["seed"], alignment=align.stage,
        fallbacks=int(np.count_nonzero(aligned.status[numbers])),
    )  # fmt: skip


def _similarity(a: np.ndarray, b: np.ndarray) -> Scores:
    return -Embedder.distance(a, b).astype(np.float64)
