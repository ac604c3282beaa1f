# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. The comparison: one protocol, three answers
#
# *After G. Huang, M. Ramesh, T. Berg, E. Learned-Miller, "Labeled Faces in the Wild", UMass
# TR 07-49, 2007, and the reports of the three papers on it.*
#
# Three lectures, three papers, and each prints one number with a ± behind it. Which is better, and
# by how much? A number on a benchmark is the end of a chain: which pairs, which threshold, chosen
# on what, averaged how. Every link can be bent, mostly without bad intent. In this lecture we
# build the chain by hand, and then bend it on purpose.

# %%
import matplotlib.pyplot as plt
import numpy as np
from classroom import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    RED,
    SKY,
    SYNTHETIC,
    agree,
    check,
    gallery,
    real_faces,
    show,
)
from IPython.display import Markdown, display

from common.data.synthetic import synthetic_benchmark
from common.harness import EmbeddingMethod, run_view2
from common.images import to_float
from common.protocol import Category
from common.records import read_all
from common.roc import impostors_allowed, roc
from common.verification import (
    fit_threshold,
    fold_accuracies,
    mean_and_standard_error,
    nine_fold_thresholds,
)
from experiments.faces import CENTER, grey_faces, windowed
from experiments.paper_numbers import not_measured
from experiments.rows import ROWS
from experiments.tables import RECORDS

# %% [markdown]
# ## The question that the benchmark asks
#
# Here are two photographs. Is it the same person? Not "who is it", only yes or no. The people to
# be judged are never among those that one learned from.
#
# We build the chain on synthetic faces, paired up as LFW pairs its own. Where `LFW_DIR` names a
# copy of LFW, the finished chain then meets the real ones.


# %%
def show_pairs(benchmark, faces):
    """Four pairs of one person, four of two."""
    pairs = benchmark.view2
    genuine, impostor = np.flatnonzero(pairs.same)[:4], np.flatnonzero(~pairs.same)[:4]
    chosen = np.concatenate([genuine, impostor])
    shown = [benchmark.images[int(n)] for n in (*pairs.first[chosen], *pairs.second[chosen])]
    gallery(shown, "eight pairs of View 2, one above the other", ["one person"] * 4 + ["two"] * 4,
            faces=faces)  # fmt: skip


benchmark = synthetic_benchmark(people=78, images_per_person=3, pairs_per_fold=15, size=64)
show_pairs(benchmark, SYNTHETIC)

# %% [markdown]
# The pairs come in two views. **View 1** is for choosing: which method, how many components.
# **View 2** is for reporting, once: ten folds, and no person is in two of them. In each of ten
# runs one fold is tested; all that is learned, the threshold too, is learned from the nine others.
#
# A method turns a pair into a **score**: the higher, the more alike. Our method here is the
# simplest there is: the correlation of two small grey windows.


# %%
def pixel_embeddings(benchmark):
    """A row of length 1 for each image of View 2; the other rows are zero."""
    wanted = benchmark.view2.images()
    small = to_float(windowed(grey_faces(benchmark, wanted), CENTER, (24, 24)))
    small = small.reshape(len(wanted), -1)
    small = small - small.mean(axis=1, keepdims=True)
    embeddings = np.zeros((len(benchmark.names), small.shape[1]))
    embeddings[wanted] = small / np.linalg.norm(small, axis=1, keepdims=True)
    return embeddings


pairs, embeddings = benchmark.view2, pixel_embeddings(benchmark)
scores = np.sum(embeddings[pairs.first] * embeddings[pairs.second], axis=1)
same, fold = pairs.same, pairs.fold
folds = np.unique(fold)
print(f"{len(scores):,} pairs in {len(folds)} folds")

# %% [markdown]
# ## One threshold for each fold, by hand
#
# A pair is called "same" where its score is at least the threshold. For each fold, take the
# threshold that makes fewest errors on the *other* folds.


