"""SVMs on pairs: they learn what is there, and only from the pairs they are handed."""

from dataclasses import replace

import numpy as np
import pytest

from common.harness import Training, run_view2
from common.lbp import BINS
from common.protocol import Category
from common.types import Benchmark, Pairs, Provenance
from common.verification import accuracy
from experiments.face_spaces import FaceSpaces
from experiments.pair_svm import CellSvm, WhitenedSvm, _thirds

PEOPLE, EACH, DIM = 60, 4, 6 * BINS


def descriptors() -> np.ndarray:
    """People differ in a few directions, and every picture differs much more in others."""
    rng = np.random.default_rng(0)
    own, others = rng.normal(size=(10, DIM)), rng.normal(size=(10, DIM))
    people = np.repeat(rng.normal(size=(PEOPLE, 10)), EACH, axis=0)
    pictures = rng.normal(size=(PEOPLE * EACH, 10)) * 3
    return np.abs(5 + people @ own * 0.1 + pictures @ others * 0.1).astype(np.float32)


def pairs_of(fold_count: int = 10) -> Pairs:
    identity = np.repeat(np.arange(PEOPLE), EACH)
    rng = np.random.default_rng(1)
    rows = []
    for fold in range(fold_count):
        members = np.flatnonzero(identity * fold_count // PEOPLE == fold)
        for a in members:
            mate = rng.choice(members[(identity[members] == identity[a]) & (members != a)])
            other = rng.choice(members[identity[members] != identity[a]])
            rows += [(a, mate, True, fold), (a, other, False, fold)]
    first, second, same, fold = (np.array(column) for column in zip(*rows, strict=True))
    return Pairs(first, second, same, fold)


def benchmark() -> Benchmark:
    pairs, count = pairs_of(), PEOPLE * EACH
    return Benchmark(
        images=[np.zeros((2, 2, 3), np.uint8)] * count,
        names=[str(k) for k in range(count)],
        identity=np.repeat(np.arange(PEOPLE), EACH),
        view1_train=pairs, view1_test=pairs, view2=pairs,
        view1_train_people=np.ones(count, bool),
        people_fold=np.repeat(np.arange(PEOPLE), EACH) * 10 // PEOPLE,
        provenance=Provenance("synthetic", "synthetic", "0", count, PEOPLE, True),
    )  # fmt: skip


def spaces() -> FaceSpaces:
    return FaceSpaces(descriptors(), np.arange(PEOPLE * EACH))


@pytest.mark.parametrize("cost", [0.0, 0.01])
def test_whitening_finds_the_person_under_what_varies(cost: float) -> None:
    outcome = run_view2(
        benchmark(), WhitenedSvm(spaces(), 20, 0.1, cost),
        Category.IMAGE_RESTRICTED_LABEL_FREE, fixed_threshold=0.0,
    )  # fmt: skip
    assert accuracy(outcome.scores, outcome.pairs.same, 0.0) > 0.8
    plain = spaces().fit(np.arange(PEOPLE * EACH), 20).weights
    cosine = -np.linalg.norm(plain[outcome.pairs.first] - plain[outcome.pairs.second], axis=1)
    best = max(accuracy(cosine, outcome.pairs.same, float(t)) for t in cosine)
    assert best < 0.75  # what it had to learn


def test_scores_are_symmetric_and_one_pair_has_no_influence_on_another() -> None:
    pairs = pairs_of()
    training = Training(np.arange(160), pairs[pairs.fold < 6], None)
    for method in (
        WhitenedSvm(spaces(), 20, 0.1, 0.01),
        CellSvm(descriptors(), np.arange(PEOPLE * EACH), 1.0),
    ):
        score = method.fit(training)
        first, second = np.array([200, 210, 230]), np.array([201, 222, 231])
        np.testing.assert_allclose(score(first, second), score(second, first), rtol=1e-4)
        alone = score(first[:1], second[:1])
        np.testing.assert_allclose(score(first, second)[0], alone[0], rtol=1e-4)


def test_cells_that_tell_people_apart_get_weight() -> None:
    rng = np.random.default_rng(3)
    person = rng.random((PEOPLE, 1, BINS)).repeat(EACH, axis=1).reshape(-1, BINS)
    rows = np.concatenate([person, rng.random((PEOPLE * EACH, 5 * BINS))], axis=1)
    pairs = pairs_of()
    score = CellSvm(rows.astype(np.float32), np.arange(PEOPLE * EACH), 1.0).fit(
        Training(np.arange(100), pairs[pairs.fold < 5], None)
    )
    tested = pairs[pairs.fold >= 5]
    assert accuracy(score(tested.first, tested.second), tested.same, 0.0) > 0.95


def test_thirds_are_whole_folds_or_runs_of_pairs() -> None:
    pairs = pairs_of()
    part = _thirds(pairs)
    assert all(len(set(part[pairs.fold == fold].tolist())) == 1 for fold in range(10))
    one_fold = replace(pairs, fold=np.zeros_like(pairs.fold))
    part = _thirds(one_fold)
    for label in (True, False):
        members = part[pairs.same == label]
        assert (np.diff(members) >= 0).all() and set(members.tolist()) == {0, 1, 2}
        assert abs(np.bincount(members) - len(members) / 3).max() < 1
