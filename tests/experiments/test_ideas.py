"""The eight bundles: what each differs in, what is trained and measured, and the command."""

from dataclasses import asdict, fields, replace
from itertools import combinations
from math import sqrt
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from common.harness import Outcome
from common.protocol import Category
from deepface_jax.model import DeepFace, parameter_table
from deepface_jax.network_config import Filters, NetworkConfig
from experiments import facenet_training, ideas_lfw, ideas_training, train_ideas
from experiments.face_sets import FaceSet
from experiments.facenet_training import Trained
from experiments.held_out import HeldOut
from experiments.ideas import BUNDLES, LOSSES, NETWORKS, Bundle
from experiments.ideas_lfw import run
from experiments.ideas_training import TINY, Short, Trainings
from experiments.local_embedding import LocalConfig, build
from experiments.measure import Measured
from experiments.setting import NotRerun, Setting
from experiments.train_ideas import Options, main
from facenet_jax.train import Batch, Weights
from facenet_jax.views import batches_of
from tests.common.test_records import make_result

LAYERS = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=Filters(3, 3), L4=Filters(5, 3), L5=Filters(4, 3, stride=2),
    L6=Filters(3, 2), F7=6, classes=5,
)  # fmt: skip
SIDE = LAYERS.side
BRIEF = replace(TINY, short=replace(TINY.short, epochs=2.0))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A tiny synthetic setting."""
    folder = tmp_path_factory.mktemp("ideas")
    benchmark = synthetic_benchmark(60, 4, pairs_per_fold=20, size=64)
    return Setting(benchmark, (), True, folder / "runs", "command", Console(quiet=True))


@pytest.fixture(scope="module")
def tiny(small):
    """What the row measures there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLASSIC_FACES_CACHE", str(small.runs.parent / "cache"))
        patch.setattr(ideas_lfw, "TINY", BRIEF)
        yield {one.result.variant: one.result for one in run(small)}


def test_the_embedding_is_f7_normalized_and_brought_to_length_one_without_f8():
    graph, params, rest = nnx.split(build(LocalConfig(LAYERS), nnx.Rngs(0)), nnx.Param, ...)
    table = {row.layer: row.weights + row.biases for row in parameter_table(LAYERS)}
    layers = {"C1", "C3", "L4", "L5", "L6", "F7"}
    assert set(params["network"]) == layers and len(jax.tree.leaves(rest)) == 2
    sizes = sum(leaf.size for leaf in jax.tree.leaves(params["network"]))
    assert sizes == sum(table[name] for name in layers)
    assert [leaf.size for leaf in jax.tree.leaves(params["norm"])] == [LAYERS.F7]

    rng = np.random.default_rng(0)
    drawn = jax.tree.map(lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape)), params)
    moments = {"mean": rng.random(LAYERS.F7), "variance": 1 + rng.random(LAYERS.F7)}
    for name, value in moments.items():
        rest["norm"][name][...] = jnp.asarray(value, jnp.float32)
    images = jnp.asarray(rng.random((4, SIDE, SIDE, 3), np.float32))
    embed = jax.jit(lambda weights, rest, x, training:
                    nnx.merge(graph, weights, rest)(x, training=training),
                    static_argnums=3)  # fmt: skip
    whole, state = nnx.split(nnx.eval_shape(lambda: DeepFace(LAYERS, rngs=nnx.Rngs(0))))
    state["F8"] = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), state["F8"])
    for name in layers:
        state[name] = drawn["network"][name]
    f7 = np.asarray(jax.jit(lambda s, x: nnx.merge(whole, s).activations(x)["F7"])(state, images))
    assert (f7 > 0).any(axis=1).all() and (f7 == 0).any()
    scale = np.asarray(jax.tree.leaves(drawn["norm"])[0])
    own = {"mean": f7.mean(axis=0), "variance": f7.var(axis=0)}
    for training, known in ((False, moments), (True, own)):
        z = scale * (f7 - known["mean"]) / np.sqrt(known["variance"] + 1e-5)
        wanted = [row / sqrt(sum(float(v) ** 2 for v in row)) for row in z]
        np.testing.assert_allclose(embed(drawn, rest, images, training), wanted, atol=1e-5)


def face_set(people, seed, alignment, side):
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(people, dtype=np.int32), 6)
    images = rng.integers(0, 256, (len(label), side, side, 3), np.uint8)
    return FaceSet({alignment: images}, label, people, f"{seed:064d}")


def numbered(index, rng):
    """A view that says which face it is of, and what its generator draws."""
    return Batch(rng.integers(0, 256, (1, 1, 3), np.uint8), np.int32(index))


