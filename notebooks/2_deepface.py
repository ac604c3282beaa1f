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
# # 2. DeepFace: put every pixel in its place, then learn
#
# *After Y. Taigman, M. Yang, M. Ranzato, L. Wolf, "DeepFace: Closing the Gap to Human-Level
# Performance in Face Verification", CVPR 2014.*
#
# Lecture 1 ended with a turned head: pixels move, and everything that counts pixels fails.
# DeepFace gives two answers, and they belong together:
#
# 1. **Alignment.** Fit a 3D face to the photograph, and turn it to the front.
# 2. **Locality.** When the left eye always lies at the same pixels, a network need not look for
#    it. It can keep filters of its own for that place.
#
# How far does a fixed 3D face take us? And what does a filter for every place cost?

# %%
from dataclasses import replace

import jax
import jax.numpy as jnp
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
    agree,
    check,
    gallery,
    neutral,
    photograph,
    real_faces,
    show,
    turned,
)

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import take
from common.geometry import apply, fit_affine, warp
from common.images import to_float
from common.roc import roc
from deepface_jax import frontalize_batch
from deepface_jax.align import similarity_to_anchors
from deepface_jax.config import PAPER, AlignConfig
from deepface_jax.face_model import ANCHORS, assemble, generic_face
from deepface_jax.frontalize import fit_affine_camera, frontal_targets
from deepface_jax.locally_connected import locally_connected, locally_connected_reference
from deepface_jax.model import parameter_table
from deepface_jax.network_config import DF_4_4K, SMALL
from deepface_jax.normalize import maximum_of, normalize
from deepface_jax.placement import anchors, reference, six_fiducials
from deepface_jax.train import SMALL_DATA, Batch, make_classify, make_features, make_step, start
from deepface_jax.verify import inner_product

# %% [markdown]
# ## The faces
#
# Synthetic heads again: we know where their landmarks are, so nothing of what we see is a
# detector's fault. One head to look at; eight heads at five angles; ten people to train on, twenty
# pictures and four more of each; and eight strangers.

# %%
SIDE, ANGLES = 200, (0, 15, 30, 45, 60)
CLASSES, PHOTOS, HELD_OUT, STRANGERS = 10, 20, 4, 8

rng = np.random.default_rng(3)
identities = random_identities(CLASSES + STRANGERS, rng)
labels = np.repeat(np.arange(CLASSES), PHOTOS + HELD_OUT)
class_scenes = random_scenes(identities, labels, rng)
others = CLASSES + np.repeat(np.arange(STRANGERS), 5)
other_scenes = random_scenes(identities, others, rng)

still = neutral(take(other_scenes, slice(0, None, 5)))
HERO_POSE = (35, -4, 9)  # yaw, pitch, roll in degrees
hero = take(still, slice(4, 5))._replace(pose=np.array([HERO_POSE], np.float32))
drawn = photograph(hero, *(turned(still, a) for a in ANGLES), class_scenes, other_scenes, side=SIDE)
(hero, *turns), class_photos, other_photos = drawn[:6], drawn[6], drawn[7]

# %%
picture, landmarks = hero.images[0], hero.landmarks[0]
face = assemble(generic_face().landmarks)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.imshow(picture)
left.scatter(*landmarks.T, s=5, color="white")
left.scatter(*six_fiducials(landmarks).T, s=40, color=ORANGE, edgecolor="black")
left.axis("off")
left.set_title("68 landmarks; orange: six fiducials", fontsize=9)
for axis, color in ((0, BLUE), (2, RED)):
    right.scatter(face.landmarks[:, axis], -face.landmarks[:, 1], s=8, color=color,
                  label="from the front" if axis == 0 else "from the side")  # fmt: skip
right.set(aspect="equal", xlabel="in distances between the eyes")
right.set_title("the generic 3D face", fontsize=9)
right.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
show(figure, "a turned head, and what we know of heads in general")

