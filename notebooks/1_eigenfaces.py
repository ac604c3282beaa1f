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
# # 1. Eigenfaces: how many numbers does a face need?
#
# *After M. Turk and A. Pentland, "Eigenfaces for Recognition", Journal of Cognitive Neuroscience
# 3(1), 1991.*
#
# A small grey picture has thousands of pixels. But most sets of pixels are no face: they are
# noise, or trees, or half a wall. Faces must be rare among pictures. If they are, a face can be
# told by far fewer numbers than it has pixels. Which numbers?
#
# The answer of this lecture takes one page of linear algebra. It was the first to work at the
# speed of a camera. At the end we turn two knobs, light and pose, and watch it break.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from classroom import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    agree,
    check,
    gallery,
    lit,
    neutral,
    photograph,
    real_faces,
    show,
    sized,
    turned,
)

import eigenfaces
from common.data.synthetic_people import random_identities, random_scenes
from common.images import to_float, to_grey
from eigenfaces.config import PAPER
from eigenfaces.distances import all_euclidean_distances

# %% [markdown]
# ## The faces
#
# Real photographs differ in everything at once. To see what one cause does we need heads whose
# light and pose we can set. So these are built: a 3D head with formulas for its shape and its
# colors, drawn by a small renderer. Every picture made from them says SYNTHETIC.
#
# We draw three groups. `training` is photographed as the press does it: any light, any pose, any
# smile. `strangers` are other people, photographed the same way. Then each of these others sits
# still while we turn one knob, light or pose. `studio` is for later: the knobs of the paper.

# %%
SIDE, PEOPLE, KNOWN = 64, 48, PAPER.subjects
ANGLES = (15, 30, 45, 60)

rng = np.random.default_rng(1)
identities = random_identities(PEOPLE + KNOWN, rng)
training = random_scenes(identities, np.repeat(np.arange(PEOPLE), 4), rng)
strangers = random_scenes(identities, PEOPLE + np.arange(KNOWN), rng)
base = neutral(strangers)
lights = [lit(base, angle) for angle in ANGLES]
turns = [turned(base, angle) for angle in ANGLES]
studio = {
    "light": [lit(base, angle) for angle in (45, 90)],
    "tilt": [turned(base, 0, roll=angle) for angle in (-22.5, 22.5)],
    "size": [sized(base, share) for share in (0.8, 0.6)],
}

# %%
together = [training, strangers, base, *lights, *turns, *sum(studio.values(), [])]
drawn = photograph(*together, side=SIDE)


def as_rows(pictures):
    """Grey pixels from 0 to 1, one face a row."""
    return to_float(to_grey(pictures)).reshape(len(pictures), -1)


faces, others, frontal, *knobs = (as_rows(group.images) for group in drawn)
by_light, by_turn = knobs[: len(ANGLES)], knobs[len(ANGLES) : 2 * len(ANGLES)]
in_studio = dict(zip(studio, np.reshape(knobs[2 * len(ANGLES) :], (3, 2, KNOWN, -1)), strict=True))
print(f"{len(faces)} training faces of {faces.shape[1]:,} pixels, {len(frontal)} people to know")


def picture(rows):
    """Rows of pixels, as pictures again."""
    return np.asarray(rows).reshape(-1, SIDE, SIDE)


# %%
gallery(picture(faces[:16]), "training faces, four of each person")

# %% [markdown]
# ## The mean face, and what is left
#
# Write each face as a point $\Gamma_i$: one coordinate for each pixel. The mean of all $M$
# points is the mean face, and each face differs from it by $\Phi_i$:
#
# $$\Psi = \frac{1}{M} \sum_{i=1}^{M} \Gamma_i, \qquad \Phi_i = \Gamma_i - \Psi .$$

# %%
mean = faces.mean(axis=0)
differences = faces - mean

captions = ["mean face", *(f"face {k}, the rest" for k in range(1, 8))]
shown = [*picture(mean), *(picture(differences[:7]) + 0.5)]
gallery(shown, "the mean face, and what is left of seven faces (grey is zero)", captions)

# %% [markdown]
# ## The directions in which faces vary
#
# We look for a few directions $u_1, u_2, \dots$ along which faces spread most. Spread along a
# unit vector $u$ is the mean of $(u^T \Phi_i)^2 = u^T C u$, with the covariance matrix
#
# $$C = \frac{1}{M} \sum_{i=1}^{M} \Phi_i \Phi_i^T = \frac{1}{M} A A^T,
# \qquad A = [\Phi_1 \dots \Phi_M].$$
#
# The $u$ of largest spread is the eigenvector of $C$ with the largest eigenvalue. The second
# largest gives the second direction, and so on. These eigenvectors have as many entries as a face
# has pixels, so they can be looked at. They are the **eigenfaces**.
#
# There is one difficulty. How large is $C$?