# %%
def best_threshold(scores, same):
    """Try a cut between every two neighboring scores."""
    values = np.unique(scores)
    cuts = np.concatenate([values[:1], (values[:-1] + values[1:]) / 2, values[-1:] + 1])
    right = [np.mean((scores >= cut) == same) for cut in cuts]
    best = np.flatnonzero(np.array(right) == max(right))
    return cuts[best[(len(best) - 1) // 2]]


thresholds = np.array([best_threshold(scores[fold != f], same[fold != f]) for f in folds])
right = [
    np.mean((scores[fold == f] >= t) == same[fold == f])
    for f, t in zip(folds, thresholds, strict=True)
]

# %% [markdown]
# The package has this in one place, the harness, and hands a method nothing that it must not see.

# %%
agree("thresholds", thresholds, nine_fold_thresholds(scores, same, fold), tolerance=1e-6)


def correlate(a, b):
    """The score of each pair of rows."""
    return np.sum(a * b, axis=1)


outcome = run_view2(benchmark, EmbeddingMethod(embeddings, correlate), Category.IMAGE_RESTRICTED)
agree("the harness", right, fold_accuracies(outcome.scores, same, fold, outcome.thresholds))
print(f"{SYNTHETIC}: accuracy of correlated pixels {np.mean(right):.3f}")

# %% [markdown]
# ## Reading a ROC
#
# One threshold is one compromise. A door wants few false accepts; a photo album wants few misses.
# Let the threshold walk from high to low, and note two rates at each stop:
#
# $$\mathrm{FAR}(t) = \frac{\#\{\text{different},\ s \ge t\}}{\#\{\text{different}\}}, \qquad
# \mathrm{TAR}(t) = \frac{\#\{\text{same},\ s \ge t\}}{\#\{\text{same}\}} .$$

# %%
order = np.argsort(-scores)
tar = np.concatenate([[0], np.cumsum(same[order]) / same.sum()])
far = np.concatenate([[0], np.cumsum(~same[order]) / (~same).sum()])
auc = np.trapezoid(tar, far)

curve = roc(scores, same)
agree("area under the curve", auc, curve.auc())

# %%
figure, (left, right_axes) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
bins = np.linspace(scores.min(), scores.max(), 40)
left.hist(scores[~same], bins, color=RED, alpha=0.6, label="different")
left.hist(scores[same], bins, color=BLUE, alpha=0.6, label="same")
right_axes.plot(far, tar, color=BLACK)
right_axes.plot([0, 1], [0, 1], color="0.75", lw=1)
for rate, color in ((0.1, GREEN), (0.3, ORANGE), (0.6, PINK)):
    at = np.searchsorted(far, rate, side="right") - 1
    cut = scores[order][at - 1]
    left.axvline(cut, color=color, lw=2)
    right_axes.plot(far[at], tar[at], "o", color=color, ms=9)
left.set(xlabel="score", ylabel="pairs")
left.legend()
right_axes.set(xlabel="false accept rate", ylabel="true accept rate")
show(figure, "three thresholds (lines), and where each lies on the curve (dots)")

# %% [markdown]
# How to read it: *left and up is better.* The diagonal is guessing. The area under the curve is
# the chance that a random same pair scores higher than a random different pair. It needs no
# threshold, so nobody can tune it. It also hides everything about the corner that a door cares
# for; for that corner the axis of false accepts is drawn logarithmically.
#
# ## The same on real photographs
#
# The chain is finished, and asks nothing about the faces it is given. On LFW it takes one call.

# %%
real = real_faces()
if real is not None:
    show_pairs(real, "Labeled Faces in the Wild")
    method = EmbeddingMethod(pixel_embeddings(real), correlate)
    wild = run_view2(real, method, Category.IMAGE_RESTRICTED)
    labels = real.view2.same
    found = fold_accuracies(wild.scores, labels, real.view2.fold, wild.thresholds)
    print(f"{len(labels):,} pairs of LFW: accuracy of correlated pixels {found.mean():.3f}")

    figure, (left, right_axes) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    bins = np.linspace(wild.scores.min(), wild.scores.max(), 40)
    for kind, color, name in ((~labels, RED, "different"), (labels, BLUE, "same")):
        left.hist(wild.scores[kind], bins, color=color, alpha=0.6, label=name)
    for cut in wild.thresholds:
        left.axvline(cut, color=GREEN, lw=1)
    wild_curve = roc(wild.scores, labels)
    right_axes.plot(wild_curve.false_accept_rate, wild_curve.true_accept_rate, color=BLACK)
    right_axes.plot([0, 1], [0, 1], color="0.75", lw=1)
    left.set(xlabel="score", ylabel="pairs")
    left.legend()
    right_axes.set(xlabel="false accept rate", ylabel="true accept rate")
    show(figure, f"ten thresholds (green), and the curve: its area is {wild_curve.auc():.3f}",
         faces="Labeled Faces in the Wild")  # fmt: skip

# %% [markdown]
# ## The three answers, from the records
#
# Every number below was measured by a run of this project on the real LFW, and stands in a file
# under `experiments/results/`. Rows without a record are not measured yet; what their paper
# published stands beside them, and that is all we know of them here.

# %%
records = read_all(RECORDS)
measured = {(r.row, r.variant): r for r in records if r.metrics.get("accuracy")}


def figures(block):
    """Mean and standard error as the tables print them."""
    if not block:
        return "-"
    error = block.get("standard_error")
    mean = block.get("mean", block.get("accuracy"))
    return f"{mean:.4f}" + (f" ± {error:.4f}" if error else "")


lines = ["| | published | ours ± SE | learned from (ours) |", "|---|---|---|---|"]
for name, row in ROWS.items():
    r = measured.get((name, row.headline))
    seen = f"{r.training['images']:,} images" if r else "-"
    ours = figures(r.metrics["accuracy"]) if r else "*not measured yet*"
    lines.append(f"| {row.title} | {figures(r.published) if r else '-'} | {ours} | {seen} |")
for name, paper in not_measured(record.published for record in records).items():
    lines.append(f"| {name} | {figures(paper.as_record())} | *not measured yet* | - |")
display(Markdown("\n".join(lines)))

# %%
figure, (linear, corner) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
headlines = [measured[n, row.headline] for n, row in ROWS.items() if (n, row.headline) in measured]
COLORS = (BLUE, RED, GREEN, ORANGE, PINK, SKY, BLACK)
for number, r in enumerate(headlines):
    # When the colors run out, they come again with other lines.
    style = {"color": COLORS[number % 7], "linestyle": ("-", "--", ":", "-.")[number // 7 % 4]}
    far_r, tar_r = np.array(r.roc["far"]), np.array(r.roc["tar"])
    linear.plot(far_r, tar_r, label=f"{r.row} (AUC {r.metrics['auc']:.3f})", **style)
    corner.plot(far_r[far_r > 0], tar_r[far_r > 0], **style)
linear.plot([0, 1], [0, 1], color="0.75", lw=1)
corner.axvspan(1e-4, 1e-3, color="0.9")
corner.set(xscale="log", xlim=(3e-4, 1))
for axes in (linear, corner):
    axes.set(xlabel="false accept rate", ylabel="true accept rate", ylim=(0, 1.01))
linear.legend(fontsize=8)
show(figure, "our records on LFW's View 2; grey: carried by three pairs or fewer", faces="")

# %% [markdown]
# The categories matter more than the digits. A row that learned from nothing but nine folds of LFW
# and a row that learned from millions of named faces answer the same questions, but they are not
# the same experiment. The table of the README has the category of each.
#
# ## Standard error against standard deviation
#
# Ten folds give ten accuracies $p_1 \dots p_{10}$ with mean $\bar p$. Two spreads can follow the ±:
#
# $$\sigma = \sqrt{\tfrac{1}{9} \sum (p_i - \bar p)^2}, \qquad
# \mathrm{SE} = \frac{\sigma}{\sqrt{10}} .$$
#
# $\sigma$ says how far *one fold* lies from the mean. SE says how far *the mean* would move, had
# we other folds. LFW asks for SE. Many tables print $\sigma$, which is larger by $\sqrt{10}$.

# %%
figure, axes = plt.subplots(figsize=(9, 0.6 + 0.55 * len(headlines)), layout="constrained")
for line, r in enumerate(headlines):
    p = np.array(r.metrics["accuracy"]["folds"])
    mean, sigma = p.mean(), p.std(ddof=1)
    agree(r.row, (mean, sigma / np.sqrt(len(p))), mean_and_standard_error(p))
    axes.errorbar(mean, line, xerr=sigma, color=ORANGE, capsize=4, lw=2)
    axes.errorbar(mean, line, xerr=sigma / np.sqrt(len(p)), color=BLUE, capsize=7, lw=4)
    axes.scatter(p, np.full(len(p), line + 0.22), s=14, color="0.4")
axes.set(yticks=range(len(headlines)), yticklabels=[r.row for r in headlines], xlabel="accuracy")
axes.set(ylim=(-0.5, len(headlines) - 0.2))
axes.grid(axis="x", alpha=0.3)
show(figure, "ten folds (dots), standard deviation (orange), standard error (blue)", faces="")

# %% [markdown]
# Is SE the right one? Simulate it. Let a method be right with a fixed chance on every pair, run
# the whole benchmark many times, and look at how the *means* scatter.

# %%
simulation = np.random.default_rng(0)
TRUE, RUNS, PER_FOLD = 0.9, 2000, 600
each_fold = simulation.binomial(PER_FOLD, TRUE, (RUNS, 10)) / PER_FOLD
means = each_fold.mean(axis=1)
se = each_fold.std(axis=1, ddof=1) / np.sqrt(10)
print(f"the means really scatter by {means.std():.4f}")
print(f"standard error, on average  {se.mean():.4f}")
print(f"standard deviation of folds {se.mean() * np.sqrt(10):.4f}")
print(f"sqrt(p (1 - p) / pairs)     {np.sqrt(TRUE * (1 - TRUE) / (10 * PER_FOLD)):.4f}")

inside = np.mean(np.abs(means - TRUE) <= 2 * se)
print(f"the truth lies within two standard errors in {inside:.0%} of the runs")

# %% [markdown]
# Two standard errors are a fair first look, no more: ten folds estimate their own spread poorly.
# And no spread over folds sees what all folds share: the same famous people, the same press
# photographs, the same labeling errors.
#
# ## How a threshold leak inflates a score
#
# Now bend the chain. Take a scorer that knows *nothing*: random scores. Its accuracy is 0.5. Choose
# the threshold on the very pairs that are tested, and see what comes out.


# %%
def honest_and_leaky(pairs_per_fold, rng):
    """Accuracy of random scores: threshold from nine other folds, and from the tested one."""
    scores, fold = rng.standard_normal(10 * pairs_per_fold), np.repeat(range(10), pairs_per_fold)
    same = np.tile(np.arange(pairs_per_fold) % 2 == 0, 10)
    honest = fold_accuracies(scores, same, fold, nine_fold_thresholds(scores, same, fold))
    own = [fit_threshold(scores[fold == f], same[fold == f]) for f in range(10)]
    return honest.mean(), fold_accuracies(scores, same, fold, np.array(own)).mean()


sizes = (10, 20, 60, 200, 600)
rates = np.array([[honest_and_leaky(n, simulation) for _ in range(12)] for n in sizes])

# %% [markdown]
# A second leak is harder to see. Try many variants of a method, report the best on the test pairs.
# Each variant is honest by itself; the *choice* is not. Here are variants that all are right
# with the same chance:

# %%
VARIANTS = np.array([1, 3, 10, 30, 100])
tries = simulation.binomial(6000, 0.9, (400, VARIANTS.max())) / 6000
best_of = [tries[:, :n].max(axis=1).mean() for n in VARIANTS]

figure, (left, right_axes) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for column, (name, color) in enumerate((("nine other folds", BLUE), ("the tested fold", RED))):
    left.errorbar(sizes, rates[:, :, column].mean(axis=1), rates[:, :, column].std(axis=1),
                  fmt="o-", capsize=3, color=color, label=f"threshold from {name}")  # fmt: skip
left.axhline(0.5, color="0.6", ls=":")
left.set(xscale="log", xlabel="pairs in a fold", ylabel="accuracy of random scores",
         xticks=sizes, xticklabels=sizes)  # fmt: skip
left.minorticks_off()
left.legend(fontsize=8)
right_axes.plot(VARIANTS, best_of, "o-", color=RED, label="the best on the test pairs")
right_axes.axhline(0.9, color=BLUE, label="every one of them, in truth")
right_axes.set(xscale="log", xlabel="variants tried", ylabel="accuracy reported",
               xticks=VARIANTS, xticklabels=VARIANTS)  # fmt: skip
right_axes.minorticks_off()
right_axes.legend(fontsize=8)
show(figure, "simulated: two leaks", faces="")

# %% [markdown]
# The threshold leak is worst where folds are small, and for a method that knows nothing: a better
# one makes few errors near its threshold, so there is less to gain. The best of a hundred variants
# gains two standard errors on 6,000 pairs, without anybody having cheated. This is why View 1
# exists, why no threshold may be chosen in the category `unsupervised`, and why the harness never
# hands a method a label of the fold that it will be scored on.
#
# ## How many pairs carry TAR at FAR 0.001?
#
# FaceNet reports the true accept rate at a false accept rate of 0.001. View 2 has 3,000 pairs of
# different people. The threshold of that rate is set by the few that score highest:

# %%
IMPOSTORS = 3000
for rate in (0.1, 0.01, 0.001):
    print(f"FAR {rate}: at most {impostors_allowed(rate, IMPOSTORS)} of {IMPOSTORS:,} pairs")

# %%
separation = 3.0  # of two bell curves: same and different pairs
tars = {rate: [] for rate in (0.1, 0.01, 0.001)}
labels = np.repeat([True, False], IMPOSTORS)
for _ in range(300):
    sample = simulation.standard_normal(2 * IMPOSTORS) + separation * labels
    drawn = roc(sample, labels)
    for rate, found in tars.items():
        found.append(drawn.true_accept_at(rate))

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (rate, found), color in zip(tars.items(), (BLUE, GREEN, RED), strict=True):
    axes.hist(found, np.linspace(0.2, 1, 81), color=color, alpha=0.7,
              label=f"FAR {rate}: {np.mean(found):.3f} ± {np.std(found):.3f}")  # fmt: skip
axes.set(xlabel="true accept rate", ylabel="benchmarks", yticks=[])
axes.legend(fontsize=8)
show(figure, "simulated: one and the same method on 300 different benchmarks", faces="")

# %% [markdown]
# The method did not change at all. Its rate at 0.001 did, since three pairs of strangers who happen
# to look alike decide it. So read that column of our tables with care, and never compare two
# methods by it on LFW alone.
#
# ## Exercises
#
# Solutions: `notebooks/solutions/4_comparison.py`.
#
# **1.** A table prints 0.9753 ± 0.0066 and says that it is a standard deviation over ten folds.
# What is the standard error?


# %%
def standard_error_from_deviation(deviation, folds):
    """What LFW's tables would print after the ±."""
    ...


check(1, standard_error_from_deviation(0.0066, 10), 0.0066 / 10**0.5)

# %% [markdown]
# **2.** Write the true accept rate at a false accept rate: the highest that *one* threshold
# reaches with at most that share of false accepts. Mind equal scores.


# %%
def true_accept_at(scores, same, rate):
    """The highest TAR of any threshold whose FAR is at most the rate."""
    ...


coarse = np.round(scores, 1)  # many of them equal
reached = roc(coarse, same)
rates_reached = reached.false_accept_rate  # not a pair to spare at any of them
answers = [true_accept_at(coarse, same, rate) for rate in rates_reached]
expected = [reached.true_accept_at(rate) for rate in rates_reached]
check(2, None if None in answers else answers, expected)

# %% [markdown]
# **3.** If a false accept rate is to be carried by at least a hundred pairs, how many pairs of
# different people does a benchmark need?


# %%
def impostors_needed(rate, carried_by=100):
    """Least number of impostor pairs."""
    ...


check(3, impostors_needed(0.001), 100_000)

# %% [markdown]
# **4.** Two methods were run on the *same* ten folds. Their difference can be judged fold by fold:
# its mean over its standard error. Write that number. Why is it fairer than comparing two ±?


# %%
def paired_t(first, second):
    """Mean difference of two lists of fold accuracies, in its own standard errors."""
    ...


a, b = each_fold[0], each_fold[0] - 0.01 + 0.002 * np.sin(np.arange(10))
difference, error = mean_and_standard_error(a - b)
check(4, paired_t(a, b), difference / error)
