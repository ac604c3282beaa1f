from fractions import Fraction
from itertools import pairwise

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from common.roc import check_scores, impostors_allowed, roc


def random_pairs(seed, genuine, impostors, levels=None, dtype=np.float64):
    """Shuffled overlapping scores; `levels` rounds them to few values, so that many tie."""
    rng = np.random.default_rng(seed)
    same = rng.permutation(np.arange(genuine + impostors) < genuine)
    scores = rng.normal(size=len(same)) + 0.8 * same
    if levels:
        scores = np.round(scores * levels) / levels
    return scores.astype(dtype), same


# Few possible values, so that nearly every example has ties within and between the kinds.
labeled_scores = st.lists(
    st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=40
).filter(lambda pairs: len({kind for _, kind in pairs}) == 2)


def arrays(pairs):
    scores, same = zip(*pairs, strict=True)
    return np.array(scores, dtype=np.float64), np.array(same)


def figures(scores, same):
    curve = roc(scores, same)
    tars = [curve.true_accept_at(far) for far in (0.0, 0.1, 0.25, 0.5, 1.0)]
    return [curve.auc(), curve.equal_error_rate(), *tars]


def naive_rates(scores, same, threshold):
    accepts = [bool(s >= threshold) for s in scores]
    far = sum(a for a, g in zip(accepts, same, strict=True) if not g) / sum(not g for g in same)
    tar = sum(a for a, g in zip(accepts, same, strict=True) if g) / sum(bool(g) for g in same)
    return far, tar


