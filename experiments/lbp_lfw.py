"""The LBP row: histograms of local binary patterns, compared by chi-squared distance.

    python -m experiments.reproduce lbp

Crop, cell size and radius are chosen on View 1; View 2's ten thresholds are fitted on nine folds
each. Nothing is learned but the threshold. Runtime: about two minutes on two cores.
"""

import time
from itertools import product

import numpy as np
from jaxtyping import Float, Int, UInt8

from common.data.read_images import read_images
from common.harness import EmbeddingMethod, run_view1, run_view2
from common.lbp import cell_histograms, chi_squared_similarity, lbp_patterns
from common.protocol import Category
from common.types import Benchmark
from experiments.faces import CENTER, TIGHT, cut, grey_faces
from experiments.measure import Measured, measure
from experiments.setting import Setting

CATEGORY = Category.IMAGE_RESTRICTED
WINDOWS = {"center": CENTER, "tight": TIGHT}
CELLS = (10, 14, 18)
RADII = (2, 3)


def run(setting: Setting) -> list[Measured]:
    """Measure every variant of LFW that was found."""
    return [_run(setting, benchmark) for benchmark in (setting.benchmark, *setting.more)]


def _run(setting: Setting, benchmark: Benchmark) -> Measured:
    tested, tried = benchmark.view1_test.images(), {}
    grey = grey_faces(benchmark, tested)
    grid = list(product(WINDOWS, RADII))[: 1 if setting.tiny else None]
    for number in setting.watch("Choosing the descriptor on View 1")(range(len(grid))):
        window, radius = grid[number]
        patterns = _patterns(grey, window, radius)
        for cell in CELLS:
            described = _by_number(_histograms(patterns, cell), tested, len(benchmark.names))
            method = EmbeddingMethod(described, chi_squared_similarity)
            accuracy = run_view1(benchmark, method, CATEGORY).view1_accuracy()
            tried[window, radius, cell] = accuracy
    chosen = max(tried, key=lambda one: tried[one])  # the first of equals
    window, radius, cell = chosen

    images = benchmark.view2.images()
    grey = grey_faces(benchmark, images)
    start = time.perf_counter()
    found = _histograms(_patterns(grey, window, radius), cell)
    faces_per_second = len(images) / (time.perf_counter() - start)
    described = _by_number(found, images, len(benchmark.names))
    method = EmbeddingMethod(described, chi_squared_similarity)
    outcome = run_view2(benchmark, method, CATEGORY, watch=setting.watch("The ten folds of View 2"))
    return measure(
        setting, benchmark, outcome, row="lbp", variant="cropped", category=CATEGORY,
        threshold_rule="nine-folds", published=None,
        config={"window": window, "cell": cell, "radius": radius, "neighbors": 8,
                "distance": "chi-squared", "chosen_on": "view1",
                "view1_accuracy": round(tried[chosen], 4)},
        model={"parameters": 0, "embedding_size": found.shape[1]},
        seconds=time.perf_counter() - start, faces_per_second=faces_per_second, tolerance=0.001,
    )  # fmt: skip


def _patterns(
    grey: UInt8[np.ndarray, "images height width"], window: str, radius: int
) -> UInt8[np.ndarray, "images rows columns"]:
    return read_images(
        grey, lambda face: lbp_patterns(cut(face, WINDOWS[window]), radius=radius),
        description="Finding binary patterns",
    )  # fmt: skip


def _histograms(
    patterns: UInt8[np.ndarray, "images rows columns"], cell: int
) -> Float[np.ndarray, "images dim"]:
    return np.stack([cell_histograms(one, cell=cell) for one in patterns])


def _by_number(
    found: Float[np.ndarray, "images dim"], images: Int[np.ndarray, " images"], count: int
) -> Float[np.ndarray, "all dim"]:
    """Descriptors by image number; those of images that no pair names stay zero."""
    described = np.zeros((count, found.shape[1]), np.float32)
    described[images] = found
    return described
