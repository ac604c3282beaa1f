"""The networks as wholes, small: the paper's sizes are only traced (test_tables.py)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.extend.core import Var

from facenet_jax.config import NN1, NetworkConfig, network_config
from facenet_jax.model import FaceNet, build

SMALL = {
    "NN1": NetworkConfig("NN1", side=40, embedding_size=32, width=1 / 16),
    "NN2": NetworkConfig("NN2", side=40, embedding_size=32, width=1 / 8),
    "NN4": NetworkConfig("NN4", side=40, embedding_size=32, width=1 / 8, batch_norm=True),
    "residual": NetworkConfig(
        "residual", side=40, embedding_size=32, width=1 / 8, batch_norm=True, embedding_norm=True
    ),
    "residual-prelu": NetworkConfig(
        "residual-prelu", side=40, embedding_size=32, width=1 / 8, batch_norm=True
    ),
}


def faces(count, side=40, seed=0):
    return jnp.asarray(np.random.default_rng(seed).random((count, side, side, 3), np.float32))


def small(network, **changes):
    config = SMALL[network]
    return build(NetworkConfig(**(vars(config) | changes)), nnx.Rngs(0))


@pytest.mark.parametrize("network", SMALL)
def test_jit_agrees_with_eager(network):
    model, x = small(network), faces(3)
    training = model.config.batch_norm
    graph, state = nnx.split(model)

    @jax.jit
    def jitted(state, x):
        return nnx.merge(graph, state)(x, training=training)

    z = model(x, training=training)
    np.testing.assert_allclose(jitted(state, x), z, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-5)
    assert np.abs(z[0] - z[1]).max() > 1e-3  # it does look at the faces


@pytest.mark.parametrize(
    ("network", "layers"), [("NN2", 24), ("NN4", 24), ("residual", 11), ("residual-prelu", 11)]
)
def test_layers_on_the_longest_path(network, layers):
    """As docs/facenet.md and the residual networks count them: convolutions and fc."""
    traced = jax.make_jaxpr(small(network))(faces(2)).jaxpr
    weighted, depth = ("conv_general_dilated", "dot_general"), {}
    for step in traced.eqns:
        before = max((depth.get(one, 0) for one in step.invars if isinstance(one, Var)), default=0)
        depth |= dict.fromkeys(step.outvars, before + (step.primitive.name in weighted))
    assert depth[traced.outvars[0]] == layers


def test_every_parameter_has_a_gradient():
    graph, params = nnx.split(small("NN1", width=1 / 4))  # Inception's: test_inception.py

    # XLA's optimizations would take most of the test's time.
    @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
    @jax.grad
    def gradient(params):
        z = nnx.merge(graph, params)(faces(6))
        return jnp.sum(z * np.random.default_rng(1).standard_normal(z.shape))

    for path, leaf in nnx.to_flat_state(gradient(params)):
        assert jnp.isfinite(leaf[...]).all(), path
        assert jnp.abs(leaf[...]).max() > 0, path


def test_no_face_touches_another_without_batch_norm():
    model, x = small("NN1"), faces(3)
    alone, spoiled = model(x), model(x.at[1].set(jnp.nan))
    assert jnp.isnan(spoiled[1]).all()
    kept = np.array([0, 2])
    np.testing.assert_array_equal(spoiled[kept], alone[kept])


def test_residual_network_is_its_formula():
    model, x = small("residual", batch_norm=False, embedding_norm=False), faces(2)

    def conv(layer, x, stride=1):
        padded = jax.lax.conv_general_dilated(
            x, layer.kernel[...], (stride, stride), "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )  # fmt: skip
        return jnp.maximum(padded + layer.bias[...], 0)

    net = model.network
    y = conv(net.conv1, 4 * (x - 0.5), 2)
    y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for name, stride in (("stage2", 1), ("stage3", 2), ("stage4", 2)):
        first, second, third = net.stages[name]
        y = conv(first, y, stride)
        y = y + conv(third, conv(second, y))
    assert y.shape == (2, 3, 3, 16)
    z = y.reshape(2, -1) @ net.fc.kernel[...] + net.fc.bias[...]
    wanted = z / jnp.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), wanted, atol=1e-5)


def test_residual_prelu_network_is_its_formula():
    model, x = small("residual-prelu", batch_norm=False), faces(2)
    net, rng = model.network, np.random.default_rng(2)
    for layer in (layer for unit in net.units.values() for layer in unit):
        layer.slope[...] = jnp.asarray(rng.uniform(-0.5, 1.5, layer.slope.shape), jnp.float32)
        layer.bias[...] = jnp.asarray(rng.normal(size=layer.bias.shape), jnp.float32)

    def conv(layer, x, stride=1):
        y = jax.lax.conv_general_dilated(
            x, layer.kernel[...], (stride, stride), "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )  # fmt: skip
        y = y + layer.bias[...]
        return jnp.maximum(y, 0) + layer.slope[...] * jnp.minimum(y, 0)

    y = 4 * (x - 0.5)[:, :, 3:37]  # of 40 columns, one in 14 left out on either side
    for name in ("conv1", "conv2", "conv3", "conv4"):
        first, *blocks = net.units[name]
        y = conv(first, y, 2)
        assert len(blocks) == 2 * {"conv2": 1, "conv3": 2}.get(name, 0)
        while blocks:
            one, two, *blocks = blocks
            y = y + conv(two, conv(one, y))
    assert y.shape == (2, 3, 3, 32)
    z = y.reshape(2, -1) @ net.fc.kernel[...] + net.fc.bias[...]
    wanted = z / jnp.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), wanted, atol=1e-5)


def test_embedding_norm_centers_and_scales_the_embedding_by_the_batch():
    plain, normed = (small("residual", embedding_norm=on) for on in (False, True))
    z = np.asarray(plain.network(4 * (faces(5) - 0.5), training=True))
    z = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)
    wanted = z / np.linalg.norm(z, axis=1, keepdims=True)
    np.testing.assert_allclose(normed(faces(5), training=True), wanted, atol=1e-3)
    np.testing.assert_allclose(normed.norm.variance[...], 0.95 + 0.05 * plain_variance(plain),
                               rtol=1e-3)  # fmt: skip


def plain_variance(model):
    return np.asarray(model.network(4 * (faces(5) - 0.5), training=True)).var(0)


def test_only_training_moves_the_running_averages():
    model = small("NN4")

    def statistics():
        return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model, nnx.BatchStat))]

    before = statistics()
    assert len(before) == 2 * 53  # a mean and a variance for every convolution
    model(faces(3))
    for same, after in zip(before, statistics(), strict=True):
        np.testing.assert_array_equal(same, after)
    model(faces(3), training=True)
    for old, after in zip(before, statistics(), strict=True):
        assert (old != after).any()


def test_bfloat16_is_nearly_float32_and_embeds_in_float32():
    exact, rounded = small("NN1"), small("NN1", dtype="bfloat16")
    z = jax.jit(rounded)(faces(3))
    assert z.dtype == jnp.float32
    np.testing.assert_allclose(z, exact(faces(3)), atol=0.02)
    assert not np.array_equal(z, exact(faces(3)))


def test_seeds_repeat_and_differ():
    first, same, other = (
        build(SMALL["NN1"], nnx.Rngs(seed)).network.fc7128.kernel[...] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).all()


@pytest.mark.parametrize("size", [64, 128, 256, 512])
def test_embedding_sizes_of_table_5(size):
    config = NetworkConfig("NN1", 220, size)
    model = nnx.eval_shape(lambda: FaceNet(config, rngs=nnx.Rngs(0)))
    assert model.network.fc7128.kernel.get_raw_value().shape == (4096, size)


def test_wrong_input_and_unknown_networks_are_refused():
    model = nnx.eval_shape(lambda: FaceNet(SMALL["NN1"], rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"configured for \(40, 40, 3\)"):
        model(faces(2, side=41))
    assert network_config("NN1") == NN1
    with pytest.raises(ValueError, match="not its layers"):
        network_config("NNS1")
    with pytest.raises(ValueError, match="no network 'NN5'; there are NN1, NN2, NN3, NN4, resid"):
        network_config("NN5")
    with pytest.raises(ValueError, match="above zero"):
        NetworkConfig(width=0.0)
