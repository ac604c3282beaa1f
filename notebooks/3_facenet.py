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
# # 3. FaceNet: learn the distance itself
#
# *After F. Schroff, D. Kalenichenko, J. Philbin, "FaceNet: A Unified Embedding for Face
# Recognition and Clustering", CVPR 2015.*
#
# DeepFace learned to name ten (or four thousand) people, threw the names away, and hoped that the
# layer before them would tell other people apart. Why not ask for what we want? We want a map
# $f$ from faces to points, so that **near means same, and far means different**. Nothing else.
#
# The loss that asks for it fits in one line. Most of this lecture is about the question which
# examples to feed it. Choose badly, and all faces fall into one point.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from classroom import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    SKY,
    agree,
    check,
    gallery,
    photograph,
    real_faces,
    show,
)

import eigenfaces
from common.data.synthetic_people import random_identities, random_scenes
from common.images import to_float, to_grey
from common.layers import unit_sphere
from facenet_jax.collapse import CollapseAlarm, CollapseError
from facenet_jax.config import PAPER
from facenet_jax.mining import Mining
from facenet_jax.tally import squared_distances
from facenet_jax.triplets import triplet_loss

MARGIN = PAPER.margin

# %% [markdown]
# ## The triplet
#
# Take three faces: an **anchor** $a$, a **positive** $p$ of the same person, a **negative** $n$ of
# somebody else. All are brought to length 1, so they lie on a sphere. We want the negative to be
# farther from the anchor than the positive, by a margin $\alpha$:
#
# $$\lVert f_a - f_p \rVert^2 + \alpha < \lVert f_a - f_n \rVert^2 ,$$
#
# and what is lacking is the loss:
#
# $$L = \Bigl[\, \lVert f_a - f_p \rVert^2 - \lVert f_a - f_n \rVert^2 + \alpha \,\Bigr]_+ .$$
#
# Distances are *squared*: from 0 to 4 on the sphere. The paper's $\alpha$ is in that unit.


