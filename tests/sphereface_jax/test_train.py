"""The training step: it learns, keeps directions on the sphere, and its features compare."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.harness import Training
from common.types import Pairs
from sphereface_jax.config import PAPER, SMALL_DATA, NetworkConfig
from sphereface_jax.train import Batch, make_features, make_step, start
from sphereface_jax.verify import CenteredCosine
from sphereface_jax.weights import WeightsError, load_weights, rounded, save_weights

PEOPLE, EACH, SIDE = 6, 4, 16
NETWORK = NetworkConfig(layers=10, side=SIDE, width=1 / 16, embedding_size=12)


def toy_faces(seed=0):
    """Squares of four colors a person, with noise."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(PEOPLE), EACH)
    colors = rng.uniform(40, 215, (PEOPLE, 2, 2, 3)).repeat(8, axis=1).repeat(8, axis=2)
    faces = colors[labels, :, : NETWORK.columns] + rng.normal(
        0, 15, (len(labels), SIDE, NETWORK.columns, 3)
    )
    return Batch(faces.clip(0, 255).astype(np.uint8), labels)


FACES = toy_faces()
CONFIGS = {
    "paper": (NETWORK, replace(PAPER, epochs=40.0, batch=24, lambda_gamma=5.0, clip=5.0)),
    "small": (
        replace(NETWORK, batch_norm=True),
        replace(SMALL_DATA, epochs=40.0, batch=24, lambda_gamma=5.0, learning_rate=0.05,
                average=0.8, warmup=2.0),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=CONFIGS)
def trained(request):
    """Graph, first and last state, and the losses between."""
    network, config = CONFIGS[request.param]
    graph, state = start(network, config, people=PEOPLE, faces=len(FACES.labels))
    first = jax.tree.map(np.asarray, state)
    step, losses = make_step(config, graph, faces=len(FACES.labels)), []
    for _ in range(40):
        state, loss = step(state, FACES)
        losses.append(float(loss))
    return graph, first, state, losses


def test_it_learns(trained):
    graph, first, state, losses = trained
    assert losses[1] < losses[0] or losses[2] < losses[0]
    assert losses[-1] < 0.5 * losses[0] and int(state.step) == 40
    features = np.asarray(make_features(graph)(state.result, FACES.images))
    x = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = x @ x.T - 9 * np.eye(len(x))
    assert np.mean(FACES.labels[cosines.argmax(1)] == FACES.labels) > 0.9


def test_directions_have_length_1_and_turn(trained):
    _, first, state, _ = trained
    np.testing.assert_allclose(np.linalg.norm(state.directions, axis=1), 1, rtol=1e-5)
    assert np.abs(np.asarray(state.directions) - first.directions).max() > 0.01


def test_features_are_the_face_and_behind_it_its_mirror_image(trained):
    graph, _, state, _ = trained
    features = make_features(graph)
    found = np.asarray(features(state.weights, FACES.images))
    mirrored = np.asarray(features(state.weights, FACES.images[:, :, ::-1]))
    dim = NETWORK.embedding_size
    assert found.shape == (len(FACES.labels), 2 * dim)
    np.testing.assert_allclose(found[:, dim:], mirrored[:, :dim], rtol=1e-4, atol=1e-4)
    assert np.abs(found[:, dim:] - found[:, :dim]).max() > 1e-3


def test_weights_survive_their_file(trained, tmp_path):
    graph, _, state, _ = trained
    network = CONFIGS["small" if jax.tree.leaves(state.weights.statistics) else "paper"][0]
    save_weights(state.weights, network, {"name": "x"}, tmp_path / "w.npz")
    read, features, weights, facts = load_weights(tmp_path / "w.npz")
    assert read == network and facts == {"name": "x"}
    images = jnp.asarray(FACES.images)
    expected = make_features(graph)(rounded(state.weights), images)
    np.testing.assert_array_equal(features(weights, images), expected)

    (tmp_path / "w.json").write_text('{"network": {"layers": 18}}')
    with pytest.raises(WeightsError, match="which network"):
        load_weights(tmp_path / "w.npz")
    with pytest.raises(WeightsError, match="train_sphereface"):
        load_weights(tmp_path / "none.npz")


def test_scores_are_cosines_after_the_mean_of_the_training_pairs():
    rng = np.random.default_rng(0)
    features = 3 + rng.normal(size=(9, 5)).astype(np.float32)
    first, second = np.array([0, 0, 1, 2]), np.array([3, 1, 3, 4])
    pairs = Pairs(first, second, np.array([True, False, True, False]), np.array([0, 0, 1, 1]))
    score = CenteredCosine(features).fit(Training(np.arange(5), pairs, None))
    mean = sum(features[k].astype(np.float64) for k in (0, 0, 1, 2, 3, 1, 3, 4)) / 8
    found = score(np.array([5, 6]), np.array([7, 8]))
    for value, (a, b) in zip(found, [(5, 7), (6, 8)], strict=True):
        a, b = features[a] - mean, features[b] - mean
        assert value == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-4)