# %% [markdown]
# ## Step 1: move, turn, scale
#
# Six fiducials (eyes, nose tip, mouth) shall lie on six fixed anchors. Allowed are a scale $s$, a
# rotation $R$ and a shift $t$:
#
# $$x_\text{anchor} = s\,[R \mid t]\, x_\text{source} .$$
#
# With $a = s\cos\theta$ and $b = s\sin\theta$ that is linear in four unknowns. Two equations a
# point, least squares:

# %%
source, target = six_fiducials(landmarks), anchors(face, PAPER)
rows = [[(x, -y, 1, 0), (y, x, 0, 1)] for x, y in source]
a, b, shift_x, shift_y = np.linalg.lstsq(np.concatenate(rows), target.reshape(-1))[0]
by_hand = np.array([[a, -b, shift_x], [b, a, shift_y]])

T_2d = np.asarray(similarity_to_anchors(landmarks.astype(np.float32), face))
agree("T_2d", by_hand, T_2d)

image = to_float(picture)
crop = np.asarray(warp(jnp.asarray(image), T_2d, PAPER.size, PAPER.size))

# %% [markdown]
# ## Step 2: a camera
#
# Now 67 landmarks $x_\text{2d}$ of the crop, and the same 67 points $x_\text{3d}$ of the generic
# face. How was the head held? An affine camera $P$, $2 \times 4$, says where a 3D point is seen:
#
# $$x_\text{2d} = X_\text{3d} \vec P, \qquad
# X_\text{3d} = \begin{bmatrix} x_\text{3d}^T & 1 & 0 \\ 0 & x_\text{3d}^T & 1 \end{bmatrix}
# \text{ for each point.}$$
#
# Some landmarks are found less surely than others: $\Sigma$ is the covariance of their errors.
# We want the $P$ of least $r^T \Sigma^{-1} r$ with $r = x_\text{2d} - X_\text{3d} \vec P$. With
# $\Sigma = L L^T$, multiply everything by $L^{-1}$: then it is ordinary least squares.

# %%
x_3d = reference(face, PAPER)[: len(ANCHORS)]
x_2d = np.asarray(apply(T_2d, landmarks.astype(np.float32)))[ANCHORS]

homogeneous = np.concatenate([x_3d, np.ones((len(x_3d), 1))], axis=1)
X = np.kron(homogeneous[:, None], np.eye(2)[:, :, None]).reshape(2 * len(x_3d), 8)
L = np.linalg.cholesky(face.covariance)
P = np.linalg.lstsq(np.linalg.solve(L, X), np.linalg.solve(L, x_2d.reshape(-1)))[0]
P = P.reshape(2, 4)

camera = fit_affine_camera(x_3d, x_2d, face.covariance)
agree("camera", P, camera, tolerance=1e-3)

# %% [markdown]
# ## Step 3: what is left is the person
#
# No camera brings the generic face onto this person's landmarks, because this is not a generic
# person. The residual $r$ is added to the target, so that people keep their own shape:
#
# $$\tilde x_\text{3d} = (x, y)_\text{3d} + r .$$

# %%
residual = x_2d - homogeneous @ P.T
own_target = x_3d[:, :2] + residual
agree("targets", own_target, frontal_targets(x_3d, x_2d, camera), tolerance=1e-3)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for axes in (left, right):
    axes.imshow(crop, alpha=0.6 if axes is left else 0.25)
    axes.axis("off")
left.scatter(*x_2d.T, s=14, color=BLUE, label="landmarks")
left.scatter(*(homogeneous @ P.T).T, s=14, color=ORANGE, label="generic face, seen by P")
right.scatter(*x_3d[:, :2].T, s=14, color=ORANGE, label="generic face from the front")
right.scatter(*own_target.T, s=14, color=GREEN, label="with the residual: this person's")
right.quiver(*x_3d[:, :2].T, *residual.T, angles="xy", scale_units="xy", scale=1, width=0.004)
for axes in (left, right):
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2)
show(figure, "the camera's fit, and the residual")

# %% [markdown]
# ## Step 4: a warp, triangle by triangle
#
# The points are the corners of triangles. Inside of one, the warp is affine: six numbers, fixed by
# three corners. For every pixel of the *output* we ask where it comes from, so no pixel is left
# out. One triangle by hand:

