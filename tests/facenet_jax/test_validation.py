"""VAL at FAR against a plain count, and the softmax against its formula."""

import jax.numpy as jnp
import numpy as np
import pytest

from facenet_jax.softmax import cosine_softmax
from facenet_jax.validation import operating_points, validation_rate


def sphere(rows, dim, seed=0):
    z = np.random.default_rng(seed).standard_normal((rows, dim))
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)


def test_val_is_the_best_share_within_the_false_accept_rate():
    labels = np.repeat(np.arange(6), 5)
    z = sphere(30, 4) + 1.2 * sphere(6, 4, 1)[labels]
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    found = validation_rate(z, labels, false_accept_rate=0.1, splits=2, seed=3)
    people = np.random.default_rng(3).permutation(6)
    rates = []
    for members in np.array_split(people, 2):
        own = np.flatnonzero(np.isin(labels, members))
        pairs = [(i, j) for i in own for j in own if i < j]
        d = np.array([np.sum((z[i].astype(float) - z[j]) ** 2) for i, j in pairs])
        same = np.array([labels[i] == labels[j] for i, j in pairs])
        best = 0.0
        for bound in d + 1e-6:
            if np.mean(d[~same] <= bound) <= 0.1:
                best = max(best, np.mean(d[same] <= bound))
        rates.append(best)
    assert 0 < np.mean(rates) < 1
    assert found.mean == pytest.approx(np.mean(rates))
    assert found.standard_error == pytest.approx(np.std(rates, ddof=1) / np.sqrt(2))
    assert found.impostors == 75


def test_operating_points_are_chosen_on_others_and_counted_pair_by_pair():
    labels = np.repeat(np.arange(7), 4)
    z = sphere(28, 4, 5) + 1.1 * sphere(7, 4, 6)[labels]
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)

    def pairs(own):
        found = [(i, j) for i in own for j in own if i < j]
        d = np.array([np.sum((z[i].astype(float) - z[j]) ** 2) for i, j in found])
        return d, np.array([labels[i] == labels[j] for i, j in found])

    def largest(d, same, rate):
        return max((t for t in d if np.mean(d[~same] <= t) <= rate), default=-1.0)

    points = operating_points(z, labels, wanted=(0.3, 0.05), splits=3, seed=2)
    people = np.random.default_rng(2).permutation(7)
    for point, rate in zip(points, (0.3, 0.05), strict=True):
        assert point.wanted == rate
        assert point.squared_distance == pytest.approx(largest(*pairs(range(28)), rate), abs=1e-6)
        accepted = []
        for members in np.array_split(people, 3):
            own = np.isin(labels, members)
            threshold = largest(*pairs(np.flatnonzero(~own)), rate)
            d, same = pairs(np.flatnonzero(own))
            accepted += list(zip(same, d <= threshold + 1e-6, strict=True))
        for kind, share in ((True, point.true_accept_rate), (False, point.false_accept_rate)):
            assert share == pytest.approx(np.mean([a for same, a in accepted if same == kind]))
    assert points[1].squared_distance < points[0].squared_distance


def test_a_false_accept_rate_that_no_threshold_keeps_accepts_nobody():
    z = sphere(8, 4, 9)
    z[[0, 2, 4, 6]] = z[0]  # faces of four people, all alike
    (point,) = operating_points(z, np.arange(8) // 2, wanted=(0.01,), splits=2)
    assert point == (0.01, 0.0, 0.0, 0.0)


def test_softmax_is_its_formula():
    z, directions = sphere(5, 4), 3 * sphere(3, 4, 1)
    labels = np.array([0, 2, 1, 1, 0])
    cosines = z @ directions.T / 3
    cosines[np.arange(5), labels] -= 0.2
    p = np.exp(7 * cosines)
    wanted = -np.log(p[np.arange(5), labels] / p.sum(1)).mean()
    found = cosine_softmax(
        jnp.asarray(z), jnp.asarray(labels), jnp.asarray(directions), scale=7.0, margin=0.2
    )
    assert float(found) == pytest.approx(wanted, rel=1e-5)
