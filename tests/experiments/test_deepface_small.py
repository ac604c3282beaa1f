"""DeepFace's layers, small: trained, exported, described, and measured from the file."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import SMALL
from deepface_jax.weights import SHIPPED, WeightsError, load_weights
from experiments import deepface_small_lfw, train_deepface_small
from experiments.deepface_card import write_card
from experiments.deepface_small_lfw import recipe_of
from experiments.setting import NotRerun, Setting
from experiments.train_deepface_small import Options, main, train_small


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three people of ten pictures, and a recipe for so few."""
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    recipe = train_deepface_small.RECIPE
    tiny = replace(
        recipe, network=replace(SMALL, F7=16), align=AlignConfig(stage="crop"),
        train=replace(recipe.train, epochs=1.0, batch=8, warmup=0.1),
    )  # fmt: skip
    for module in (train_deepface_small, deepface_small_lfw):
        monkeypatch.setattr(module, "RECIPE", tiny)
    rng = np.random.default_rng(0)
    for person in "abc":
        (tmp_path / "people" / person).mkdir(parents=True)
        for number in range(10):
            face = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
            Image.fromarray(face).save(tmp_path / "people" / person / f"{number}.png")
    return tmp_path / "people"


def setting(tmp_path, **changes):
    benchmark = synthetic_benchmark(60, 4, pairs_per_fold=20, size=64)
    real = replace(benchmark.provenance, synthetic=False)  # as far as the row can tell
    benchmark = replace(benchmark, provenance=real)
    console = Console(quiet=True)
    return Setting(benchmark, (), True, tmp_path / "runs", "command", console, **changes)


def test_trained_exported_and_measured_from_the_file(folder, tmp_path, monkeypatch):
    path = train_small(folder, tmp_path / "exported")
    facts = json.loads(path.with_suffix(".json").read_text())
    assert facts["training"]["images"] == 27 and facts["training"]["identities"] == 3
    assert facts["training"]["lfw_overlap"] == "unknown"
    card = write_card(path).read_text()
    assert "27 images of 3 people" in card and "40 x 40 pixels to 16 numbers" in card

    monkeypatch.setattr(deepface_small_lfw, "SHIPPED", path)
    results = [one.result for one in deepface_small_lfw.run(setting(tmp_path))]
    assert [r.variant for r in results] == ["inner-product", "chi-squared"]
    for result in results:
        assert result.row == "deepface-small" and result.published == {}
        assert result.training["images"] == 27 and result.training["lfw_overlap"] == "unknown"
        assert result.model["embedding_size"] == 16
        assert result.config["recipes"]["small-3d"]["network"]["classes"] == 3
        assert result.alignment == "crop"

    # What the file says holds, not what would be trained today.
    for module in (train_deepface_small, deepface_small_lfw):
        monkeypatch.setattr(module, "RECIPE", replace(module.RECIPE, align=AlignConfig(), seed=3))
    again, _ = (one.result for one in deepface_small_lfw.run(setting(tmp_path)))
    assert again.metrics == results[0].metrics and again.config == results[0].config
    assert (again.alignment, again.seed) == ("crop", 0)


def test_the_shipped_file_says_how_it_was_made():
    network, _, _, _, facts = load_weights()
    recipe = recipe_of(network, facts, SHIPPED)
    written = json.loads(SHIPPED.with_suffix(".json").read_text())
    for config, name in ((recipe.align, "align"), (recipe.train, "recipe")):
        # JSON has lists for tuples; the file has clip as a word.
        held = json.loads(json.dumps(asdict(config)))
        assert {key: str(x) for key, x in held.items()} == {
            key: str(x) for key, x in written[name].items()
        }
    assert (recipe.name, recipe.seed, recipe.kind) == (written["name"], written["seed"], "rgb")
    for name, spoiled in (
        ("align", {**facts["align"], "residues": True}),
        ("align", None),
        ("recipe", {**facts["recipe"], "clip": "often"}),
    ):
        with pytest.raises(WeightsError, match="does not say which network"):
            recipe_of(network, {**facts, name: spoiled}, SHIPPED)


def test_without_weights_and_folder_the_row_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(deepface_small_lfw, "SHIPPED", tmp_path / "weights.npz")
    with pytest.raises(NotRerun, match=r"no weights are shipped.*--from-scratch"):
        deepface_small_lfw.run(setting(tmp_path))
    with pytest.raises(NotRerun, match=r"--train-dir"):
        deepface_small_lfw.run(setting(tmp_path, from_scratch=True))


def test_the_command_wants_a_folder(folder, tmp_path, capsys):
    assert main(Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert main(Options(tmp_path / "nowhere")) == 1
    assert "nowhere is no folder" in capsys.readouterr().err
