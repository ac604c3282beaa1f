"""Bytes for embeddings: what is rounded, and what is refused."""

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from facenet_jax.quantization import from_bytes, to_bytes


def sphere(faces, dim, seed=0):
    z = np.random.default_rng(seed).standard_normal((faces, dim))
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)


def test_each_number_is_rounded_to_a_127th():
    z = sphere(7, 5)
    z[0] = [1, 0, 0, 0, 0]
    z[1] = [0, -1, 0, 0, 0]
    found = to_bytes(z)
    assert found.dtype == np.int8 and found.nbytes == z.size
    for number, byte in zip(z.ravel().tolist(), found.ravel().tolist(), strict=True):
        assert byte == int((Decimal(number) * 127).quantize(Decimal(1), ROUND_HALF_EVEN))


def test_embeddings_come_back_on_the_sphere_and_near():
    z = sphere(40, 128)
    back = from_bytes(to_bytes(z))
    assert back.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    # Rounding moves a point by at most half a step in each number, its length by no more.
    assert np.abs(back - z).max() < 1 / 127
    first, second = np.triu_indices(40, 1)
    d, e = (np.square(x[first] - x[second]).sum(1) for x in (z, back))
    assert 0 < np.abs(d - e).max() < 0.03
    np.testing.assert_array_equal(from_bytes(np.zeros((2, 3), np.int8)), np.zeros((2, 3)))


def test_what_is_not_on_the_sphere_is_refused():
    for bad in (1.01, np.nan, np.inf):
        z = sphere(3, 4)
        z[1, 2] = bad
        with pytest.raises(ValueError, match="wanted points on the unit sphere"):
            to_bytes(z)
