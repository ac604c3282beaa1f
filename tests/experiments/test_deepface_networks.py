"""DeepFace's networks side by side: all, some and none of them trained."""

from dataclasses import replace

import pytest
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from experiments import deepface_networks_lfw
from experiments.deepface_networks_lfw import ENSEMBLE, PUBLISHED, RECIPES, ROW, run
from experiments.deepface_recipe import represent
from experiments.setting import NotRerun, Setting


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A tiny synthetic setting, and the networks that it trains once."""
    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLASSIC_FACES_CACHE", str(folder / "cache"))
        benchmark = synthetic_benchmark(60, 4, pairs_per_fold=20, size=64)
        console = Console(quiet=True)
        setting = Setting(benchmark, (), True, folder / "runs", "command", console)
        yield setting


def test_every_network_the_ensemble_and_siamese(small):
    results = {one.result.variant: one.result for one in run(small)}
    metrics = ("inner-product", "chi-squared")
    single = {f"{recipe.name}-{metric}" for recipe in RECIPES for metric in metrics}
    assert results.keys() == single | {"ensemble", "siamese"}
    for variant, result in results.items():
        published = PUBLISHED.get(variant)
        assert result.published == (published.as_record() if published else {})
        assert result.row == ROW and result.synthetic
        assert {k: result.training[k] for k in ("images", "lfw_overlap")} == {
            "images": results["siamese"].training["images"], "lfw_overlap": "excluded",
        }  # fmt: skip
    assert {results[f"{name}-chi-squared"].alignment for name in ("2d", "center-crop")} == {
        "2d", "crop",
    }  # fmt: skip
    ensemble = results["ensemble"]
    assert ensemble.config["networks"] == list(ENSEMBLE) and ensemble.alignment == "2d, 3d"
    one = results["3d-chi-squared"].model
    assert ensemble.model == {k: 3 * v for k, v in one.items()}
    assert results["gradient-chi-squared"].config["recipes"]["gradient"]["input"] == "gradient"
    siamese = results["siamese"]
    assert siamese.paper_protocol == "unrestricted"
    for one in (ensemble, results["3d-chi-squared"]):
        assert (one.config["svm_cost"], one.config["kernel"]) == (1.0, "power CPD, exponent 2")
    pairs = 4 * siamese.training["images"]
    outside = {"pairs": pairs, "epochs": 2, "batch": 64, "learning_rate": 1e-4}
    assert siamese.config["outside"] == outside
    assert siamese.config["each_fold"] == {"pairs": 5400, "epochs": 2, "learning_rate": 3e-5}
    hours = sum(results[f"{name}-chi-squared"].training["hours"] for name in ENSEMBLE)
    assert ensemble.training["hours"] == pytest.approx(hours, abs=2e-3)
    assert siamese.training["hours"] > results["3d-chi-squared"].training["hours"]


def test_what_is_not_trained_is_left_out(small, monkeypatch):
    def lazy(setting, recipe, *, forget):
        if recipe.name not in trained:
            raise NotRerun("hours")
        return represent(setting, recipe, forget=forget)

    monkeypatch.setattr(deepface_networks_lfw, "represent", lazy)
    trained = {"2d"}
    assert [one.result.variant for one in run(small)] == ["2d-inner-product", "2d-chi-squared"]
    trained = set()
    with pytest.raises(NotRerun, match="hours"):
        run(small)


def test_a_training_is_forgotten_only_when_all_are_done(small, monkeypatch):
    seen = []

    def told(setting, recipe, *, forget):
        seen.append(forget)
        raise NotRerun("hours")

    monkeypatch.setattr(deepface_networks_lfw, "represent", told)
    for done in ({"3d"}, {recipe.name for recipe in RECIPES}):
        monkeypatch.setattr(
            deepface_networks_lfw, "is_done", lambda _, recipe, done=done: recipe.name in done
        )
        with pytest.raises(NotRerun):
            run(replace(small, from_scratch=True))
    assert seen == 4 * [False] + 4 * [True]
