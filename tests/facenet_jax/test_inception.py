"""The Inception module is its branches, beside one another in the order of the table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from facenet_jax.config import NetworkConfig
from facenet_jax.inception import Inception, InceptionRow
from facenet_jax.layers import Draws, l2_pool, max_pool

ROWS = [
    InceptionRow("all", 2, (3, 4), (5, 6), "l2", 7),
    InceptionRow("max", 2, (3, 4), (5, 6), "max", 7),
    InceptionRow("stride", 0, (3, 4), (5, 6), "max", 0, stride=2),
    InceptionRow("no 5x5", 2, (3, 4), (0, 0), "l2", 7),
    InceptionRow("inception (2)", 0, (3, 4), (0, 0), None, 0),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_module_is_its_branches(row):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 7, 6, 5)), jnp.float32)
    block = Inception(5, row, config=NetworkConfig(), draws=Draws(jax.random.key(0), 2000))
    y = block(x)
    branches = []
    if row.one:
        branches.append(block.one[0](x))
    if row.three[1]:
        branches.append(block.three[1](block.three[0](x)))
    if row.five[1]:
        branches.append(block.five[1](block.five[0](x)))
    if row.pool:
        pooled = {"max": max_pool, "l2": l2_pool}[row.pool](x, row.stride)
        branches.append(block.projection[0](pooled) if row.projection else pooled)
    np.testing.assert_array_equal(y, np.concatenate(branches, axis=-1))
    assert y.shape == (2, -(-7 // row.stride), -(-6 // row.stride), row.channels(5))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_parameter_has_a_gradient(batch_norm):
    config = NetworkConfig(batch_norm=batch_norm)
    row = ROWS[0].scaled(NetworkConfig(width=3.0))
    block = Inception(5, row, config=config, draws=Draws(jax.random.key(0), 9000))
    graph, params, averages = nnx.split(block, nnx.Param, ...)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((4, 7, 6, 5)), jnp.float32)

    @jax.jit
    @jax.grad
    def gradient(params):
        y = nnx.merge(graph, params, averages, copy=True)(x, training=True)
        return jnp.sum(y * np.random.default_rng(1).standard_normal(y.shape))

    leaves = nnx.to_flat_state(gradient(params))
    assert len(leaves) == 6 * (3 if batch_norm else 2)
    for path, leaf in leaves:
        assert jnp.isfinite(leaf[...]).all(), path
        assert (leaf[...] != 0).any(), path  # single channels may be dead: no face makes them fire


def test_every_branch_starts_at_the_same_scale():
    row = InceptionRow("", 100, (100, 100), (100, 100), "l2", 100)
    block = Inception(100, row, config=NetworkConfig(), draws=Draws(jax.random.key(0), 400_000))
    x = np.maximum(np.random.default_rng(0).standard_normal((4, 12, 12, 100)), 0) * np.sqrt(2)
    y = block(jnp.asarray(x, jnp.float32))[:, 4:-4, 4:-4]
    for part in np.split(np.asarray(y), 4, axis=-1):
        assert np.mean(part**2) == pytest.approx(1, abs=0.35)


def test_width_scales_channels_and_leaves_none_none():
    config = NetworkConfig(width=0.5)
    assert [config.channels(64), config.channels(0), config.channels(1)] == [32, 0, 1]
    whole = NetworkConfig(width=0.35, multiple=16)
    assert [whole.channels(n) for n in (0, 16, 64, 192, 384)] == [0, 16, 16, 64, 128]
    half = ROWS[2].scaled(config)
    assert (half.one, half.three, half.five) == (0, (2, 2), (2, 3))
    assert (half.projection, half.stride) == (0, 2)
