"""A-Softmax against a loop over faces and people that measures angles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from sphereface_jax.a_softmax import a_softmax_loss, annealed, psi
from sphereface_jax.config import PAPER, TrainConfig


def psi_of_angle(theta, m):
    k = min(int(theta * m / np.pi), m - 1)
    return (-1) ** k * np.cos(m * theta) - 2 * k


def slowly(x, labels, directions, m, weight, feature_length):
    """Face by face, person by person, with arc cosines, in float64."""
    total = 0.0
    for face, own in zip(x.astype(np.float64), labels, strict=True):
        length, logits = np.linalg.norm(face), []
        for person, direction in enumerate(directions.astype(np.float64)):
            theta = np.arccos(face @ direction / length / np.linalg.norm(direction))
            value = np.cos(theta)
            if person == own:
                value = (weight * value + psi_of_angle(theta, m)) / (1 + weight)
            logits.append((feature_length or length) * value)
        total -= logits[own] - np.log(np.sum(np.exp(logits)))
    return total / len(x)


def drawn(seed, faces=7, people=5, dim=3):
    """In few dimensions, so that angles of all sizes occur."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(faces, dim)) * rng.uniform(0.2, 6, (faces, 1))).astype(np.float32)
    directions = rng.normal(size=(people, dim)).astype(np.float32)
    return x, rng.integers(0, people, faces), directions


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize(("weight", "length"), [(0.0, 0.0), (5.0, 0.0), (0.7, 16.0)])
def test_the_loss_is_the_loops(m, weight, length):
    for seed in range(4):
        x, labels, directions = drawn(seed)
        found = a_softmax_loss(
            jnp.asarray(x), jnp.asarray(labels), jnp.asarray(directions), m=m, weight=weight,
            feature_length=length,
        )  # fmt: skip
        expected = slowly(x, labels, directions, m, weight, length)
        assert float(found) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_psi_is_its_formula_and_falls_with_the_angle(m):
    theta = np.linspace(0, np.pi, 997)
    found = np.asarray(psi(jnp.asarray(np.cos(theta), jnp.float32), m))
    np.testing.assert_allclose(found, [psi_of_angle(t, m) for t in theta], atol=2e-5)
    assert (np.diff(found) < 1e-6).all()  # also where k changes
    assert found[0] == pytest.approx(1) and found[-1] == pytest.approx(1 - 2 * m)


def test_a_margin_costs_more_and_the_plain_cosine_weakens_it():
    x, labels, directions = (jnp.asarray(part) for part in drawn(1))

    def loss(m, weight):
        return float(a_softmax_loss(x, labels, directions, m=m, weight=weight))

    assert loss(1, 0.0) < loss(2, 0.0) < loss(4, 0.0)
    assert loss(4, 0.0) > loss(4, 5.0) > loss(4, 1e6) == pytest.approx(loss(1, 0.0), rel=1e-4)


def test_gradients_are_right_and_finite_at_a_feature_of_zeros():
    x, labels, directions = (jnp.asarray(part) for part in drawn(2))

    def loss(x, directions):
        # check_grads passes NumPy arrays
        x, directions = jnp.asarray(x), jnp.asarray(directions)
        return a_softmax_loss(x, labels, directions, m=4, weight=2.0)

    check_grads(loss, (x, directions), order=1, modes=["rev"], atol=0.02, rtol=0.02, eps=1e-3)
    gradient = jax.grad(loss)(x.at[3].set(0.0), directions)
    assert jnp.isfinite(gradient).all()


def test_only_the_direction_of_a_persons_row_counts():
    x, labels, directions = (jnp.asarray(part) for part in drawn(3))
    longer = directions * jnp.arange(1.0, 6)[:, None]
    one, other = (a_softmax_loss(x, labels, w, m=4, weight=5.0) for w in (directions, longer))
    assert float(one) == pytest.approx(float(other), rel=1e-5)


def test_the_plain_cosine_fades_as_in_the_authors_code():
    for step in (1, 10, 1000, 1658, 1659, 28_000):
        expected = max(5.0, 1000 * (1 + 0.12 * step) ** -1)
        assert float(annealed(jnp.asarray(step), PAPER)) == pytest.approx(expected, rel=1e-5)
    assert (
        float(annealed(jnp.asarray(1658), PAPER)) > 5 == float(annealed(jnp.asarray(1659), PAPER))
    )


def test_values_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="m = 5 times; wanted 1, 2, 3 or 4"):
        TrainConfig(m=5)
    with pytest.raises(ValueError, match="cannot be below zero"):
        TrainConfig(lambda_min=-1.0)
    with pytest.raises(ValueError, match="0.0 epochs"):
        TrainConfig(epochs=0.0)
    with pytest.raises(ValueError, match="keeps 1.0 a step"):
        TrainConfig(average=1.0)
