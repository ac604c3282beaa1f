"""FaceNet's studies: what is varied, what is recorded, and what the pages show of it."""

import dataclasses
import json
import math
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from common.records import RecordError
from experiments import facenet_studies, tables
from experiments.face_sets import FaceSet
from experiments.facenet_studies import Options, main
from experiments.facenet_training import Trained
from experiments.held_out import HeldOut, spread
from experiments.paper_numbers import FACENET_STUDIES
from experiments.studies import (
    collapse_study,
    facenet_short,
    facenet_study_setting,
    study_records,
    study_tables,
)
from experiments.studies.clusters_picture import clusters_figure
from experiments.studies.collapse_study import Trial, collapses
from experiments.studies.facenet_short import Short, embedding_sizes, shares, some_people
from experiments.studies.study_picture import panels, studies_figure
from experiments.studies.study_records import Study
from experiments.studies.worse_faces import compressed, shrunk
from facenet_jax.collapse import CollapseError
from facenet_jax.model import build
from facenet_jax.recipes import SMALL_DATA, SMALL_DATA_RESIDUAL
from facenet_jax.sampling import IdentityBatches
from facenet_jax.train import Weights
from facenet_jax.weights import SHIPPED, save_weights
from tests.facenet_jax import toy

SIDE, EACH = toy.SIDE, 18


