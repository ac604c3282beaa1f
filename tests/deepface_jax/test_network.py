"""DeepFace's network: the published sizes, the forward pass by loops, training's switches."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from deepface_jax.model import DeepFace, create, max_pool, parameter_table
from deepface_jax.network_config import (
    DF_1_5K,
    DF_3_3K,
    DF_4_4K,
    SMALL,
    SUB1,
    SUB2,
    SUB3,
    Filters,
    NetworkConfig,
)

# As small as the layers' kinds allow; sides 18, 9, 7, 5, 2, 1.
TINY = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=Filters(3, 3), L4=Filters(5, 3), L5=Filters(4, 3, stride=2),
    L6=Filters(3, 2), F7=6, classes=5,
)  # fmt: skip


def images(config=TINY, count=3, seed=0):
    shape = (count, config.side, config.side, config.channels)
    return jnp.asarray(np.random.default_rng(seed).random(shape, np.float32))


def randomized(config=TINY, seed=0):
    """With weights and biases that are all different, and not small."""
    graph, state = nnx.split(nnx.eval_shape(lambda: DeepFace(config, rngs=nnx.Rngs(0))))
    rng = np.random.default_rng(seed)

    def draw(leaf):
        return jnp.asarray(0.3 * rng.standard_normal(leaf.shape, np.float32))

    return nnx.merge(graph, jax.tree.map(draw, state))


@jax.jit
def forward(network, x, key=None):
    """Logits, features, and all activations."""
    return network(x, key=key), network.features(x), network.activations(x, key=key)


@jax.jit
def gradient(network, x):
    """Value and gradient of a loss in which every logit counts differently."""
    graph, state = nnx.split(network)

    def loss(state):
        return jnp.sum(jnp.sin(nnx.merge(graph, state)(x)) * jnp.arange(1.0, 6))

    return jax.value_and_grad(loss)(state)


def by_loops(network, image, config):
    """Every layer's output for one image, an output at a time, in float64."""
    x, found = np.asarray(image, np.float64), {}
    for name in ("C1", "M2", "C3", "L4", "L5", "L6"):
        if name == "M2":
            x = np.pad(x, [(0, 2), (0, 2), (0, 0)], constant_values=-np.inf)  # even sides only
            half = (x.shape[0] - 2) // 2
            y = np.zeros((half, half, x.shape[2]))
            for h, w, o in product(*map(range, y.shape)):
                y[h, w, o] = x[2 * h : 2 * h + 3, 2 * w : 2 * w + 3, o].max()
        else:
            filters, layer = getattr(config, name), getattr(network, name)
            kernel, bias = (np.asarray(a[...], np.float64) for a in (layer.kernel, layer.bias))
            side = (len(x) - filters.size) // filters.stride + 1
            y = np.zeros((side, side, filters.count))
            for h, w, o in product(*map(range, y.shape)):
                top, left = h * filters.stride, w * filters.stride
                window = x[top : top + filters.size, left : left + filters.size]
                if name[0] == "C":
                    y[h, w, o] = (window * kernel[..., o]).sum() + bias[o]
                else:
                    y[h, w, o] = window.ravel() @ kernel[h, w, :, o] + bias[h, w, o]
            y = np.maximum(y, 0)
        found[name] = x = y
    for name in ("F7", "F8"):
        layer = getattr(network, name)
        x = x.ravel() @ np.asarray(layer.kernel[...], np.float64) + np.asarray(layer.bias[...])
        found[name] = x = np.maximum(x, 0) if name == "F7" else x
    return found


def test_published_sizes_and_what_they_come_to():
    rows = parameter_table(DF_4_4K)
    assert [tuple(row) for row in rows] == [
        ("C1", (142, 142, 32), 11_616, 32),
        ("M2", (71, 71, 32), 0, 0),
        ("C3", (63, 63, 16), 41_472, 16),
        ("L4", (55, 55, 16), 62_726_400, 48_400),
        ("L5", (25, 25, 16), 7_840_000, 10_000),
        ("L6", (21, 21, 16), 2_822_400, 7_056),
        ("F7", (4096,), 28_901_376, 4_096),
        ("F8", (4030,), 16_506_880, 4_030),
    ]
    weights, biases = (sum(row[column] for row in rows) for column in (2, 3))
    assert (weights, biases) == (118_850_144, 73_630)
    assert weights + biases == 118_923_774 < 120_000_000  # "more than 120 million"
    local = sum(row.weights for row in rows if row.layer[0] in "LF")
    assert local / weights > 0.95


