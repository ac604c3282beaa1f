"""The Eigenfaces row: PCA on raw pixels, as LFW's results page has it, and what improves it.

    python -m experiments.reproduce eigenfaces

The published experiment (0.6002 +- 0.0079): original images, grey, no alignment; eigenvectors of
View 1's training set; a threshold on the Euclidean distance, chosen on View 1's test set; then, in
each run of View 2, PCA refitted on nine folds and that same threshold used on the tenth. The
number of components is not published: it is chosen on View 1.

Variants: `official`; `nine-folds`, the same with each run's threshold fitted on its nine folds;
`cropped`, where window, distance and components are chosen on View 1 too. Runtime: about two
minutes on two cores.
"""

import time
from itertools import product
from typing import TypeAlias

import numpy as np
from jaxtyping import Int, UInt8

from common.harness import Outcome, run_view1, run_view2
from common.protocol import Category
from common.types import Benchmark
from experiments import eigenfaces_pictures
from experiments.face_spaces import DISTANCES, FaceSpaceMethod, FaceSpaces
from experiments.faces import CENTER, SKLEARN, Window, grey_faces, paired_images, windowed
from experiments.measure import Measured, measure
from experiments.paper_numbers import EIGENFACES
from experiments.setting import Setting
from experiments.speed import projection_speed

Numbers: TypeAlias = Int[np.ndarray, " images"]
Grey: TypeAlias = UInt8[np.ndarray, "images height width"]

CATEGORY = Category.IMAGE_RESTRICTED
COMPONENTS = (10, 20, 35, 50, 75, 100, 150, 200)

CROPS: dict[str, tuple[Window, tuple[int, int]]] = {
    "sklearn": (SKLEARN, (62, 47)),
    "center": (CENTER, (75, 75)),
}
"""Windows for the variant `cropped`, with the height and width that they are resized to."""


def run(setting: Setting) -> list[Measured]:
    """Choose on View 1, measure on View 2: three variants of every LFW that was found."""
    measured = []
    for benchmark in (setting.benchmark, *setting.more):
        images = paired_images(benchmark)
        grey = grey_faces(benchmark, images)
        measured += _uncropped(setting, benchmark, images, grey)
        measured.append(_cropped(setting, benchmark, images, grey))
    return measured


def _uncropped(
    setting: Setting, benchmark: Benchmark, images: Numbers, grey: Grey
) -> list[Measured]:
    """The whole picture and Euclidean distance, as published; components from View 1."""
    start = time.perf_counter()
    with setting.busy("Inner products of all pairs of images"):
        spaces = FaceSpaces(grey, images)
    tried = _try_on_view1(setting, benchmark, spaces, ("euclidean",))
    (distance, components), best = _best(tried)
    method = FaceSpaceMethod(spaces, components, distance)
    assert best.thresholds is not None
    watch = setting.watch("The ten folds of View 2")
    official = run_view2(
        benchmark, method, CATEGORY, fixed_threshold=float(best.thresholds[0]), watch=watch
    )
    seconds = time.perf_counter() - start
    nine_folds = run_view2(benchmark, method, CATEGORY, watch=watch)
    config = {"window": "whole", "height": grey.shape[1], "width": grey.shape[2],
              "distance": distance, "components": components, "chosen_on": "view1",
              "view1_accuracy": round(best.view1_accuracy(), 4)}  # fmt: skip
    training = grey[spaces.row[benchmark.view1_train.images()]]
    unseen = grey[spaces.row[benchmark.view1_test.images()]]
    eigenfaces_pictures.draw(setting, benchmark, training, unseen)
    pixels = grey.shape[1] * grey.shape[2]
    shared = {"config": config, "model": _model(pixels, components), "seconds": seconds,
              "faces_per_second": projection_speed(pixels, components), "tolerance": 0.002,
              "row": "eigenfaces", "category": CATEGORY}  # fmt: skip
    return [
        measure(setting, benchmark, official, variant="official", threshold_rule="view1",
                published=EIGENFACES, **shared),
        measure(setting, benchmark, nine_folds, variant="nine-folds",
                threshold_rule="nine-folds", published=None, **shared),
    ]  # fmt: skip


def _cropped(setting: Setting, benchmark: Benchmark, images: Numbers, grey: Grey) -> Measured:
    """Window, distance and components, all three chosen on View 1."""
    start = time.perf_counter()
    found = {}
    for name, (window, size) in CROPS.items():
        spaces = FaceSpaces(windowed(grey, window, size), images)
        choice, outcome = _best(_try_on_view1(setting, benchmark, spaces, tuple(DISTANCES)))
        found[name] = (outcome.view1_accuracy(), choice, spaces)
    crop = max(found, key=lambda name: found[name][0])
    accuracy, (distance, components), spaces = found[crop]
    outcome = run_view2(
        benchmark, FaceSpaceMethod(spaces, components, distance), CATEGORY,
        watch=setting.watch("The ten folds of View 2"),
    )  # fmt: skip
    height, width = CROPS[crop][1]
    return measure(
        setting, benchmark, outcome, row="eigenfaces", variant="cropped", category=CATEGORY,
        threshold_rule="nine-folds", published=None,
        config={"window": crop, "height": height, "width": width, "distance": distance,
                "components": components, "chosen_on": "view1",
                "view1_accuracy": round(accuracy, 4)},
        model=_model(height * width, components), seconds=time.perf_counter() - start,
        faces_per_second=projection_speed(height * width, components), tolerance=0.002,
    )  # fmt: skip


def _try_on_view1(
    setting: Setting, benchmark: Benchmark, spaces: FaceSpaces, distances: tuple[str, ...]
) -> dict[tuple[str, int], Outcome]:
    """Every distance with every number of components, on View 1."""
    # The most components first: their fit serves all others.
    counts = [count for count in reversed(COMPONENTS) if count <= 35 or not setting.tiny]
    grid = list(product(distances, counts))
    tried = {}
    for number in setting.watch("Choosing on View 1")(range(len(grid))):
        distance, components = grid[number]
        method = FaceSpaceMethod(spaces, components, distance)
        tried[grid[number]] = run_view1(benchmark, method, CATEGORY)
    return tried


def _best(tried: dict[tuple[str, int], Outcome]) -> tuple[tuple[str, int], Outcome]:
    """The most accurate choice; of equals the one with the fewest components."""
    choice = max(tried, key=lambda one: (tried[one].view1_accuracy(), -one[1]))
    return choice, tried[choice]


def _model(pixels: int, components: int) -> dict[str, int]:
    """The mean face and the eigenfaces are what was learned."""
    return {"parameters": (components + 1) * pixels, "embedding_size": components}
