"""The loop and its checkpoints: what a killed run loses, and what stops one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.checkpoint import Checkpoints
from common.training import Schedule, TrainingError, fit


class Numbers:
    """Batches 0, 1, 2, ..., which can be set back; counts how often it was asked."""

    def __init__(self):
        self.at, self.asked = 0, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at, self.asked = self.at + 1, self.asked + 1
        return self.at - 1

    def get_state(self):
        return {"at": self.at}

    def set_state(self, state):
        self.at = state["at"]


def begin():
    return {"total": jnp.zeros(()), "seen": jnp.zeros(7, jnp.int32)}


def add(state, batch):
    total = state["total"] + batch**2
    return {"total": total, "seen": state["seen"].at[batch % 7].add(1)}, total


def run(folder, steps, step=add, *, save_seconds=1e9):
    evaluated = []

    def evaluate(state):
        evaluated.append(float(state["total"]))
        return {"total": evaluated[-1]}

    numbers = Numbers()
    schedule = Schedule(steps, 1, evaluate_every=4, save_seconds=save_seconds, look_every=3)
    with Checkpoints(folder) as checkpoints:
        state, seconds = fit(
            step, begin(), numbers, schedule, evaluate=evaluate, checkpoints=checkpoints
        )
    return state, seconds, evaluated, numbers


def squares_below(n):
    return float(sum(k * k for k in range(n)))


def test_every_batch_once_and_evaluations_in_time(tmp_path):
    state, seconds, evaluated, numbers = run(tmp_path, 10)
    assert float(state["total"]) == squares_below(10)
    assert evaluated == [squares_below(4), squares_below(8), squares_below(10)]
    assert numbers.asked == 10 and seconds > 0


def test_killed_run_goes_on_from_its_checkpoint(tmp_path):
    def dies_at_six(state, batch):
        if batch == 6:
            raise KeyboardInterrupt
        return add(state, batch)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 10, dies_at_six, save_seconds=0.0)
    state, seconds, evaluated, numbers = run(tmp_path, 10)
    assert numbers.asked == 4  # 6, 7, 8, 9: nothing twice
    whole, *_ = run(tmp_path / "whole", 10)
    for name in whole:
        np.testing.assert_array_equal(state[name], whole[name])
    assert evaluated == [squares_below(8), squares_below(10)]


def test_finished_run_only_returns(tmp_path):
    first, before, *_ = run(tmp_path, 5)
    again, seconds, evaluated, numbers = run(tmp_path, 5)
    assert (numbers.asked, evaluated) == (0, [])
    assert float(again["total"]) == float(first["total"])
    assert seconds == pytest.approx(before, abs=5)


def test_nan_stops_with_a_clear_error_and_is_never_saved(tmp_path):
    def breaks_at_four(state, batch):
        state, loss = add(state, batch)
        return state, jnp.where(batch >= 4, jnp.nan, loss)

    # Step 5 is none at which the loss is looked at, but for being saved.
    with pytest.raises(TrainingError, match="loss is nan at step 5"):
        run(tmp_path, 20, breaks_at_four, save_seconds=0.0)
    with Checkpoints(tmp_path) as checkpoints:
        found = checkpoints.restore(begin())
    assert found is not None and found[0] == 4


def test_newest_checkpoints_are_kept(tmp_path):
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step in range(1, 5):
            checkpoints.save(step, {"x": jnp.full((2, 3), step)}, {"at": [step, "here"]})
        found = checkpoints.restore({"x": jnp.zeros((2, 3), jnp.int32)})
    assert found is not None
    step, state, position = found
    assert (step, position) == (4, {"at": [4, "here"]})
    np.testing.assert_array_equal(state["x"], np.full((2, 3), 4))
    assert isinstance(state["x"], jax.Array)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3", "4"]


def test_empty_folder_has_no_checkpoint(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore(begin()) is None


def test_checkpoint_of_another_run_is_refused(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, {"x": jnp.zeros((2, 3))}, {})
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(ValueError, match="not one of this run"):
            checkpoints.restore({"y": jnp.zeros((2, 3))})
        with pytest.raises(ValueError, match="not one of this run"):
            checkpoints.restore({"x": jnp.zeros((3, 3))})


def test_weights_that_are_no_numbers_are_never_saved(tmp_path):
    """The loss is of the weights before the step: it may look well when they are spoiled."""

    def spoil(state, batch):
        after, loss = add(state, batch)
        if batch == 2:
            after["total"] = after["total"] * jnp.nan
        return after, loss

    with pytest.raises(TrainingError, match="step 3 made weights"):
        run(tmp_path, 9, spoil, save_seconds=0.0)
    with Checkpoints(tmp_path) as checkpoints:
        found = checkpoints.restore(begin())
    assert found is not None and found[0] == 2 and float(found[1]["total"]) == squares_below(2)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, begin(), {"at": 1})

        def full(*args, **options):
            raise ValueError("RESOURCE_EXHAUSTED: write failed: No space left on device")

        monkeypatch.setattr(checkpoints._checkpointer, "save", full)
        with pytest.raises(OSError, match="no space left for a checkpoint"):
            checkpoints.save(2, begin(), {"at": 2})
        found = checkpoints.restore(begin())
    assert found is not None and found[0] == 1