@pytest.fixture
def recorded(monkeypatch):
    """What the eight trainings get, by bundle; nothing is trained or aligned."""
    seen = {}
    monkeypatch.setattr(
        ideas_training, "faces_aligned",
        lambda folder, split, alignments, side: face_set(
            40 if split == "train" else 20, split == "train", *alignments, side
        ),
    )  # fmt: skip

    def train(faces, held_out, network, recipe, **how):
        (phase,) = recipe
        count = len(faces.label)
        made = batches_of(phase, faces.label, numbered)
        seen[bundle] = {
            "alignment": list(faces.images), "network": network, "build": how.pop("build"),
            "loss": (phase.triplets, phase.softmax),
            "phase": {f.name: getattr(phase, f.name) for f in fields(phase)
                      if f.name not in ("triplets", "softmax", "identities", "negatives")},
            "how": how, "labels": faces.label.tolist(), "steps": phase.steps(count),
            "batches": [[part.tolist() for part in next(made)] for _ in range(3)],
            "shapes": {k: v.shape for k, v in faces.images.items()},
            "pairs": held_out.pairs.first.tolist(),
        }  # fmt: skip
        return Trained(network, Weights({}, None), {})

    monkeypatch.setattr(facenet_training, "train", train)
    trainings = Trainings(pairs=20)
    for bundle, faces, held_out in trainings.sets(Path("folder")):
        trainings.train(bundle, faces, held_out)
    return seen


def test_each_bundle_differs_in_what_its_name_says_and_nothing_else(recorded):
    assert len(recorded) == 8 and set(recorded) == set(BUNDLES)
    for one, other in combinations(BUNDLES, 2):
        a, b = recorded[one], recorded[other]
        for same in ("phase", "how", "labels", "steps", "pairs"):
            assert a[same] == b[same], same
        assert (a["batches"] == b["batches"]) == (one.loss == other.loss)
        assert (a["alignment"] == b["alignment"]) == (one.alignment == other.alignment)
        assert (a["loss"] == b["loss"]) == (one.loss == other.loss)
        for own in ("network", "build"):
            assert (a[own] == b[own]) == (one.network == other.network)
    for bundle, seen in recorded.items():
        assert seen["alignment"] == [bundle.alignment]
        assert seen["loss"] == {"triplets": (1.0, 0.0), "softmax": (0.0, 1.0)}[bundle.loss]
        assert seen["shapes"] == {bundle.alignment: (240, 76, 76, 3)}
        assert seen["batches"][0] != seen["batches"][1]
        numbers = seen["batches"][0][1]
        assert len(numbers) == len(set(numbers)) == 128
        # With six faces a person, triplets get twenty people whole; drawing does not.
        whole = sum(set(range(6 * n, 6 * n + 6)) <= set(numbers) for n in range(40))
        assert whole >= 20 if bundle.loss == "triplets" else whole < 10


def test_options_reach_the_recipe():
    short = Short(**{f.name: f.default + 1 for f in fields(Short)})
    for loss in LOSSES:
        (phase,) = short.recipe(loss)
        assert phase.batch == 21 * 7 + 9
        assert phase.identities == {"triplets": 21, "softmax": 0}[loss]
        own = {"identities", "faces", "negatives"} if loss == "softmax" else set()
        for name, value in asdict(short).items():
            if name not in {"seed", *own}:
                assert getattr(phase, name) == value, name


def test_the_row_has_eight_records(tiny):
    results = tiny
    assert results.keys() == {bundle.name for bundle in BUNDLES}
    steps = {result.config["steps"] for result in results.values()}
    assert steps == {6} and len({str(r.training["sha256"]) for r in results.values()}) == 1
    for bundle in BUNDLES:
        result = results[bundle.name]
        assert result.row == "ideas" and result.synthetic and result.published == {}
        assert result.category == Category.UNRESTRICTED_LABELED.label
        assert result.threshold_rule == "nine-folds"
        assert result.alignment == result.config["align"]["stage"] == bundle.alignment
        assert result.config["bundle"] == bundle._asdict()
        assert result.training["images"] == 72 and result.training["identities"] == 12
        assert (result.config["recipe"]["softmax"] == 1) == (bundle.loss == "softmax")
        network = TINY.networks[bundle.network]
        assert result.model["embedding_size"] == network.embedding_size
        # Squared distances of vectors of length 1.
        assert all(-4 <= t <= 0 for t in result.metrics["accuracy"]["thresholds"])
    for name in NETWORKS:
        sizes = {results[b.name].model["parameters"] for b in BUNDLES if b.network == name}
        assert len(sizes) == 1  # a classifier is no part of it
    assert len({r.figure for r in results.values()}) > 4


def test_done_trainings_are_only_read_again(small, tiny, monkeypatch):
    monkeypatch.setattr(ideas_lfw, "TINY", BRIEF)
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(small.runs.parent / "cache"))

    def no_step(*_, **__):
        return lambda state, batch: pytest.fail("it was trained again")

    monkeypatch.setattr(facenet_training, "make_step", no_step)
    name = "local-triplets-3d"
    (again,) = _one(small, monkeypatch, name)
    assert again.result.metrics == tiny[name].metrics
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        _one(replace(small, from_scratch=True), monkeypatch, name)


