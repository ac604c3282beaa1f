"""In chunks, the gradient is the whole batch's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from common.layers import unit_sphere
from facenet_jax.config import NetworkConfig
from facenet_jax.large_batch import chunked_value_and_grad
from facenet_jax.layers import Conv, Draws, Linear
from facenet_jax.mining import Mining
from facenet_jax.triplets import triplet_loss

LABELS = np.repeat(np.arange(4), 3)
MINING = Mining("semi-hard", margin=1.0)


class Tiny(nnx.Module):
    """A convolution, batch normalization if asked for, and an embedding."""

    def __init__(self, batch_norm):
        config = NetworkConfig(batch_norm=batch_norm)
        draws = Draws(jax.random.key(0), 3 * 3 * 2 * 4 + 36 * 5)
        self.conv = Conv(2, 4, 3, config=config, draws=draws, stride=2)
        self.fc = Linear(36, 5, config=config, draws=draws)

    def __call__(self, x):
        x = self.conv(x, training=True)
        return unit_sphere(self.fc(x.reshape(len(x), -1)))


def images():
    return jnp.asarray(np.random.default_rng(1).random((12, 6, 6, 2), np.float32))


def parts(batch_norm):
    """Parameters, and the embedding of a chunk with the new running averages."""
    graph, params, averages = nnx.split(Tiny(batch_norm), nnx.Param, ...)

    def embed(params, chunk):
        network = nnx.merge(graph, params, averages, copy=True)
        z = network(chunk)
        return z, nnx.state(network, nnx.BatchStat)

    return params, embed


def loss(z, own=1.0):
    value, seen = triplet_loss(z, LABELS, MINING)
    return own * value + own**2 * jnp.sum(z[0]), seen


def leaves_agree(ours, theirs):
    pairs = list(zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True))
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    return pairs


@pytest.mark.parametrize("chunk", [1, 4, None])
def test_without_batch_statistics_it_is_the_plain_gradient(chunk):
    params, embed = parts(batch_norm=False)

    def plainly(params, own):
        return loss(embed(params, images())[0], own)

    plain = jax.value_and_grad(plainly, argnums=(0, 1), has_aux=True)
    (value, seen), (theirs, of_own) = jax.jit(plain)(params, 1.5)

    @jax.jit
    def step(params, own, x):
        return chunked_value_and_grad(embed, loss, params, own, x, chunk=chunk)

    (ours, statistics, _), (gradient, also) = step(params, 1.5, images())
    assert float(also) == pytest.approx(float(of_own), rel=1e-5) and abs(float(also)) > 0.1
    assert float(ours) == pytest.approx(float(value), rel=1e-5)
    assert float(statistics.active) == pytest.approx(float(seen.active)) and seen.active > 0.2
    pairs = leaves_agree(gradient, theirs)
    assert all(jnp.abs(leaf).max() > 0 for _, leaf in pairs)


def test_with_batch_norm_chunks_are_what_is_normalized_over():
    params, embed = parts(batch_norm=True)

    def by_hand(params):
        chunks = [embed(params, images()[start : start + 4]) for start in (0, 4, 8)]
        value, _ = loss(jnp.concatenate([z for z, _ in chunks]))
        return value, [said for _, said in chunks]

    (value, said), theirs = jax.jit(jax.value_and_grad(by_hand, has_aux=True))(params)
    step = jax.jit(lambda params, x: chunked_value_and_grad(embed, loss, params, 1.0, x, chunk=4))
    (ours, _, averages), (gradient, _) = step(params, images())
    assert float(ours) == pytest.approx(float(value), rel=1e-5)
    leaves_agree(gradient, theirs)
    leaves_agree(averages, jax.tree.map(lambda *x: sum(x) / 3, *said))
    whole, _ = loss(embed(params, images())[0])
    assert abs(float(whole) - float(value)) > 1e-4  # another network, as the docstring says


def test_chunks_must_divide_the_batch():
    params, embed = parts(batch_norm=False)
    for chunk in (0, 5):
        with pytest.raises(ValueError, match="divisor of the batch"):
            chunked_value_and_grad(embed, loss, params, 1.0, images(), chunk=chunk)
