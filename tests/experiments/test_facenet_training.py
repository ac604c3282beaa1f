"""FaceNet's training on a folder and its row: end to end, small, and without data."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from common.data.folders import FolderError
from common.data.synthetic import synthetic_benchmark
from common.harness import Outcome
from common.protocol import Category
from experiments import facenet_lfw, facenet_order, facenet_training, train_facenet
from experiments.face_sets import FaceSet
from experiments.facenet_card import write_card
from experiments.facenet_training import Trained, as_facts, train
from experiments.folder_facts import folder_facts
from experiments.held_out import HeldOut
from experiments.measure import Measured
from experiments.setting import NotRerun, Setting
from experiments.tables import comparison
from experiments.train_facenet import RECIPES, Options, export_path, main
from facenet_jax.config import NetworkConfig
from facenet_jax.embedder import Embedder
from facenet_jax.recipes import SMALL_DATA, TrainConfig
from facenet_jax.train import Weights
from facenet_jax.triplets import Statistics
from facenet_jax.weights import save_weights
from tests.common.test_records import make_result
from tests.facenet_jax import toy

NETWORK = NetworkConfig("NN1", side=24, embedding_size=16, batch_norm=True, width=1 / 16)
RECIPE = (
    TrainConfig(epochs=4.0, identities=0, negatives=12, triplets=0.0, softmax=1.0, optimizer="adam",
                learning_rate=0.003, average=0.5),
    TrainConfig(epochs=2.0, identities=4, faces=3, negatives=0, optimizer="adam",
                learning_rate=0.001),
)  # fmt: skip


def face_set(people, seed, names=("aligned", "center-crop")):
    """Flat faces of a color a person, with noise."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(people, dtype=np.int32), 6)
    colors = rng.integers(40, 215, (people, 1, 1, 3))[label]
    images = {
        name: (colors + rng.integers(-30, 30, (len(label), 24, 24, 3))).astype(np.uint8)
        for name in names
    }
    return FaceSet(images, label, people, f"{seed:064d}")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    return tmp_path / "cache"


def held_out():
    return HeldOut.of(face_set(6, 1), "aligned", folds=2, pairs=20)


def test_training_is_done_once_and_only_read_again(own_cache, monkeypatch):
    faces, logged = face_set(5, 0), {}

    class Curves(facenet_training.Curves):
        def __call__(self, step, values):
            logged.setdefault(step, {}).update(values)

    with monkeypatch.context() as patch:
        patch.setattr(facenet_training, "Curves", Curves)
        first = train(faces, held_out(), NETWORK, RECIPE)
    # All that a step has seen of its batch is in the curves; the last phase has five steps.
    assert {"loss", "held-out accuracy", *Statistics._fields} <= set(logged[5])
    assert logged[5]["pairs"] >= 1 and 0 < logged[5]["d_an"] < 4
    facts = first.facts
    assert facts["inputs"] == ["aligned", "center-crop"] and facts["steps"] == [10, 5]
    assert facts["training"]["images"] == 30 and facts["training"]["identities"] == 5
    assert facts["recipe"][0]["clip"] == "inf"
    assert "NaN" not in json.dumps(facts) and "Infinity" not in json.dumps(facts)
    assert set(first.weights.params) == {"network"}

    def no_step(*_, **__):
        return lambda state, batch: pytest.fail("it was trained again")

    with monkeypatch.context() as patch:
        patch.setattr(facenet_training, "make_step", no_step)
        again = train(faces, held_out(), NETWORK, RECIPE)
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            train(faces, held_out(), NETWORK, RECIPE, seed=1)
        with pytest.raises(pytest.fail.Exception, match="trained again"):
            train(faces, held_out(), NETWORK, RECIPE, from_scratch=True)
    kernels = [one.weights.params["network"]["network"]["fc7128"]["kernel"][...]
               for one in (first, again)]  # fmt: skip
    np.testing.assert_array_equal(*kernels)
    assert again.facts["held_out"] == facts["held_out"]