# %%
corners = face.skin[40]
there, here = own_target[face.anchor[corners]], x_2d[face.anchor[corners]]
A = np.linalg.solve(np.column_stack([there, np.ones(3)]), here).T
agree("one triangle", A, fit_affine(there, here), tolerance=1e-2)
middle = there.mean(axis=0)
print(f"output pixel {middle.round(1)} comes from {(A @ [*middle, 1]).round(1)} of the crop")

# %% [markdown]
# What the camera did not see is taken from the other side of the face, which is nearly its mirror
# image. All stages together are Figure 1 of the paper:

# %%
from experiments.alignment.figure1_panels import draw
from experiments.alignment.figure1_stages import stages

stages_of_hero = stages(picture, landmarks, face)
show(draw(stages_of_hero, face), "Figure 1 of the paper, from our stages")

# %% [markdown]
# ## How far does it carry?
#
# Eight heads, five angles. Light and expression stay, so after a perfect alignment nothing would
# change. We measure how much does.


# %%
def aligned(photos, config):
    """Faces as the network gets them."""
    images, points = to_float(photos.images), photos.landmarks.astype(np.float32)
    return np.asarray(frontalize_batch(images, points, face, config).image)


by_stage = {}
for stage in ("crop", "2d", "3d"):
    config = AlignConfig(stage=stage)
    by_stage[stage] = [aligned(photos, config) for photos in turns]

shown = [to_float(photos.images[4]) for photos in turns]
shown += [faces[4] for stage in ("2d", "3d") for faces in by_stage[stage]]
captions = [f"yaw {angle}°" for angle in ANGLES] + ["2D"] * 5 + ["3D"] * 5
gallery(shown, "one head: the picture, 2D-aligned, frontalized", captions, columns=5)

# %%
middle = slice(38, 114)  # the face without its frame
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for stage, color in (("crop", BLACK), ("2d", ORANGE), ("3d", BLUE)):
    straight = by_stage[stage][0][:, middle, middle]
    change = [np.abs(f[:, middle, middle] - straight).mean() for f in by_stage[stage]]
    axes.plot(ANGLES, change, "o-", color=color, label=stage)
axes.set(xlabel="yaw in degrees", ylabel="mean change of a pixel (white is 1)", ylim=(0, None))
axes.legend()
show(figure, "what turning the head still changes, after each alignment")

# %% [markdown]
# Frontalization wins, and it is not perfect. Look at the last column of the gallery again. One
# half of that face is invented: mirrored. The mesh is flat between its points, so noses and
# temples bend. And *light* is frontalized with the skin: a shadow stays a shadow, and moves to the
# other cheek too.
#
# ## What a locally connected layer sees
#
# Now faces lie pixel on pixel. A convolution uses one bank of filters everywhere. A **locally
# connected** layer has another bank at every place $(h, w)$:
#
# $$y_{n,h,w,o} = \sum_{i,j,c} x_{n,\,h+i,\,w+j,\,c}\; k_{h,w,\,i,j,c,\,o} .$$
#
# The two indices $h, w$ on $k$ are the whole difference. In loops:

# %%
generator = np.random.default_rng(4)
x = generator.standard_normal((2, 6, 7, 3)).astype(np.float32)
k = generator.standard_normal((4, 6, 3, 2, 3, 5)).astype(np.float32)  # windows of 3 x 2

y = np.zeros((2, 4, 6, 5))
for h in range(4):
    for w in range(6):
        window = x[:, h : h + 3, w : w + 2]
        y[:, h, w] = np.einsum("nijc,ijco->no", window, k[h, w])

flat = jnp.asarray(k.reshape(4, 6, -1, 5))
agree("the formula", y, locally_connected_reference(jnp.asarray(x), flat, kernel_size=(3, 2)))
agree("the fast form", y, locally_connected(jnp.asarray(x), flat, kernel_size=(3, 2)))

# %% [markdown]
# Give every place the same bank, and it *is* a convolution:

