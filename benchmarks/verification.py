"""Our verification metrics against a loop over scikit-learn's, on 6,000 pairs in ten folds.

Run `python -m benchmarks.verification` (about two minutes); it writes
benchmarks/results/verification.json. The scores are drawn at random, as far apart as those of
Eigenfaces: the time depends on the count of pairs, hardly on the scores.
"""

from importlib import import_module
from importlib.metadata import version

import numpy as np

from benchmarks.harness import Contender, compare, write
from common.bootstrap import auc_interval
from common.roc import roc
from common.verification import accuracy, fit_threshold, nine_fold_thresholds, summarize

FOLDS, PAIRS_OF_EACH_KIND = 10, 300
RATES = (0.1, 0.01)


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and folds of LFW's View 2 in size."""
    import_module("sklearn.metrics")  # imported here, it counts in neither side's memory
    fold = np.repeat(np.arange(FOLDS), 2 * PAIRS_OF_EACH_KIND)
    same = np.tile(np.repeat([True, False], PAIRS_OF_EACH_KIND), FOLDS)
    return np.random.default_rng(0).normal(size=len(same)) + 0.5 * same, same, fold


def our_threshold_fits(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Best accuracy on the nine other folds, each run fitted from its own scores."""
    best = []
    for number in np.unique(fold):
        train_scores, train_same = scores[fold != number], same[fold != number]
        best.append(accuracy(train_scores, train_same, fit_threshold(train_scores, train_same)))
    return np.array(best)


def brute_force_fits(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The same, each score tried in turn with a comparison of all pairs, as peers' loops do."""
    best = []
    for number in np.unique(fold):
        train_scores, train_same = scores[fold != number], same[fold != number]
        tries = [np.mean((train_scores >= t) == train_same) for t in np.unique(train_scores)]
        best.append(max(*tries, np.mean(~train_same)))
    return np.array(best)


def roc_curve_fits(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The same, read off scikit-learn's curve: the fastest way it offers."""
    from sklearn.metrics import roc_curve

    best = []
    for number in np.unique(fold):
        train_same = same[fold != number]
        far, tar, _ = roc_curve(train_same, scores[fold != number], drop_intermediate=False)
        share = np.mean(train_same)
        best.append(np.max(share * tar + (1 - share) * (1 - far)))
    return np.array(best)


def our_curves(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """AUC and true accept rates of each fold and of all pairs."""
    figures = []
    for chosen in [*(fold == number for number in np.unique(fold)), np.full(len(fold), True)]:
        curve = roc(scores[chosen], same[chosen])
        figures += [curve.auc(), *(curve.true_accept_at(rate) for rate in RATES)]
    return np.array(figures)


def scikit_learn_curves(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The same with roc_curve and roc_auc_score."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figures = []
    for chosen in [*(fold == number for number in np.unique(fold)), np.full(len(fold), True)]:
        far, tar, _ = roc_curve(same[chosen], scores[chosen], drop_intermediate=False)
        figures.append(roc_auc_score(same[chosen], scores[chosen]))
        figures += [np.max(tar[far <= rate]) for rate in RATES]
    return np.array(figures)


def our_bootstrap(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """95 % interval of AUC from 1,000 resamples."""
    return np.array(auc_interval(scores, same, resamples=1000))


def scikit_learn_bootstrap(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The same pairs drawn, roc_auc_score of each draw."""
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(0)
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    labels = np.repeat([True, False], [len(genuine), len(impostor)])
    aucs = []
    for _ in range(1000):
        drawn = [
            kind[generator.integers(len(kind), size=len(kind))] for kind in (genuine, impostor)
        ]
        aucs.append(roc_auc_score(labels, np.concatenate(drawn)))
    return np.percentile(aucs, [2.5, 97.5])


def our_summary(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Every metric of a record, thresholds included."""
    metrics = summarize(scores, same, fold, nine_fold_thresholds(scores, same, fold))
    rates = [metrics["tar_at_far_folds"][str(rate)]["folds"] for rate in RATES]
    return np.array([*metrics["auc_folds"]["folds"], *np.ravel(rates), *metrics["auc_interval"]])


def scikit_learn_summary(scores: np.ndarray, same: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The three loops above in their fastest form; no accuracy interval, no equal error rate."""
    roc_curve_fits(scores, same, fold)
    auc, *rates = scikit_learn_curves(scores, same, fold).reshape(FOLDS + 1, -1)[:FOLDS].T
    return np.concatenate([auc, *rates, scikit_learn_bootstrap(scores, same, fold)])


def main() -> None:
    """Measure and write."""
    size = "6,000 pairs, ten folds"
    works = [
        (
            f"threshold of best accuracy on nine folds, ten times; {size}",
            Contender("common.verification.fit_threshold", our_threshold_fits),
            Contender("NumPy, every score tried in a loop", brute_force_fits),
            "numpy",
        ),
        (
            f"threshold of best accuracy on nine folds, ten times; {size}",
            Contender("common.verification.fit_threshold", our_threshold_fits),
            Contender("scikit-learn roc_curve", roc_curve_fits),
            "scikit-learn",
        ),
        (
            f"AUC and true accept rates of each fold and of all pairs; {size}",
            Contender("common.roc.roc", our_curves),
            Contender("scikit-learn roc_curve, roc_auc_score", scikit_learn_curves),
            "scikit-learn",
        ),
        (
            "95 % interval of AUC, 1,000 resamples of 6,000 pairs",
            Contender("common.bootstrap.auc_interval", our_bootstrap),
            Contender("scikit-learn roc_auc_score in a loop", scikit_learn_bootstrap),
            "scikit-learn",
        ),
        (
            f"all metrics of a record; {size}",
            Contender("common.verification.summarize", our_summary),
            Contender("scikit-learn in loops", scikit_learn_summary),
            "scikit-learn",
        ),
    ]
    comparisons = [
        compare(work, inputs=inputs, ours=ours, peer=peer, peer_version=version(package))
        for work, ours, peer, package in works
    ]
    write("verification", comparisons)


if __name__ == "__main__":
    main()
