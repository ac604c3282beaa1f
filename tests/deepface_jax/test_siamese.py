"""The Siamese top against loops, and on pairs that it can learn."""

import jax.numpy as jnp
import numpy as np
import pytest

from deepface_jax.siamese import begin, distance, pair_loss, representation, train_top

INPUTS, UNITS = 7, 5


def problem(seed=0, faces=60, people=6):
    """Faces whose person shows in their first inputs."""
    rng = np.random.default_rng(seed)
    person = np.arange(faces) % people
    l6 = rng.random((faces, INPUTS)).astype(np.float32)
    l6[:, :3] += 2 * rng.random((people, 3)).astype(np.float32)[person]
    kernel = jnp.asarray(rng.standard_normal((INPUTS, UNITS)), jnp.float32)
    bias = jnp.asarray(rng.standard_normal(UNITS), jnp.float32)
    first, second = rng.integers(0, faces, (2, 400))
    return l6, begin(kernel, bias), first, second, person[first] == person[second]


def by_loops(top, l6, maximum):
    made = []
    for x in l6:
        g = [
            max(0.0, sum(float(x[i]) * float(top.kernel[i, u]) for i in range(INPUTS))
                + float(top.bias[u]))
            / max(float(maximum[u]), 0.05)
            for u in range(UNITS)
        ]  # fmt: skip
        length = np.sqrt(sum(v * v for v in g))
        made.append([v / length if length else 0.0 for v in g])
    return np.array(made)


def test_distance_and_loss_by_loops():
    l6, top, first, second, same = problem()
    top = top._replace(alpha=jnp.arange(1.0, UNITS + 1), threshold=jnp.asarray(1.5))
    maximum = np.random.default_rng(1).random(UNITS).astype(np.float32) + 0.5
    f = by_loops(top, l6, maximum)
    np.testing.assert_allclose(representation(top, jnp.asarray(l6), maximum), f, atol=1e-5)
    some, expected, total = slice(0, 9), [], 0.0
    for a, b, alike in zip(first[some], second[some], same[some], strict=True):
        d = sum((u + 1) * abs(f[a, u] - f[b, u]) for u in range(UNITS))
        expected.append(d)
        p = 1 / (1 + np.exp(d - 1.5))
        total -= np.log(p if alike else 1 - p) / 9
    ours = distance(top.alpha, jnp.asarray(f)[first[some]], jnp.asarray(f)[second[some]])
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    loss = pair_loss(
        top, jnp.asarray(l6[first[some]]), jnp.asarray(l6[second[some]]),
        jnp.asarray(same[some]), maximum,
    )  # fmt: skip
    assert float(loss) == pytest.approx(total, rel=1e-4)


def test_training_lowers_the_loss_of_other_pairs():
    l6, top, first, second, same = problem()
    maximum = np.ones(UNITS, np.float32)
    kernel = np.array(top.kernel)
    trained = train_top(
        top, l6, first, second, same, maximum, epochs=20, batch=32, learning_rate=0.02
    )
    np.testing.assert_array_equal(top.kernel, kernel)  # what it began with is untouched
    assert (np.asarray(trained.kernel) != kernel).any()
    rng = np.random.default_rng(5)
    a, b = rng.integers(0, len(l6), (2, 300))
    other = (jnp.asarray(l6[a]), jnp.asarray(l6[b]), jnp.asarray(a % 6 == b % 6), maximum)
    assert float(pair_loss(trained, *other)) < 0.8 * float(pair_loss(top, *other))


def test_the_seed_decides():
    l6, top, first, second, same = problem()
    maximum = np.ones(UNITS, np.float32)
    one, two, three = (
        train_top(top, l6, first, second, same, maximum, epochs=1, batch=50, seed=seed).alpha
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (np.asarray(one) != np.asarray(three)).any()
