"""SphereFace's training on a folder and its row: end to end, small, and without data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from common.protocol import Category
from experiments import sphereface_lfw, sphereface_training
from experiments.face_sets import FaceSet
from experiments.held_out import HeldOut
from experiments.setting import NotRerun, Setting
from experiments.sphereface_card import write_card
from experiments.sphereface_training import train
from experiments.train_sphereface import Options, main
from sphereface_jax.config import PAPER, SMALL_DATA, NetworkConfig
from sphereface_jax.weights import load_weights

NETWORK = NetworkConfig(layers=4, side=16, width=1 / 32, embedding_size=8, batch_norm=True)
CONFIG = replace(PAPER, epochs=4.0, batch=12, average=0.5, augment=SMALL_DATA.augment, clip=5.0)


def face_set(people, seed):
    """Flat faces of a color a person, with noise."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(people, dtype=np.int32), 6)
    colors = rng.integers(40, 215, (people, 1, 1, 3))[label]
    images = (colors + rng.integers(-30, 30, (len(label), 16, 16, 3))).astype(np.uint8)
    return FaceSet({"aligned": images}, label, people, f"{seed:064d}")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    return tmp_path / "cache"


def held_out():
    return HeldOut.of(face_set(6, 1), "aligned", folds=2, pairs=20)


def equal(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_killed_training_goes_on_bit_for_bit_and_one_that_is_done_is_only_read(
    tmp_path, monkeypatch
):
    faces, others = face_set(5, 0), held_out()
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "whole"))
    whole = train(faces, others, NETWORK, CONFIG)
    assert whole.facts["steps"] == 10 and whole.facts["training"]["images"] == 30
    assert "Infinity" not in json.dumps(whole.facts) and "NaN" not in json.dumps(whole.facts)

    real = sphereface_training.make_step

    def dies_after_six(*args, **named):
        step, made = real(*args, **named), []

        def counted(state, batch):
            if len(made) == 6:
                raise KeyboardInterrupt
            made.append(batch)
            return step(state, batch)

        return counted

    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "killed"))
    monkeypatch.setattr(sphereface_training, "SAVE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(sphereface_training, "make_step", dies_after_six)
        with pytest.raises(KeyboardInterrupt):
            train(faces, others, NETWORK, CONFIG)
        # Four steps are left, which the same counter allows.
        again = train(faces, others, NETWORK, CONFIG)
    assert equal(again.weights, whole.weights)
    assert again.facts["held_out"] == whole.facts["held_out"]

    def no_step(*_, **__):
        return lambda state, batch: pytest.fail("it was trained again")

    monkeypatch.setattr(sphereface_training, "make_step", no_step)
    assert equal(train(faces, others, NETWORK, CONFIG).weights, whole.weights)
    for changes in ({"seed": 1}, {"from_scratch": True}):
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            train(faces, others, NETWORK, CONFIG, **changes)


def setting(tmp_path, *, tiny=False, **changes):
    benchmark = synthetic_benchmark(60, 4, pairs_per_fold=20, size=64)
    console = Console(quiet=True)
    return Setting(benchmark, (), tiny, tmp_path / "runs", "command", console, **changes)


def test_without_weights_and_folder_the_row_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(sphereface_lfw, "SHIPPED", tmp_path / "weights.npz")

    def run(**changes):
        made = setting(tmp_path, **changes)
        real = replace(made.benchmark.provenance, synthetic=False)  # as far as the row can tell
        sphereface_lfw.run(replace(made, benchmark=replace(made.benchmark, provenance=real)))

    with pytest.raises(NotRerun, match=r"no weights are shipped.*--from-scratch"):
        run()
    with pytest.raises(NotRerun, match=r"no weights are shipped.*--from-scratch"):
        run(train_dir=tmp_path)
    with pytest.raises(NotRerun, match=r"training SphereFace needs faces.*--train-dir"):
        run(from_scratch=True)


def test_the_row_runs_tiny_and_the_card_is_made_of_its_facts(tmp_path, own_cache, monkeypatch):
    timed = []

    def speed(benchmark, align, represent):
        faces = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3)).astype(np.uint8)
        timed.append(represent(faces))
        return 10.0 * len(timed)

    monkeypatch.setattr(sphereface_lfw, "faces_per_second", speed)
    measured = sphereface_lfw.run(setting(tmp_path, tiny=True))
    results = [one.result for one in measured]
    assert [r.variant for r in results] == ["mirrored", "plain"]
    assert [r.test_time == "none" for r in results] == [False, True]
    assert [bool(r.published) for r in results] == [True, False]
    # What is timed is what the variant does: `plain` has no mirror image to represent.
    assert [r.speed["faces_per_second"] for r in results] == [10.0, 20.0]
    assert [z.shape for z in timed] == [(3, 64), (3, 32)]
    np.testing.assert_allclose(timed[0][:, :32], timed[1], rtol=1e-4, atol=1e-4)
    path = own_cache / "sphereface" / "exported" / "tiny.npz"
    network, _, weights, facts = load_weights(path)
    for result in results:
        assert result.row == "sphereface" and result.synthetic
        assert result.category == Category.UNRESTRICTED_LABELED.label
        assert result.threshold_rule == "nine-folds" and result.alignment == "2d"
        assert result.training["images"] == 72 and result.training["identities"] == 12
        assert result.training["sha256"] == facts["training"]["sha256"]
        assert result.model["embedding_size"] == 32 == network.embedding_size
        assert result.model["parameters"] == sum(
            leaf.size for leaf in jax.tree.leaves(weights.network)
        )
        assert all(-1 <= t <= 1 for t in result.metrics["accuracy"]["thresholds"])
        assert str(tmp_path) not in json.dumps(result.config)
    assert results[0].metrics["auc"] != results[1].metrics["auc"]

    facts["training"] |= {"notice": "Research only.", "lfw_overlap": "screened"}
    stored = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**stored, "training": facts["training"]}))
    card = write_card(path).read_text()
    assert "**Research only.**" in card and "72 images of 12 people" in card
    assert "32 x 28 pixels to 32 numbers" in card and "and batch normalization" in card


def test_the_command_wants_a_folder_with_enough_people(capsys, tmp_path):
    assert main(Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert main(Options(Path("no/such/folder"))) == 1
    assert re.match(r"error: .*no/such/folder is no folder", capsys.readouterr().err)
