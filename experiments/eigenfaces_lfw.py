"""The Eigenfaces row: PCA on raw pixels, as LFW's results page has it, and what improves it.

    python -m experiments.reproduce eigenfaces

The published experiment (0.6002 +- 0.0079): original images, grey, no alignment; eigenvectors of
View 1's training set; a threshold on the distance, chosen on View 1's test set; then, in each run
of View 2, PCA refitted on nine folds and that same threshold used on the tenth. The number of
components is not published: it is chosen on View 1.

Variants: `official` is that. Each other one changes one thing: `nine-folds` fits each run's
threshold on its nine folds; `any-distance` chooses the distance on View 1 as well; `windowed`
chooses a window about the face. `cropped` changes all three. Runtime: about three minutes on two
cores.
"""

import time
from functools import partial
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
Tried: TypeAlias = dict[tuple[str, int], Outcome]  # by distance and number of components

CATEGORY = Category.IMAGE_RESTRICTED
COMPONENTS = (10, 20, 35, 50, 75, 100, 150)

CROPS: dict[str, tuple[Window, tuple[int, int]]] = {
    "sklearn": (SKLEARN, (62, 47)),
    "center": (CENTER, (75, 75)),
}
"""Windows for the variant `cropped`, with the height and width that they are resized to."""


def run(setting: Setting) -> list[Measured]:
    """Choose on View 1, measure on View 2: five variants of every LFW that was found."""
    measured = []
    for benchmark in (setting.benchmark, *setting.more):
        images = paired_images(benchmark)
        grey = grey_faces(benchmark, images)
        measured += _uncropped(setting, benchmark, images, grey)
        measured += _windowed(setting, benchmark, images, grey)
    return measured


def _uncropped(
    setting: Setting, benchmark: Benchmark, images: Numbers, grey: Grey
) -> list[Measured]:
    """The whole picture: as published, and with one thing changed."""
    start = time.perf_counter()
    with setting.busy("Inner products of all pairs of images"):
        spaces = FaceSpaces(grey, images)
    tried = _try_on_view1(setting, benchmark, spaces)
    preparing = time.perf_counter() - start
    whole = partial(_view2, setting, benchmark, spaces, grey, {"window": "whole"}, preparing)
    measured = [
        whole(_only("euclidean", tried), variant="official", fixed=True),
        whole(_only("euclidean", tried), variant="nine-folds", fixed=False),
        whole(tried, variant="any-distance", fixed=True),
    ]
    training = grey[spaces.row[benchmark.view1_train.images()[: eigenfaces_pictures.FITTED]]]
    unseen = grey[spaces.row[benchmark.view1_test.images()]]
    eigenfaces_pictures.draw(setting, benchmark, training, unseen)
    return measured


def _windowed(
    setting: Setting, benchmark: Benchmark, images: Numbers, grey: Grey
) -> list[Measured]:
    """A window about the face, chosen on View 1: as published otherwise, and at its best."""
    start = time.perf_counter()
    spaces, faces, tried = {}, {}, {}
    for name, (window, size) in CROPS.items():
        faces[name] = windowed(grey, window, size)
        spaces[name] = FaceSpaces(faces[name], images)
        tried[name] = _try_on_view1(setting, benchmark, spaces[name])
    preparing = time.perf_counter() - start

    def measured(candidates: dict[str, Tried], *, variant: str, fixed: bool) -> Measured:
        crop = max(CROPS, key=lambda name: _best(candidates[name])[1].view1_accuracy())
        return _view2(
            setting, benchmark, spaces[crop], faces[crop], {"window": crop}, preparing,
            candidates[crop], variant=variant, fixed=fixed,
        )  # fmt: skip

    euclidean = {name: _only("euclidean", tried[name]) for name in CROPS}
    return [
        measured(euclidean, variant="windowed", fixed=True),
        measured(tried, variant="cropped", fixed=False),
    ]


def _view2(
    setting: Setting, benchmark: Benchmark, spaces: FaceSpaces, grey: Grey, config: dict,
    preparing: float, tried: Tried, *, variant: str, fixed: bool,
) -> Measured:  # fmt: skip
    """Measure the best choice of View 1 on View 2, with View 1's threshold or nine folds' own."""
    start = time.perf_counter()
    (distance, components), best = _best(tried)
    assert best.thresholds is not None
    outcome = run_view2(
        benchmark,
        FaceSpaceMethod(spaces, components, distance),
        CATEGORY,
        fixed_threshold=float(best.thresholds[0]) if fixed else None,
        watch=setting.watch("The ten folds of View 2"),
    )
    height, width = grey.shape[1:]
    return measure(
        setting, benchmark, outcome, row="eigenfaces", variant=variant, category=CATEGORY,
        threshold_rule="view1" if fixed else "nine-folds",
        published=EIGENFACES if variant == "official" else None,
        config={**config, "height": height, "width": width, "distance": distance,
                "components": components, "chosen_on": "view1",
                "view1_accuracy": round(best.view1_accuracy(), 4)},
        # The mean face and the eigenfaces are what is learned.
        model={"parameters": (components + 1) * height * width, "embedding_size": components},
        seconds=preparing + time.perf_counter() - start,
        faces_per_second=projection_speed(height * width, components), tolerance=0.002,
    )  # fmt: skip


def _only(distance: str, tried: Tried) -> Tried:
    return {choice: outcome for choice, outcome in tried.items() if choice[0] == distance}


def _try_on_view1(setting: Setting, benchmark: Benchmark, spaces: FaceSpaces) -> Tried:
    """Every distance with every number of components, on View 1."""
    # The most components first: their fit serves all others.
    counts = [count for count in reversed(COMPONENTS) if count <= 35 or not setting.tiny]
    grid = list(product(DISTANCES, counts))
    tried = {}
    for number in setting.watch("Choosing on View 1")(range(len(grid))):
        distance, components = grid[number]
        method = FaceSpaceMethod(spaces, components, distance)
        tried[grid[number]] = run_view1(benchmark, method, CATEGORY)
    return tried


def _best(tried: Tried) -> tuple[tuple[str, int], Outcome]:
    """The most accurate choice; of equals the one with the fewest components."""
    choice = max(tried, key=lambda one: (tried[one].view1_accuracy(), -one[1]))
    return choice, tried[choice]