def face_set(people=20, seed=0):
    """Flat faces of a color a person, with noise; a person has few more faces than another."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(people, dtype=np.int32), EACH + np.arange(people) % 3)
    colors = rng.integers(40, 215, (people, 1, 1, 3))[label]
    noise = rng.integers(-30, 30, (len(label), SIDE, SIDE, 3))
    return FaceSet({"aligned": (colors + noise).astype(np.uint8)}, label, people, f"{seed:064d}")


def val(mean, error=0.01):
    return {"val": {"mean": mean, "standard_error": error, "impostors_per_split": 900},
            "accuracy": {"mean": 0.5 + mean / 2, "standard_error": error / 2}}  # fmt: skip


def make_study(name="facenet-quality", points=None, **changes):
    points = points or [{"setting": 10, **val(0.25)}, {"setting": "as they are", **val(0.5, 0.02)}]
    fields = dict(
        study=name, varied="x", points=points, data={"sha256": "a"}, training={}, model={},
        config={}, published={}, seed=0, seconds=1.0, tolerance=0.01, command="c", commit="",
        device="", versions={}, synthetic=False,
    )  # fmt: skip
    return Study(**(fields | changes))


# What is varied


def test_a_lower_quality_loses_more_and_half_of_the_color_resolution():
    faces = face_set(3).images["aligned"]
    lost = [np.abs(compressed(faces, q).astype(int) - faces).mean() for q in (5, 20, 50, 95)]
    assert lost == sorted(lost, reverse=True) and lost[-1] > 0
    np.testing.assert_array_equal(compressed(faces[::-1], 20)[::-1], compressed(faces, 20))
    stripes = np.zeros((1, 16, 16, 3), np.uint8)
    stripes[:, :, ::2] = 255, 0, 0
    stripes[:, :, 1::2] = 0, 0, 255
    (found,) = compressed(stripes, 95).astype(int)
    assert np.abs(found[:, ::2] - found[:, 1::2])[..., [0, 2]].mean() < 130  # of 255: colors mixed
    with pytest.raises(ValueError, match="quality of 96"):
        compressed(faces, 96)


def test_a_shrunk_face_is_block_means_enlarged_bilinearly():
    rng = np.random.default_rng(1)
    face = rng.integers(0, 256, (1, 12, 12, 3)).astype(np.uint8)
    small = np.rint([[face[0, 3 * r : 3 * r + 3, 3 * c : 3 * c + 3].mean((0, 1)) for c in range(4)]
                     for r in range(4)])  # fmt: skip
    wanted = np.zeros((12, 12, 3))
    for r in range(12):
        for c in range(12):
            y, x = (min(max((k + 0.5) / 3 - 0.5, 0), 3) for k in (r, c))
            top, left = int(y), int(x)
            low, right = min(top + 1, 3), min(left + 1, 3)
            a, b = y - top, x - left
            upper = (1 - b) * small[top, left] + b * small[top, right]
            lower = (1 - b) * small[low, left] + b * small[low, right]
            wanted[r, c] = (1 - a) * upper + a * lower
    assert np.abs(shrunk(face, 4)[0] - wanted).max() <= 2
    np.testing.assert_array_equal(shrunk(face, 12), face)
    for side in (0, 13):
        with pytest.raises(ValueError, match="the faces have 12"):
            shrunk(face, side)


@pytest.mark.parametrize(
    ("name", "setting"), [("facenet-quantization", "float32"), ("facenet-quality", "as they are")]
)
def test_studies_of_the_shipped_weights_are_of_those_that_ship(name, setting):
    shipped = json.loads(SHIPPED.with_suffix(".json").read_text())["held_out"]["accuracy"]["mean"]
    study = study_records.read(tables.RECORDS / tables.STUDIES / f"{name}.json")
    (point,) = (point for point in study.points if point["setting"] == setting)
    assert point["accuracy"]["mean"] == pytest.approx(shipped, abs=0.002)


def test_all_short_trainings_take_the_same_steps():
    short = Short(steps=(7, 3))
    for faces in (1999, 2000, 15_949):
        phases = short.phases(faces)
        assert [phase.steps(faces) for phase in phases] == [7, 3]
        recipe = SMALL_DATA[0], SMALL_DATA_RESIDUAL[1]
        for phase, usual, shipped in zip(phases, short.recipe, recipe, strict=True):
            part = phase.epochs / usual.epochs
            assert phase.warmup == pytest.approx(part * usual.warmup)
            assert phase.margin_rise == pytest.approx(part * usual.margin_rise)
            same = dict(epochs=usual.epochs, warmup=usual.warmup, average=usual.average,
                        margin_rise=usual.margin_rise)  # fmt: skip
            assert dataclasses.replace(phase, **same) == usual
            # Its losses, batches and optimizer are those of the recipes for little data.
            assert dataclasses.replace(usual, epochs=shipped.epochs, average=0.998) == shipped
    with pytest.raises(ValueError, match="steps for 1 phases; the recipe has 2"):
        Short(steps=(7,)).phases(100)


def test_a_share_has_whole_people_within_the_larger_share():
    faces = face_set(20)
    images = faces.images["aligned"]
    found = {part: some_people(faces, part, seed=5) for part in (8, 4, 2, 1)}
    before: set[int] = set()
    for part, some in found.items():
        assert some.people == max(2, round(20 / part)) and some.sha256 == faces.sha256
        own = set()
        for person in range(some.people):
            mine = some.images["aligned"][some.label == person]
            where = [np.flatnonzero((images == one).all((1, 2, 3)))[0] for one in mine]
            (name,) = set(faces.label[where].tolist())
            assert where == np.flatnonzero(faces.label == name).tolist()
            own.add(name)
        assert len(own) == some.people and before <= own
        before = own
    np.testing.assert_array_equal(found[1].label, faces.label)
    np.testing.assert_array_equal(found[1].images["aligned"], images)


def test_the_short_trainings_differ_in_one_thing(monkeypatch):
    seen = []

    def train(faces, held_out, network, recipe, *, seed, evaluations):
        seen.append((len(faces.label), faces.people, network, seed))
        assert [phase.steps(len(faces.label)) for phase in recipe] == [4, 2]
        block = {"val_at_far": {"0.001": {"mean": 0.1 * len(seen), "standard_error": 0.0}},
                 "accuracy": {"mean": 0.5, "standard_error": 0.0}}  # fmt: skip
        return Trained(network, Weights({}, None), {"held_out": block})

    monkeypatch.setattr(facenet_short, "train", train)
    faces, short = face_set(20), Short(steps=(4, 2), seed=3)
    held_out = HeldOut.of(face_set(20, 1), "aligned")
    points = embedding_sizes(faces, held_out, short, (8, 16))
    usual = short.network
    assert [(p["setting"], p["images"]) for p in points] == [(8, 379), (16, 379)]
    assert [p["val"]["mean"] for p in points] == [pytest.approx(0.1), pytest.approx(0.2)]
    assert [s[2] for s in seen] == [dataclasses.replace(usual, embedding_size=k) for k in (8, 16)]
    seen.clear()
    points = shares(faces, held_out, short, (4, 1))
    assert [(p["setting"], p["identities"]) for p in points] == [("1/4", 5), ("1/1", 20)]
    assert [s[1:] for s in seen] == [(5, usual, 3), (20, usual, 3)]
    assert points[0]["images"] == seen[0][0] < seen[1][0] == 379


def test_a_collapse_is_a_point_and_every_seed_another_training(monkeypatch):
    seen = []

    def train(faces, held_out, network, recipe, *, seed, evaluations):
        (phase,) = recipe
        assert phase.steps(len(faces.label)) == 6 and network == trial.network
        seen.append((seed, phase.mining.rule))
        if phase.mining.rule == "hardest":
            raise CollapseError(1200, 1e-5, 2e-5)
        block = {"val_at_far": {"0.001": {"mean": 0.1, "standard_error": 0.0}}, "spread": 0.9,
                 "accuracy": {"mean": 0.5, "standard_error": 0.0}}  # fmt: skip
        return Trained(network, Weights({}, None), {"held_out": block})

    monkeypatch.setattr(collapse_study, "train", train)
    config = replace(toy.TRIPLETS, identities=5, faces=4)
    trial = Trial(toy.NETWORK, config, steps=6, seeds=(3, 5))
    points = collapses(face_set(20), HeldOut.of(face_set(20, 1), "aligned"), trial)
    assert seen == [(3, "semi-hard"), (5, "semi-hard"), (3, "hardest")]
    assert [p["collapsed_at_step"] for p in points] == [None, None, 1200]
    study = make_study("facenet-collapse", points)
    assert study.figures() == {"seed 3": 0.9, "seed 5": 0.9, "hardest negatives": 1e-5}
    first = [p["first_spread"] for p in points]
    assert first[0] == first[2] != first[1]  # one seed, and another
    z = first_embeddings(face_set(20), trial, seed=3)
    wanted = np.mean([np.sum((a - b) ** 2) / 2 for a in z for b in z])
    assert first[0] == pytest.approx(wanted, abs=1e-5) and wanted > 1e-3
    lines = study_tables.collapse(study).splitlines()
    assert lines[-2] == f"| seed 5 | {first[1]:.2g} | 0.9 | no | 0.500 ± 0.000 |"
    assert lines[-1] == f"| hardest negatives | {first[2]:.2g} | 1e-05 | at step 1,200 | - |"
    del points[1]["first_spread"]  # as in records of before
    assert study_tables.collapse(study).splitlines()[-2].startswith("| seed 5 | not measured | 0.9")


def first_embeddings(faces, trial, seed):
    """Of the first batch, put together by hand, by the network before its first step."""
    config = trial.config
    numbers = next(IdentityBatches(
        faces.label, identities=config.identities, faces=config.faces,
        negatives=config.negatives, seed=seed,
    ))  # fmt: skip
    network = build(trial.network, nnx.Rngs(seed))
    x = jnp.asarray(faces.images["aligned"][numbers], jnp.float32) / 255
    return np.asarray(network(x), np.float64)


def test_spread_is_half_the_mean_squared_distance():
    z = np.random.default_rng(0).standard_normal((9, 4))
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    pairs = [np.sum((a - b) ** 2) / 2 for a in z for b in z]
    assert spread(z) == pytest.approx(np.mean(pairs), abs=1e-6)


# The command, on a network with random weights


@pytest.fixture
def usual(tmp_path, monkeypatch):
    """Weights and held-out people of one checksum, and a place for records."""
    others = face_set(20, 1)
    monkeypatch.setattr(
        facenet_study_setting, "read_faces", lambda folder, split, names, side: others
    )
    monkeypatch.setattr(facenet_study_setting, "SHIPPED", tmp_path / "weights.npz")
    monkeypatch.setattr(facenet_studies, "RECORDS", tmp_path / "committed")
    monkeypatch.setenv("COLUMNS", "200")
    _, state = toy.begin(toy.TRIPLETS)
    training = {"data": "toys", "images": 9, "identities": 3, "sha256": "b", "lfw_overlap": "none"}
    facts = {
        "name": "toy", "seed": 4, "training": training,
        "threshold": {"squared_distance": 0.5, "false_accept_rate": 0.05, "true_accept_rate": 0.5},
        "held_out": {"sha256": others.sha256},
    }  # fmt: skip
    save_weights(state.weights, toy.NETWORK, facts, tmp_path / "weights.npz")
    return Options(train_dir=tmp_path, weights=tmp_path / "weights.npz", runs=tmp_path / "runs")


def test_studies_are_measured_recorded_and_compared(usual, tmp_path, capsys):
    options = dataclasses.replace(usual, studies=("pixels", "quantization", "clustering"))
    assert main(dataclasses.replace(options, record=True)) == 0
    assert "recorded: facenet-pixels.json" in capsys.readouterr().out
    found = study_records.read_all(tmp_path / "committed")
    assert list(found) == ["facenet-clustering", "facenet-pixels", "facenet-quantization"]
    for study in found.values():
        assert not study.synthetic and study.seed == 4 and study.training["data"] == "toys"
        assert study.data["images"] == 379 and study.data["identities"] == 20
        assert str(tmp_path) not in json.dumps(dataclasses.asdict(study))
        assert study.command.endswith("pixels quantization clustering --record")
    pixels = found["facenet-pixels"]
    assert [p["setting"] for p in pixels.points] == [256, 576]
    assert pixels.published["points"]["1600"] == 0.378
    floats, coarse = found["facenet-quantization"].points
    assert floats["val"] == pixels.points[-1]["val"] and floats["bytes"] == 4 * coarse["bytes"]
    assert 0 < coarse["largest_change_of_a_squared_distance"] < 0.1
    clusters = [p["clusters"] for p in found["facenet-clustering"].points]
    assert clusters == sorted(clusters, reverse=True)
    assert (tmp_path / "runs" / "facenet-studies" / "clusters.png").stat().st_size > 10_000

    assert main(options) == 0
    assert "0.0000 from the committed record" in capsys.readouterr().out
    path = tmp_path / "committed" / pixels.file_name
    other = json.loads(path.read_text())
    other["points"][0]["val"]["mean"] += 0.011
    path.write_text(json.dumps(other))
    assert main(dataclasses.replace(options, studies=("pixels",))) == 1
    assert "DIFFERS" in capsys.readouterr().out
    other["config"]["how"], other["model"]["width"] = "otherwise", 0.75
    path.write_text(json.dumps(other))
    assert main(dataclasses.replace(options, studies=("pixels",))) == 1
    said = capsys.readouterr().out
    assert "not compared, the committed record has other network, settings" in said


def test_records_are_of_the_shipped_weights_and_the_usual_steps(usual, tmp_path, capsys):
    for changed in ({"weights": tmp_path / "other.npz"}, {"steps": (10, 5)}):
        assert main(dataclasses.replace(usual, record=True, **changed)) == 1
        assert "records are of the shipped weights" in capsys.readouterr().err
    assert not (tmp_path / "committed").exists()


def test_weights_that_may_have_seen_the_people_are_refused(usual, capsys):
    path = usual.weights.with_suffix(".json")
    facts = json.loads(path.read_text())
    facts["held_out"]["sha256"] = "f" * 64
    path.write_text(json.dumps(facts))
    assert main(dataclasses.replace(usual, studies=("quality",))) == 1
    assert "may have been trained" in capsys.readouterr().err


def test_the_command_says_what_it_lacks(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    assert main(Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert main(Options(tiny=True, record=True)) == 1
    assert "not recorded" in capsys.readouterr().err


# Records, tables, picture


def test_a_record_comes_back_and_a_damaged_one_is_named(tmp_path):
    study = make_study()
    path = study_records.write(study, tmp_path)
    assert study_records.read_all(tmp_path) == {"facenet-quality": study}
    assert study_records.read_all(tmp_path / "nowhere") == {}
    content = json.loads(path.read_text())
    changes = ({"more": 1}, {"points": []}, {"study": "other"},
               {"points": [{"setting": 1, "val": {"mean": None}}]})  # fmt: skip
    for bad in ("", "[]", *(json.dumps({**content, **change}) for change in changes)):
        path.write_text(bad)
        with pytest.raises(RecordError, match=r"facenet-quality\.json is no study"):
            study_records.read(path)


def test_two_measurements_compare_where_faces_and_settings_are_the_same(tmp_path):
    old = make_study(config={"steps": (3, 4)}, training={"sha256": "c", "data": "x"})
    new = replace(old, points=[{"setting": 10, **val(0.22)}, old.points[1]], commit="later")
    assert study_records.difference(new, old) == pytest.approx(0.03)
    read = study_records.read(study_records.write(old, tmp_path))
    assert study_records.not_comparable(new, read) == ""
    for changes, said in (
        ({"data": {"sha256": "b"}}, "held-out faces"), ({"points": old.points[:1]}, "points"),
        ({"training": {"sha256": "b"}}, "training faces"), ({"model": {"width": 2}}, "network"),
        ({"config": {"steps": (3, 5)}, "seed": 1}, "settings, seed"),
    ):  # fmt: skip
        assert study_records.not_comparable(replace(new, **changes), read) == said


def test_collapses_compare_by_whether_when_and_by_ratios_of_spreads():
    def made(*points):
        names = ("setting", "spread", "collapsed_at_step")
        return make_study(points=[dict(zip(names, point, strict=True)) for point in points])

    old = made(("seed 0", 0.02, None), ("hardest negatives", 3e-4, 120))
    for point, factor in (
        (("seed 0", 0.05, None), 2.5), (("seed 0", 0.01, None), 2), (("seed 0", 2e-4, None), 100),
        (("seed 0", 9e-4, 300), math.inf), (("hardest negatives", 1e-9, 120), 1),
        (("hardest negatives", 3e-4, 40), 3), (("hardest negatives", 3e-4, None), math.inf),
    ):  # fmt: skip
        new = made(*(point if point[0] == p["setting"] else tuple(p.values()) for p in old.points))
        assert study_records.difference(new, old) == pytest.approx(math.log(factor))
        assert study_records.difference(old, new) == pytest.approx(math.log(factor))
    seen = study_records.difference(made(("seed 0", 0.0, None)), made(("seed 0", -1e-9, None)))
    assert seen == 0 and facenet_studies.FACTOR == pytest.approx(math.log(2), abs=1e-4)


def test_a_table_has_the_published_trend_beside_ours():
    text = study_tables.blocks({"facenet-quality": make_study()})["facenet-quality"]()
    assert "| 10 | 0.673 | 0.250 ± 0.010 | 0.625 ± 0.005 |" in text
    assert "| 90 | 0.865 | - | - |" in text
    assert text.splitlines()[-1] == "| as they are | - | 0.500 ± 0.020 | 0.750 ± 0.010 |"
    points = [{"setting": "1/8", "images": 2011, "identities": 114, **val(0.1)}]
    text = study_tables.share(make_study("facenet-share", points))
    assert "| ours, 0.125 of the people | 2,011 | 114 | 0.100 ± 0.010 |" in text
    assert "| theirs, 1% | 2,600,000 | - | 0.763 | - |" in text


def test_without_records_every_table_says_not_measured_and_has_the_published():
    for name, block in study_tables.blocks({}).items():
        text = block()
        assert study_tables.NOT_MEASURED in text
        for value, _ in FACENET_STUDIES[name].rates.values() if name in FACENET_STUDIES else ():
            assert f"| {value:.3f}" in text
        widths = {line.count("|") for line in text.splitlines()}
        assert len(widths) == 1


def test_a_synthetic_study_enters_no_page(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RECORDS", tmp_path)
    study_records.write(make_study(synthetic=True), tmp_path / "studies")
    with pytest.raises(tables.TableError, match="synthetic"):
        tables.update(check=True)


def test_the_picture_has_a_curve_where_we_have_one():
    points = [{"setting": f"1/{k}", "images": 900 // k, **val(0.1)} for k in (2, 1)]
    shown = panels({"facenet-quality": make_study(), "facenet-share": make_study(points=points)})
    assert [len(panel.ours) for panel in shown] == [1, 0, 0, 2]  # "as they are" is no number
    assert [x for x, _, _ in shown[3].ours] == [450, 900]
    figure = studies_figure(shown)
    said = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert said == [[], ["ours: not measured"], ["ours: not measured"], []]


def test_strangers_in_a_cluster_are_framed():
    faces = face_set(2).images["aligned"][:7]
    clusters, label = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([5, 5, 5, 8, 9, 9, 5])
    figure = clusters_figure(faces, clusters, label, rows=3, columns=4)
    framed = [(k // 4, k % 4) for k, axes in enumerate(figure.axes) if axes.patches]
    assert framed == [(0, 3)]
    names = [axes.texts[0].get_text() for axes in figure.axes[::4]]
    assert names == ["4 faces", "2 faces", "1 face"]
