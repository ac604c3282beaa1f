"""Layers that several papers share, against formulas in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np

from common.layers import BatchNorm, prelu, unit_sphere


def maps(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_unit_sphere():
    z = maps(4, 5)
    z[2] = 0
    out = np.asarray(unit_sphere(jnp.asarray(z)))
    expected = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-9)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda z: jnp.sum(unit_sphere(z) * maps(4, 5, seed=1)))(jnp.asarray(z))
    assert jnp.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[2], 0)
    assert jnp.isnan(unit_sphere(jnp.full((1, 3), jnp.nan))).all()
    assert unit_sphere(jnp.ones((1, 3), jnp.bfloat16)).dtype == jnp.float32


def test_prelu_has_a_slope_a_channel():
    x, slope = maps(4, 3, 2, 5), np.array([0.25, -1.0, 0.0, 1.0, 2.5], np.float32)
    x[0, 0, 0] = 0
    wanted = np.maximum(x, 0) + slope * np.minimum(x, 0)
    np.testing.assert_allclose(prelu(jnp.asarray(x), jnp.asarray(slope)), wanted, rtol=1e-6)
    gradient = jax.grad(lambda slope: prelu(jnp.asarray(x), slope).sum())(jnp.asarray(slope))
    np.testing.assert_allclose(gradient, np.minimum(x, 0).sum((0, 1, 2)), rtol=1e-5)
    assert prelu(jnp.ones((1, 5), jnp.bfloat16), jnp.asarray(slope)).dtype == jnp.bfloat16


def test_batch_norm_uses_the_batch_in_training_and_averages_otherwise():
    norm = BatchNorm(3)
    norm.scale[...] = jnp.asarray([1.0, 2.0, 3.0])
    x = 5 + 2 * maps(4, 3, 2, 3)
    mean, variance = (f(x.astype(np.float64), axis=(0, 1, 2)) for f in (np.mean, np.var))
    trained = np.asarray(norm(jnp.asarray(x), training=True))
    expected = [1, 2, 3] * (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(trained, expected, atol=1e-5)
    np.testing.assert_allclose(norm.mean[...], 0.05 * mean, rtol=1e-5)
    np.testing.assert_allclose(norm.variance[...], 0.95 + 0.05 * variance, rtol=1e-5)
    before = np.asarray(norm.mean[...])
    used = np.asarray(norm(jnp.asarray(x), training=False))
    expected = [1, 2, 3] * (x - 0.05 * mean) / np.sqrt(0.95 + 0.05 * variance + 1e-5)
    np.testing.assert_allclose(used, expected, rtol=1e-4)
    np.testing.assert_array_equal(norm.mean[...], before)
