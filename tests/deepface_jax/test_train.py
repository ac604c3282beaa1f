"""DeepFace's loss and step against NumPy, in pieces, over devices, and on a set it can learn."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from deepface_jax.network_config import Filters, NetworkConfig
from deepface_jax.train import (
    PAPER,
    SMALL_DATA,
    Batch,
    TrainConfig,
    in_pieces,
    loss_of,
    make_classify,
    make_features,
    make_step,
    start,
)

ROOT = Path(__file__).parents[2]
TINY = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=Filters(3, 3), L4=Filters(5, 3), L5=Filters(4, 3, stride=2),
    L6=Filters(3, 2), F7=6, classes=5, init="he", dropout=0.0,
)  # fmt: skip


def batch(faces=8, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (faces, 21, 21, 3), dtype=np.uint8)
    return Batch(images, rng.integers(0, 5, faces).astype(np.int32))


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_cross_entropy(smoothing):
    rng = np.random.default_rng(1)
    logits, labels = 5 * rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    expected = 0.0
    for row, label in zip(logits, labels, strict=True):
        p = np.exp(row) / np.exp(row).sum()
        for k in range(4):
            target = (1 - smoothing) * (k == label) + smoothing / 4
            expected -= target * np.log(p[k]) / 7
    ours = loss_of(jnp.asarray(logits, jnp.float32), jnp.asarray(labels), smoothing=smoothing)
    assert float(ours) == pytest.approx(expected, rel=1e-5)


def test_loss_of_huge_logits_is_finite():
    loss = loss_of(jnp.array([[1e4, 0.0], [0.0, 1e4]]), jnp.array([0, 0]))
    assert float(loss) == pytest.approx(5e3)


def test_paper_step_is_momentum():
    """Two steps of SGD with momentum 0.9, by hand from the gradients."""
    graph, state = start(TINY, PAPER, faces=1000)
    step = make_step(PAPER, graph, faces=1000)
    weights = leaves(state.weights)
    velocity = [np.zeros_like(w) for w in weights]
    for seed in range(2):
        one = batch(seed=seed)

        @jax.grad
        def gradient(weights, one=one):
            return loss_of(
                nnx.merge(graph, weights)(jnp.asarray(one.images / 255.0)), jnp.asarray(one.labels)
            )

        g = leaves(gradient(jax.tree.unflatten(jax.tree.structure(state.weights), weights)))
        velocity = [0.9 * v + own for v, own in zip(velocity, g, strict=True)]
        weights = [w - 0.01 * v for w, v in zip(weights, velocity, strict=True)]
        state, _ = step(state, one)
    for ours, theirs in zip(leaves(state.weights), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def cosine_loss(f7, kernel, labels, scale):
    """Cross-entropy of scaled cosines, face by face and person by person."""
    total = 0.0
    for f, label in zip(f7, labels, strict=True):
        cosines = [f @ w / np.sqrt((f @ f) * (w @ w)) for w in kernel.T]
        p = np.exp(scale * np.array(cosines))
        total -= np.log(p[label] / p.sum())
    return total / len(labels)


def test_small_data_step_is_adam_on_cosines():
    """Five steps of the recipe by hand from the gradients, through the rise and past its height."""
    config = replace(SMALL_DATA, batch=8, learning_rate=0.01, momentum=0.8, clip=20.0, epochs=1.0,
                     weight_decay=0.5)  # fmt: skip
    network = replace(TINY, centered=True, L4=Filters(8, 3), L6=Filters(16, 2), F7=24)
    graph, state = start(network, config, faces=80)  # 10 steps
    step = make_step(config, graph, faces=80)
    names = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(state.weights)]
    tree, weights = jax.tree.structure(state.weights), leaves(state.weights)
    first = second = [np.zeros_like(w) for w in weights]
    norms = []
    for t in range(5):
        one = batch(seed=t)
        pixels = jnp.asarray(one.images / 255.0, jnp.float32)

        @jax.grad
        def gradient(weights, pixels=pixels, one=one):
            net = nnx.merge(graph, weights)
            f, k = net.features(pixels), net.F8.kernel[...]
            lengths = jnp.linalg.norm(f, axis=1)[:, None] * jnp.linalg.norm(k, axis=0)
            p = jax.nn.softmax(24 * (f @ k) / lengths)
            return -jnp.log(p[jnp.arange(8), one.labels]).mean()

        here = jax.tree.unflatten(tree, [jnp.asarray(w, jnp.float32) for w in weights])
        net = nnx.merge(graph, here)
        f7, kernel = np.float64(net.features(pixels)), np.float64(net.F8.kernel[...])
        expected = cosine_loss(f7, kernel, one.labels, 24)
        g = leaves(gradient(here))
        norms.append(np.sqrt(sum(np.square(own, dtype=np.float64).sum() for own in g)))
        g = [own * min(1, 20 / norms[-1]) for own in g]
        first = [0.8 * m + 0.2 * own for m, own in zip(first, g, strict=True)]
        second = [0.999 * v + 0.001 * own**2 for v, own in zip(second, g, strict=True)]
        # A rise over 0.3 epochs, three steps; half a cosine over the other 7.
        rate = 0.01 * (t / 3 if t < 3 else (1 + np.cos(np.pi * (t - 3) / 7)) / 2)
        for k, name in enumerate(names):
            m, v = first[k] / (1 - 0.8 ** (t + 1)), second[k] / (1 - 0.999 ** (t + 1))
            decay = 0.5 * weights[k] if "kernel" in name else 0.0
            weights[k] = weights[k] - rate * (m / (np.sqrt(v) + 1e-8) + decay)
        state, loss = step(state, one)
        assert float(loss) == pytest.approx(expected, rel=1e-3)
    assert min(norms) < 20 < max(norms)  # some are clipped
    for ours, theirs, name in zip(leaves(state.weights), weights, names, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5, err_msg=name)


def test_rate_falls_on_a_plateau_and_not_below_a_hundredth():
    config = replace(PAPER, batch=4, learning_rate=1e-9)  # so small that the loss stands still
    graph, state = start(TINY, config, faces=8)  # an epoch is two steps
    step = make_step(config, graph, faces=8)
    scales = []
    for _ in range(9):
        state, _ = step(state, batch(4))
        found = [s for s in state.optimizer if hasattr(s, "plateau_count")]
        scales.append(round(float(found[0].scale), 6))
    # The first epoch is the best so far; the second ends no better, nor do the others.
    assert scales == [1.0] * 3 + [0.1] * 2 + [0.01] * 4


def test_pieces_give_the_gradient_of_the_whole():
    graph, state = start(TINY, PAPER, faces=100)

    def loss(weights, batch, key):
        images = jnp.asarray(batch.images, jnp.float32) / 255
        return loss_of(nnx.merge(graph, weights)(images), jnp.asarray(batch.labels))

    key = jax.random.key(0)
    whole, gradient = in_pieces(loss, state.weights, batch(12), key, pieces=1)
    for pieces in (2, 3, 12):
        value, ours = in_pieces(loss, state.weights, batch(12), key, pieces=pieces)
        assert float(value) == pytest.approx(float(whole), rel=1e-5)
        for a, b in zip(leaves(ours), leaves(gradient), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    with pytest.raises(ValueError, match="a batch of 12 cannot be computed in 5"):
        in_pieces(loss, state.weights, batch(12), key, pieces=5)


def test_weight_decay_takes_kernels_alone():
    still = TrainConfig(learning_rate=0.1, weight_decay=0.5, clip=1e-12)
    graph, state = start(TINY, still, faces=100)
    before = jax.tree_util.tree_leaves_with_path(jax.tree.map(np.asarray, state.weights))
    state, _ = make_step(still, graph, faces=100)(state, batch())
    after = leaves(state.weights)
    for (path, old), new in zip(before, after, strict=True):
        shrunk = 0.95 if "kernel" in jax.tree_util.keystr(path) else 1.0
        np.testing.assert_allclose(new, shrunk * old, atol=1e-6)


def test_learns_a_few_faces():
    config = replace(SMALL_DATA, epochs=150.0, batch=8, learning_rate=1e-3, warmup=1.0)
    network = replace(TINY, centered=True, L4=Filters(16, 3), L6=Filters(16, 2), F7=24)
    graph, state = start(network, config, faces=8)
    step, one = make_step(config, graph, faces=8), batch()
    for _ in range(config.steps(8)):
        state, loss = step(state, one)
    assert float(loss) < 0.5
    found = make_classify(graph, config.cosine_scale)(state.weights, one.images)
    assert (np.asarray(found) == one.labels).mean() > 0.8
    G = make_features(graph)(state.weights, one.images)
    assert G.shape == (8, 24) and (np.asarray(G) >= 0).all()


DEVICES = r"""
import re
import jax, numpy as np
from dataclasses import replace
from jax.sharding import NamedSharding, PartitionSpec
from deepface_jax.sharding import make_mesh, on_mesh, place
from deepface_jax.train import PAPER, make_step, start
from tests.deepface_jax.test_train import TINY, batch

