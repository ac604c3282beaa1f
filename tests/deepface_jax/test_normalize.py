"""f(I) from G(I)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepface_jax.normalize import maximum_of, normalize


def features(images, dim=5, seed=0):
    """Not negative, mostly zero, as F7's are."""
    drawn = np.random.default_rng(seed).standard_normal((images, dim)) - 0.3
    return np.maximum(drawn, 0).astype(np.float32) * [0.01, 1, 7, 0.2, 0][:dim]


def test_maximum_is_that_of_all_batches():
    rows = features(23)
    found = maximum_of(rows[start : start + 5] for start in range(0, 23, 5))
    np.testing.assert_array_equal(found, rows.max(axis=0).astype(np.float32))
    np.testing.assert_array_equal(maximum_of([jnp.asarray(rows)]), found)


def test_normalize_is_the_formula():
    train, test = features(40), features(6, seed=1)
    maximum = train.max(axis=0)
    found = np.asarray(normalize(test, maximum))
    for g, f in zip(test.astype(np.float64), found, strict=True):
        scaled = [value / max(top, 0.05) for value, top in zip(g, maximum, strict=True)]
        length = sum(value**2 for value in scaled) ** 0.5
        np.testing.assert_allclose(f, np.array(scaled) / (length or 1), rtol=1e-5)
    np.testing.assert_allclose(found[0], normalize(test[0], maximum), rtol=1e-6)


def test_weak_units_are_not_blown_up():
    weak = normalize(np.array([0.01, 1.0]), np.array([0.01, 1.0]))
    np.testing.assert_allclose(weak[0] / weak[1], 0.01 / 0.05, rtol=1e-5)
    other = normalize(np.array([0.01, 1.0]), np.array([0.01, 1.0]), epsilon=0.002)
    np.testing.assert_allclose(other[0] / other[1], 1, rtol=1e-5)


def test_zero_vectors_stay_zero_and_have_a_finite_gradient():
    rows = jnp.asarray(np.stack([np.zeros(5), np.arange(5.0)]), jnp.float32)
    maximum = jnp.asarray([0.0, 1.0, 2.0, 3.0, 4.0])
    found = normalize(rows, maximum)
    assert (found[0] == 0).all()
    np.testing.assert_allclose(jnp.linalg.norm(found[1]), 1, rtol=1e-6)
    slope = jax.grad(lambda rows: normalize(rows, maximum)[:, 1].sum())(rows)
    assert jnp.isfinite(slope).all() and (slope[1] != 0).any()


def test_what_is_no_training_set_is_refused():
    with pytest.raises(ValueError, match="no features"):
        maximum_of([])
    good, bad = features(3), features(3)
    bad[1, 2] = np.nan
    with pytest.raises(ValueError, match="batch 1 .* not finite"):
        maximum_of([good, bad])
    with pytest.raises(ValueError, match="batch 1 .* empty"):
        maximum_of([good, good[:0]])
