"""The one harness that measures every row, and the only code that holds the folds.

A method learns from what `fit` is handed and then scores pairs by their image numbers. It never
receives the label of a pair it is scored on: `Training` leaves the tested fold out, images are
numbered in a shuffled order (see `common.types.Benchmark`), the tested pairs come in a shuffled
order too, and every run starts from a fresh copy of the method, so that nothing is carried over
from a run that trained on this fold.

Source: Huang et al. 2007 (UMass TR 07-49), Sec. III: choose on View 1, report on View 2.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from common.protocol import Category
from common.types import Benchmark, Embeddings, Pairs, Scores
from common.verification import accuracy, fit_threshold

Scorer: TypeAlias = Callable[[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]], Scores]
"""Similarity of image first[i] to image second[i]; the higher, the more alike."""


@dataclass(frozen=True)
class Training:
    """What a method may learn from in one run, as far as its category allows."""

    images: Int[np.ndarray, " images"]
    """Numbers of the training images, ascending."""
    pairs: Pairs | None
    """Pairs with same / different; None where the category allows no labels."""
    identity: Int[np.ndarray, " images"] | None
    """The person on each of `images`; None where the category allows pairs only."""


@runtime_checkable
class Method(Protocol):
    """A row, as the harness knows it."""

    def fit(self, training: Training) -> Scorer:
        """Learn from `training` alone and return a scorer of pairs.

        The method is copied (`copy.deepcopy`) before each run. What is large and free of labels,
        as a matrix computed from all pixels once, may define `__deepcopy__` to be shared.
        """
        ...


@dataclass(frozen=True)
class Outcome:
    """Scores of every tested pair, and the thresholds that were fixed without them."""

    scores: Scores
    pairs: Pairs
    thresholds: Float[np.ndarray, " folds"] | None
    """One a fold; None in the category `unsupervised`."""

    def view1_accuracy(self) -> float:
        """Share of View 1's test pairs that are right, with the threshold chosen on them.

        It flatters: a figure to choose by, not to report.
        """
        if self.thresholds is None or len(self.thresholds) != 1:
            raise ValueError("this outcome is not one of View 1: it has no single threshold")
        return accuracy(self.scores, self.pairs.same, float(self.thresholds[0]))


class EmbeddingMethod:
    """A row whose embeddings are fixed beforehand, as those of a network trained elsewhere."""

    def __init__(
        self, embeddings: Embeddings, similarity: Callable[[np.ndarray, np.ndarray], Scores]
    ) -> None:
        self.embeddings = np.asarray(embeddings)
        self.similarity = similarity

    def __deepcopy__(self, memo: dict) -> "EmbeddingMethod":
        return self  # it learns nothing, so there is nothing to keep apart

    def fit(self, training: Training) -> Scorer:
        """Learn nothing; score by the similarity of two rows of embeddings."""
        return lambda first, second: self.similarity(
            self.embeddings[first], self.embeddings[second]
        )


def run_view1(benchmark: Benchmark, method: Method, category: Category) -> Outcome:
    """Train on View 1's training set, score its test set: for choosing, never for reporting.

    The threshold is the best one on the test pairs, as in the published Eigenfaces experiment.
    """
    training = _training(benchmark, benchmark.view1_train, benchmark.view1_train_people, category)
    scores = _score(copy.deepcopy(method).fit(training), benchmark.view1_test, seed=0)
    threshold = fit_threshold(scores, benchmark.view1_test.same)
    return Outcome(scores, benchmark.view1_test, np.array([threshold]))


def run_view2(
    benchmark: Benchmark,
    method: Method,
    category: Category,
    *,
    fixed_threshold: float | None = None,
    watch: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Outcome:
    """Run the ten folds of View 2: fit on nine, score the tenth.

    Args:
      benchmark: images and pairs.
      method: learns and scores.
      category: decides what `fit` is handed.
      fixed_threshold: chosen on View 1 (or 0 for a margin classifier's decision value); when None,
        each run's threshold is the best one on its nine training folds.
      watch: wraps the folds, to show progress.

    Returns:
      Scores in the order of `benchmark.view2`, with the threshold of each fold.
    """
    pairs = benchmark.view2
    folds = np.unique(pairs.fold)
    scores = np.full(len(pairs), np.nan)
    thresholds = np.full(len(folds), np.nan)
    for run in watch(range(len(folds))):
        tested = pairs.fold == folds[run]
        people = (benchmark.people_fold >= 0) & (benchmark.people_fold != folds[run])
        training = _training(benchmark, pairs[~tested], people, category)
        scorer = copy.deepcopy(method).fit(training)
        scores[tested] = _score(scorer, pairs[tested], seed=run)
        if not category.pair_labels:
            continue
        if fixed_threshold is not None:
            thresholds[run] = fixed_threshold
        else:
            thresholds[run] = fit_threshold(
                _score(scorer, pairs[~tested], seed=run), pairs[~tested].same
            )
    return Outcome(scores, pairs, thresholds if category.pair_labels else None)


def _training(
    benchmark: Benchmark, pairs: Pairs, people: np.ndarray, category: Category
) -> Training:
    """Cut the benchmark down to what the category allows to learn from."""
    if category.identities:
        images = np.flatnonzero(people)
        return Training(images, pairs, benchmark.identity[images])
    return Training(pairs.images(), pairs if category.pair_labels else None, None)


def _score(scorer: Scorer, pairs: Pairs, seed: int) -> Scores:
    """Score the pairs in a shuffled order, so that their order says nothing of their labels."""
    order = np.random.default_rng(seed).permutation(len(pairs))
    found = np.asarray(scorer(pairs.first[order], pairs.second[order]), np.float64)
    if found.shape != (len(pairs),):
        raise ValueError(f"the scorer returned shape {found.shape} for {len(pairs)} pairs")
    scores = np.empty(len(pairs))
    scores[order] = found
    return scores
