from math import erf

import numpy as np
import pytest

from common.bootstrap import accuracy_interval, auc_interval


def random_pairs(seed, genuine, impostors, levels=None):
    rng = np.random.default_rng(seed)
    same = rng.permutation(np.arange(genuine + impostors) < genuine)
    scores = rng.normal(size=len(same)) + 0.8 * same
    return (np.round(scores * levels) / levels if levels else scores), same


def mann_whitney(scores, same):
    won = scores[same][:, None] - scores[~same]
    return np.mean((won > 0) + 0.5 * (won == 0))


def naive_interval(figure, same, resamples, confidence=0.95):
    """Draw pair numbers of each kind, measure again with the plain function, take percentiles."""
    rng = np.random.default_rng(12345)
    kinds = np.flatnonzero(same), np.flatnonzero(~same)
    values = [
        figure(np.concatenate([rng.choice(kind, len(kind)) for kind in kinds]))
        for _ in range(resamples)
    ]
    return np.percentile(values, [50 - 50 * confidence, 50 + 50 * confidence])


@pytest.mark.parametrize(("levels", "confidence"), [(None, 0.95), (2, 0.8)])
def test_auc_interval_agrees_with_naive_resampling(levels, confidence):
    scores, same = random_pairs(1, 70, 130, levels)
    low, high = auc_interval(scores, same, resamples=4000, confidence=confidence)
    naive = naive_interval(lambda i: mann_whitney(scores[i], same[i]), same, 4000, confidence)
    # The standard error of AUC is 0.035 here; a percentile of 4,000 draws is good to 0.002.
    np.testing.assert_allclose([low, high], naive, atol=0.005)


def test_accuracy_interval_agrees_with_naive_resampling():
    scores, same = random_pairs(2, 60, 240)
    correct = (scores >= 1.2) == same  # far more impostors right than genuine pairs
    low, high = accuracy_interval(correct, same, resamples=8000)
    naive = naive_interval(lambda i: correct[i].mean(), same, 8000)
    np.testing.assert_allclose([low, high], naive, atol=1 / 300 + 1e-12)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    truth = 0.5 * (1 + erf(0.8 / 2))  # chance that N(0.8, 1) beats N(0, 1)
    share_correct = 0.5 * (1 + erf(0.4 / np.sqrt(2)))  # by the threshold halfway between
    auc_covered = accuracy_covered = 0
    for seed in range(150):
        scores, same = random_pairs(seed, 80, 80)
        low, high = auc_interval(scores, same, resamples=150, seed=seed)
        auc_covered += low <= truth <= high
        low, high = accuracy_interval((scores >= 0.4) == same, same, seed=seed)
        accuracy_covered += low <= share_correct <= high
    assert 0.89 <= auc_covered / 150 <= 0.99
    assert 0.89 <= accuracy_covered / 150 <= 0.99


def test_equal_seeds_and_any_order_of_the_pairs_give_equal_intervals():
    scores, same = random_pairs(4, 50, 90, levels=3)
    shuffle = np.random.default_rng(0).permutation(len(scores))
    first = auc_interval(scores, same, resamples=50, seed=7)
    assert auc_interval(scores[shuffle], same[shuffle], resamples=50, seed=7) == first
    assert auc_interval(scores, same, resamples=50, seed=8) != first
    correct = scores > 0.5
    assert accuracy_interval(correct, same, seed=7) == accuracy_interval(correct, same, seed=7)


def test_extreme_scores_have_intervals_without_width():
    same = np.arange(30) < 11
    assert auc_interval(-np.arange(30.0), same, resamples=20) == (1.0, 1.0)
    assert auc_interval(np.full(30, 2.5), same, resamples=20) == (0.5, 0.5)
    assert accuracy_interval(np.full(30, True), same) == (1.0, 1.0)
    assert accuracy_interval(same, same)[0] == pytest.approx(11 / 30)  # all impostors wrong


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(ValueError, match="1 of 4 scores"):
        auc_interval(np.array([0.1, np.nan, 0.2, 0.3]), np.array([True, False, True, False]))
    with pytest.raises(ValueError, match="bootstrap of AUC: 4 pairs"):
        auc_interval(np.arange(4.0), np.full(4, True))
    with pytest.raises(ValueError, match="bootstrap of accuracy: 0 pairs"):
        accuracy_interval(np.full(4, True), np.full(4, False))
