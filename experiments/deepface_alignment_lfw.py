"""DeepFace's alignment measured without a network: aligned faces, LBP histograms, a linear SVM.

    python -m experiments.reproduce deepface-alignment

The paper's own check of its frontalization: "naive" LBP and SVM on the frontalized faces. What it
did in detail is not published. Ours: LBP of three radii in overlapping cells, PCA, whitening within
a person, a linear SVM. COMPONENTS, SHRINKAGES and COSTS are chosen from on View 1 with the
3D-aligned faces, and the choice is used for all variants, so that they differ in their alignment
alone; RADII and SQUARE are fixed (found on View 1 too, by hand). `3d-cells` is the plainest
reading: an SVM on the chi-squared distance of each cell, with a fixed C.

The landmark network and the 3D shape come from outside faces, whose names serve for one thing, that
each person counts once in the mean shape; no outside label reaches the classifier, and pairs carry
same or different alone: image-restricted, with label-free outside data (docs/deepface.md says how a
stricter reader would call it). A pair is called the same where the
SVM says so; no threshold is fitted beside it. Runtime: some twenty minutes on two cores the first
time, part of it for aligning, which is kept in the cache.
"""

import json
import time
from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from common.data.read_images import read_images
from common.dense_lbp import dense_lbp
from common.harness import Method, run_view1, run_view2
from common.images import to_grey
from common.landmarks.crops import lfw_squares
from common.landmarks.squares import Squares
from common.landmarks.weights import SHIPPED
from common.lbp import BINS
from common.protocol import Category
from common.records import device
from common.types import Benchmark
from deepface_jax.aligner import Aligner
from deepface_jax.config import AlignConfig
from experiments.alignment import alignment_pictures
from experiments.alignment.aligned_faces import AlignedSet, aligned_benchmark
from experiments.face_spaces import FaceSpaces
from experiments.faces import Chosen, paired_images
from experiments.measure import Measured, measure
from experiments.pair_svm import CellSvm, WhitenedSvm
from experiments.paper_numbers import FRONTALIZED_LBP
from experiments.setting import Setting

CATEGORY = Category.IMAGE_RESTRICTED_LABEL_FREE
ALIGNMENTS: dict[str, AlignConfig] = {
    "3d": AlignConfig(),
    "2d": AlignConfig(stage="2d"),
    "crop": AlignConfig(stage="crop"),
    "3d-no-residual": AlignConfig(residual=False),
    "3d-no-blending": AlignConfig(blending=False),
    "3d-no-covariance": AlignConfig(covariance=False),
}
RADII, SQUARE = (1, 2, 3), 8
"""Of the patterns, in pixels; and half a cell's side."""
COMPONENTS, SHRINKAGES, COSTS = (300, 400), (0.1, 0.3), (0.0, 0.01)
"""What View 1 chooses from: of the PCA, of the whitening, and C of the SVM (0: on the cosine)."""
CELL_COST = 1.0
TINY_COMPONENTS = (20,)

TIMED = 64
"""Faces that the speed is measured on."""

Choice = tuple[int, float, float]
Variant = tuple[str, Method, dict[str, Any], dict[str, int]]


def run(setting: Setting) -> list[Measured]:
    """Choose on View 1 with the 3D-aligned faces; measure every alignment on View 2."""
    benchmark = setting.benchmark
    chosen: Choice | None = None
    measured, faces = [], {}
    for name, config in list(ALIGNMENTS.items())[: 3 if setting.tiny else None]:
        faces[name] = aligned_benchmark(benchmark, config)
        chosen, results = _measure(setting, name, config, faces[name], chosen)
        measured += results
    _draw(setting, benchmark, faces)
    return measured


