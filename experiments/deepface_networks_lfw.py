"""DeepFace's networks beside one another, on one equal and shorter schedule.

    python -m experiments.reproduce deepface-networks --train-dir DIR --from-scratch

Four networks of the full size see the same faces in four ways: 3D-aligned, 2D-aligned, cropped at
the center, and as grey with its gradient. Each gives `<network>-inner-product` and
`<network>-chi-squared`: what alignment is worth (Sec. 5.3, Table 2). `ensemble` sums the kernels of
three of them; `siamese` learns a distance on top of the first.

A network that is trained already is not trained again, until all are. Half an hour each on two
cores; without `--from-scratch`, those that are there are measured.

Source: Taigman et al. 2014, Sec. 5.3.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flax import nnx

from common.data.progress import note, progress
from common.harness import Method, run_view2
from deepface_jax.config import AlignConfig
from deepface_jax.model import DeepFace
from deepface_jax.network_config import DF_4_4K
from deepface_jax.pair_method import ChiSquaredSvm, Siamese, draw_pairs
from deepface_jax.siamese import begin, train_top
from deepface_jax.train import SMALL_DATA, make_features
from experiments.alignment.aligned_faces import aligned_benchmark
from experiments.deepface_recipe import Recipe, Represented, is_done, represent, training_faces
from experiments.deepface_records import CATEGORY, as_record, measure_metrics
from experiments.measure import Measured
from experiments.paper_numbers import DEEPFACE, Published
from experiments.setting import NotRerun, Setting

ROW = "deepface-networks"
SHORT = replace(SMALL_DATA, epochs=2.0)
_NETWORK = replace(DF_4_4K, init="he", centered=True, dropout=0.0)
RECIPES = (
    Recipe("3d", _NETWORK, SHORT, AlignConfig()),
    Recipe("2d", _NETWORK, SHORT, AlignConfig(stage="2d")),
    Recipe("center-crop", _NETWORK, SHORT, AlignConfig(stage="crop")),
    Recipe("gradient", _NETWORK, SHORT, AlignConfig(), kind="gradient"),
)
ENSEMBLE = ("3d", "gradient", "2d")
SIAMESE_PAIRS = 20_000
"""Of training people, before LFW's (paper: 30 faces each of 100,000 more people)."""
SIAMESE: Mapping[str, Any] = {"epochs": 2, "batch": 64, "learning_rate": 1e-4}
"""How the top is trained on those pairs; the paper does not say."""
PUBLISHED: Mapping[str, Published] = {
    **DEEPFACE,
    "3d-inner-product": DEEPFACE["inner-product"],
    "3d-chi-squared": DEEPFACE["chi-squared"],
}
"""The paper's figures, by variant."""


def run(setting: Setting) -> list[Measured]:
    """Train or restore the networks; measure each, and what is made of several."""
    forget = all(is_done(setting, recipe) for recipe in RECIPES)
    made: dict[str, Represented] = {}
    measured, missing = [], None
    for recipe in RECIPES:
        try:
            one = represent(setting, recipe, forget=forget)
        except NotRerun as error:
            missing = error
            continue
        made[recipe.name] = one
        measured += measure_metrics(
            setting, ROW, one, published=PUBLISHED, prefix=f"{recipe.name}-"
        )
    if missing is not None and not made:
        raise missing
    if missing is not None:
        note(f"measured {', '.join(made)}; of the others: {missing}")
    if made.keys() >= set(ENSEMBLE):
        measured.append(_ensemble(setting, [made[name] for name in ENSEMBLE]))
    if "3d" in made:
        measured.append(_siamese(setting, made["3d"]))
    return measured


def _ensemble(setting: Setting, made: list[Represented]) -> Measured:
    """One SVM on the sum of the networks' kernels."""
    method = ChiSquaredSvm([one.f for one in made])
    return _measure(setting, made, method, "ensemble", "restricted", settings=method.settings)


def _siamese(setting: Setting, made: Represented) -> Measured:
    """A distance learned from pairs of the training people, then of the nine folds' people."""
    trained, faces = made.trained, training_faces(setting, made.recipe.align)
    graph, _ = nnx.split(nnx.eval_shape(lambda: DeepFace(trained.network, rngs=nnx.Rngs(0))))
    l6 = replace(trained, features=make_features(graph, "L6"))
    numbers = faces.training
    label = faces.folder.label[numbers]
    pairs = min(SIAMESE_PAIRS, 4 * len(label))
    first, second, same = draw_pairs(label, pairs)
    start = time.perf_counter()
    F7 = trained.weights["F7"]
    with progress("Training the Siamese top", 1) as advance:
        top = train_top(
            begin(F7["kernel"][...], F7["bias"][...]), l6.represent(faces.aligned.images[numbers]),
            first, second, same, trained.maximum, **SIAMESE,
        )  # fmt: skip
        advance(1)
    seconds = time.perf_counter() - start
    own = l6.represent(aligned_benchmark(setting.benchmark, made.recipe.align).images)
    method = Siamese(own, top, trained.maximum)
    chosen = {"outside": {"pairs": pairs, **SIAMESE}, "each_fold": method.settings}
    return _measure(
        setting, [made], method, "siamese", "unrestricted", settings=chosen,
        training_seconds=seconds,
    )  # fmt: skip


def _measure(
    setting: Setting,
    made: list[Represented],
    method: Method,
    variant: str,
    protocol: str,
    *,
    settings: Mapping[str, Any],
    training_seconds: float = 0.0,
) -> Measured:
    start = time.perf_counter()
    outcome = run_view2(
        setting.benchmark, method, CATEGORY, fixed_threshold=0.0,
        watch=setting.watch(f"The ten folds of View 2, {variant}"),
    )  # fmt: skip
    return as_record(
        setting, outcome, made, row=ROW, variant=variant, paper_protocol=protocol,
        published=DEEPFACE[variant], threshold_rule="model",
        seconds=sum(one.seconds for one in made) + time.perf_counter() - start,
        settings=settings, training_seconds=training_seconds,
    )  # fmt: skip
