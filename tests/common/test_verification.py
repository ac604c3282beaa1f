import json

import jaxtyping
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.bootstrap import accuracy_interval, auc_interval
from common.roc import roc
from common.verification import (
    accuracy,
    fit_threshold,
    fold_accuracies,
    mean_and_standard_error,
    nine_fold_thresholds,
    summarize,
    threshold_of_each_pair,
    worst_errors,
)

# Few possible values, so that nearly every example has ties within and between the kinds.
labeled_scores = st.lists(
    st.tuples(st.integers(-6, 6), st.booleans()), min_size=2, max_size=40
).filter(lambda pairs: len({kind for _, kind in pairs}) == 2)
# Neighbors as close as float32 allows, around 1, -1 and 0: a step is one bit of the number.
close_scores = st.lists(
    st.tuples(
        st.builds(
            lambda near, steps: float(near + steps * np.spacing(np.float32(near))),
            st.sampled_from([1.0, -1.0, 0.0]),
            st.integers(-3, 3),
        ),
        st.booleans(),
    ),
    min_size=2,
    max_size=12,
).filter(lambda pairs: len({kind for _, kind in pairs}) == 2)


def arrays(pairs, dtype: type[np.floating] = np.float64):
    scores, same = zip(*pairs, strict=True)
    return np.array(scores, dtype=dtype), np.array(same)


def random_folds(seed, sizes, levels=None):
    """Folds of unequal sizes, numbered with gaps, all pairs shuffled; `levels` makes ties."""
    rng = np.random.default_rng(seed)
    fold = rng.permutation(np.repeat(np.arange(len(sizes)) * 3 + 2, sizes))
    same = rng.random(len(fold)) < 0.4
    scores = rng.normal(size=len(fold)) + 0.9 * same
    return (np.round(scores * levels) / levels if levels else scores), same, fold


def naive_best_accuracy(scores, same):
    """Try every way to accept: each score as a threshold, and none."""
    best = 0
    for threshold in [*scores.tolist(), float("inf")]:
        right = sum(
            (s >= threshold) == g for s, g in zip(scores.tolist(), same.tolist(), strict=True)
        )
        best = max(best, right)
    return best / len(scores)


@given(labeled_scores)
@settings(deadline=None)
def test_fitted_threshold_has_the_best_accuracy(pairs):
    scores, same = arrays(pairs)
    threshold = fit_threshold(scores, same)
    assert accuracy(scores, same, threshold) == naive_best_accuracy(scores, same)


@given(close_scores)
@example([(1.0, False), (float(np.nextafter(np.float32(1), np.float32(2))), True)])
@example([(0.0, False), (float(np.float32(1e-45)), True)])
@settings(deadline=None)
def test_midpoints_of_close_neighbors_do_not_cost_accuracy(pairs):
    scores, same = arrays(pairs, np.float32)
    threshold = fit_threshold(scores, same)
    best = naive_best_accuracy(scores, same)
    assert accuracy(scores, same, threshold) == best
    assert np.mean((scores >= threshold) == same) == best  # NumPy compares in float32 here
    assert np.mean((scores.astype(np.float64) >= threshold) == same) == best


def test_threshold_is_the_middle_one_of_equally_good_cuts():
    scores = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    same = np.array([False, True, False, True, False, True])
    # Right pairs at the cuts 1, 1.5, .., 5.5, above 6: 3 4 3 4 3 4 3.
    assert fit_threshold(scores, same) == 3.5
    # Of two best ones, 1.5 and 3.5, the lower.
    assert fit_threshold(scores[:4], same[:4]) == 1.5
    # Where all are right, halfway between the kinds, whatever their order in the list.
    assert (
        fit_threshold(np.array([7.0, 0.0, 6.0, 3.0]), np.array([True, False, True, False])) == 4.5
    )


def test_threshold_beyond_the_ends():
    scores = np.array([3.0, 2.0, 1.0, 1.5])
    accept_all = fit_threshold(scores, np.array([False, True, True, True]))
    assert accept_all <= 1.0
    accept_none = fit_threshold(scores, np.array([False, False, True, False]))
    assert 3.0 < accept_none < 3.1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("genuine", [2, 5, 7])
def test_constant_scores_are_right_as_often_as_the_larger_kind(genuine, dtype):
    same = np.arange(10) < genuine
    scores = np.full(10, -0.7, dtype=dtype)
    assert accuracy(scores, same, fit_threshold(scores, same)) == max(genuine, 10 - genuine) / 10


def test_huge_scores_do_not_overflow():
    scores = np.array([1.5e308, 1.7e308, -1.5e308])
    same = np.array([False, True, False])
    assert fit_threshold(scores, same) == pytest.approx(1.6e308)
    assert roc(scores, same).auc() == 1.0


