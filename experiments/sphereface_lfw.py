"""The SphereFace row: features of a face and of its mirror image, compared by their cosine.

    python -m experiments.reproduce sphereface
    python -m experiments.reproduce sphereface --from-scratch --train-dir DIR

Faces are aligned by a similarity transform of our landmarks; the network sees the middle columns.
`mirrored` compares as the authors' code does: the features of the mirror image stand behind those
of the face, and the mean over the nine folds is taken off. `plain` is the same network without
either. `--from-scratch` trains it first, by the recipe for little data.

The threshold is fitted on nine folds; a face that cannot be aligned is center-cropped, counted,
and stays in its pairs. Runtime: a minute or two with weights that are there, some
twenty minutes from scratch.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float, UInt8

from common.batching import in_batches
from common.data.cache import cache_dir
from common.data.progress import progress
from common.harness import EmbeddingMethod, run_view2
from common.pair_metric import unit
from common.protocol import Category
from experiments.alignment.aligned_faces import aligned_benchmark
from experiments.face_sets import ALIGNMENTS, at_side
from experiments.measure import Measured, measure
from experiments.network_speed import faces_per_second
from experiments.paper_numbers import SPHEREFACE
from experiments.setting import NotRerun, Setting
from experiments.synthetic_folder import synthetic_folder
from experiments.train_sphereface import ALIGNMENT, train_folder
from sphereface_jax.config import SMALL_DATA, NetworkConfig
from sphereface_jax.crop import middle_columns
from sphereface_jax.verify import CenteredCosine, cosine
from sphereface_jax.weights import SHIPPED, load_weights

ROW = "sphereface"
CATEGORY = Category.UNRESTRICTED_LABELED
TOLERANCE = 0.004
TRICKS = {"mirrored": "features of the mirror image, mean of the nine folds taken off",
          "plain": "none"}  # fmt: skip
"""At test time."""

TINY = NetworkConfig(layers=4, side=32, width=1 / 8, embedding_size=32, batch_norm=True)
TINY_RECIPE = replace(
    SMALL_DATA, epochs=20.0, batch=24, optimizer="adam", learning_rate=0.003, lambda_gamma=2.0,
    average=0.9,
)  # fmt: skip
"""For synthetic faces, which only show that all works."""


def run(setting: Setting) -> list[Measured]:
    """Measure the network as the authors' code does, and without its tricks."""
    path = _weights(setting)
    return [_measure(setting, path, variant) for variant in TRICKS]


def _weights(setting: Setting) -> Path:
    """The file of the network to measure; trains it where that is asked for."""
    if setting.benchmark.provenance.synthetic:
        folder = synthetic_folder(cache_dir(ROW, "synthetic"))
        return train_folder(
            folder, "tiny", network=TINY, config=TINY_RECIPE, folds=2, pairs=30,
            from_scratch=setting.from_scratch,
        )  # fmt: skip
    if SHIPPED.exists() and not setting.from_scratch:
        return SHIPPED
    if not setting.from_scratch:
        raise NotRerun(f"no weights are shipped ({SHIPPED.name}); --from-scratch trains them")
    if setting.train_dir is None:
        raise NotRerun(
            "training SphereFace needs faces: name a folder by --train-dir or FACES_TRAIN_DIR "
            "(docs/data.md)"
        )
    return train_folder(setting.train_dir, from_scratch=True)


def _measure(setting: Setting, path: Path, variant: str) -> Measured:
    network, features, weights, facts = load_weights(path)
    benchmark, config = setting.benchmark, ALIGNMENTS[ALIGNMENT]
    mirrored, training = variant == "mirrored", facts["training"]

    def embed(
        faces: UInt8[np.ndarray, "faces size size 3"],
        advance: Callable[[int], None] = lambda faces: None,
    ) -> Float[np.ndarray, "faces dim"]:
        seen = middle_columns(at_side(faces, network.side), network)
        return in_batches(partial(features, weights, mirrored=mirrored), seen, advance=advance)

    aligned = aligned_benchmark(benchmark, config)
    numbers = benchmark.view2.images()
    speed = faces_per_second(benchmark, config, embed)
    start = time.perf_counter()
    with progress(f"Features of faces, {variant}", len(numbers)) as advance:
        found = embed(aligned.images[numbers], advance)
    f = np.zeros((len(benchmark.names), found.shape[1]), np.float32)
    f[numbers] = found
    outcome = run_view2(
        benchmark, CenteredCosine(f) if mirrored else EmbeddingMethod(unit(f), cosine), CATEGORY,
        watch=setting.watch(f"The ten folds of View 2, {variant}"),
    )  # fmt: skip
    assert outcome.thresholds is not None, "the category allows thresholds"
    return measure(
        setting, benchmark, outcome, row=ROW, variant=variant, category=CATEGORY,
        threshold_rule="nine-folds", published=SPHEREFACE if mirrored else None,
        config={"network": f"SphereFace-{network.layers}", "width": network.width,
                "side": network.side, "columns": network.columns,
                "batch_norm": network.batch_norm, "recipe": facts["name"],
                "margin": facts["recipe"]["m"],
                "threshold_cosine": round(float(outcome.thresholds.mean()), 4),
                "training": facts["recipe"], "held_out": facts["held_out"],
                "align": asdict(config)},
        model={"parameters": sum(leaf.size for leaf in jax.tree.leaves(weights.network)),
               "embedding_size": network.embedding_size},
        training={key: training[key] for key in
                  ("data", "images", "identities", "sha256", "lfw_overlap", "hours", "device")},
        seconds=time.perf_counter() - start, faces_per_second=speed, tolerance=TOLERANCE,
        seed=facts["seed"], alignment=config.stage,
        fallbacks=int(np.count_nonzero(aligned.status[numbers])), test_time=TRICKS[variant],
    )  # fmt: skip
