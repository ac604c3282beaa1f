"""The harness: who sees what, and that a cheater sees nothing."""

import dataclasses

import numpy as np
import pytest

from common.harness import EmbeddingMethod, Training, run_view1, run_view2
from common.protocol import Category
from common.types import Benchmark, Pairs, Provenance

FOLDS, PEOPLE_PER_FOLD, IMAGES_EACH, PAIRS_EACH = 5, 6, 4, 23


def make_benchmark(seed=0):
    """Faces that are 1 x 2 pixels, numbered in a shuffled order, as a benchmark must be."""
    rng = np.random.default_rng(seed)
    people = FOLDS * PEOPLE_PER_FOLD
    identity = rng.permutation(np.repeat(np.arange(people), IMAGES_EACH))
    fold_of = np.arange(people) // PEOPLE_PER_FOLD

    def pairs_among(members, fold):
        same, different = [], []
        images = np.flatnonzero(np.isin(identity, members))
        while len(same) < PAIRS_EACH or len(different) < PAIRS_EACH:
            first, second = rng.choice(images, 2, replace=False)
            chosen = same if identity[first] == identity[second] else different
            if len(chosen) < PAIRS_EACH:
                chosen.append((first, second))
        both = np.array(same + different)
        label = np.arange(2 * PAIRS_EACH) < PAIRS_EACH
        return Pairs(both[:, 0], both[:, 1], label, np.full(2 * PAIRS_EACH, fold))

    def joined(parts):
        return Pairs(
            *(
                np.concatenate([getattr(p, f.name) for p in parts])
                for f in dataclasses.fields(Pairs)
            )
        )

    view2 = joined([pairs_among(np.flatnonzero(fold_of == f), f) for f in range(FOLDS)])
    half = people // 2
    return Benchmark(
        images=np.zeros((len(identity), 1, 2, 3), np.uint8),
        names=[f"P{p}_{i}" for i, p in enumerate(identity)],
        identity=identity,
        view1_train=pairs_among(np.arange(half), 0),
        view1_test=pairs_among(np.arange(half, people), 0),
        view2=view2,
        view1_train_people=identity < half,
        people_fold=fold_of[identity],
        provenance=Provenance("toy", "synthetic", "0" * 64, len(identity), people, True),
    )  # fmt: skip


class Spy:
    """Notes what it is handed, and scores by a fixed random number per image."""

    def __init__(self, images, notes):
        self.values = np.random.default_rng(7).normal(size=images)
        self.notes = notes

    def __deepcopy__(self, memo):
        return self

    def fit(self, training):
        asked = []
        self.notes.append((training, asked))

        def score(first, second):
            asked.append((first, second))
            return -np.abs(self.values[first] - self.values[second])

        return score


@pytest.mark.parametrize("category", list(Category))
def test_each_run_gets_nine_folds_and_what_its_category_allows(category):
    benchmark, notes = make_benchmark(), []
    run_view2(benchmark, Spy(len(benchmark.names), notes), category)
    assert len(notes) == FOLDS
    for fold, (training, _) in enumerate(notes):
        assert isinstance(training, Training)
        people = set(benchmark.identity[training.images])
        tested = set(benchmark.identity[benchmark.view2[benchmark.view2.fold == fold].images()])
        assert people and not people & tested
        assert (training.pairs is not None) == category.pair_labels
        assert (training.identity is not None) == category.identities
        if training.pairs is not None:
            assert set(training.pairs.fold) == set(range(FOLDS)) - {fold}
        if training.identity is not None:
            np.testing.assert_array_equal(training.identity, benchmark.identity[training.images])


def test_scores_come_back_in_the_order_of_the_pairs():
    benchmark, notes = make_benchmark(), []
    spy = Spy(len(benchmark.names), notes)
    outcome = run_view2(benchmark, spy, Category.IMAGE_RESTRICTED)
    wanted = [
        -abs(spy.values[a] - spy.values[b])
        for a, b in zip(benchmark.view2.first, benchmark.view2.second, strict=True)
    ]
    np.testing.assert_allclose(outcome.scores, wanted)