assert jax.device_count() == 8
config = replace(PAPER, learning_rate=0.1)
network = replace(TINY, dropout=0.5, F7=8)
graph, state = start(network, config, faces=100)
step = make_step(config, graph, faces=100)
copy = jax.tree.map(np.asarray, state)
sharing = make_step(replace(config, pieces=2), graph, faces=100)
for parts, step in ((1, step), (2, step), (1, sharing), (2, sharing)):
    mesh = make_mesh(parts)
    one, many = copy, place(mesh, copy)
    split = many.weights["F7"]["kernel"].get_value().sharding.spec
    assert (split[-1] == "model"), split
    for seed in range(2):
        one, expected = step(jax.tree.map(jax.numpy.asarray, one), batch(16, seed))
        many, loss = on_mesh(mesh, step)(many, batch(16, seed))
        np.testing.assert_allclose(loss, expected, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(one), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)

# Every piece is spread over all devices: no image is sent from one to another.
mesh = make_mesh()
split = NamedSharding(mesh, PartitionSpec("data"))
text = sharing.lower(place(mesh, copy), jax.device_put(batch(16), split)).compile().as_text()
sent = re.findall(r".* (?:all-gather|all-to-all|collective-permute)\S*\(.*", text)
assert not [line for line in sent if "21,21,3]" in line], sent
try:
    on_mesh(make_mesh(), step)(many, batch(9))
except ValueError as error:
    assert "9 cannot be split over 8" in str(error), error
else:
    raise AssertionError("a batch of 9 went through")
"""


def test_eight_devices_agree_with_one():
    flags = "--xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-c", DEVICES], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
