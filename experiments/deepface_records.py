"""The records of DeepFace's rows: each metric of represented faces, and what stands behind it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from common.harness import Method, Outcome, run_view2
from common.protocol import Category
from deepface_jax.pair_method import ChiSquaredSvm, inner_product_method
from experiments.deepface_recipe import Recipe, Represented, represent
from experiments.deepface_training import Trained
from experiments.measure import Measured, measure
from experiments.paper_numbers import DEEPFACE, Published
from experiments.setting import Setting

CATEGORY = Category.UNRESTRICTED_LABELED


def measure_recipe(
    setting: Setting,
    row: str,
    recipe: Recipe,
    *,
    trained: Trained | None = None,
    published: Mapping[str, Published] = DEEPFACE,
) -> list[Measured]:
    """Every metric of one network.

    Args:
      setting: of the call.
      row: as in `experiments.rows`.
      recipe: of the network.
      trained: the network, where it is there already.
      published: the paper's figures, by metric; none where the network is not the paper's.
    """
    return measure_metrics(setting, row, represent(setting, recipe, trained), published=published)


def measure_metrics(
    setting: Setting,
    row: str,
    made: Represented,
    *,
    published: Mapping[str, Published],
    prefix: str = "",
) -> list[Measured]:
    """Every metric of represented faces.

    Args:
      setting: of the call.
      row: as in `experiments.rows`.
      made: by one network.
      published: the paper's figures, by variant.
      prefix: of the variants' names.
    """
    svm = ChiSquaredSvm([made.f])
    metrics: list[tuple[str, str, Method, float | None, dict[str, Any]]] = [
        ("inner-product", "unsupervised", inner_product_method(made.f), None, {}),
        ("chi-squared", "restricted", svm, 0.0, svm.settings),
    ]
    measured = []
    for variant, protocol, method, threshold, settings in metrics:
        start = time.perf_counter()
        outcome = run_view2(
            setting.benchmark,
            method,
            CATEGORY,
            fixed_threshold=threshold,
            watch=setting.watch(f"The ten folds of View 2, {prefix}{variant}"),
        )
        one = as_record(
            setting,
            outcome,
            [made],
            row=row,
            variant=prefix + variant,
            paper_protocol=protocol,
            published=published.get(prefix + variant),
            seconds=made.seconds + time.perf_counter() - start,
            threshold_rule="nine-folds" if threshold is None else "model",
            settings=settings,
        )
        measured.append(one)
    return measured


def as_record(
    setting: Setting,
    outcome: Outcome,
    made: Sequence[Represented],
    *,
    row: str,
    variant: str,
    paper_protocol: str,
    published: Published | None,
    threshold_rule: str,
    seconds: float,
    settings: Mapping[str, Any],
    training_seconds: float = 0.0,
) -> Measured:
    """The record of one metric, of one network or of several.

    Args:
      setting: of the call.
      outcome: what the harness returned.
      made: by each network.
      row: as in `experiments.rows`.
      variant: which of the row's.
      paper_protocol: the paper's own word.
      published: the paper's figure, if there is one.
      threshold_rule: one of `common.records.THRESHOLD_RULES`.
      seconds: of representing, fitting and scoring.
      settings: what was chosen for the metric.
      training_seconds: of what was trained on outside faces besides the networks.
    """
    recipes = [one.recipe for one in made]
    summary = made[0].trained.summary
    hours = sum(one.trained.summary["hours"] for one in made) + training_seconds / 3600
    units = sum(one.f.shape[1] for one in made)
    return measure(
        setting, setting.benchmark, outcome, row=row, variant=variant, category=CATEGORY,
        threshold_rule=threshold_rule, published=published, paper_protocol=paper_protocol,
        config={"networks": [one.name for one in recipes],
                "epochs": [one.train.epochs for one in recipes],
                **settings,
                "recipes": {one.name: _settings(one) for one in recipes}},
        model={"parameters": sum(parameters(one.trained) for one in made),
               "embedding_size": units},
        training={**summary, "hours": round(hours, 5)},
        seconds=seconds,
        faces_per_second=1 / sum(1 / one.faces_per_second for one in made),
        seed=recipes[0].seed, tolerance=0.01,
        alignment=", ".join(sorted({one.align.stage for one in recipes})),
        fallbacks=max(one.fallbacks for one in made),
    )  # fmt: skip


def parameters(trained: Trained) -> int:
    """Weights and biases, with F8's, which training alone needs."""
    import jax

    return sum(leaf.size for leaf in jax.tree.leaves(trained.weights))


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {
        "network": asdict(recipe.network), "train": asdict(recipe.train),
        "align": asdict(recipe.align), "input": recipe.kind, "seed": recipe.seed,
    }  # fmt: skip
