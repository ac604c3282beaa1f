"""The training step: it learns, in chunks as at once, and is watched over."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.training import TrainingError
from facenet_jax.collapse import CollapseAlarm, CollapseError, guarded
from facenet_jax.mining import Mining
from facenet_jax.recipes import PAPER, PAPER_SMALL, SMALL_DATA, TrainConfig
from facenet_jax.train import Batch, embed_all, make_embed, make_step
from tests.facenet_jax.toy import (
    IMAGES,
    LABELS,
    NETWORK,
    TRIPLETS,
    WARM_UP,
    batches,
    begin,
    steps,
)

FACES = len(LABELS)


LONGER = replace(TRIPLETS, epochs=120.0)


@pytest.fixture(scope="module")
def paper_step():
    """The paper's recipe, jitted once for all tests."""
    graph, _ = begin(LONGER)
    return make_step(LONGER, graph, faces=FACES), make_embed(graph)


@pytest.mark.parametrize("seed", range(5))
def test_the_papers_recipe_learns_and_does_not_collapse(paper_step, seed):
    step, embed = paper_step
    _, state = begin(LONGER, seed=seed)
    watched = guarded(step, CollapseAlarm(), every=2)
    state, losses = steps(watched, state, batches(LONGER, seed), 120)
    assert int(state.step) == 120
    assert min(losses[:5]) > 0.1 and max(losses[-5:]) < 0.02
    assert float(state.seen.spread) > 0.5
    z = embed_all(embed, state.result, IMAGES, batch=20)
    d = np.square(z[:, None] - z).sum(-1) + 9 * np.eye(FACES)
    assert (LABELS[d.argmin(1)] == LABELS).all()


def test_the_hardest_negatives_collapse_and_the_alarm_says_so():
    config = replace(TRIPLETS, mining=Mining("hardest"))
    graph, state = begin(config)
    step = guarded(make_step(config, graph, faces=FACES), CollapseAlarm(), every=5)
    with pytest.raises(CollapseError, match="the rule semi-hard instead of hardest"):
        steps(step, state, batches(config), 60)


def test_the_alarm_looks_every_so_many_steps_counted_from_the_first():
    seen = []

    class Alarm(CollapseAlarm):
        def look(self, step, statistics):
            seen.append((step, statistics))

    class State(dict):
        step, seen = property(lambda self: self["step"]), "statistics"

    step = guarded(lambda state, batch: (State(step=state.step + 1), 0.0), Alarm(), every=4)
    state = State(step=6)  # a run that goes on
    for _ in range(7):
        state, _ = step(state, None)
    assert seen == [(8, "statistics"), (12, "statistics")]


def test_chunks_take_the_same_step_with_both_losses():
    plain = replace(TRIPLETS, softmax=0.5, average=0.9, optimizer="sgd")
    chunked = replace(plain, chunk=12)
    found = []
    for config in (plain, chunked):
        graph, state = begin(config)
        step = make_step(config, graph, faces=FACES)
        found.append(steps(step, state, batches(config), 2))
    (one, losses), (other, also) = found
    np.testing.assert_allclose(losses, also, rtol=1e-5)
    assert "classifier" in one.weights.params
    before = jax.tree.leaves(begin(plain)[1].weights)
    pairs = zip(before, *(jax.tree.leaves(s.weights) for s in (one, other)), strict=True)
    for old, a, b in pairs:
        moved = np.abs(np.asarray(a - old)).max()
        np.testing.assert_allclose(a, b, atol=1e-3 * moved + 1e-7)


def test_chunks_of_a_batch_that_is_split_over_devices_are_refused():
    config = replace(TRIPLETS, chunk=12)
    mesh = jax.make_mesh((1,), ("batch",))
    with pytest.raises(ValueError, match="chunks of 12 faces, and a mesh of 1 devices"):
        make_step(config, begin(config)[0], faces=FACES, mesh=mesh)


