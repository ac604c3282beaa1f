"""Batches of views: the same again after a stop, whatever was made ahead."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from common.checkpoint import Checkpoints
from common.training import Schedule, fit
from facenet_jax.train import Batch, make_step
from facenet_jax.views import batches_of
from tests.facenet_jax.toy import LABELS, NETWORK, TRIPLETS, WARM_UP, batches, begin

GROUPS = replace(TRIPLETS, identities=3, faces=4, negatives=2)


def take(source, count):
    return [next(source) for _ in range(count)]


def assert_equal(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)
        np.testing.assert_array_equal(a.images, b.images)


@pytest.mark.parametrize("config", [GROUPS, WARM_UP], ids=["groups", "random"])
def test_a_stop_anywhere_changes_nothing(config):
    whole = take(batches(config, 3, jitter=9), 9)
    source = batches(config, 3, jitter=9)
    for stop in (0, 1, 5):
        source = batches(config, 3, jitter=9)
        assert_equal(take(source, stop), whole[:stop])
        again = batches(config, 3, jitter=9)
        take(again, 2)  # somewhere else
        again.set_state(source.get_state())
        assert_equal(take(again, 4), whole[stop : stop + 4])
    assert_equal(take(source, 1), whole[5:6])  # asking for its state has not moved it


def test_views_differ_by_batch_place_and_seed():
    def noise(number, rng):
        return Batch(np.full((1, 1, 3), rng.integers(256), np.uint8), LABELS[number])

    def drawn(seed, count):
        source = batches_of(GROUPS, LABELS, noise, seed=seed)
        return [batch.images[:, 0, 0, 0] for batch in take(source, count)]

    (first, second), (other,) = drawn(0, 2), drawn(1, 1)
    assert first.shape == (14,) and len(set(first.tolist())) > 7
    assert (first != second).any() and (first != other).any()


def test_an_error_in_a_view_is_raised():
    def broken(number, rng):
        raise ValueError("face 7 cannot be read")

    with pytest.raises(ValueError, match="face 7 cannot be read"):
        next(batches_of(GROUPS, LABELS, broken))


class Stop(Exception):
    pass


@pytest.mark.parametrize("config", [GROUPS, WARM_UP], ids=["triplets", "warm-up"])
def test_a_killed_training_ends_with_the_same_parameters(config, tmp_path):
    network = replace(NETWORK, batch_norm=config is WARM_UP)
    graph, _ = begin(config, network=network)
    step = make_step(config, graph, faces=len(LABELS))

    def run(folder, dies_after=99):
        done = 0

        def mortal(state, batch):
            nonlocal done
            done += 1
            if done > dies_after:
                raise Stop
            return step(state, batch)

        schedule = Schedule(6, config.batch, evaluate_every=3, save_seconds=0.0)
        with Checkpoints(folder) as checkpoints:
            _, state = begin(config, network=network)
            source = batches(config, jitter=9)
            state, _ = fit(
                mortal, state, source, schedule, evaluate=lambda state: {"one": 1.0},
                checkpoints=checkpoints,
            )  # fmt: skip
        return state

    whole = run(tmp_path / "whole")
    with pytest.raises(Stop):
        run(tmp_path / "killed", dies_after=3)
    resumed = run(tmp_path / "killed")
    pairs = zip(jax.tree.leaves(whole), jax.tree.leaves(resumed), strict=True)
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)
    before = jax.tree.leaves(begin(config, network=network)[1].weights.params)
    after = jax.tree.leaves(whole.weights.params)
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
