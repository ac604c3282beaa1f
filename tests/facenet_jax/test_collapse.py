"""When the alarm goes off, and when it must not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from common.training import TrainingError
from facenet_jax.collapse import CollapseAlarm, CollapseError
from facenet_jax.config import NetworkConfig
from facenet_jax.model import build
from facenet_jax.triplets import triplet_loss

LABELS = np.arange(12) // 3


def statistics(spread, seed=0):
    """Of embeddings near one another; their spread is about that."""
    noise = np.random.default_rng(seed).standard_normal((12, 8))
    z = np.eye(8)[0] + np.sqrt(spread / 8) * noise
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    return triplet_loss(jnp.asarray(z, jnp.float32), LABELS)[1]


def test_alarm_needs_patience_and_forgets():
    alarm = CollapseAlarm(smallest_spread=0.01, patience=3)
    for spread in (1e-4, 1e-4, 0.5, 1e-4, 0.0):
        alarm.look(100, statistics(spread))
    with pytest.raises(
        CollapseError, match=r"collapsed at step 1,200: their spread is .* rule semi"
    ):
        alarm.look(1200, statistics(1e-4))


def test_embeddings_that_are_not_finite_stop_at_once():
    z = jnp.full((12, 8), jnp.nan)
    with pytest.raises(TrainingError, match="not finite at step 7"):
        CollapseAlarm().look(7, triplet_loss(z, LABELS)[1])


def test_untrained_network_is_no_collapse():
    model = build(NetworkConfig("NN1", side=40, width=1 / 16), nnx.Rngs(0))
    rng = np.random.default_rng(0)
    # Flat faces of a dozen shades: less to tell apart than any photographs offer.
    shades = rng.uniform(0.2, 0.8, (12, 1, 1, 3)) + 0.05 * rng.random((12, 40, 40, 3))
    _, seen = triplet_loss(jax.jit(model)(jnp.asarray(shades, jnp.float32)), LABELS)
    alarm = CollapseAlarm()
    for step in range(10):
        alarm.look(step, seen)
    assert float(seen.spread) > 2 * alarm.smallest_spread