def test_smaller_training_sets_differ_in_f8_alone():
    whole = parameter_table(DF_4_4K)
    for config, classes in ((DF_3_3K, 3000), (DF_1_5K, 1500)):
        table = parameter_table(config)
        assert table[:-1] == whole[:-1]
        assert table[-1] == ("F8", (classes,), 4096 * classes, classes)


@pytest.mark.parametrize(
    ("config", "layers", "side_before_f7", "parameters"),
    [
        (SUB1, "C1 M2 L4 L5 L6", 25, 236_725_486),
        (SUB2, "C1 M2 C3 L6", 59, 267_033_054),
        (SUB3, "C1 M2 L6", 67, 368_248_782),
    ],
)
def test_ablations_leave_layers_out(config, layers, side_before_f7, parameters):
    rows = parameter_table(config)
    assert sum(row.weights + row.biases for row in rows) == parameters
    assert [row.layer for row in rows] == [*layers.split(), "F7", "F8"]
    assert rows[-3].output == (side_before_f7, side_before_f7, 16)
    assert rows[-2].weights == 16 * side_before_f7**2 * 4096
    for row in rows[:-2]:
        if row.layer[0] == "L":
            c_in = 16 if config.C3 or row.layer != rows[2].layer else 32
            filters = config.filters(row.layer)
            assert filters == DF_4_4K.filters(row.layer)
            assert row.weights == row.output[0] ** 2 * filters.size**2 * c_in * 16


