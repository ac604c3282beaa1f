"""Each layer against its definition, in loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads

from facenet_jax.config import NetworkConfig
from facenet_jax.layers import (
    Conv,
    Draws,
    Linear,
    convolve,
    l2_pool,
    local_response_norm,
    max_pool,
    maxout,
)

NORMED = NetworkConfig(batch_norm=True)


def maps(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def same_padding(side, size, stride):
    """Places before the first pixel, as TensorFlow's SAME has it."""
    return max((-(-side // stride) - 1) * stride + size - side, 0) // 2


def windows(x, size, stride):
    """Each output place, and the pixels of its window that are inside the image."""
    _, height, width, _ = x.shape
    low_y, low_x = (same_padding(side, size, stride) for side in (height, width))
    for i in range(-(-height // stride)):
        for j in range(-(-width // stride)):
            rows = [r for r in range(i * stride - low_y, i * stride - low_y + size)]
            columns = [c for c in range(j * stride - low_x, j * stride - low_x + size)]
            yield i, j, rows, columns


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2), (7, 2)])
def test_convolution(size, stride):
    x, kernel = maps(2, 7, 6, 3), maps(size, size, 3, 4, seed=1)
    y = np.asarray(convolve(jnp.asarray(x), jnp.asarray(kernel), stride))
    assert y.shape == (2, -(-7 // stride), -(-6 // stride), 4)
    for i, j, rows, columns in windows(x, size, stride):
        expected = np.zeros((2, 4))
        for a, r in enumerate(rows):
            for b, c in enumerate(columns):
                if 0 <= r < 7 and 0 <= c < 6:
                    expected += x[:, r, c] @ kernel[a, b]
        np.testing.assert_allclose(y[:, i, j], expected, atol=2e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [1, 5, 6])
def test_pooling(side, stride):
    x = maps(2, side, 7, 3) - 2  # mostly negative: what is outside must not win
    largest = np.asarray(max_pool(jnp.asarray(x), stride))
    norms = np.asarray(l2_pool(jnp.asarray(x), stride))
    assert largest.shape == norms.shape == (2, -(-side // stride), -(-7 // stride), 3)
    for i, j, rows, columns in windows(x, 3, stride):
        inside = [x[:, r, c] for r in rows for c in columns if 0 <= r < side and 0 <= c < 7]
        np.testing.assert_array_equal(largest[:, i, j], np.max(inside, axis=0))
        squares = np.square(inside, dtype=np.float64).sum(axis=0)
        np.testing.assert_allclose(norms[:, i, j], np.sqrt(squares), rtol=1e-5)


def test_pooling_agrees_with_reduce_window_on_gradients():
    x, weight = jnp.asarray(maps(2, 6, 7, 3)), jnp.asarray(maps(2, 3, 4, 3, seed=1))

    def theirs(x):
        pooled = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        return jnp.sum(weight * pooled)

    ours = jax.grad(lambda x: jnp.sum(weight * max_pool(x, 2)))(x)
    np.testing.assert_allclose(ours, jax.grad(theirs)(x), atol=1e-6)


def test_l2_pooling_of_zeros_has_gradient_zero():
    x = jnp.asarray(maps(1, 6, 6, 2)).at[:, :4].set(0)
    gradient = jax.grad(lambda x: l2_pool(x).sum())(x)
    assert jnp.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:, :3], 0)
    check_grads(lambda x: l2_pool(jnp.asarray(x)), (maps(1, 3, 4, 2),), order=1, modes=["rev"])


def test_local_response_norm():
    x = 30 * maps(2, 3, 4, 9)
    y = np.asarray(local_response_norm(jnp.asarray(x)))
    for c in range(9):
        near = x[..., max(c - 2, 0) : c + 3].astype(np.float64)
        expected = x[..., c] / (2 + 1e-4 * np.square(near).sum(-1)) ** 0.75
        np.testing.assert_allclose(y[..., c], expected, rtol=1e-5)


def test_maxout_takes_the_larger_of_neighbors():
    x = jnp.asarray([[1.0, 5.0, -2.0, -3.0, 0.0, 7.0], [2.0, 1.0, 0.0, 9.0, 4.0, 4.0]])
    np.testing.assert_array_equal(maxout(x), [[5, -2, 7], [2, 9, 4]])


def test_conv_layer_is_convolution_norm_bias_relu():
    layer = Conv(3, 4, 3, config=NORMED, draws=draws(), stride=2)
    layer.bias[...] = jnp.asarray([0.5, -0.5, 1.0, 0.0])
    x = jnp.asarray(maps(3, 5, 6, 3))
    plain = np.asarray(convolve(x, layer.kernel[...], 2), np.float64)
    normed = (plain - plain.mean((0, 1, 2))) / np.sqrt(plain.var((0, 1, 2)) + 1e-5)
    expected = np.maximum(normed + [0.5, -0.5, 1.0, 0.0], 0)
    np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-5)


def test_layers_start_at_the_scale_of_their_input():
    x = jnp.asarray(maps(8, 6, 6, 40))
    y = Conv(40, 90, 3, config=NetworkConfig(), draws=draws(40_000))(x)[:, 1:-1, 1:-1]
    assert float(jnp.mean(y * y)) == pytest.approx(1, abs=0.1)
    flat = x.reshape(len(x), -1)
    z = Linear(flat.shape[1], 200, config=NetworkConfig(), draws=draws(300_000))(flat)
    assert float(jnp.mean(z * z)) == pytest.approx(1, abs=0.1)
    assert float(jnp.mean(maxout(z) ** 2)) == pytest.approx(1, abs=0.1)


def test_draws_are_consecutive_pieces_and_never_run_out_silently():
    whole = jax.random.normal(jax.random.key(7), (10,))
    pieces = Draws(jax.random.key(7), 10)
    np.testing.assert_array_equal(pieces(2, 3), whole[:6].reshape(2, 3))
    np.testing.assert_array_equal(pieces(4), whole[6:])
    with pytest.raises(TypeError):
        pieces(1)


def draws(count=1000):
    return Draws(jax.random.key(0), count)


def test_computing_in_bfloat16_keeps_parameters_in_float32():
    config = NetworkConfig(batch_norm=True, dtype="bfloat16")
    layer = Conv(3, 4, 3, config=config, draws=draws())
    assert layer(jnp.asarray(maps(2, 4, 4, 3)), training=True).dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(layer))} == {jnp.dtype("float32")}
