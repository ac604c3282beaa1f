"""The Fisherfaces row: PCA, then linear discriminant analysis on the people of nine folds.

    python -m experiments.reproduce fisherfaces

Unrestricted: each run learns from the images and names of its nine training folds, as people.txt
lists them. Window, eigenfaces and discriminant directions are chosen on View 1; two faces are
compared by the cosine of their projections. Runtime: about a minute on two cores.
"""

import time
from itertools import product

import numpy as np

from common.harness import run_view1, run_view2
from common.protocol import Category
from common.types import Benchmark
from experiments.face_spaces import FaceSpaces, FisherfaceMethod
from experiments.faces import CENTER, SKLEARN, Window, grey_faces, windowed
from experiments.measure import Measured, measure
from experiments.setting import Setting
from experiments.speed import projection_speed

CATEGORY = Category.UNRESTRICTED
COMPONENTS = (200, 150, 100, 75, 50)  # the most first: their fit serves all others
DIRECTIONS = (20, 40, 80, 120)
CROPS: dict[str, tuple[Window, tuple[int, int]]] = {
    "sklearn": (SKLEARN, (62, 47)),
    "center": (CENTER, (75, 75)),
}


def run(setting: Setting) -> list[Measured]:
    """Measure every variant of LFW that was found."""
    return [_run(setting, benchmark) for benchmark in (setting.benchmark, *setting.more)]


def _run(setting: Setting, benchmark: Benchmark) -> Measured:
    start = time.perf_counter()
    images = np.arange(len(benchmark.names))
    grey = grey_faces(benchmark, images)
    spaces, tried = {}, {}
    # The scatter within people must be regular: well more differences than dimensions.
    training = benchmark.identity[benchmark.view1_train_people]
    most = 0.8 * (len(training) - len(np.unique(training)))
    grid = [(c, d) for c, d in product(COMPONENTS, DIRECTIONS) if d < c <= most]
    grid = [(c, d) for c, d in grid if d < len(np.unique(training))]
    if setting.tiny:  # a dozen people
        grid = [(30, 10), (15, 10)]
    for crop in CROPS:
        spaces[crop] = FaceSpaces(windowed(grey, *CROPS[crop]), images)
        for number in setting.watch(f"Choosing on View 1, window {crop}")(range(len(grid))):
            method = FisherfaceMethod(spaces[crop], *grid[number])
            tried[crop, *grid[number]] = run_view1(benchmark, method, CATEGORY)
    choice = max(tried, key=lambda one: (tried[one].view1_accuracy(), -one[1]))
    crop, components, directions = choice
    method = FisherfaceMethod(spaces[crop], components, directions)
    outcome = run_view2(benchmark, method, CATEGORY, watch=setting.watch("The ten folds of View 2"))
    height, width = CROPS[crop][1]
    return measure(
        setting, benchmark, outcome, row="fisherfaces", variant="cropped", category=CATEGORY,
        threshold_rule="nine-folds", published=None,
        config={"window": crop, "height": height, "width": width, "components": components,
                "directions": directions, "distance": "cosine", "chosen_on": "view1",
                "view1_accuracy": round(tried[choice].view1_accuracy(), 4)},
        # PCA and LDA are both linear: together one matrix, pixels x directions, and the mean.
        model={"parameters": (directions + 1) * height * width, "embedding_size": directions},
        seconds=time.perf_counter() - start,
        faces_per_second=projection_speed(height * width, directions), tolerance=0.003,
    )  # fmt: skip
