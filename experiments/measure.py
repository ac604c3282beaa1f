"""From the harness's outcome to a record: what every row fills in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from common import records
from common.harness import Outcome
from common.protocol import Category
from common.records import Result
from common.roc import roc
from common.types import Benchmark
from common.verification import summarize
from experiments.paper_numbers import Published
from experiments.setting import Setting

ROC_POINTS = 200


@dataclass(frozen=True)
class Measured:
    """A record, and the scores it was made from (for pictures)."""

    result: Result
    outcome: Outcome
    benchmark: Benchmark


def measure(
    setting: Setting,
    benchmark: Benchmark,
    outcome: Outcome,
    *,
    row: str,
    variant: str,
    category: Category,
    threshold_rule: str,
    published: Published | None,
    config: dict[str, Any],
    model: dict[str, Any],
    seconds: float,
    faces_per_second: float,
    training: dict[str, Any] | None = None,
    tolerance: float,
    alignment: str = "none",
    fallbacks: int = 0,
    test_time: str = "none",
    paper_protocol: str | None = None,
    seed: int = 0,
) -> Measured:
    """Summarize an outcome and name everything that stands behind it.

    Args:
      setting: of the call.
      benchmark: the faces that were scored.
      outcome: what the harness returned.
      row: as in `experiments.rows`.
      variant: which of the row's variants.
      category: what the harness allowed.
      threshold_rule: one of `common.records.THRESHOLD_RULES`.
      published: the paper's figure, if there is one.
      config: everything that was chosen.
      model: `parameters` and `embedding_size`.
      seconds: of fitting and scoring.
      faces_per_second: from decoded pixels to embeddings.
      training: what was learned from; LFW's own training folds when None.
      tolerance: how near a rerun's accuracy must come.
      alignment: of the faces.
      fallbacks: how many faces could not be aligned so, and count all the same.
      test_time: tricks at test time, as mirror images.
      paper_protocol: the paper's own word; the category's name when None.
      seed: of the training.
    """
    source = benchmark.provenance
    device = records.device()
    fold_images = _training_images(benchmark, category)
    # Unaligned LFW is `original`; rows on its aligned variants name them.
    natural = source.variant in ("original", "synthetic")
    result = Result(
        row=row,
        variant=variant if natural else f"{variant}-{source.variant}",
        benchmark="synthetic" if source.synthetic else "lfw-view2",
        category=category.label,
        paper_protocol=paper_protocol or category.label,
        threshold_rule=threshold_rule,
        metrics=summarize(
            outcome.scores, outcome.pairs.same, outcome.pairs.fold, outcome.thresholds
        ),
        published=published.as_record() if published else {},
        lfw_variant=source.variant,
        alignment=alignment,
        test_time=test_time,
        fallbacks=fallbacks,
        data={"name": source.name, "sha256": source.sha256, "images": source.images,
              "people": source.people, "pairs_sha256": source.pairs_sha256},
        training=training or {
            "data": f"{source.name}, nine folds of View 2",
            "images": fold_images[0],
            "identities": fold_images[1],
            "sha256": source.sha256,
            "lfw_overlap": "excluded",
            "hours": round(seconds / 3600, 5),
            "device": device,
        },
        model=model,
        speed={"faces_per_second": round(faces_per_second, 1), "device": device},
        config=config,
        pairs=len(outcome.pairs),
        seed=seed,
        seconds=round(seconds, 2),
        tolerance=tolerance,
        command=setting.command,
        synthetic=source.synthetic,
        roc=_thinned_roc(outcome),
        commit=records.commit(),
        device=device,
        versions=records.versions(),
    )  # fmt: skip
    return Measured(result, outcome, benchmark)


def timed(measured: Sequence[Measured], seconds: float) -> list[Measured]:
    """A row's variants, each with how long the whole row took."""
    return [
        replace(one, result=replace(one.result, row_seconds=round(seconds, 1))) for one in measured
    ]


def _training_images(benchmark: Benchmark, category: Category) -> tuple[int, int]:
    """Mean count of training images and of people over the runs, rounded."""
    counts = []
    for fold in np.unique(benchmark.view2.fold):
        if category.identities:
            images = np.flatnonzero((benchmark.people_fold >= 0) & (benchmark.people_fold != fold))
        else:
            images = benchmark.view2[benchmark.view2.fold != fold].images()
        counts.append((len(images), len(np.unique(benchmark.identity[images]))))
    images, people = np.mean(counts, axis=0).round().astype(int).tolist()
    return images, people


def _thinned_roc(outcome: Outcome) -> dict[str, list[float]]:
    """The exact curve at evenly spread corners, enough for a plot."""
    curve = roc(outcome.scores, outcome.pairs.same)
    far: Float[np.ndarray, " points"] = curve.false_accept_rate
    tar: Float[np.ndarray, " points"] = curve.true_accept_rate
    # Even steps along the curve's length (in both rates) keep its steep start as well as its end.
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(far)) + np.abs(np.diff(tar)))])
    steps = np.linspace(0, length[-1], ROC_POINTS)
    kept = np.unique(np.searchsorted(length, steps).clip(0, len(far) - 1))
    return {"far": far[kept].round(5).tolist(), "tar": tar[kept].round(5).tolist()}