# %%
for side in (32, 64, 250):
    pixels = side * side
    print(f"{side:3d} x {side:<3d} pixels: C is {pixels:6,} x {pixels:<6,} "
          f"= {pixels**2 * 4 / 2**20:9,.0f} MB")  # fmt: skip

# %% [markdown]
# ## The small-Gram trick
#
# $M$ faces span at most $M - 1$ dimensions, however many pixels they have. So all but $M - 1$
# eigenvalues of $C$ are zero, and we need not ask about them. Take the small matrix
# $L = A^T A$ of all inner products between faces, $M \times M$, with an eigenvector $v$:
#
# $$A^T A v = \mu v \quad\Longrightarrow\quad A A^T (A v) = \mu (A v).$$
#
# So $A v$ is an eigenvector of $A A^T$, with the same eigenvalue. It is a sum of training faces
# with weights $v$. Let us do it both ways, on faces shrunk to a quarter of their pixels, and take
# the time. (A face is a *row* here, so `A.T` of the formula is `small`.)

# %%
small = differences.reshape(-1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
small = small.reshape(len(small), -1)

start = time.perf_counter()
C = small.T @ small / len(small)
large_values, large_vectors = np.linalg.eigh(C)
large_seconds = time.perf_counter() - start
print(f"C: {C.shape}, {large_seconds:.2f} seconds")

# %%
start = time.perf_counter()
L = small @ small.T
small_values, v = np.linalg.eigh(L)
u = v.T @ small  # A v, one a row
u = u[::-1][:30] / np.linalg.norm(u[::-1][:30], axis=1, keepdims=True)
small_seconds = time.perf_counter() - start
print(f"L: {L.shape}, {small_seconds:.2f} seconds")

# %% [markdown]
# `eigh` returns the eigenvalues from small to large, so we turn them around. The eigenvalues must
# be equal, but for the factor $M$. The vectors must be equal, but for the sign, which no
# eigenvector fixes: we compare $|u \cdot u'|$ with 1.

# %%
agree("eigenvalues", small_values[::-1][:30] / len(small), large_values[::-1][:30])
same_direction = np.abs(np.sum(u * large_vectors[:, ::-1][:, :30].T, axis=1))
agree("eigenvectors", same_direction, np.ones(30), tolerance=1e-2)

# %% [markdown]
# ## The package, and the eigenfaces
#
# `eigenfaces.fit` does the same on the full faces: it takes whichever of $C$ and $L$ is smaller.

# %%
COMPONENTS = 150
space = eigenfaces.fit(faces, COMPONENTS)

values, v = np.linalg.eigh(differences @ differences.T)
by_hand = v[:, ::-1][:, :20].T @ differences
by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
package = np.asarray(space.eigenfaces)
agree("eigenvalues", values[::-1][:COMPONENTS] / len(faces), space.eigenvalues, tolerance=1e-3)
agree("eigenfaces", np.abs(np.sum(by_hand * package[:20], axis=1)), np.ones(20), tolerance=1e-2)

# %%
shares = np.asarray(space.eigenvalues) / np.mean(np.sum(differences**2, axis=1))
captions = [f"$u_{{{k + 1}}}$: {share:.1%}" for k, share in enumerate(shares[:16])]
gallery(picture(package[:16]), "eigenfaces and their share of the variance", captions, signed=True)

# %% [markdown]
# Look at them before you go on. Grey is zero; what is bright in one is dark in its negative. The
# first ones are broad: the brightness of skin, hair and backdrop, light from one side, a turned
# head. Details of single people come later, and weaker. Keep that in mind.

# %%
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(np.arange(1, COMPONENTS + 1), np.cumsum(shares), color=BLUE)
for wanted, color in ((0.8, ORANGE), (0.95, RED)):
    needed = int(np.argmax(np.cumsum(shares) >= wanted)) + 1
    axes.plot([0, needed, needed], [wanted, wanted, 0], color=color, lw=1)
    axes.annotate(f"{wanted:.0%}: {needed}", (needed, wanted), (6, -14),
                  textcoords="offset points", color=color)  # fmt: skip
axes.set(xlabel="eigenfaces", ylabel="share of the variance", xlim=(0, COMPONENTS), ylim=(0, 1.02))
show(figure, "a few eigenfaces carry most of the variance")

# %% [markdown]
# ## A face as a handful of numbers
#
# The weights of a face are its coordinates in face space; with them we can rebuild it:
#
# $$\omega_l = u_l^T (\Gamma - \Psi), \qquad
# \Gamma \approx \Psi + \sum_{l=1}^{M'} \omega_l u_l .$$

# %%
weights = (faces - mean) @ package.T
rebuilt = mean + weights @ package

agree("weights", weights, eigenfaces.project(space, faces))
agree("reconstruction", rebuilt, eigenfaces.reconstruct(space, weights))

# %%
subjects = np.stack([faces[0], faces[9], others[2]])
counts = (2, 10, 30, 80, COMPONENTS)
rows = []
for subject in subjects:
    steps = [mean + (subject - mean) @ package[:n].T @ package[:n] for n in counts]
    rows += [subject, *steps]
captions = ["face", *(f"{n} numbers" for n in counts)] * len(subjects)
gallery(picture(rows), "two training faces, and a stranger below", captions, columns=6)

# %% [markdown]
# The training faces come back. The stranger does not quite: his likeness is put together from
# other people's features, and the picture shows it. How does the error fall?

# %%
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for name, group, color in (("training faces", faces, BLUE), ("strangers", others, RED)):
    left = np.sum((group - mean) ** 2, axis=1, keepdims=True)
    left = left - np.cumsum(((group - mean) @ package.T) ** 2, axis=1)  # Pythagoras
    error = np.sqrt(np.maximum(left, 0).mean(axis=0) / SIDE**2)
    axes.plot(np.arange(1, COMPONENTS + 1), error, color=color, label=name)
axes.set(xlabel="eigenfaces", ylabel="error a pixel (white is 1)", ylim=(0, None))
axes.legend()
show(figure, "reconstruction error of faces seen in training, and of others")

# %% [markdown]
# The error on training faces must go to zero: with $M - 1$ eigenfaces it is zero. That says
# nothing about faces. The red curve does, and it flattens out.
#
# ## Is it a face at all? The distance from face space
#
# What a picture has outside of face space is
#
# $$\epsilon = \lVert \Phi - \Phi_f \rVert, \qquad \Phi_f = \sum_l \omega_l u_l .$$
#
# It is small for faces and large for other things. The paper finds faces in pictures with it.

# %%
space = eigenfaces.fit(faces, 40)
noise = np.random.default_rng(2).random((1, SIDE * SIDE), np.float32)
upside_down = picture(others[:1])[:, ::-1].reshape(1, -1)
shifted = np.roll(picture(others[:1]), 16, axis=2).reshape(1, -1)
stripes = (np.indices((SIDE, SIDE)).sum(axis=0) // 8 % 2).reshape(1, -1).astype(np.float32)
things = np.concatenate([faces[:1], others[:1], shifted, upside_down, stripes, noise])

distance = np.linalg.norm(things - mean - (things - mean) @ space.eigenfaces.T @ space.eigenfaces,
                          axis=1)  # fmt: skip
agree("distance", distance, eigenfaces.distance_from_face_space(space, things))
names = ("training face", "stranger", "shifted", "upside down", "stripes", "noise")
gallery(
    picture(things), "distance from face space",
    [f"{name}\n{value:.1f}" for name, value in zip(names, distance, strict=True)], columns=6,
)  # fmt: skip

# %% [markdown]
# One number, and it is no measure of *whose* face it is. Note the shifted face. It is as good a
# face as the stranger beside it, but its eyes lie where others have their cheeks. Face space
# wants its faces in one place. DeepFace, in the next lecture, takes that thought to its end.
#
# ## Who is it? And what breaks
#
# A person is known by the weights of one frontal picture. A new picture is whoever lies nearest:
# $\epsilon_k = \lVert \Omega - \Omega_k \rVert$, least over $k$. First nothing changes but a
# little noise; then we turn one knob at a time.

# %%
k = int(frontal.mean(axis=1).argmax())  # the fairest skin shows the light best
gallery(
    picture([frontal[k], *(g[k] for g in by_light), frontal[k], *(g[k] for g in by_turn)]),
    "one person, two knobs: the light's direction, and yaw",
    ["frontal", *(f"light {a}°" for a in ANGLES), "frontal", *(f"yaw {a}°" for a in ANGLES)],
    columns=5,
)  # fmt: skip


# %%
def recognized(space, known, probes):
    """Share of the probes whose nearest known face is the same person (the same row)."""
    first, second = eigenfaces.project(space, probes), eigenfaces.project(space, known)
    distances = np.asarray(all_euclidean_distances(first, second))
    return float(np.mean(distances.argmin(axis=1) == np.arange(len(known))))


noisy = frontal + 0.02 * np.random.default_rng(3).standard_normal(frontal.shape).astype(np.float32)
nothing = recognized(space, frontal, noisy)
right_by_light = [nothing, *(recognized(space, frontal, group) for group in by_light)]
right_by_turn = [nothing, *(recognized(space, frontal, group) for group in by_turn)]

# %% [markdown]
# Why does it break? Compare two distances in face space. One is between *different people* under
# equal conditions. The other is between *one person and himself*, with the knob turned.

# %%
omega = np.asarray(eigenfaces.project(space, frontal))
between = np.linalg.norm(omega[:, None] - omega, axis=2)[np.triu_indices(KNOWN, 1)]


def moved(groups):
    """How far the knob moves people in face space, on average."""
    each = [np.asarray(eigenfaces.project(space, group)) - omega for group in groups]
    return [0.0, *(np.linalg.norm(change, axis=1).mean() for change in each)]


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for name, share, groups, color in (
    ("light", right_by_light, by_light, ORANGE), ("yaw", right_by_turn, by_turn, BLUE)
):  # fmt: skip
    left.plot((0, *ANGLES), share, "o-", color=color, label=name)
    right.plot((0, *ANGLES), moved(groups), "o-", color=color, label=f"one person, {name}")
left.axhline(1 / KNOWN, color="0.5", ls=":", label="guessing")
right.axhspan(*np.quantile(between, [0.1, 0.9]), color=GREEN, alpha=0.25,
              label="different people (80 %)")  # fmt: skip
left.set(xlabel="degrees", ylabel="share recognized", ylim=(0, 1.05))
right.set(xlabel="degrees", ylabel="distance in face space", ylim=(0, None))
left.legend()
right.legend()
show(figure, f"{KNOWN} people, one known picture each")

# %% [markdown]
# When the line enters the green band, turning the knob moves you as far as becoming somebody
# else. From there on the nearest neighbor is a lottery.
#
# This is no accident of our heads. The paper knew its people by one picture each, in a face space
# of these pictures alone, and changed one thing at a time: light, the tilt of the head, its size.
# Its database is not to be had today (docs/eigenfaces.md, deviation 4), so its experiment is
# re-enacted here on synthetic heads, in as many dimensions.

# %%
own_space = eigenfaces.fit(frontal, PAPER.components)
published = (PAPER.accuracy_lighting, PAPER.accuracy_orientation, PAPER.accuracy_size)
print(f"{KNOWN} people, {PAPER.components} eigenfaces  the paper  SYNTHETIC heads")
for (name, groups), share in zip(in_studio.items(), published, strict=True):
    ours = np.mean([recognized(own_space, frontal, group) for group in groups])
    print(f"recognized, other {name:5s} {share:12.0%} {ours:16.0%}")

columns = [frontal[k], *(group[k] for groups in in_studio.values() for group in groups)]
captions = ["known", *(f"other {name}" for name in in_studio for _ in range(2))]
gallery(picture(columns), "the paper's three knobs", captions, columns=7)

# %% [markdown]
# Compare the order, not the digits. Light, which moves no pixel, does least harm. Size does most:
# then nothing lies where it lay.
#
# **Where does it go wrong in the equation?** Eigenfaces keep the directions of largest *variance*.
# Nobody told them which variance is identity. Split it by direction:

# %%
identity = omega.var(axis=0)
light = np.mean((np.asarray(eigenfaces.project(space, by_light[-1])) - omega) ** 2, axis=0) / 2
yaw = np.mean((np.asarray(eigenfaces.project(space, by_turn[1])) - omega) ** 2, axis=0) / 2

figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
place = np.arange(1, 21)
for shift, (name, part, color) in enumerate(
    (("who it is", identity, GREEN), (f"light, {ANGLES[-1]}°", light, ORANGE),
     (f"yaw, {ANGLES[1]}°", yaw, BLUE))
):  # fmt: skip
    axes.bar(place + 0.27 * (shift - 1), part[:20], 0.27, color=color, label=name)
axes.set(xlabel="eigenface", ylabel="variance", xticks=place, yscale="log")
axes.legend()
show(figure, "what moves the weight of each eigenface")

# %% [markdown]
# A direction is useful where green stands above the others. In many of the strong directions it
# does not. Two ways out were found in the years after:
#
# * **Drop** the first few eigenfaces, or whiten: divide each weight by its spread (exercise 3).
# * **Ask for identity**: choose directions in which people differ more than one person does.
#   These are Fisherfaces (Belhumeur, Hespanha, Kriegman 1997), `eigenfaces.fit_fisherfaces`.
#
# Both stay linear. A turned head is not a linear thing: pixels *move*. That needs geometry
# (lecture 2), or very many examples (lecture 3).
#
# ## The same on real photographs
#
# Where `LFW_DIR` names a copy of Labeled Faces in the Wild, we do it once more, with nothing built.

# %%
real = real_faces()
if real is not None:
    from experiments.faces import CENTER, grey_faces, windowed

    numbers = real.view1_train.images()[:600]
    photos = to_float(windowed(grey_faces(real, numbers), CENTER, (SIDE, SIDE)))
    photos = photos.reshape(len(photos), -1)
    wild = eigenfaces.fit(photos, 100)
    spread = np.mean(np.sum((photos - wild.mean) ** 2, axis=1))
    captions = [f"{value / spread:.1%}" for value in np.asarray(wild.eigenvalues)[:15]]
    gallery(picture(wild.mean), "the mean face", columns=3, faces="Labeled Faces in the Wild")
    gallery(picture(wild.eigenfaces[:15]), "eigenfaces and their share of the variance", captions,
            signed=True, faces="Labeled Faces in the Wild")  # fmt: skip

# %% [markdown]
# How well does it do there? The record of this project says it; lecture 4 explains how to read it.

# %%
from common.records import read_all
from experiments.tables import RECORDS

for record in read_all(RECORDS):
    if record.row == "eigenfaces":
        found = record.metrics["accuracy"]
        print(f"{record.variant:13s} {found['mean']:.4f} ± {found['standard_error']:.4f} "
              f"of LFW's pairs right; guessing is 0.5")  # fmt: skip

# %% [markdown]
# ## Exercises
#
# Replace each `...`. Every cell judges itself. Solutions: `notebooks/solutions/1_eigenfaces.py`.
#
# **1.** How many eigenfaces carry a given share of the variance? The eigenvalues come in
# descending order, and they are all there are.


# %%
def components_for(eigenvalues, share):
    """The least number of components with at least this share of the variance."""
    ...


check(1, components_for(np.array([5.0, 3.0, 1.0, 1.0]), 0.75), 2)

# %% [markdown]
# **2.** $\Phi_f$ is perpendicular to $\Phi - \Phi_f$. So the distance from face space follows from
# the lengths of $\Phi$ and $\Omega$ alone, without rebuilding the picture. Write it. (Then think:
# why does the package not do it so?)


# %%
def distance_by_pythagoras(mean, eigenfaces, images):
    """The distance of each image from face space; images are rows."""
    ...


check(2, distance_by_pythagoras(mean, np.asarray(space.eigenfaces), things), distance,
      tolerance=1e-2)  # fmt: skip

# %% [markdown]
# **3.** Recognize people with the first few eigenfaces dropped, and the other weights divided by
# the square root of their eigenvalue. Does it help against light? Against yaw?


# %%
def recognized_whitened(known, probes, eigenvalues, dropped):
    """Share of the rows of probe weights that are nearest to the same row of known weights."""
    ...


eigenvalues = np.asarray(space.eigenvalues)
mine, expected = [], []
for group in (*by_light, *by_turn):
    probes = np.asarray(eigenfaces.project(space, group))
    mine.append(recognized_whitened(omega, probes, eigenvalues, 3))
    # Mahalanobis' distance is the same thing, and divides no weight.
    change = probes[:, None, 3:] - omega[:, 3:]
    squares = np.einsum("pkl,lm,pkm->pk", change, np.linalg.inv(np.diag(eigenvalues[3:])), change)
    expected.append(np.mean(np.argmin(squares, axis=1) == np.arange(KNOWN)))
solved = None not in mine
check(3, mine if solved else None, expected)
if solved:
    for number, plain in enumerate((*right_by_light[1:], *right_by_turn[1:])):
        knob = ("light", "yaw")[number // len(ANGLES)]
        print(f"{knob:5s} {ANGLES[number % len(ANGLES)]}°: whitened {mine[number]:.2f}, "
              f"plain {plain:.2f}")  # fmt: skip

# %% [markdown]
# **4.** Which of the two matrices should one solve, and how many numbers does it hold?


# %%
def cheaper_matrix(images, pixels):
    """("C" or "L", how many numbers it has); L if both are of one size."""
    ...


check(4, cheaper_matrix(7000, 62500), ("L", 49_000_000))