def test_the_warm_up_learns_and_hands_its_average_on():
    network = replace(NETWORK, batch_norm=True)
    graph, state = begin(WARM_UP, network=network)
    state, losses = steps(make_step(WARM_UP, graph, faces=FACES), state, batches(WARM_UP), 100)
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])
    # With batch normalization, using the network gives what training has seen.
    z = embed_all(make_embed(graph), state.result, IMAGES)
    centers = np.stack([z[person == LABELS].mean(0) for person in range(8)])
    assert np.mean((z @ centers.T).argmax(1) == LABELS) > 0.95

    result = state.result
    assert result is state.average and "classifier" in result.params
    _, second = begin(TRIPLETS, network=network, weights=result)
    assert set(second.weights.params) == {"network"} and second.average == ()
    for a, b in zip(
        jax.tree.leaves((result.params["network"], result.statistics)),
        jax.tree.leaves(second.weights),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    _, third = begin(WARM_UP, network=network, weights=result)
    np.testing.assert_array_equal(third.weights.params["classifier"], result.params["classifier"])


def test_the_margin_rises_step_by_step():
    """The first loss with a margin that rises over two epochs is that of its first share."""
    rising = replace(WARM_UP, cosine_margin=0.4, margin_rise=2.0, optimizer="sgd")
    per_epoch = FACES / rising.batch  # two steps, so the margin is whole after four
    batch = next(batches(rising))
    for step, margin in ((0, 0.1), (1, 0.2), (3, 0.4), (9, 0.4)):
        assert margin == pytest.approx(0.4 * min(1, (step + 1) / (2 * per_epoch)))
        still = replace(rising, cosine_margin=margin, margin_rise=0.0)
        losses = []
        for config in (rising, still):
            graph, state = begin(config)
            state = state._replace(step=jnp.asarray(step, jnp.int32))
            losses.append(float(make_step(config, graph, faces=FACES)(state, batch)[1]))
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_directions_are_brought_back_to_their_length_and_turn_as_in_the_free_step():
    free = replace(WARM_UP, optimizer="sgd", learning_rate=3.0, average=0.0, warmup=0.0)
    held = replace(free, classifier_length=0.5)
    found = []
    for config in (free, held):
        graph, state = begin(config)
        first = np.array(state.weights.params["classifier"])
        step, some = make_step(config, graph, faces=FACES), iter(batches(config))
        state, _ = step(state, next(some))
        found.append(np.array(state.weights.params["classifier"]))
        state, _ = step(state, next(some))
    lengths = np.linalg.norm(found[0], axis=1, keepdims=True)
    assert np.abs(found[0] - first).max() > 0.01  # the step does turn them
    np.testing.assert_allclose(found[1], 0.5 * found[0] / lengths, atol=1e-6)
    again = np.asarray(state.weights.params["classifier"])
    np.testing.assert_allclose(np.linalg.norm(again, axis=1), 0.5, atol=1e-6)
    assert np.abs(again - found[1]).max() > 0.001


def test_the_average_is_of_all_weights_and_follows_fast_at_first():
    config = replace(TRIPLETS, average=0.95, optimizer="sgd")
    graph, state = begin(config)
    old = jax.tree.map(np.asarray, state.weights)
    state, _ = steps(make_step(config, graph, faces=FACES), state, batches(config), 1)
    for before, now, mean in zip(
        *(jax.tree.leaves(part) for part in (old, state.weights, state.average)), strict=True
    ):
        np.testing.assert_allclose(mean, 0.1 * before + 0.9 * now, atol=1e-6)


def test_pixels_that_are_no_faces_stop_with_a_clear_error(paper_step):
    step, _ = paper_step
    _, state = begin(TRIPLETS)
    state = state._replace(weights=jax.tree.map(lambda x: x * jnp.nan, state.weights))
    with pytest.raises(TrainingError, match="not finite at step 1"):
        guarded(step, CollapseAlarm(), every=1)(state, Batch(IMAGES, LABELS))


def test_the_same_training_is_compiled_once_whatever_its_faces_and_weights():
    (one, _), (other, _) = (begin(TRIPLETS, seed=seed) for seed in (0, 1))
    step = make_step(TRIPLETS, one, faces=FACES)
    assert make_step(TRIPLETS, other, faces=FACES) is step and make_embed(one) is make_embed(other)
    for changed in (
        make_step(LONGER, one, faces=FACES), make_step(TRIPLETS, one, faces=FACES + 1),
        make_step(TRIPLETS, one, faces=FACES, seed=1),
        make_step(TRIPLETS, begin(TRIPLETS, network=replace(NETWORK, width=1 / 8))[0], faces=FACES),
    ):  # fmt: skip
        assert changed is not step


def test_recipes_are_whole():
    (paper,) = PAPER
    assert (paper.batch, paper.learning_rate, paper.mining.margin) == (1800, 0.05, 0.2)
    assert (paper.mining.rule, paper.optimizer, paper.softmax) == ("semi-hard", "adagrad", 0.0)
    (small,) = PAPER_SMALL
    for config in (paper, small):  # a ninth of the paper's batch, about, is random negatives
        assert 0.1 < config.negatives / config.batch < 0.13
    assert small.batch == 480
    for recipe in (PAPER_SMALL, SMALL_DATA):
        for config in recipe:
            assert config.steps(16_000) > 100
    with pytest.raises(ValueError, match="a weight above zero"):
        TrainConfig(triplets=0.0)
    with pytest.raises(ValueError, match="batches of 1 faces"):
        TrainConfig(identities=0, negatives=1)
    with pytest.raises(ValueError, match="wanted 0 to below 1"):
        TrainConfig(average=1.0)
