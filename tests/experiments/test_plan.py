"""Plans: the arithmetic against the paper's tables and by hand; nothing is run."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from deepface_jax.network_config import DF_4_4K, SMALL, SUB3
from experiments import plan, plan_runs, reproduce, train_deepface
from experiments.plan import Hardware, Plan, assumptions, estimate, lines, main
from experiments.plan_runs import Run
from experiments.reproduce import Reproduce

RUN = Run(
    title="a net", images=900, epochs=10.0, batch=60, pieces=1, side=7, parameters=11,
    multiply_adds=5_000, passes=3, state_bytes=1000, weight_bytes=400, kept_bytes=30,
    command="go", notes=("a note",), step=lambda faces: None,
)  # fmt: skip


def test_the_estimate_by_hand():
    found = estimate(RUN, Hardware(device_tflops=1e-6, devices=3, efficiency=0.5))
    assert RUN.steps == 150
    operations = 900 * 10 * 5_000 * 2 * 3
    assert found.seconds == pytest.approx(operations / (3 * 1e6 * 0.5))
    assert found.faces_per_second == pytest.approx(9_000 / (operations / 1.5e6))
    assert found.faces_at_a_time == 20
    assert found.device_bytes == 1000 + 400 + 20 * 30 + 20 * 7 * 7 * 3
    assert found.disk_bytes == pytest.approx(900 * 147 * 0.1)
    split = estimate(dataclasses.replace(RUN, pieces=4, passes=4), Hardware(devices=3))
    assert split.faces_at_a_time == 5 and split.activation_bytes == 150
    assert split.seconds is None and split.faces_per_second is None
    assert split.device_bytes == 1000 + 400 + 5 * 30 + 20 * 147


def test_without_a_device_no_time_is_claimed():
    said = dict(lines(RUN, Hardware(), estimate(RUN, Hardware())))
    assert said["time"] == said["input needed"] == "name --device-tflops"
    fast = Hardware(device_tflops=1.0, devices=2)
    said = " ".join(assumptions(RUN, fast))
    assert "2 x 1 TFLOP/s x 0.4" in said and "neither was measured" in said and "a note" in said


@pytest.mark.parametrize("bad", [{"devices": 0}, {"device_tflops": 0.0}, {"efficiency": 1.1},
                                 {"efficiency": 0.0}, {"device_tflops": float("nan")}])  # fmt: skip
def test_no_such_hardware(bad):
    with pytest.raises(ValueError, match="wanted one device or more"):
        estimate(RUN, Hardware(**bad))


def test_batches_are_split_evenly():
    with pytest.raises(ValueError, match="batch of 60 cannot be split evenly over 7 devices"):
        estimate(RUN, Hardware(devices=7))


@pytest.mark.parametrize("config", [DF_4_4K, SUB3, SMALL])
def test_deepface_multiply_adds_place_by_place(config):
    """A weight of a convolution works at every place, any other once."""
    from deepface_jax.model import parameter_table

    found = config.multiply_adds()
    for row in parameter_table(config):
        if row.layer != "M2" and row.weights:
            places = row.output[0] * row.output[1] if row.layer in ("C1", "C3") else 1
            assert found.pop(row.layer) == row.weights * places
    assert not found


def test_the_papers_runs():
    run = plan_runs.facenet("NN2", pieces=6)
    assert (run.images, run.batch, run.steps) == (200_000_000, 1800, 11_111_111)
    assert run.multiply_adds == 1_596_530_688 and run.parameters == 7_456_304
    assert run.state_bytes == pytest.approx(2 * 4 * run.parameters, rel=1e-3)  # AdaGrad's sums
    assert run.passes == 4 and run.command.endswith("--network NN2 --chunk 300")
    deepface = plan_runs.deepface(pieces=2)
    assert (deepface.images, deepface.epochs, deepface.batch) == (4_400_000, 15.0, 128)
    assert deepface.parameters == 118_923_774 and deepface.multiply_adds == 517_624_448
    assert deepface.state_bytes == pytest.approx(2 * 4 * deepface.parameters, rel=1e-3)
    assert deepface.step(2).in_avals  # it can be lowered from shapes alone
    assert deepface.passes == 3 and deepface.command.endswith("--pieces 2")


def test_kept_is_what_the_gradient_needs_of_a_face():
    """A sine keeps its cosine, and a product the input whose weights are differentiated."""
    weights = np.ones((12, 5), np.float32)

    def forward(weights, faces):
        x = faces.astype(jnp.float32).reshape(len(faces), -1)
        return jnp.sin(x @ weights)

    assert plan_runs._kept(forward, weights, side=2) == 4 * (12 + 5)


def test_the_commands_print_the_plan_and_run_nothing(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    seen = []

    def run(*words, **settings):
        seen.append((words, settings["batch"]))
        return RUN

    monkeypatch.setattr(plan_runs, "facenet", run)
    monkeypatch.setattr(plan_runs, "deepface", run)
    assert main(Plan("facenet", Hardware(1.0), network="NN3", batch=60)) == 0
    out = capsys.readouterr().out
    assert "planned and not run" in out and "150 of 60 faces" in out and "\n  go\n" in out
    assert reproduce.main(Reproduce("deepface", plan=True, hardware=Hardware(2.0))) == 0
    assert "1 x 2 TFLOP/s" in capsys.readouterr().out
    assert seen == [(("NN3",), 60), ((), None)]
    assert reproduce.main(Reproduce("lbp", plan=True)) == 1
    assert "no plan for lbp" in capsys.readouterr().err
    assert main(Plan("facenet", batch=0)) == 1
    assert "--batch is 0" in capsys.readouterr().err


def test_xla_counts_the_memory_of_a_step():
    import jax

    def step(faces):
        return jax.jit(lambda x: jnp.tanh(x @ x.T).sum()).lower(jnp.ones((faces, 3)))

    found = plan.compiled_bytes(dataclasses.replace(RUN, step=step), 8)
    assert found["arguments"] == 8 * 3 * 4


def test_the_papers_training_wants_a_folder(monkeypatch, capsys):
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    assert train_deepface.main(train_deepface.Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