@given(labeled_scores)
@settings(deadline=None)
def test_best_accuracy_survives_monotone_maps_and_renaming(pairs):
    scores, same = arrays(pairs)
    best = accuracy(scores, same, fit_threshold(scores, same))
    for other, labels in ((np.exp(scores) - 5.0, same), (-scores, ~same)):
        assert accuracy(other, labels, fit_threshold(other, labels)) == best


def test_accuracy_compares_float32_scores_exactly():
    scores = np.array([0.1, 0.1], dtype=np.float32)  # a little above 0.1
    assert accuracy(scores, np.array([True, False]), float(scores[0])) == 0.5
    assert accuracy(scores, np.array([False, False]), 0.1000000016) == 1.0


@pytest.mark.parametrize("levels", [None, 3])
def test_nine_fold_thresholds_equal_a_fit_on_the_other_folds(levels):
    scores, same, fold = random_folds(5, [31, 7, 64, 20, 13], levels)
    thresholds = nine_fold_thresholds(scores, same, fold)
    for number, threshold in zip([2, 5, 8, 11, 14], thresholds, strict=True):
        assert threshold == fit_threshold(scores[fold != number], same[fold != number])


def test_a_threshold_does_not_see_its_own_fold():
    scores, same, fold = random_folds(6, [40, 25, 33])
    before = nine_fold_thresholds(scores, same, fold)
    own = fold == 5
    changed, relabeled = scores.copy(), same.copy()
    changed[own] = np.random.default_rng(0).normal(size=own.sum())
    relabeled[own] = ~same[own]
    after = nine_fold_thresholds(changed, relabeled, fold)
    assert after[1] == before[1]
    assert after[0] != before[0] and after[2] != before[2]


def test_fold_accuracies_equal_a_loop_over_unequal_folds():
    scores, same, fold = random_folds(7, [31, 7, 64, 20], levels=4)
    thresholds = np.array([0.25, -0.5, 1.0, 0.0])
    expected = []
    for number, threshold in zip([2, 5, 8, 11], thresholds, strict=True):
        at = [i for i in range(len(fold)) if fold[i] == number]
        expected.append(sum((scores[i] >= threshold) == same[i] for i in at) / len(at))
    np.testing.assert_allclose(fold_accuracies(scores, same, fold, thresholds), expected)
    spread = threshold_of_each_pair(thresholds, fold)
    assert accuracy(scores, same, spread) == pytest.approx(
        np.average(expected, weights=[31, 7, 64, 20])
    )


def test_standard_error_is_lfws():
    values = np.array([0.6, 0.62, 0.58, 0.61, 0.65])
    mean = sum(values) / 5
    variance = sum((v - mean) ** 2 for v in values) / 4
    assert mean_and_standard_error(values) == pytest.approx((mean, (variance / 5) ** 0.5))
    with pytest.raises(ValueError, match="1 fold has no standard error"):
        mean_and_standard_error(values[:1])


def test_worst_errors_are_ordered_by_their_own_thresholds():
    scores = np.array([0.9, 0.2, 0.5, 0.8, 0.1, 0.6, 0.3, 0.6])
    same = np.array([False, True, False, True, True, False, True, False])
    threshold = np.array([0.5, 0.5, 0.5, 0.5, 0.3, 0.1, 0.9, 0.7])
    worst = worst_errors(scores, same, threshold)
    assert worst.false_accepts.tolist() == [5, 0, 2]  # by 0.5, 0.4, 0.0
    assert worst.false_rejects.tolist() == [6, 1, 4]  # by 0.6, 0.3, 0.2
    assert worst_errors(scores, same, threshold, count=2).false_accepts.tolist() == [5, 0]
    assert worst_errors(scores, same, 0.95).false_accepts.tolist() == []
    assert worst_errors(np.zeros(4), np.array([True, False] * 2), 0.0).false_accepts.tolist() == [
        1,
        3,
    ]