def test_thresholds_are_those_of_the_other_folds():
    benchmark = make_benchmark()
    outcome = run_view2(benchmark, Spy(len(benchmark.names), []), Category.IMAGE_RESTRICTED)
    assert outcome.thresholds is not None
    for fold, threshold in enumerate(outcome.thresholds):
        train = benchmark.view2.fold != fold
        scores, same = outcome.scores[train], benchmark.view2.same[train]
        cuts = [-np.inf, *scores, np.inf]
        best = max(np.mean((scores >= cut) == same) for cut in cuts)
        assert np.mean((scores >= threshold) == same) == best


def test_a_fixed_threshold_is_used_as_it_is_and_unsupervised_has_none():
    benchmark = make_benchmark()
    spy = Spy(len(benchmark.names), [])
    fixed = run_view2(benchmark, spy, Category.IMAGE_RESTRICTED, fixed_threshold=-0.25)
    assert fixed.thresholds is not None and set(fixed.thresholds) == {-0.25}
    assert run_view2(benchmark, spy, Category.UNSUPERVISED).thresholds is None


class RemembersLabels:
    """Cheats: keeps every label it was ever handed, and answers with it."""

    def __init__(self):
        self.seen = {}

    def fit(self, training):
        for a, b, same in zip(
            training.pairs.first, training.pairs.second, training.pairs.same, strict=True
        ):
            self.seen[a, b] = same
        return lambda first, second: np.array(
            [float(self.seen.get(pair, 0.5)) for pair in zip(first, second, strict=True)]
        )


class ReadsTheOrder:
    """Cheats: pairs files list the same-person pairs first, so answers by position."""

    def __deepcopy__(self, memo):
        return self

    def fit(self, training):
        return lambda first, second: -np.arange(len(first), dtype=float)


class ReadsTheNumbers:
    """Cheats: on disk a person's images stand together, so answers by the numbers' distance."""

    def fit(self, training):
        return lambda first, second: -np.abs(first - second).astype(float)


@pytest.mark.parametrize("cheater", [RemembersLabels(), ReadsTheOrder(), ReadsTheNumbers()])
def test_a_cheating_scorer_cannot_see_a_label_of_the_fold_it_is_scored_on(cheater):
    right = []
    for seed in range(8):
        benchmark = make_benchmark(seed)
        outcome = run_view2(benchmark, cheater, Category.IMAGE_RESTRICTED, fixed_threshold=0.0)
        same = outcome.pairs.same
        wins = (outcome.scores[same][:, None] > outcome.scores[~same]) * 1.0
        ties = (outcome.scores[same][:, None] == outcome.scores[~same]) * 0.5
        right.append((wins + ties).mean())
    assert abs(np.mean(right) - 0.5) < 0.1  # a peep at the labels gives 0.9 to 1


def test_view1_learns_from_train_and_is_scored_on_test():
    benchmark, notes = make_benchmark(), []
    spy = Spy(len(benchmark.names), notes)
    outcome = run_view1(benchmark, spy, Category.UNRESTRICTED)
    ((training, asked),) = notes
    tested = set(benchmark.identity[benchmark.view1_test.images()])
    assert not set(benchmark.identity[training.images]) & tested
    assert len(asked) == 1
    cuts = [-np.inf, *outcome.scores, np.inf]
    best = max(np.mean((outcome.scores >= cut) == outcome.pairs.same) for cut in cuts)
    assert outcome.view1_accuracy() == best


def test_an_embedding_method_scores_rows():
    benchmark = make_benchmark()
    embeddings = np.random.default_rng(3).normal(size=(len(benchmark.names), 4))
    method = EmbeddingMethod(embeddings, lambda a, b: np.einsum("pd,pd->p", a, b))
    outcome = run_view2(benchmark, method, Category.UNSUPERVISED)
    first, second = benchmark.view2.first, benchmark.view2.second
    np.testing.assert_allclose(
        outcome.scores, [embeddings[a] @ embeddings[b] for a, b in zip(first, second, strict=True)]
    )


def test_a_scorer_of_the_wrong_shape_is_named():
    method = EmbeddingMethod(np.zeros((120, 2)), lambda a, b: a)
    with pytest.raises((ValueError, TypeError)):
        run_view2(make_benchmark(), method, Category.UNSUPERVISED)