# %%
tiled = np.broadcast_to(k[0, 0], k.shape)
shared = jax.lax.conv_general_dilated(
    x, k[0, 0], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
)
same = locally_connected(jnp.asarray(x), jnp.asarray(tiled.reshape(flat.shape)), kernel_size=(3, 2))
agree("tiled kernels are a convolution", same, shared)

# %% [markdown]
# ## What it costs
#
# The bank of a convolution is multiplied by the number of places. The paper's network, from the
# shapes alone:

# %%
LOCAL = ("L4", "L5", "L6")
table = [row for row in parameter_table(DF_4_4K) if row.weights]
total = sum(row.weights + row.biases for row in table)
print("layer  output           weights       if shared")
for row in table:
    places = row.output[0] * row.output[1] if row.layer in LOCAL else 1
    print(f"{row.layer}     {row.output!s:13s} {row.weights:12,} {row.weights // places:12,}")
local = sum(row.weights for row in table if row.layer in LOCAL)
print(f"{total:,} parameters in all, {local / total:.0%} of them in the three local layers")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
names = [row.layer for row in table]
left.bar(names, [row.weights for row in table], color=BLUE, label="as it is")
left.bar(
    LOCAL, [row.weights // (row.output[0] * row.output[1]) for row in table if row.layer in LOCAL],
    color=ORANGE, label="as a convolution",
)  # fmt: skip
left.set(yscale="log", ylabel="weights")
left.legend()

field, jump = 1, 1
right.imshow(np.asarray(stages_of_hero.frontal.image))
for (name, size, stride), color in zip(
    (("C1", 11, 1), ("M2", 3, 2), ("C3", 9, 1), ("L4", 9, 1), ("L5", 7, 2), ("L6", 5, 1)),
    (BLACK, SKY, GREEN, ORANGE, PINK, RED),
    strict=True,
):
    field, jump = field + (size - 1) * jump, jump * stride
    corner = 75.5 - field / 2
    right.add_patch(plt.Rectangle((corner, corner), field, field, fill=False, ec=color, lw=1.8,
                                  label=f"{name}: {field} pixels"))  # fmt: skip
right.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
right.axis("off")
show(figure, "what the layers cost, and how much of the face one unit of each sees")

# %% [markdown]
# A unit of L6 sees half the face: an eye with its brow, the mouth with the nose. Its filters may
# be about *that* eye, since at its place there never is anything else, if the alignment is good.
#
# Why does this not overfit? It does, unless there are very many faces. The paper had 4.4 million.
# The price is not time: a local layer computes as many products as a convolution of its size.
#
# ## Training a small one
#
# The same kinds of layers, far smaller, on frontalized faces of 40 by 40 pixels. The task is the
# paper's: *which of the people of the training set is this?* The loss is
#
# $$\ell = -\log p_k, \qquad p = \mathrm{softmax}(F8) .$$

# %%
HALF = AlignConfig(size=80, interocular=28.0, eyes_x=39.5, eyes_y=27.0)


def network_inputs(photos):
    """Frontalized, 40 x 40, 0 to 255: each pixel the mean of four."""
    faces = aligned(photos, HALF).reshape(-1, 40, 2, 40, 2, 3).mean(axis=(2, 4))
    return np.round(faces.clip(0, 1) * 255).astype(np.uint8)


class_faces, other_faces = network_inputs(class_photos), network_inputs(other_photos)
held_out = np.arange(len(labels)) % (PHOTOS + HELD_OUT) >= PHOTOS
print(f"{(~held_out).sum()} faces to train on, {held_out.sum()} held out, {len(others)} strangers")
gallery([*class_faces[~held_out][::10], *other_faces[::5]], "training people; the last: strangers",
        columns=14)  # fmt: skip

# %%
STEPS, BATCH = 60, 40
network = replace(SMALL, classes=CLASSES, centered=True, dropout=0.0)
faces_seen = int((~held_out).sum())
config = replace(SMALL_DATA, epochs=STEPS * BATCH / faces_seen, batch=BATCH, learning_rate=2e-3,
                 warmup=1.0)  # fmt: skip

graph, state = start(network, config, faces=faces_seen)
features, classify = make_features(graph), make_classify(graph, config.cosine_scale)
before = np.asarray(features(state.weights, other_faces))

# %%
step = make_step(config, graph, faces=faces_seen)
train_faces, train_labels = class_faces[~held_out], labels[~held_out].astype(np.int32)
order = np.random.default_rng(5)
losses = []
for _ in range(STEPS):
    chosen = order.choice(faces_seen, BATCH, replace=False)
    state, loss = step(state, Batch(train_faces[chosen], train_labels[chosen]))
    losses.append(float(loss))


# %%
def share_right(images, truth):
    """Of the faces, how many get their own name."""
    return float(np.mean(np.asarray(classify(state.weights, images)) == truth))


figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(np.arange(1, STEPS + 1), losses, color=BLUE)
axes.axhline(np.log(CLASSES), color="0.5", ls=":", label="knowing nothing: log of the people")
axes.set(xlabel="step", ylabel="loss", ylim=(0, None))
axes.legend()
show(figure, "the loss of a small DeepFace")
on_training, on_new = (
    share_right(class_faces[part], labels[part]) for part in (~held_out, held_out)
)
print(f"named rightly: training faces {on_training:.0%}, new pictures of them {on_new:.0%}")

# %% [markdown]
# ## The features are the point
#
# The names are thrown away. What stays is the layer before them, $G(I) = F7$. Each unit is divided
# by its maximum over the training faces, then the face is brought to length 1:
#
# $$\bar G_i = \frac{G_i}{\max(\max_\text{train} G_i,\ 0.05)}, \qquad
# f = \frac{\bar G}{\lVert \bar G \rVert} .$$
#
# Two faces are compared by $f_1^T f_2$. For *strangers*, whom the network never saw:

# %%
G_train = np.asarray(features(state.weights, train_faces))
G = np.asarray(features(state.weights, other_faces))
scaled = G / np.maximum(G_train.max(axis=0), 0.05)
f = scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)
agree("f", f, normalize(G, maximum_of([G_train])))
print(f"{np.mean(G == 0):.0%} of the features are exactly zero")