def _measure(
    setting: Setting, name: str, config: AlignConfig, aligned: AlignedSet, chosen: Choice | None
) -> tuple[Choice, list[Measured]]:
    """One alignment's variants; the choice is made here if it was not made before."""
    benchmark = setting.benchmark
    images = paired_images(benchmark)
    speed = _faces_per_second(benchmark, config)
    start = time.perf_counter()
    descriptors = _descriptors(aligned, images)
    with setting.busy(f"Inner products of descriptors, {name}"):
        spaces = FaceSpaces(descriptors, images)
    tried = _try(setting, benchmark, spaces, name)
    chosen = chosen or max(tried, key=lambda one: tried[one])  # the first of equals
    components, shrinkage, cost = chosen
    preparing = time.perf_counter() - start
    dim = descriptors.shape[1]
    learned: dict[str, Any] = {
        "components": components, "shrinkage": shrinkage, "svm_cost": cost,
        "chosen_on": "view1, 3d", "view1_accuracy": tried[chosen],
        "view1_best": max(tried.values()),
        "view1_tried": {" ".join(map(str, one)): value for one, value in tried.items()},
    }  # fmt: skip
    method = WhitenedSvm(spaces, *chosen)
    variants: list[Variant] = [
        (name, method, learned, {"parameters": dim * (components + 1) + components**2,
                                 "embedding_size": components})
    ]  # fmt: skip
    if name == "3d":
        plain = CellSvm(descriptors, spaces.row, CELL_COST)
        model = {"parameters": dim // BINS + 1, "embedding_size": dim}
        variants.append(("3d-cells", plain, {"svm_cost": CELL_COST}, model))

    results = []
    for variant, method, settings, model in variants:
        start = time.perf_counter()
        outcome = run_view2(
            benchmark, method, CATEGORY, fixed_threshold=0.0,
            watch=setting.watch(f"The ten folds of View 2, {variant}"),
        )  # fmt: skip
        seconds = preparing + time.perf_counter() - start
        results.append(measure(
            setting, benchmark, outcome, row="deepface-alignment", variant=variant,
            category=CATEGORY, threshold_rule="model",
            published=FRONTALIZED_LBP if variant == "3d" else None,
            config={"radii": list(RADII), "cell": 2 * SQUARE, "step": SQUARE, **settings,
                    "align": asdict(config)},
            model=model, training=_training(config), seconds=seconds, faces_per_second=speed,
            tolerance=0.004, alignment=config.stage,
            fallbacks=int(np.count_nonzero(aligned.status[images])),
            test_time="descriptor averaged with that of the mirror image",
        ))  # fmt: skip
    return chosen, results


def _training(config: AlignConfig) -> dict[str, Any] | None:
    """The outside faces behind the landmarks and the 3D shape; None where neither is used."""
    if config.stage == "crop":
        return None
    record = json.loads(SHIPPED.with_name("errors.json").read_text())
    data, training = record["data"], record["training"]
    return {
        "data": f"{data['name']}: landmarks without names; pairs of LFW's nine folds",
        **data["training"],
        "sha256": data["sha256"],
        "lfw_overlap": data["lfw_overlap"],
        "hours": round(training["minutes"] / 60, 3),
        "device": device(),
    }


def _faces_per_second(benchmark: Benchmark, config: AlignConfig) -> float:
    """From decoded pixels to descriptors: landmarks, alignment and LBP."""
    pictures = np.stack([benchmark.images[number] for number in range(TIMED)])
    squares = lfw_squares(TIMED, pictures.shape[1])
    aligner = Aligner(config=config)
    aligner(pictures[:1], Squares(*(part[:1] for part in squares)))  # compiles
    start = time.perf_counter()
    aligned = aligner(pictures, squares)
    dense_lbp(np.stack([to_grey(face) for face in aligned.images]), radii=RADII, square=SQUARE)
    return TIMED / (time.perf_counter() - start)


def _descriptors(aligned: AlignedSet, images: np.ndarray) -> Float[np.ndarray, "images dim"]:
    grey = read_images(Chosen(aligned.images, images), to_grey, description="Grey aligned faces")
    return dense_lbp(grey, radii=RADII, square=SQUARE)


def _try(
    setting: Setting, benchmark: Benchmark, spaces: FaceSpaces, name: str
) -> dict[Choice, float]:
    """View 1's accuracy of every choice."""
    counts = TINY_COMPONENTS if setting.tiny else tuple(reversed(COMPONENTS))
    grid = list(product(counts, SHRINKAGES, COSTS))
    tried = {}
    for number in setting.watch(f"Trying on View 1, {name}")(range(len(grid))):
        outcome = run_view1(benchmark, WhitenedSvm(spaces, *grid[number]), CATEGORY)
        tried[grid[number]] = round(outcome.view1_accuracy(), 4)
    return tried


def _draw(setting: Setting, benchmark: Benchmark, pictures: dict[str, AlignedSet]) -> None:
    """A strip of faces of View 1, and the mean face under each alignment."""
    folder, synthetic = setting.folder("deepface-alignment"), benchmark.provenance.synthetic
    some = benchmark.view1_test.images()[:8]
    crops, two_d, three_d = (pictures[name].images[some] for name in ("crop", "2d", "3d"))
    originals = np.stack([benchmark.images[int(number)] for number in some])
    strip = folder / "strip.png"
    alignment_pictures.strip(originals, crops, two_d, three_d, strip, synthetic=synthetic)
    means = {name: one.images[benchmark.view1_test.images()] for name, one in pictures.items()}
    alignment_pictures.mean_faces(means, folder / "mean_faces.png", synthetic=synthetic)