def test_forward_pass_equals_loops():
    network, x = randomized(), images()
    logits, features, found = forward(network, x)
    for number in range(3):
        expected = by_loops(network, x[number], TINY)
        assert set(expected) == set(found)
        for name, output in expected.items():
            assert (output > 0).any(), name
            np.testing.assert_allclose(found[name][number], output, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(logits, found["F8"])
    np.testing.assert_array_equal(features, found["F7"])


def test_jit_agrees_with_eager():
    network, x = randomized(), images()
    np.testing.assert_allclose(network(x), forward(network, x)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sides", [(6, 9), (7, 4), (1, 2)])
def test_max_pool_is_the_padded_maximum(sides):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.permutation(2 * 3 * np.prod(sides)).reshape(2, *sides, 3) - 40.0, "float32")

    def window(x):
        ones = (1, 3, 3, 1), (1, 2, 2, 1)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *ones, "SAME")

    y = max_pool(x)
    assert y.shape == (2, -(-sides[0] // 2), -(-sides[1] // 2), 3)
    np.testing.assert_array_equal(y, window(x))
    weight = jnp.asarray(rng.standard_normal(y.shape), y.dtype)
    own, other = (jax.grad(lambda x, f=f: jnp.vdot(f(x), weight))(x) for f in (max_pool, window))
    np.testing.assert_allclose(own, other, rtol=1e-6)


def test_small_network_end_to_end():
    network, x = create(SMALL), images(SMALL)
    logits, features, _ = forward(network, x)
    assert logits.shape == (3, 10) and features.shape == (3, 64)
    assert logits.dtype == features.dtype == jnp.float32
    assert (features >= 0).all() and (features == 0).any() and (features > 0).any()
    np.testing.assert_array_equal(forward(create(SMALL), x)[0], logits)
    assert (forward(create(SMALL, seed=1), x)[0] != logits).all()


def test_dropout_is_on_f7_in_training_alone():
    config = replace(TINY, F7=400, classes=400, dropout=0.3)
    network, x = randomized(config), images()
    network.F8.kernel[...], network.F8.bias[...] = jnp.eye(400), jnp.zeros(400)
    logits, f7, _ = forward(network, x)
    np.testing.assert_allclose(logits, f7, rtol=1e-6)
    dropped, features, inside = forward(network, x, jax.random.key(0))
    np.testing.assert_allclose(features, f7, rtol=1e-6)
    np.testing.assert_allclose(inside["F7"], f7, rtol=1e-6)
    fires = np.asarray(f7) > 0.01
    kept = np.asarray(dropped) != 0
    assert 0.6 < kept[fires].mean() < 0.8
    np.testing.assert_allclose(dropped, np.where(kept, f7 / 0.7, 0), rtol=1e-5, atol=0.02)
    assert (kept[0] != kept[1])[fires[0] & fires[1]].any()
    np.testing.assert_array_equal(forward(network, x, jax.random.key(0))[0], dropped)
    assert (forward(network, x, jax.random.key(1))[0] != dropped).any()


def test_gradient_reaches_every_weight():
    # With the paper's small weights and biases of 0.5 every unit fires.
    _, found = gradient(create(TINY), images())
    leaves = jax.tree_util.tree_leaves_with_path(found)
    assert len(leaves) == 14
    for path, leaf in leaves:
        assert (leaf != 0).all(), jax.tree_util.keystr(path)


def test_initial_weights():
    for config, inputs in (
        (TINY, {"C1": 48, "C3": 36, "L4": 27, "L5": 45, "L6": 16, "F7": 3, "F8": 6}),
        (SMALL, {"C1": 75, "C3": 200, "L4": 200, "L5": 72, "L6": 72, "F7": 32, "F8": 64}),
    ):
        network = create(config)
        for name, count in inputs.items():
            layer = getattr(network, name)
            kernel = np.asarray(layer.kernel[...])
            assert kernel.dtype == layer.bias.dtype == np.float32
            he = np.sqrt((1 if name == "F8" else 2) / count)
            wanted, bias = (0.01, 0.5) if config.init == "paper" else (he, 0)
            assert abs(kernel.std() / wanted - 1) < 4 / np.sqrt(2 * kernel.size)
            assert abs(kernel.mean()) < wanted * 4 / np.sqrt(kernel.size)
            assert (layer.bias[...] == bias).all()
        assert (network.L4.kernel[0, 0] != network.L4.kernel[0, 1]).all()


def test_recomputing_changes_no_gradient():
    named = ("C1", "L5", "F7")
    plain, again = randomized(), randomized(replace(TINY, remat=named))
    assert "remat" not in str(jax.make_jaxpr(gradient)(plain, images()))
    assert str(jax.make_jaxpr(gradient)(again, images())).count("remat") >= len(named)
    # The configurations differ, so the trees do; their leaves are in one order.
    found, wanted = (jax.tree.leaves(gradient(one, images())) for one in (again, plain))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_for_activations_alone():
    half = randomized(replace(TINY, compute_dtype="bfloat16"))
    _, _, expected = forward(randomized(), images())
    logits, features, found = forward(half, images())
    assert logits.dtype == features.dtype == jnp.float32
    for name, output in found.items():
        assert output.dtype == (jnp.float32 if name[0] == "F" else jnp.bfloat16)
        scale = float(jnp.abs(expected[name]).max())
        np.testing.assert_allclose(output.astype("float32"), expected[name], atol=0.03 * scale)
    leaves = jax.tree.leaves(gradient(half, images()))
    assert all(leaf.dtype == jnp.float32 and jnp.isfinite(leaf).all() for leaf in leaves)


def test_no_face_touches_another():
    network, x = randomized(), images()
    alone, _, _ = forward(network, x)
    spoiled, _, _ = forward(network, x.at[1].set(jnp.nan))
    assert jnp.isnan(spoiled[1]).all()
    np.testing.assert_array_equal(spoiled[::2], alone[::2])


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match=r"images have shape \(20, 20, 3\).* \(21, 21, 3\)"):
        randomized()(images()[:, 1:, 1:])
    with pytest.raises(ValueError, match="leaves L6 with an output of side 0"):
        replace(TINY, side=17)
    with pytest.raises(ValueError, match="dropout is 1.0"):
        replace(TINY, dropout=1.0)
    with pytest.raises(ValueError, match="remat names F8, M2"):
        replace(TINY, remat=("M2", "C1", "F8"))


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from deepface_jax.model import DeepFace
from deepface_jax.network_config import Filters, NetworkConfig

devices = jax.devices()
assert len(devices) == 8, devices
config = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=None, L4=Filters(5, 3), L5=Filters(4, 3, stride=2), L6=None,
    F7=6, classes=5, block=(2, 3),
)
graph, state = nnx.split(nnx.eval_shape(lambda: DeepFace(config, rngs=nnx.Rngs(0))))
rng = np.random.default_rng(0)
state = jax.tree.map(lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape, "f")), state)
x = jnp.asarray(rng.random((16, 21, 21, 3), "f"))

@jax.jit
def value(state, x):
    def loss(state):
        return jnp.mean(jnp.square(nnx.merge(graph, state)(x) - 1))
    return jax.value_and_grad(loss)(state)

mesh = Mesh(np.array(devices), ("batch",))
alone = value(state, x)
everywhere = jax.device_put(state, NamedSharding(mesh, PartitionSpec()))
spread = jax.device_put(x, NamedSharding(mesh, PartitionSpec("batch")))
assert len({shard.device for shard in spread.addressable_shards}) == 8
together = value(everywhere, spread)
assert float(alone[0]) > 0
for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
    assert len(b.sharding.device_set) == 8
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
print("equal on", len(devices))
"""


def test_a_batch_spread_over_devices_has_the_same_gradient():
    flags = "--xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.stdout.strip() == "equal on 8", done.stderr