def test_held_out_figures_are_what_their_names_say():
    held = held_out()
    rng = np.random.default_rng(0)
    centers = np.eye(8)[:6][held.label]
    z = centers + 0.35 * rng.standard_normal((36, 8))
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    found = held.measure(z)
    d = np.square(z[held.pairs.first] - z[held.pairs.second]).sum(1)
    right = []
    accepted = np.zeros(len(d), bool)
    for fold in (0, 1):
        tested = held.pairs.fold == fold
        cuts = np.sort(d[~tested])
        middles = (cuts[1:] + cuts[:-1]) / 2
        scores = [np.mean((d[~tested] <= cut) == held.pairs.same[~tested]) for cut in middles]
        best = np.flatnonzero(scores == np.max(scores))
        accepted[tested] = d[tested] <= middles[best[len(best) // 2]]
        right.append(np.mean(accepted[tested] == held.pairs.same[tested]))
    point = found["threshold"]
    assert 0 < point["false_accept_rate"] < 0.5
    assert found["held_out"]["accuracy"]["mean"] == pytest.approx(np.mean(right), abs=0.026)
    mistakes = (1 - point["true_accept_rate"] + point["false_accept_rate"]) / 2
    assert found["held_out"]["accuracy"]["mean"] == pytest.approx(1 - mistakes)
    assert 0 < point["squared_distance"] < 4 and point["pairs"] == 80
    watched = held.watch(z)
    assert watched["held-out accuracy"] == found["held_out"]["accuracy"]["mean"]
    assert watched["VAL at FAR 0.001"] == found["held_out"]["val_at_far"]["0.001"]["mean"]


def test_folder_facts(tmp_path):
    assert folder_facts(tmp_path, 64 * "0")["lfw_overlap"] == "unknown"
    said = {"name": "some faces", "lfw_overlap": "screened", "notice": "Research only."}
    (tmp_path / "dataset.json").write_text(json.dumps(said))
    assert folder_facts(tmp_path, 64 * "0") == {
        "data": "some faces", "lfw_overlap": "screened", "notice": "Research only.",
    }  # fmt: skip
    for text in ("", "[]", '{"lfw_overlap": "none"}', "\x00"):
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(FolderError, match="dataset.json"):
            folder_facts(tmp_path, 64 * "0")


def setting(tmp_path, *, tiny=False, **changes):
    benchmark = synthetic_benchmark(60, 4, pairs_per_fold=20, size=64)
    console = Console(quiet=True)
    return Setting(benchmark, (), tiny, tmp_path / "runs", "command", console, **changes)


def test_without_weights_and_folder_the_row_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(facenet_lfw, "SHIPPED", tmp_path / "weights.npz")

    def run(**changes):
        made = setting(tmp_path, **changes)
        real = replace(made.benchmark.provenance, synthetic=False)  # as far as the row can tell
        facenet_lfw.run(replace(made, benchmark=replace(made.benchmark, provenance=real)))

    with pytest.raises(NotRerun, match=r"no weights are shipped.*--train-dir"):
        run()
    with pytest.raises(NotRerun, match=r"no weights are shipped.*--from-scratch"):
        run(train_dir=tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(NotRerun, match=r"training FaceNet needs faces.*--train-dir"):
        run(from_scratch=True)


def test_networks_trained_here_are_measured_or_it_says_why(tmp_path, monkeypatch):
    said, recipe = [], (toy.TRIPLETS,)
    monkeypatch.setattr(facenet_lfw, "note", said.append)

    def measured(setting, embedder, alignment, variant, **_):
        pairs = setting.benchmark.view2
        config = {"seen": (variant, alignment, embedder.facts["name"])}
        result = make_result(row="facenet", variant=variant, config=config)
        return Measured(result, Outcome(np.zeros(len(pairs)), pairs, None), setting.benchmark)

    monkeypatch.setattr(facenet_lfw, "_measure", measured)
    monkeypatch.setitem(RECIPES, "small-data-nn4", (toy.NETWORK, recipe))
    usual = setting(tmp_path)
    real = replace(usual.benchmark.provenance, synthetic=False)  # as far as the row can tell
    usual = replace(usual, benchmark=replace(usual.benchmark, provenance=real))
    facts = {
        "name": "before", "recipe": as_facts(recipe), "inputs": ["aligned"], "seed": 0,
        "threshold": {"squared_distance": 1.0, "false_accept_rate": 0, "true_accept_rate": 1},
    }  # fmt: skip
    shipped = ["aligned", "center-crop", "mirrored"]

    def run(**changes):
        said.clear()
        if changes:
            _, state = toy.begin(toy.TRIPLETS)
            path = export_path("small-data-nn4")
            save_weights(state.weights, toy.NETWORK, {**facts, **changes}, path)
        return [one.result.config["seen"] for one in facenet_lfw.run(usual)]

    assert [variant for variant, *_ in run()] == shipped
    assert said[0].startswith("not measured: nn4 and nn4-center-crop: its weights are not in")
    assert "--recipe small-data-nn4" in said[0]
    assert said[1].startswith("not measured: residual and residual-center-crop: ")
    assert said[2].startswith("not measured: paper-recipe: ") and "--recipe paper" in said[2]
    assert run(name="before")[3:] == [
        ("nn4", "aligned", "small-data-nn4"), ("nn4-center-crop", "center-crop", "small-data-nn4"),
    ] and len(said) == 2  # fmt: skip
    names = set(facts["recipe"][0]) - {"margin_rise", "classifier_length"}  # which came later
    older = [{name: facts["recipe"][0][name] for name in names}]
    assert len(run(recipe=older)) == 5
    for changes, what in (
        ({"seed": 3}, "another seed"), ({"inputs": ["center-crop"]}, "another alignment"),
        ({"recipe": [], "seed": 1}, "another recipe and another seed"),
    ):  # fmt: skip
        assert len(run(**changes)) == 3 and what in said[0]


def test_a_changed_recipe_is_exported_under_a_name_of_its_own(tmp_path, monkeypatch):
    saved = {}
    monkeypatch.setattr(train_facenet, "read_faces", lambda *_: face_set(6, 1))
    monkeypatch.setattr(train_facenet, "_check", lambda *_, **__: None)
    monkeypatch.setattr(train_facenet.HeldOut, "of", lambda *_, **__: None)
    monkeypatch.setattr(
        train_facenet, "train",
        lambda faces, held_out, network, recipe, **_: Trained(
            network, Weights({}, None), {"training": {}}
        ),
    )  # fmt: skip

    def save(weights, network, facts, path, **_):
        saved[path.stem] = facts["name"]

    monkeypatch.setattr(train_facenet, "save_weights", save)
    usual = tuple(phase.epochs for phase in SMALL_DATA)
    for changes in (
        {}, {"epochs": usual}, {"epochs": (1.0, 1.0)}, {"epochs": (2.0, 1.0)},
        {"seed": 1}, {"width": 0.5}, {"network": "NN4"}, {"chunk": 8},
        {"alignments": ("aligned", "center-crop")}, {"recipe": "paper"},
    ):  # fmt: skip
        assert main(Options(tmp_path, **changes)) == 0
    assert list(saved.values()) == list(saved) and len(saved) == 9
    whole = {name for name in saved if "-changed-" not in name}
    assert whole == {"small-data", "paper"}
    assert all(re.fullmatch(r"small-data-changed-[0-9a-f]{8}", name) for name in {*saved} - whole)


def test_the_row_runs_tiny_and_the_card_is_made_of_its_facts(tmp_path, own_cache, monkeypatch):
    timed = []

    def speed(benchmark, align, represent):
        faces = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3)).astype(np.uint8)
        timed.append([represent(some) for some in (faces, faces[:, :, ::-1].copy())])
        return 10.0 * len(timed)

    monkeypatch.setattr(facenet_lfw, "faces_per_second", speed)
    measured = facenet_lfw.run(setting(tmp_path, tiny=True))
    results = [one.result for one in measured]
    assert [r.variant for r in results] == ["aligned", "center-crop", "mirrored"]
    weights = own_cache / "facenet" / "exported" / "tiny.npz"
    facts = json.loads(weights.with_suffix(".json").read_text())
    for result, alignment in zip(results, ("2d", "crop", "2d"), strict=True):
        assert result.row == "facenet" and result.synthetic
        assert result.category == Category.UNRESTRICTED_LABELED.label
        assert result.threshold_rule == "nine-folds" and result.alignment == alignment
        assert result.training["images"] == 72 and result.training["identities"] == 12
        assert result.training["lfw_overlap"] == "unknown"
        assert result.model["embedding_size"] == 32
        thresholds = result.metrics["accuracy"]["thresholds"]
        assert all(-4 <= threshold <= 0 for threshold in thresholds)
        assert str(tmp_path) not in json.dumps(result.config)
    assert [r.config["mirrored"] for r in results] == [False, False, True]
    assert [r.test_time for r in results] == ["none", "none", facenet_lfw.MIRRORED]
    # What is timed is what the variant does: a face and its mirror image are one to `mirrored`.
    assert [r.speed["faces_per_second"] for r in results] == [10.0, 20.0, 30.0]
    apart = [np.abs(one - other).max() for one, other in timed]
    assert apart[2] < 1e-5 < min(apart[:2])
    one, other = timed[0]
    wanted = (one + other) / np.linalg.norm(one + other, axis=1, keepdims=True)
    np.testing.assert_allclose(timed[2][0], wanted, atol=1e-5)
    seen, mirrored = (results[k].metrics["accuracy"]["thresholds"] for k in (0, 2))
    assert seen != mirrored
    assert results[0].training["sha256"] == facts["training"]["sha256"]
    assert Embedder.load(weights).parameters == results[0].model["parameters"]

    facts["training"] |= {"notice": "Research only.", "lfw_overlap": "screened"}
    weights.with_suffix(".json").write_text(json.dumps(facts))
    card = write_card(weights).read_text()
    assert "**Research only.**" in card and "72 images of 12 people" in card
    assert f"below {facts['threshold']['squared_distance']:.3f} " in card


def test_a_record_takes_the_place_of_the_published_line():
    from experiments.paper_numbers import DEEP

    published = DEEP["FaceNet, aligned"].as_record()
    measured = make_result(row="facenet", variant="aligned", published=published)
    text = comparison([measured])
    assert "| **FaceNet** | 0.9963" in text and "| FaceNet, aligned |" not in text
    assert "| FaceNet, fixed center crop |" in text
    assert "| FaceNet, aligned |" in comparison([replace(measured, published={})])


def test_the_order_of_events_is_of_the_records_that_are_there():
    def made(variant, held_out, mean):
        config = {"held_out": {"accuracy": {"mean": held_out}}}
        result = make_result(row="facenet", variant=variant, config=config)
        accuracy = {**result.metrics["accuracy"], "mean": mean}
        return replace(result, metrics={**result.metrics, "accuracy": accuracy})

    other = replace(made("nn4", 0.1, 0.2), row="other")
    records = [other, made("aligned", 0.875, 0.75), made("center-crop", 0.875, 0.625)]
    first, then, later, now = facenet_order.table(records, {}).splitlines()[2:]
    for line in (first, then, later):
        assert line.split(" | ")[1:] == ["not measured", "not measured", "not measured |"]
    assert now.split(" | ")[1] == "0.8750"
    assert [cell[:8] for cell in now.split(" | ")[2:]] == ["[0.7500]", "[0.6250]"]
    assert f"results/{records[2].file_name})" in now
    before = [made("aligned", 0.85, 0.6875), made("nn4", 0.1, 0.2)]
    records = [made("nn4", 0.8, 0.7), *records]
    folders = {"residual": before, "all-columns": [made("center-crop", 0.7, 0.5625)]}
    first, then, later, same = facenet_order.table(records, folders).splitlines()[2:]
    assert first.split(" | ")[1:2] + [first.split(" | ")[2][:8]] == ["0.8000", "[0.7000]"]
    assert then.split(" | ")[1:2] + [then.split(" | ")[2][:8]] == ["0.8500", "[0.6875]"]
    assert f"results/replaced/residual/{before[0].file_name})" in then and same == now
    assert later.split(" | ")[2] == "not measured" and "[0.5625]" in later
    assert f"results/replaced/all-columns/{folders['all-columns'][0].file_name})" in later


def test_the_command_wants_a_folder(capsys):
    assert main(Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert main(Options(Path("no/such/folder"))) == 1
    assert re.match(r"error: .*no/such/folder is no folder", capsys.readouterr().err)