# %%
def on_circle(degrees):
    """Points of the unit circle."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def squared(a, b):
    """The squared distance."""
    return np.sum((a - b) ** 2, axis=-1)


z = on_circle([0, 40, -44])
labels = np.array([7, 7, 3])
anchor, positive, negative = z
one = squared(anchor, positive) - squared(anchor, negative) + MARGIN
print(f"d_ap {squared(anchor, positive):.3f}, d_an {squared(anchor, negative):.3f}, loss {one:.3f}")

# %% [markdown]
# Any two faces of a person make a pair, in both orders. Here the pair can also be read the other
# way, with the positive as anchor; from there the negative is far away, and the loss is 0. The
# package takes the mean over both pairs.

# %%
other = max(squared(positive, anchor) - squared(positive, negative) + MARGIN, 0)
loss, statistics = triplet_loss(jnp.asarray(z, jnp.float32), labels)
agree("loss", (one + other) / 2, loss)
agree("distances", squared(z[:, None], z), squared_distances(*[jnp.asarray(z, jnp.float32)] * 2))

# %% [markdown]
# ## Easy, semi-hard, hard
#
# Fix the anchor and the positive, and let the negative walk around the circle.
#
# * **easy**: $d_{an} \ge d_{ap} + \alpha$. The loss is 0, and there is nothing to learn.
# * **semi-hard**: $d_{ap} < d_{an} < d_{ap} + \alpha$. Farther than the positive, but not enough.
# * **hard**: $d_{an} \le d_{ap}$. A stranger is nearer than one's own second picture.

# %%
around = np.linspace(-180, 180, 1441)
d_ap, d_an = squared(anchor, positive), squared(anchor, on_circle(around))
zones = {
    "hard": (d_an <= d_ap, RED),
    "semi-hard": ((d_an > d_ap) & (d_an < d_ap + MARGIN), ORANGE),
    "easy": (d_an >= d_ap + MARGIN, SKY),
}

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for name, (zone, color) in zones.items():
    left.scatter(*on_circle(around[zone]).T, s=26, color=color, label=name)
    right.scatter(around[zone], np.maximum(d_ap - d_an + MARGIN, 0)[zone], s=8, color=color)
for point, name in ((anchor, "anchor"), (positive, "positive")):
    left.plot(*point, "o", ms=12, color="black")
    left.annotate(name, 0.8 * point, ha="right", va="center")
left.set(aspect="equal", xticks=[], yticks=[])
left.legend(loc="center", bbox_to_anchor=(0.35, 0.5), fontsize=9)
right.set(xlabel="angle of the negative in degrees", ylabel="loss", xticks=range(-180, 181, 60))
show(figure, "where a negative is hard, semi-hard, easy", faces="")

# %% [markdown]
# Almost all of the circle is easy. In a real batch it is the same: most triplets teach nothing,
# and there are very many of them. So triplets are **mined**: chosen within the batch, by the
# distances as they are now.
#
# ## The gradient, as arrows
#
# While the loss is above zero it is a difference of two squares, so
#
# $$\frac{\partial L}{\partial f_a} = 2 (f_n - f_p), \qquad
# \frac{\partial L}{\partial f_p} = 2 (f_p - f_a), \qquad
# \frac{\partial L}{\partial f_n} = 2 (f_a - f_n) .$$

# %%
by_hand = np.stack([2 * (negative - positive), 2 * (positive - anchor), 2 * (anchor - negative)])
gradient = jax.grad(lambda z: triplet_loss(z, labels)[0])(jnp.asarray(z, jnp.float32))
agree("gradient (half of it, for two pairs)", by_hand / 2, gradient)

# %%
tangent = np.stack([-z[:, 1], z[:, 0]], axis=1)
along = np.sum(-by_hand * tangent, axis=1, keepdims=True) * tangent  # what the sphere lets through

figure, axes = plt.subplots(figsize=(5.2, 4.6), layout="constrained")
axes.plot(*on_circle(around).T, color="0.8")
for point, free, kept, name, color in zip(
    z, -by_hand, along, ("anchor", "positive", "negative"), ("black", BLUE, RED), strict=True
):
    axes.plot(*point, "o", ms=11, color=color)
    axes.annotate(name, 0.85 * point, ha="right", va="center", color=color)
    axes.quiver(*point, *(0.3 * free), angles="xy", scale_units="xy", scale=1, color=color,
                width=0.006, alpha=0.35)  # fmt: skip
    axes.quiver(*point, *(0.3 * kept), angles="xy", scale_units="xy", scale=1, color=color,
                width=0.012)  # fmt: skip
axes.set(aspect="equal", xlim=(-0.2, 1.7), ylim=(-1.2, 1.2), xticks=[], yticks=[])
show(figure, "one step downhill: pale the gradient, dark its part along the circle", faces="")

# %% [markdown]
# Read the arrows. The positive is pulled to the anchor. The negative is pushed away from it. The
# anchor runs away from the negative and toward the positive. And note the *lengths*: the push on
# the negative is as long as its distance from the anchor. A negative that lies **on** the anchor
# is not pushed at all. Keep that in mind for the end.
#
# ## Watching an embedding form
#
# Eight synthetic people. To make it a matter of seconds, the network is small, and it sees 40
# whitened face-space coordinates (lecture 1) in place of pixels. The embedding has three
# dimensions, so the sphere can be drawn; the paper's has 128.

# %%
PEOPLE, PHOTOS, NEW, SIDE = 8, 12, 4, 64

rng = np.random.default_rng(6)
who = np.repeat(np.arange(PEOPLE), PHOTOS + NEW)
scenes = random_scenes(random_identities(PEOPLE, rng), who, rng)
(drawn,) = photograph(scenes, side=SIDE)
faces = to_float(to_grey(drawn.images))[:, 12:50, 14:50].reshape(len(who), -1)  # no backdrop
new = np.arange(len(who)) % (PHOTOS + NEW) >= PHOTOS

gallery(drawn.images[:: PHOTOS + NEW], "the eight people")
space = eigenfaces.fit(faces[~new], 40)
inputs = np.asarray(eigenfaces.whiten(eigenfaces.project(space, faces), space.eigenvalues))


# %%
def first_weights(seed):
    """Of a network with one hidden layer: 40 inputs, 64 units, a point on the sphere."""
    draw = np.random.default_rng(seed)
    one, two = draw.standard_normal((40, 64)), draw.standard_normal((64, 3))
    start = (one * np.sqrt(2 / 40), np.zeros(64), two / 8, np.zeros(3))
    return [jnp.asarray(part, jnp.float32) for part in start]


def embed(weights, x):
    """f(x): a point on the unit sphere for each row."""
    w1, b1, w2, b2 = weights
    return unit_sphere(jax.nn.relu(x @ w1 + b1) @ w2 + b2)


def make_step(mining, optimizer):
    """The jitted step on all training faces at once."""
    x, y = jnp.asarray(inputs[~new]), jnp.asarray(who[~new])

    @jax.jit
    def step(weights, moments):
        def loss_of(weights):
            return triplet_loss(embed(weights, x), y, mining)

        (loss, seen), slope = jax.value_and_grad(loss_of, has_aux=True)(weights)
        update, moments = optimizer.update(slope, moments)
        return optax.apply_updates(weights, update), moments, loss, seen

    return step


# %% [markdown]
# The paper trains with AdaGrad and semi-hard negatives: for every pair of faces of one person the
# nearest negative in the window. So do we.

# %%
optimizer = optax.adagrad(0.1)
step = make_step(Mining("semi-hard", MARGIN), optimizer)
weights = first_weights(0)
moments = optimizer.init(weights)

history, snapshots = [], {}
for number in range(151):
    if number in (0, 5, 15, 150):
        snapshots[number] = np.asarray(embed(weights, inputs))
    weights, moments, loss, seen = step(weights, moments)
    history.append((float(loss), *(float(value) for value in seen)))
history = {"loss": np.array(history)[:, 0]} | {
    name: np.array(history)[:, k + 1] for k, name in enumerate(seen._fields)
}

# %% [markdown]
# The sphere is drawn as a map of equal areas: longitude to the right, height upward. Dots are
# training faces, crosses are new pictures of the same people.

# %%
COLORS = plt.colormaps["tab10"](np.arange(PEOPLE))


def draw_map(axes, points, title):
    """The sphere, unrolled."""
    longitude = np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    for part, marker, size in ((~new, "o", 14), (new, "x", 28)):
        axes.scatter(longitude[part], points[part, 2], c=COLORS[who[part]], marker=marker, s=size)
    axes.set(xlim=(-180, 180), ylim=(-1.05, 1.05), xticks=[-180, 0, 180], yticks=[-1, 0, 1])
    axes.set_title(title, fontsize=9)


figure, grid = plt.subplots(2, 2, figsize=(9, 5.4), layout="constrained")
for axes, (number, points) in zip(grid.flat, snapshots.items(), strict=True):
    draw_map(axes, points, f"after {number} steps")
show(figure, "an embedding forms; a color is a person")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
left.plot(history["d_ap"], color=BLUE, label="one person, mean $d_{ap}$")
left.plot(history["d_an"], color=RED, label="two people, mean $d_{an}$")
right.plot(history["loss"], color="black", label="loss")
right.plot(history["found"], color=ORANGE, label="pairs with a semi-hard negative")
for axes in (left, right):
    axes.set(xlabel="step", ylim=(0, None))
    axes.legend(fontsize=8)
show(figure, "distances part; then there is less and less to learn from")

final = snapshots[150]
nearest = who[~new][squared(final[new][:, None], final[~new]).argmin(axis=1)]
print(f"new pictures whose nearest training face is the right person: "
      f"{np.mean(nearest == who[new]):.0%}")  # fmt: skip

# %% [markdown]
# Eight people are soon told apart: no pair has a semi-hard negative left, and learning stops, long
# before *new* pictures (the crosses) are where they should be. With many people, mining always
# finds triplets that still cost something, and the loss of a network that learns may hardly fall.
# Watch the distances, and the share of
# pairs for which a triplet was found.
#
# ## Collapse, on purpose
#
# Semi-hard sounds timid. Why not take the **hardest** negative for every pair? It is the worst
# mistake of the batch, so it should teach most. The same start, the same optimizer; one word is
# different. The alarm of the package looks on, and says what it would have stopped with.

# %%
hardest_step = make_step(Mining("hardest", MARGIN), optimizer)
weights = first_weights(0)
moments = optimizer.init(weights)
alarm = CollapseAlarm(smallest_spread=0.01)

spreads, losses, rang, last_words = [], [], None, ""
for number in range(151):
    weights, moments, loss, seen = hardest_step(weights, moments)
    spreads.append(float(seen.spread))
    losses.append(float(loss))
    if rang is None:
        try:
            alarm.look(number, seen)
        except CollapseError as error:
            rang, last_words = number, str(error)
print(last_words)

# %% [markdown]
# The **spread** is what the alarm looks at: the mean squared distance of the points from their
# mean, near 1 when they fill the sphere and 0 when all are one point (exercise 5). Both runs below
# began with the same weights, the same faces and the same optimizer.

# %%
figure, grid = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
grid[0].plot(history["spread"], color=GREEN, label="semi-hard")
grid[0].plot(spreads, color=RED, label="hardest")
grid[0].axhline(alarm.smallest_spread, color="0.5", ls=":", label="the alarm's limit")
if rang is not None:
    grid[0].axvline(rang, color=RED, lw=1, ls="--", label=f"alarm at step {rang}")
grid[0].set(yscale="log", xlabel="step", ylabel="spread")
grid[0].legend(fontsize=8)
grid[1].plot(history["loss"], color=GREEN)
grid[1].plot(losses, color=RED)
grid[1].axhline(MARGIN, color="0.5", ls=":")
grid[1].set(xlabel="step", ylabel="loss (dotted: the margin)", ylim=(0, 1))
draw_map(grid[2], np.asarray(embed(weights, inputs)), "the hardest negatives' map")
show(figure, "collapse: everybody in one place")

# %% [markdown]
# The loss is stuck at the margin: if all points coincide, then $d_{ap} = d_{an} = 0$ and every
# triplet costs exactly $\alpha$. Why does it go there, and why does it stay?
#
# Look at the arrows again. For a *hardest* negative, $f_n \approx f_a$, so the push on it,
# $2 (f_a - f_n)$, is nearly nothing. The pull on the positive, $2 (f_p - f_a)$, is as long as the
# pair is far apart. Pulls win everywhere, and everything is pulled together. Once there, *all*
# arrows are short: a network has to be lucky to get out. With semi-hard negatives $d_{an} > d_{ap}$
# by definition, so the push is longer than the pull in every triplet. That is the reason for the
# window, and for the one sentence in the paper that warns of the hardest negatives.
#
# ## The same on real photographs
#
# A small network that was trained on photographs ships with the project. Where `LFW_DIR` names a
# copy of Labeled Faces in the Wild, here are the distances of some of its pairs, and two thresholds
# that stand beside the weights, fitted on other photographs.

# %%
real = real_faces()
if real is not None:
    from common.landmarks.crops import lfw_squares
    from deepface_jax.aligner import Aligner
    from deepface_jax.config import AlignConfig
    from facenet_jax import Embedder

    pairs = real.view1_train  # for choosing and for looking; View 2 is for reporting
    chosen = np.concatenate([np.flatnonzero(pairs.same)[:100], np.flatnonzero(~pairs.same)[:100]])
    numbers = np.unique(np.concatenate([pairs.first[chosen], pairs.second[chosen]]))
    photos = np.stack([real.images[int(number)] for number in numbers])
    squares = lfw_squares(len(photos), photos.shape[1])
    faces = Aligner(config=AlignConfig(stage="2d"))(photos, squares).images
    embedder = Embedder.load()
    z = embedder.embed(faces)
    first, second = (np.searchsorted(numbers, side[chosen]) for side in (pairs.first, pairs.second))
    distances = embedder.distance(z[first], z[second])

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    bins = np.linspace(0, 4, 41).tolist()
    for same, color, name in ((True, BLUE, "one person"), (False, ORANGE, "two people")):
        axes.hist(distances[pairs.same[chosen] == same], bins, color=color, alpha=0.6, label=name)
    for point, dots in ((embedder, "-"), (embedder.at(0.001), ":")):
        rate = f"false accept rate {point.false_accept_rate:.2g}"
        axes.axvline(point.threshold, color="0.3", ls=dots, label=f"threshold, {rate}")
    axes.set(xlabel="squared distance", ylabel="pairs")
    axes.legend(fontsize=8)
    show(figure, "200 pairs of View 1, and two thresholds", faces="Labeled Faces in the Wild")

# %% [markdown]
# A threshold is a choice, not a property of the network: the farther to the left, the fewer
# strangers are taken for one person, and the more often somebody is not recognized. How the two
# trade is the ROC curve of the next lecture.
#
# And count the pairs of two people to the left of the first line: are they as few as its rate says?
# The rate was measured on other photographs. A threshold does not travel well; measure it on
# pictures like those that you will decide about.
#
# ## Exercises
#
# Solutions: `notebooks/solutions/3_facenet.py`.
#
# **1.** Name a triplet by its two squared distances: `"hard"`, `"semi-hard"` or `"easy"`. The
# window is open at both ends; what lies on its border is hard on the near side, easy on the far.


# %%
def kind_of_triplet(d_ap, d_an, margin):
    """ "hard", "semi-hard" or "easy"."""
    ...


check(1, kind_of_triplet(0.5, 0.6, 0.2), "semi-hard")

# %% [markdown]
# **2.** The loss of a whole batch, in loops: for each ordered pair of one person the *nearest*
# semi-hard negative, if there is one; the sum of the losses, divided by the number of pairs.


# %%
def semi_hard_loss(embeddings, labels, margin):
    """The loss of a batch, as a mean over its ordered pairs."""
    ...


trained = snapshots[5][~new]
check(2, semi_hard_loss(trained, who[~new], MARGIN), history["loss"][5], tolerance=1e-3)

# %% [markdown]
# **3.** The gradient of one triplet's loss. Mind the triplets that cost nothing.


# %%
def triplet_gradient(anchor, positive, negative, margin):
    """Gradient of one triplet's loss for anchor, positive and negative."""
    ...


answer = triplet_gradient(anchor, positive, negative, MARGIN)
check(3, answer if answer is None else np.stack(answer), by_hand)

# %% [markdown]
# **4.** How many ordered triplets are there in a batch of 45 identities with 40 faces each, about
# the paper's batch? Then you know why nobody lists them.


# %%
def triplets_of_batch(identities, faces):
    """Ordered triplets (anchor, positive, negative) in a batch of so many faces an identity."""
    ...


check(4, triplets_of_batch(45, 40), 45 * 40 * 39 * 44 * 40)

# %% [markdown]
# **5.** The number that the alarm watches.


# %%
def spread(embeddings):
    """Mean squared distance of the embeddings from their mean."""
    ...


check(5, spread(final[~new]), history["spread"][150], tolerance=1e-3)
