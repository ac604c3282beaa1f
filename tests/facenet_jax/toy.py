"""A toy set that a tiny network learns in seconds: each person is six by six squares of color."""

from dataclasses import replace

import numpy as np

from facenet_jax.config import NetworkConfig
from facenet_jax.recipes import PAPER, TrainConfig
from facenet_jax.train import Batch, start
from facenet_jax.views import batches_of

PEOPLE, EACH, SIDE = 8, 6, 24
NETWORK = NetworkConfig("NN1", side=SIDE, embedding_size=16, width=1 / 16)
TRIPLETS = replace(PAPER[0], identities=PEOPLE, faces=EACH, negatives=0, epochs=60.0)
"""The paper's recipe, with the one batch that the toy set makes."""
WARM_UP = TrainConfig(
    epochs=60.0, identities=0, negatives=24, triplets=0.0, softmax=1.0, cosine_margin=0.1,
    optimizer="sgd", learning_rate=0.1, schedule="cosine", warmup=2.0, weight_decay=5e-4, clip=5.0,
    average=0.9,
)  # fmt: skip


def toy_faces():
    """Images and labels."""
    rng = np.random.default_rng(0)
    colors = rng.uniform(40, 215, (PEOPLE, 6, 6, 3))
    labels = np.repeat(np.arange(PEOPLE, dtype=np.int32), EACH)
    faces = colors.repeat(4, axis=1).repeat(4, axis=2)[labels]
    noisy = faces + rng.normal(0, 25, faces.shape)
    return noisy.clip(0, 255).astype(np.uint8), labels


IMAGES, LABELS = toy_faces()


def begin(config, *, network=NETWORK, seed=0, weights=None):
    """Graph and state."""
    return start(network, config, people=PEOPLE, faces=len(LABELS), seed=seed, begin=weights)


def batches(config, seed=0, jitter=0):
    """Batches of the toy set; with jitter, views that depend on the generator."""

    def view(number, rng):
        brighter = IMAGES[number].astype(int) + rng.integers(0, jitter + 1)
        return Batch(brighter.clip(0, 255).astype(np.uint8), LABELS[number])

    return batches_of(config, LABELS, view, seed=seed)


def steps(step, state, source, count):
    """State and losses after some steps."""
    losses = []
    for _ in range(count):
        state, loss = step(state, next(source))
        losses.append(float(loss))
    return state, losses
