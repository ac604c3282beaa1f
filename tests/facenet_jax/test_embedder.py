"""Weights to files and back, and what is said when they are not there or not whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from facenet_jax.embedder import Embedder
from facenet_jax.train import embed_all, make_embed
from facenet_jax.weights import SHIPPED, WeightsError, load_weights, save_weights
from tests.facenet_jax.toy import IMAGES, NETWORK, WARM_UP, begin

FACTS = {
    "threshold": {"squared_distance": 1.1, "false_accept_rate": 0.05, "true_accept_rate": 0.9},
    "thresholds": [
        {"wanted": 0.01, "squared_distance": 0.7, "false_accept_rate": 0.02,
         "true_accept_rate": 0.6},
        {"wanted": 0.001, "squared_distance": 0.2, "false_accept_rate": 0.003,
         "true_accept_rate": 0.4},
    ],
    "name": "toy",
}  # fmt: skip
NORMED = replace(NETWORK, batch_norm=True)


@pytest.fixture
def saved(tmp_path):
    graph, state = begin(WARM_UP, network=NORMED)
    path = tmp_path / "weights.npz"
    save_weights(state.weights, NORMED, FACTS, path)
    return path, embed_all(make_embed(graph), state.weights, IMAGES)


def test_round_trip(saved):
    path, z = saved
    embedder = Embedder.load(path)
    assert (embedder.threshold, embedder.false_accept_rate) == (1.1, 0.05)
    assert embedder.network == NORMED and embedder.facts["name"] == "toy"
    found = embedder.embed(IMAGES)
    np.testing.assert_allclose(found, z, atol=5e-3)  # float16
    with np.load(path, allow_pickle=False) as arrays:
        kinds = {name.rsplit("/")[-1]: arrays[name].dtype.name for name in arrays.files}
        count = sum(arrays[n].size for n in arrays.files if n.rsplit("/")[-1] in
                    ("kernel", "bias", "scale"))  # fmt: skip
        assert not any("classifier" in name for name in arrays.files)
    assert kinds == {"kernel": "float16", "bias": "float16", "scale": "float16",
                     "mean": "float32", "variance": "float32"}  # fmt: skip
    assert embedder.parameters == count
    assert sorted(p.name for p in path.parent.iterdir()) == ["weights.json", "weights.npz"]


def test_a_threshold_for_a_false_accept_rate(saved):
    embedder = Embedder.load(saved[0])
    strict = embedder.at(0.001)
    found = strict.threshold, strict.false_accept_rate, strict.true_accept_rate
    assert found == (0.2, 0.003, 0.4) and embedder.threshold == 1.1
    a, b = np.array([1.0, 0.0]), np.array([np.cos(0.6), np.sin(0.6)])  # 0.35 apart
    assert embedder.same(a, b) and embedder.at(0.01).same(a, b) and not strict.same(a, b)
    with pytest.raises(ValueError, match="rate of 0.05; there are thresholds for 0.01, 0.001"):
        embedder.at(0.05)


def test_any_square_size_alone_or_in_a_list(saved):
    embedder = Embedder.load(saved[0])
    big = IMAGES[:2].repeat(2, axis=1).repeat(2, axis=2)
    a, b = embedder.embed([IMAGES[0], big[1]])
    np.testing.assert_allclose(np.stack([a, b]), embedder.embed(IMAGES[:2]), atol=1e-5)
    assert embedder.distance(a, a) == 0 and 0 < embedder.distance(a, b) <= 4
    assert embedder.same(a, a) and not embedder.same(a, -a)
    at, below = (
        replace(embedder, threshold=d * float(embedder.distance(a, b))) for d in (1.0, 0.999)
    )
    assert at.same(a, b) and not below.same(a, b)  # D <= d, as the measured rates have it
    np.testing.assert_array_equal(embedder.same(np.stack([a, a]), np.stack([a, -a])), [True, False])
    with pytest.raises(ValueError, match="24 x 20 pixels; wanted a square crop"):
        embedder.embed([IMAGES[0][:20]])
    with pytest.raises(ValueError, match="no faces"):
        embedder.embed([])


def test_missing_weights_say_how_to_make_them(saved, tmp_path):
    with pytest.raises(WeightsError, match="train_facenet --train-dir DIR --ship"):
        Embedder.load(tmp_path / "elsewhere.npz")
    saved[0].unlink()
    with pytest.raises(WeightsError, match=r"weights\.npz is missing"):
        Embedder.load(saved[0])


def test_damaged_weights_are_named(saved):
    path, _ = saved
    whole, facts = path.read_bytes(), path.with_suffix(".json").read_text()
    for content in (b"", b"PK\x03\x04 not a zip", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=r"weights\.npz is damaged"):
            Embedder.load(path)
    with path.open("wb") as file:
        np.savez(file, x=np.array([{}], object))
    with pytest.raises(WeightsError, match="damaged"):
        Embedder.load(path)
    path.write_bytes(whole)
    other = json.loads(facts)
    other["network"]["width"] = 1 / 8
    path.with_suffix(".json").write_text(json.dumps(other))
    with pytest.raises(WeightsError, match="another network's weights: they differ at"):
        load_weights(path)
    for text in ("", "[]", "{}", '{"network": {"side": -1}}', '{"network": {"colour": 1}}'):
        path.with_suffix(".json").write_text(text)
        with pytest.raises(WeightsError, match="does not say which network"):
            load_weights(path)
    del other["threshold"]
    other["network"]["width"] = 1 / 16
    path.with_suffix(".json").write_text(json.dumps(other))
    with pytest.raises(WeightsError, match="no threshold"):
        Embedder.load(path)


def test_weights_that_cannot_be_kept_are_refused(tmp_path, monkeypatch):
    import jax

    _, state = begin(WARM_UP, network=NORMED)
    huge = state.weights._replace(params=jax.tree.map(lambda x: x + 1e5, state.weights.params))
    with pytest.raises(WeightsError, match="float16 cannot hold"):
        save_weights(huge, NORMED, FACTS, tmp_path / "weights.npz")
    monkeypatch.setattr("common.weights_file.LARGEST", 2**10)
    with pytest.raises(WeightsError, match="take a narrower network"):
        save_weights(state.weights, NORMED, FACTS, tmp_path / "weights.npz")
    assert not list(tmp_path.iterdir())
    save_weights(state.weights, NORMED, FACTS, tmp_path / "weights.npz", small=False)
    assert Embedder.load(tmp_path / "weights.npz").network == NORMED


def test_what_is_shipped_fits_and_says_what_it_is():
    if not SHIPPED.exists():
        with pytest.raises(WeightsError, match="--ship"):
            Embedder.load()
        return
    embedder = Embedder.load()
    assert SHIPPED.stat().st_size <= 16 * 2**20
    assert 0 < embedder.threshold < 4 and 0 <= embedder.false_accept_rate <= 1
    assert {"data", "images", "sha256", "lfw_overlap"} <= set(embedder.facts["training"])
    assert SHIPPED.with_name("MODEL_CARD.md").exists()