@pytest.mark.parametrize("levels", [None, 5, 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_curve_and_auc_equal_scikit_learn(levels, dtype):
    scores, same = random_pairs(3, genuine=173, impostors=291, levels=levels, dtype=dtype)
    curve = roc(scores, same)
    far, tar, thresholds = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_array_equal(curve.false_accept_rate, far)
    np.testing.assert_array_equal(curve.true_accept_rate, tar)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert curve.auc() == pytest.approx(roc_auc_score(same, scores), abs=1e-12)


@given(labeled_scores)
@settings(deadline=None)
def test_vertices_are_the_rates_at_their_thresholds(pairs):
    scores, same = arrays(pairs)
    curve = roc(scores, same)
    assert len(curve.thresholds) == len(set(scores)) + 1
    for far, tar, threshold in zip(
        curve.false_accept_rate, curve.true_accept_rate, curve.thresholds, strict=True
    ):
        assert (far, tar) == naive_rates(scores, same, threshold)


@given(labeled_scores)
@settings(deadline=None)
def test_auc_counts_won_comparisons_and_half_the_ties(pairs):
    scores, same = arrays(pairs)
    won = [1.0 if g > i else 0.5 if g == i else 0.0 for g in scores[same] for i in scores[~same]]
    assert roc(scores, same).auc() == pytest.approx(sum(won) / len(won), abs=1e-12)


@given(labeled_scores)
@settings(deadline=None)
def test_equal_error_rate_is_where_the_curve_crosses_the_diagonal(pairs):
    scores, same = arrays(pairs)
    vertices = []  # exact fractions, so that no rounding decides which side a vertex is on
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        accepted = scores >= threshold
        false_accepts = Fraction(int((accepted & ~same).sum()), int((~same).sum()))
        vertices.append((false_accepts, Fraction(int((accepted & same).sum()), int(same.sum()))))
    crossings = set()
    for (far, tar), (next_far, next_tar) in pairwise(vertices):
        step = (1 - far - tar) / (next_far - far + next_tar - tar)  # there far + tar is 1
        if 0 <= step <= 1:
            crossings.add(far + step * (next_far - far))
    assert len(crossings) == 1
    assert roc(scores, same).equal_error_rate() == pytest.approx(float(*crossings), abs=1e-12)


@given(labeled_scores, st.floats(0.0, 1.0))
@settings(deadline=None)
def test_true_accept_rate_is_the_best_of_all_thresholds(pairs, far):
    scores, same = arrays(pairs)
    rates = [naive_rates(scores, same, threshold) for threshold in [*set(scores), np.inf]]
    curve = roc(scores, same)
    assert curve.true_accept_at(far) == max(t for f, t in rates if f <= far)
    assert naive_rates(scores, same, curve.threshold_at(far)) == max(
        r for r in rates if r[0] <= far
    )


def test_true_accept_rate_at_exactly_the_rate_of_a_vertex():
    scores = -np.arange(3300.0)  # 3,000 impostors; one genuine pair follows every tenth of them
    same = np.arange(3300) % 11 == 10
    assert roc(scores, same).true_accept_at(0.001) == 0.0
    assert roc(scores, same).true_accept_at(0.01) == 3 / 300
    assert roc(scores, same).true_accept_at(0.1) == 30 / 300
    assert roc(scores, same).true_accept_at(1.0) == 1.0


@given(labeled_scores)
@settings(deadline=None)
def test_only_the_order_of_the_scores_matters(pairs):
    scores, same = arrays(pairs)
    assert figures(np.exp(scores) + 3.0, same) == figures(scores, same)
    shuffle = np.random.default_rng(0).permutation(len(scores))
    assert figures(scores[shuffle], same[shuffle]) == figures(scores, same)


@given(labeled_scores)
@settings(deadline=None)
def test_negating_scores_alone_mirrors_and_with_the_labels_changes_nothing(pairs):
    scores, same = arrays(pairs)
    curve, mirrored, renamed = roc(scores, same), roc(-scores, same), roc(-scores, ~same)
    assert mirrored.auc() == pytest.approx(1.0 - curve.auc(), abs=1e-12)
    assert renamed.auc() == pytest.approx(curve.auc(), abs=1e-12)
    assert renamed.equal_error_rate() == pytest.approx(curve.equal_error_rate(), abs=1e-12)


def test_constant_perfect_and_reversed_scores():
    same = np.arange(12) < 5
    constant = roc(np.full(12, 0.3, dtype=np.float32), same)
    assert (constant.auc(), constant.equal_error_rate()) == (0.5, 0.5)
    assert (constant.true_accept_at(0.5), constant.true_accept_at(1.0)) == (0.0, 1.0)
    perfect = roc(-np.arange(12.0), same)
    assert (perfect.auc(), perfect.equal_error_rate(), perfect.true_accept_at(0.0)) == (1, 0, 1)
    reverse = roc(np.arange(12.0), same)
    assert (reverse.auc(), reverse.equal_error_rate(), reverse.true_accept_at(0.5)) == (0, 1, 0)


@pytest.mark.parametrize("far", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none_is_refused(far):
    scores, same = random_pairs(0, 4, 5)
    with pytest.raises(ValueError, match="wanted 0 to 1"):
        roc(scores, same).true_accept_at(far)


@pytest.mark.parametrize("impostors", [1, 7, 100, 300, 3000])
def test_impostors_allowed_is_the_largest_count_within_the_rate(impostors):
    for far in (0.0, 0.001, 0.01, 0.1, 0.29, 0.5, 1.0):
        allowed = impostors_allowed(far, impostors)
        assert allowed / impostors <= far
        assert allowed == impostors or (allowed + 1) / impostors > far


def test_scores_that_are_no_numbers_are_counted_and_the_first_is_named():
    scores, same = random_pairs(0, 20, 30)
    scores[[17, 31, 40]] = np.nan, np.inf, -np.inf
    with pytest.raises(ValueError, match=r"3 of 50 scores .* pair 17 "):
        roc(scores, same)


@pytest.mark.parametrize(("value", "counts"), [(True, "9 pairs .* 0 of"), (False, "0 pairs .* 9")])
def test_one_kind_of_pair_is_refused(value, counts):
    with pytest.raises(ValueError, match=counts):
        roc(np.arange(9.0), np.full(9, value))


def test_wrong_shapes_and_labels_are_refused_where_annotations_are_not_executed():
    scores, same = random_pairs(0, 20, 30)
    fold = np.arange(50)
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match=r"scores have shape \(50,\), same has \(49,\)"):
            check_scores(scores, same[1:])
        with pytest.raises(ValueError, match=r"fold has \(48,\)"):
            check_scores(scores, same, fold[2:])
        with pytest.raises(ValueError, match="wanted bool"):
            check_scores(scores, same.astype(np.int64))
        with pytest.raises(ValueError, match="at least one pair"):
            check_scores(scores[:0], same[:0])
        with pytest.raises(ValueError, match="at least one pair"):
            check_scores(scores[:, None], same[:, None])
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