# %%
first, second = np.triu_indices(len(others), 1)
same = others[first] == others[second]
pixels = other_faces.reshape(len(others), -1) / 255.0
pixels = pixels - pixels.mean(axis=0)
untrained = before / np.maximum(np.linalg.norm(before, axis=1, keepdims=True), 1e-12)
kinds = {
    "pixels": pixels / np.linalg.norm(pixels, axis=1, keepdims=True),
    "untrained network": untrained,
    "trained network": f,
}

figure, grid = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
for axes, (name, rows) in zip(grid, kinds.items(), strict=True):
    scores = inner_product(rows[first], rows[second])
    bins = np.linspace(scores.min(), scores.max(), 30)
    axes.hist(scores[~same], bins, density=True, color=RED, alpha=0.6, label="two strangers")
    axes.hist(scores[same], bins, density=True, color=BLUE, alpha=0.6, label="one, twice")
    axes.set_title(f"{name}: AUC {roc(scores, same).auc():.2f}", fontsize=9)
    axes.set(xlabel="inner product", yticks=[])
grid[0].legend(fontsize=8)
show(figure, "pairs of strangers: the same person or not?")

# %% [markdown]
# AUC is the chance that a pair of one person scores higher than a pair of two. Ten people teach
# little about an eleventh, so do not expect much of it. With thousands of people to tell apart,
# the same layer must find what tells *people* apart. That is why the size of the training set
# stands beside each number in the comparison (lecture 4).
#
# ## What goes wrong: a face out of place
#
# Filters of their own at every place are worth nothing if the face is not in its place. Shift the
# held-out faces to the side, by a few of their 40 pixels:

# %%
shifts = np.arange(7)
right_when_shifted = [
    share_right(np.roll(class_faces[held_out], shift, axis=2), labels[held_out]) for shift in shifts
]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(shifts, right_when_shifted, "o-", color=BLUE)
axes.axhline(1 / CLASSES, color="0.5", ls=":", label="guessing")
axes.set(xlabel="shift in pixels of 40", ylabel="named rightly", ylim=(0, 1.05))
axes.legend()
show(figure, "new pictures of the training people, shifted")