def _one(setting, monkeypatch, name):
    """The row, as if there were one bundle."""
    whole = Trainings.sets
    with monkeypatch.context() as patch:
        wanted = tuple(bundle for bundle in BUNDLES if bundle.name == name)
        patch.setattr(Trainings, "sets", lambda self, folder: whole(self, folder, wanted))
        return run(setting)


def real(setting, **changes):
    """As far as the row can tell, on LFW."""
    provenance = replace(setting.benchmark.provenance, synthetic=False)
    return replace(setting, benchmark=replace(setting.benchmark, provenance=provenance), **changes)


def test_without_faces_or_trainings_the_row_says_why(small, tmp_path, monkeypatch):
    with pytest.raises(NotRerun, match=r"not shipped.*--train-dir"):
        run(real(small))
    monkeypatch.setattr(Trainings, "sets", lambda *_: iter(()))
    with pytest.raises(NotRerun, match="--from-scratch begins them"):
        run(real(small, train_dir=tmp_path))


def measured(setting, trainings, bundle, *_):
    pairs = setting.benchmark.view2
    outcome = Outcome(np.zeros(len(pairs)), pairs, None)
    return Measured(make_result(row="ideas", variant=bundle.name), outcome, setting.benchmark)


@pytest.mark.parametrize("scratch", [False, True])
def test_what_is_done_is_kept_until_all_are(small, tmp_path, monkeypatch, scratch):
    setting = real(small, train_dir=tmp_path, from_scratch=scratch)
    seen, done = [], {BUNDLES[0], BUNDLES[3]}
    sets = [(bundle, None, None) for bundle in BUNDLES]
    monkeypatch.setattr(Trainings, "sets", lambda *_: iter(sets))
    monkeypatch.setattr(Trainings, "is_done", lambda self, bundle, faces: bundle in done)
    monkeypatch.setattr(
        Trainings, "train", lambda self, bundle, *_, from_scratch: seen.append(
            (bundle, from_scratch)
        )
    )  # fmt: skip
    monkeypatch.setattr(ideas_lfw, "_measure", measured)

    def variants():
        return [one.result.variant for one in run(setting)]

    wanted = list(BUNDLES) if scratch else [BUNDLES[0], BUNDLES[3]]
    assert variants() == [bundle.name for bundle in wanted]
    assert seen == [(bundle, False) for bundle in wanted]
    seen.clear()
    done.update(BUNDLES)
    assert variants() == [bundle.name for bundle in BUNDLES]
    assert {forget for _, forget in seen} == {scratch}


def test_the_command_shows_the_held_out_people(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    seen = []

    class Fake(Trainings):
        def sets(self, folder, wanted=BUNDLES):
            return ((bundle, None, None) for bundle in wanted)

        def train(self, bundle, faces, held_out, *, from_scratch=False):
            seen.append(bundle)
            held = {"accuracy": {"mean": 0.8125, "standard_error": 0.01},
                    "val_at_far": {"0.001": {"mean": 0.25, "standard_error": 0.02}}}  # fmt: skip
            facts = {"held_out": held, "training": {"hours": 0.125}}
            return Trained(TINY.networks["local"], Weights({}, None), facts)

    assert main(Options(("convolutional-softmax-2d",), tmp_path), Fake()) == 0
    assert seen == [Bundle("convolutional", "softmax", "2d")]
    out = capsys.readouterr().out
    assert (
        "convolutional-softmax-2d" in out and "0.8125 ± 0.0100" in out and "0.2500 ± 0.0200" in out
    )
    assert main(Options((), tmp_path), Fake()) == 0 and seen[1:] == list(BUNDLES)
    capsys.readouterr()
    assert main(Options(("softmax-local-2d",), tmp_path), Fake()) == 1
    assert "no bundle softmax-local-2d; there are local-softmax-2d" in capsys.readouterr().err
    assert main(Options(), Fake()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert train_ideas.Options().short == Short()


def test_held_out_people_see_the_same_alignment(monkeypatch):
    asked = []

    def faces_aligned(folder, split, alignments, side):
        asked.append((split, tuple(alignments), side))
        return face_set(20, 0, *alignments, side)

    monkeypatch.setattr(ideas_training, "faces_aligned", faces_aligned)
    wanted = [Bundle("local", "softmax", "3d"), Bundle("local", "triplets", "3d")]
    trainings = Trainings(networks=TINY.networks, pairs=20)
    (_, first, held), (_, second, _) = trainings.sets(Path("folder"), wanted)
    assert asked == [("train", ("3d",), 24), ("validation", ("3d",), 24)]
    assert first is second and isinstance(held, HeldOut)
    assert {name: config.stage for name, config in ideas_training.ALIGNMENTS.items()} == {
        "2d": "2d", "3d": "3d",
    }  # fmt: skip
