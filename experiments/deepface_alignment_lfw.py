"""DeepFace's alignment measured without a network: aligned faces, LBP histograms, a linear SVM.

    python -m experiments.reproduce deepface-alignment

The paper's own check of its frontalization: "naive" LBP and SVM on the frontalized faces. What it
did in detail is not published. Ours: LBP of three radii in overlapping cells, PCA, whitening within
a person, a linear SVM; every setting is chosen on View 1 with the 3D-aligned faces, then used for
all variants, so that they differ in their alignment alone. `3d-cells` is the plainest reading: an
SVM on the chi-squared distance of each cell.

The landmark network and the 3D shape come from outside faces without names, and pairs carry same or
different alone: image-restricted, with label-free outside data. A pair is called the same where the
SVM says so; no threshold is fitted beside it. Runtime: about half an hour on two cores the first
time, half of it for aligning, which is kept in the cache.
"""

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
from common.protocol import Category
from common.types import Benchmark
from deepface_jax.config import AlignConfig
from experiments import alignment_pictures
from experiments.aligned_faces import AlignedSet, aligned_benchmark
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

Choice = tuple[int, float, float]


def run(setting: Setting) -> list[Measured]:
    """Choose on View 1 with the 3D-aligned faces; measure every alignment on View 2."""
    benchmark = setting.benchmark
    images = paired_images(benchmark)
    chosen: Choice | None = None
    measured, pictures = [], {}
    for name, config in list(ALIGNMENTS.items())[: 3 if setting.tiny else None]:
        aligned = aligned_benchmark(benchmark, config)
        pictures[name] = aligned
        start = time.perf_counter()
        descriptors = _descriptors(aligned, images)
        speed = len(images) / (time.perf_counter() - start)
        with setting.busy(f"Inner products of descriptors, {name}"):
            spaces = FaceSpaces(descriptors, images)
        tried = _try(setting, benchmark, spaces, name)
        if chosen is None:
            chosen = max(tried, key=lambda one: tried[one])  # the first of equals
        components, shrinkage, cost = chosen
        learned: dict[str, Any] = {
            "components": components, "shrinkage": shrinkage, "svm_cost": cost,
            "view1_accuracy": tried[chosen], "view1_best": max(tried.values()),
            "view1_tried": {" ".join(map(str, one)): value for one, value in tried.items()},
        }  # fmt: skip
        methods: dict[str, tuple[Method, dict[str, Any]]] = {
            name: (WhitenedSvm(spaces, *chosen), learned)
        }
        if name == "3d":
            plain = CellSvm(descriptors, spaces.row, CELL_COST)
            methods["3d-cells"] = plain, {"svm_cost": CELL_COST}
        for variant, (method, settings) in methods.items():
            outcome = run_view2(
                benchmark, method, CATEGORY, fixed_threshold=0.0,
                watch=setting.watch(f"The ten folds of View 2, {variant}"),
            )  # fmt: skip
            measured.append(measure(
                setting, benchmark, outcome, row="deepface-alignment", variant=variant,
                category=CATEGORY, threshold_rule="model",
                published=FRONTALIZED_LBP if variant == "3d" else None,
                config={"radii": list(RADII), "cell": 2 * SQUARE, "step": SQUARE, **settings,
                        "chosen_on": "view1, 3d", "align": asdict(config)},
                model={"parameters": descriptors.shape[1] * (components + 1),
                       "embedding_size": components if variant == name else descriptors.shape[1]},
                seconds=time.perf_counter() - start, faces_per_second=speed, tolerance=0.004,
                alignment=name, fallbacks=int(np.count_nonzero(aligned.status[images])),
                test_time="descriptor averaged with that of the mirror image",
            ))  # fmt: skip
    _draw(setting, benchmark, pictures)
    return measured


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