# %% [markdown]
# So the alignment is part of the network: its precision buys the locality, and its failures are
# the network's failures. FaceNet, in the next lecture, drops both, and pays with data.
#
# ## The same on real photographs
#
# Until here we knew where the landmarks are, for we drew the heads. Where `LFW_DIR` names a copy of
# Labeled Faces in the Wild, a small network that ships with this project looks for them. Each
# column is a photograph: its middle, aligned in the plane, and turned to the front.

# %%
real = real_faces()
if real is not None:
    from common.landmarks.crops import lfw_squares
    from common.landmarks.predict import Landmarker
    from deepface_jax.aligner import Aligner

    together = real.view1_train  # for choosing and for looking; View 2 is for reporting
    pairs = np.flatnonzero(together.same)[:4]
    numbers = np.stack([together.first[pairs], together.second[pairs]], axis=1).ravel()
    photos = np.stack([real.images[int(number)] for number in numbers])
    squares = lfw_squares(len(photos), photos.shape[1])
    landmarker = Landmarker.load(batch=len(photos))
    stages = {}
    for stage in ("crop", "2d", "3d"):
        aligner = Aligner(landmarker, config=AlignConfig(stage=stage), batch=len(photos))
        stages[stage] = aligner(photos, squares)
    rows = [image for stage in stages.values() for image in stage.images]
    names = [real.names[int(number)].rsplit("_", 1)[0].replace("_", " ") for number in numbers]
    gallery(rows, "cropped, aligned in the plane, frontalized", names,
            faces="Labeled Faces in the Wild")  # fmt: skip
    print(f"{np.count_nonzero(stages['3d'].status)} of {len(photos)} could not be frontalized")

# %% [markdown]
# Look at the cheeks and at what lies behind the head: those pixels were not in the photograph, or
# belong to something that is no face. The network learns to live with it, in its place.
#
# ## Exercises
#
# Solutions: `notebooks/solutions/2_deepface.py`.
#
# **1.** Count the weights (no biases) of a layer of $o$ filters of $n \times n$ with a stride and
# no padding, on an input of `side` x `side` x `channels`: locally connected, and shared.


# %%
def weights_of_layer(side, channels, filters, size, stride):
    """(weights of a locally connected layer, weights of a convolution)."""
    ...


check(1, weights_of_layer(63, 16, 16, 9, 1), (62_726_400, 20_736))

# %% [markdown]
# **2.** How many pixels (one side) does a unit see, after layers of given sizes and strides?


# %%
def receptive_field(layers):
    """Side of the square of the input that a unit sees; layers are (size, stride), in order."""
    ...


check(2, receptive_field([(11, 1), (3, 2), (9, 1)]), 29)

# %% [markdown]
# **3.** Write the normalization of $G$ for one face. It must not divide by zero when no unit fires.


# %%
def normalized(features, maximum, epsilon=0.05):
    """f of one face: of length 1, or all zero."""
    ...


check(3, normalized(G[0], G_train.max(axis=0)), f[0])

# %% [markdown]
# **4.** From which direction did the camera look? The rows of $P$ without its last column are
# $s$ times the head's turned $x$ and $y$ axes. Their cross product points along the line of
# sight. Give the head's yaw in degrees: the angle of that line in the $x$-$z$ plane.


# %%
def yaw_degrees(camera):
    """Yaw of the head; positive turns the nose to the image's right."""
    ...


# The judge asks which direction both rows are blind to; z points away from us.
_, _, directions = np.linalg.svd(P[:, :3])
line = directions[2] * np.sign(directions[2, 2])
found = yaw_degrees(P)
check(4, found, np.degrees(np.arcsin(line[0] / np.hypot(line[0], line[2]))))
if found is not None:
    print(f"yaw of the fitted camera {found:.0f}°; the head was drawn at {HERO_POSE[0]}°")