def test_summary_gathers_what_the_functions_say():
    scores, same, fold = random_folds(8, [130, 90, 210, 170])
    thresholds = nine_fold_thresholds(scores, same, fold)
    metrics = summarize(scores, same, fold, thresholds, seed=3)
    assert json.loads(json.dumps(metrics)) == metrics
    folds = fold_accuracies(scores, same, fold, thresholds)
    mean, standard_error = mean_and_standard_error(folds)
    assert metrics["accuracy"]["folds"] == folds.tolist()
    assert metrics["accuracy"]["mean"] == mean
    assert metrics["accuracy"]["standard_error"] == standard_error
    assert metrics["accuracy"]["thresholds"] == thresholds.tolist()
    curve = roc(scores, same)
    assert (metrics["auc"], metrics["eer"]) == (curve.auc(), curve.equal_error_rate())
    assert metrics["tar_at_far"]["0.001"] == curve.true_accept_at(0.001)
    curves = [roc(scores[fold == f], same[fold == f]) for f in (2, 5, 8, 11)]
    for name, rate in (("0.1", 0.1), ("0.01", 0.01)):
        tars = np.array([c.true_accept_at(rate) for c in curves])
        assert metrics["tar_at_far_folds"][name]["folds"] == tars.tolist()
        assert metrics["tar_at_far"][name] == pytest.approx(tars.mean())
    assert metrics["auc_folds"]["folds"] == [c.auc() for c in curves]
    for low, high, figure in (
        (*metrics["accuracy"]["interval"], accuracy(scores, same, thresholds[(fold - 2) // 3])),
        (*metrics["auc_interval"], metrics["auc"]),
    ):
        assert low < figure < high < low + 0.12
    assert metrics["auc_interval"] == list(auc_interval(scores, same, seed=3))
    correct = (scores >= thresholds[(fold - 2) // 3]) == same
    assert metrics["accuracy"]["interval"] == list(accuracy_interval(correct, same, seed=3))
    assert metrics["pairs"] == {"same": same.sum(), "different": (~same).sum()}
    assert summarize(scores, same, fold, thresholds, seed=3) == metrics


def test_summary_of_lfws_size_says_how_few_pairs_carry_the_lowest_rate():
    fold = np.repeat(np.arange(10), 600)
    same = np.tile(np.repeat([True, False], 300), 10)
    scores = np.random.default_rng(0).normal(size=6000).astype(np.float32) + same * np.float32(2)
    metrics = summarize(scores, same, fold, nine_fold_thresholds(scores, same, fold))
    assert "0.001 over all pairs, carried by 3 of 3,000 impostor pairs" in metrics["tar_note"]
    fourth_highest = np.sort(scores[~same])[-4]
    assert metrics["tar_at_far"]["0.001"] == np.mean(scores[same] > fourth_highest)
    assert metrics["accuracy"]["mean"] == pytest.approx(0.841, abs=0.015)  # Phi(1)


def test_unsupervised_summary_has_no_accuracy():
    scores, same, fold = random_folds(9, [50, 60])
    metrics = summarize(scores, same, fold, None)
    assert metrics["accuracy"] is None
    assert metrics["auc"] == roc(scores, same).auc()


def test_constant_scores_make_a_summary():
    _, same, fold = random_folds(10, [50, 60, 30])
    constant = np.full(140, 1.5)
    metrics = summarize(constant, same, fold, nine_fold_thresholds(constant, same, fold))
    assert (metrics["auc"], metrics["eer"], metrics["tar_at_far"]["0.001"]) == (0.5, 0.5, 0.0)


def test_bad_pairs_are_refused_with_a_reason():
    scores, same, fold = random_folds(11, [30, 20, 25])
    broken = scores.copy()
    broken[[12, 40]] = np.nan
    thresholds = np.zeros(3)
    for function in (
        lambda: fit_threshold(broken, same),
        lambda: nine_fold_thresholds(broken, same, fold),
        lambda: accuracy(broken, same, 0.0),
        lambda: fold_accuracies(broken, same, fold, thresholds),
        lambda: worst_errors(broken, same, 0.0),
        lambda: summarize(broken, same, fold, None),
    ):
        with pytest.raises(ValueError, match="2 of 75 scores .* pair 12 "):
            function()
    with pytest.raises(ValueError, match="fitting a threshold: 75 pairs"):
        fit_threshold(scores, np.full(75, True))
    with pytest.raises(ValueError, match="fold 5 on the others: 0 pairs of the same"):
        nine_fold_thresholds(scores, same & (fold == 5), fold)
    with pytest.raises(ValueError, match="fold 4 on the others: 0 pairs .* and 0 of"):
        nine_fold_thresholds(scores, same, np.full(75, 4))
    with pytest.raises(ValueError, match="fold 8: 0 pairs of the same"):
        summarize(scores, same & (fold != 8), fold, thresholds)
    with pytest.raises(ValueError, match="4 thresholds for 3 folds"):
        fold_accuracies(scores, same, fold, np.zeros(4))
    with pytest.raises(ValueError, match="a threshold is NaN"):
        summarize(scores, same, fold, np.array([0.0, np.nan, 1.0]))


def test_lengths_that_differ_are_refused_where_annotations_are_not_executed():
    scores, same, fold = random_folds(12, [30, 20])
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match=r"same has \(49,\)"):
            fit_threshold(scores, same[1:])
        with pytest.raises(ValueError, match=r"fold has \(49,\)"):
            summarize(scores, same, fold[1:], None)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
