"""DeepFace's learned metrics as methods: pairs that are drawn, and what they make of a toy set."""

import copy

import jax.numpy as jnp
import numpy as np
import pytest

from common.harness import Training
from common.types import Pairs
from deepface_jax.pair_method import ChiSquaredSvm, Siamese, draw_pairs
from deepface_jax.siamese import begin
from deepface_jax.verify import chi_squared, fit_pair_svm


def test_drawn_pairs_are_what_they_say():
    rng = np.random.default_rng(0)
    identity = rng.permutation(np.repeat([7, 3, 11, 5, 2], [1, 4, 2, 6, 1]))
    first, second, same = draw_pairs(identity, 4001, seed=2)
    np.testing.assert_array_equal(same, identity[first] == identity[second])
    assert same.sum() == 2000 and not (first == second).any()
    # Every ordered pair of either kind comes, and each about as often as its first image has mates.
    found = {(a, b) for a, b in zip(first, second, strict=True)}
    size = len(identity)
    assert found == {(a, b) for a in range(size) for b in range(size) if a != b}
    counts = np.bincount(first[same], minlength=size)
    several = np.isin(identity, [3, 11, 5])
    assert (counts[~several] == 0).all()
    np.testing.assert_allclose(counts[several], 2000 / 12, rtol=0.35)
    np.testing.assert_allclose(np.bincount(first[~same], minlength=size), 2001 / 14, rtol=0.35)


def test_drawn_pairs_need_people():
    for identity in ([1, 2, 3], [4, 4, 4]):
        with pytest.raises(ValueError, match="two people or more"):
            draw_pairs(np.array(identity), 10)


def toy(faces=120, people=30, inputs=9, units=6):
    """L6's outputs of people who differ in some inputs, much noise in the others."""
    rng = np.random.default_rng(0)
    person = np.arange(faces) % people
    l6 = 4 * rng.random((faces, inputs)).astype(np.float32)
    l6[:, :4] = 3 * rng.random((people, 4)).astype(np.float32)[person] + l6[:, :4] / 20
    kernel = jnp.asarray(rng.standard_normal((inputs, units)), jnp.float32)
    return person, l6, begin(kernel, jnp.full(units, 0.5))


def test_siamese_learns_from_its_people_and_judges_others():
    person, l6, top = toy()
    maximum = np.ones(6, np.float32)
    known = np.flatnonzero(person < 20)
    others = draw_pairs(person[person >= 20], 400, seed=1)
    strangers = np.flatnonzero(person >= 20)
    first, second, same = strangers[others[0]], strangers[others[1]], others[2]

    def accuracy(epochs, rate):
        method = Siamese(l6, top, maximum, pairs=600, epochs=epochs, learning_rate=rate)
        assert copy.deepcopy(method) is method
        scores = method.fit(Training(known, None, person[known]))(first, second)
        assert scores.shape == (400,)
        np.testing.assert_allclose(  # the order of a pair does not matter
            scores, method.fit(Training(known, None, person[known]))(second, first), atol=1e-4
        )
        return np.mean((scores > 0) == same)

    assert accuracy(30, 0.02) > max(0.75, accuracy(1, 1e-7) + 0.1)


def test_chi_squared_svm_hands_on_the_vectors_of_every_network():
    rng = np.random.default_rng(0)
    f = [np.abs(rng.standard_normal((40, dim))).astype(np.float32) for dim in (3, 5)]
    first, second = rng.integers(0, 40, (2, 90))
    same = np.linalg.norm(f[0][first] - f[0][second], axis=1) < 1
    pairs = Pairs(first, second, same, np.zeros(90, int))
    scorer = ChiSquaredSvm(f, cost=2.0).fit(Training(pairs.images(), pairs, None))
    a, b = rng.integers(0, 40, (2, 25))
    decide = fit_pair_svm([chi_squared(g[first], g[second]) for g in f], same, cost=2.0)
    expected = decide([chi_squared(g[a], g[b]) for g in f])
    np.testing.assert_allclose(scorer(a, b), expected, rtol=1e-5)
