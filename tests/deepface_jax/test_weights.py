"""DeepFace's weights to files and back, without F8, and what is said of files that do not fit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from flax import nnx

from deepface_jax.model import create
from deepface_jax.network_config import Filters, NetworkConfig
from deepface_jax.train import make_features
from deepface_jax.weights import WeightsError, load_weights, save_weights

TINY = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=None, L4=Filters(5, 3), L5=Filters(4, 3, stride=2),
    L6=Filters(3, 2), F7=6, classes=3, init="he", remat=("L4",), block=(2, 3),
)  # fmt: skip
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 21, 21, 3), dtype=np.uint8)
MAXIMUM = np.linspace(0, 1.5, 6, dtype=np.float32)


@pytest.fixture
def saved(tmp_path):
    graph, weights = nnx.split(create(TINY, seed=1))
    path = tmp_path / "small.npz"
    save_weights(weights, MAXIMUM, TINY, {"name": "toy"}, path)
    return path, np.asarray(make_features(graph)(weights, IMAGES))


def test_round_trip_without_the_people(saved):
    path, G = saved
    network, features, weights, maximum, facts = load_weights(path)
    assert network == TINY and facts == {"name": "toy"}
    np.testing.assert_allclose(features(weights, IMAGES), G, rtol=0.01, atol=0.01 * G.max())
    assert G.max() > 0
    np.testing.assert_array_equal(maximum, MAXIMUM)
    with np.load(path, allow_pickle=False) as arrays:
        assert not [name for name in arrays.files if name.startswith("F8")]
        kinds = {arrays[name].dtype.name for name in arrays.files if name != "maximum"}
    assert kinds == {"float16"}


def test_files_that_do_not_fit(saved, tmp_path):
    path, _ = saved
    facts = json.loads(path.with_suffix(".json").read_text())
    with pytest.raises(WeightsError, match="train_deepface_small"):
        load_weights(tmp_path / "nothing.npz")
    for spoiled, said in (
        ({**facts, "network": {**facts["network"], "F7": 7}}, "another network's weights"),
        ({**facts, "network": {**facts["network"], "L5": {"count": 4}}}, "does not say which"),
        ({"name": "toy"}, "does not say which"),
        ([], "does not say which"),
    ):
        path.with_suffix(".json").write_text(json.dumps(spoiled))
        with pytest.raises(WeightsError, match=said):
            load_weights(path)


def test_a_weight_that_float16_cannot_hold(tmp_path):
    _, weights = nnx.split(create(replace(TINY, remat=(), block=None)))
    weights["F7"]["bias"][...] += 1e5
    with pytest.raises(WeightsError, match="F7/bias has values that float16 cannot hold"):
        save_weights(weights, MAXIMUM, TINY, {}, tmp_path / "small.npz")
    assert not list(tmp_path.iterdir())
