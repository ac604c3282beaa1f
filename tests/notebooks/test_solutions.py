"""Solutions of the exercises against independent computations, and each in its notebook's place."""

import math
import re
from importlib.util import module_from_spec, spec_from_file_location

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

import eigenfaces
from common.data.synthetic_scene import rotation
from common.roc import impostors_allowed, roc
from deepface_jax.model import parameter_table
from deepface_jax.network_config import DF_4_4K
from deepface_jax.normalize import normalize
from facenet_jax.triplets import triplet_loss
from notebooks.build import FOLDER, sources

RNG = np.random.default_rng(0)


def solutions(name):
    spec = spec_from_file_location(f"solutions_{name}", FOLDER / "solutions" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ONE, TWO, THREE, FOUR = (solutions(name) for name in sources())


@pytest.mark.parametrize("name", sources())
def test_every_open_exercise_has_a_solution_of_the_same_signature(name):
    text = sources()[name].read_text()
    asked = re.findall(r'^def (\w+)(\(.*\)):\n    """.*"""\n    \.\.\.\n', text, re.MULTILINE)
    assert 3 <= len(asked) <= 5
    for function, arguments in asked:
        code = getattr(solutions(name), function).__code__
        found = code.co_varnames[: code.co_argcount]
        assert found == tuple(re.findall(r"(\w+)(?:=[^,)]*)?[,)]", arguments)), function


def test_components_for():
    values = np.sort(RNG.random(9))[::-1]
    for share in (0.01, 0.5, 0.9, 1.0):
        expected = next(k for k in range(1, 10) if values[:k].sum() >= share * values.sum() - 1e-9)
        assert ONE.components_for(values, share) == expected


def test_distance_by_pythagoras_is_the_packages():
    faces = RNG.random((12, 30)).astype(np.float32)
    space = eigenfaces.fit(faces, 5)
    images = RNG.random((7, 30)).astype(np.float32)
    ours = ONE.distance_by_pythagoras(np.asarray(space.mean), np.asarray(space.eigenfaces), images)
    expected = np.asarray(eigenfaces.distance_from_face_space(space, images))
    np.testing.assert_allclose(ours, expected, rtol=1e-3)


def test_recognized_whitened():
    known, eigenvalues = RNG.standard_normal((6, 5)), np.array([9.0, 4.0, 1.0, 0.25, 0.1])
    probes = known + 0.4 * RNG.standard_normal((6, 5))
    nearest = cdist(probes[:, 2:], known[:, 2:], "seuclidean", V=eigenvalues[2:]).argmin(axis=1)
    expected = sum(nearest[i] == i for i in range(6)) / 6
    assert ONE.recognized_whitened(known, probes, eigenvalues, 2) == expected
    assert ONE.recognized_whitened(known, known, eigenvalues, 0) == 1.0


@pytest.mark.parametrize(("images", "pixels"), [(5, 9), (9, 5), (4, 4)])
def test_cheaper_matrix(images, pixels):
    a = np.ones((pixels, images))
    matrices = {"L": (a.T @ a).size, "C": (a @ a.T).size}
    name, numbers = ONE.cheaper_matrix(images, pixels)
    assert matrices[name] == numbers == min(matrices.values())


def test_weights_of_layer_are_those_of_the_papers_network():
    rows = {row.layer: row for row in parameter_table(DF_4_4K)}
    for layer, side, filters, size, stride in (
        ("L4", 63, 16, 9, 1), ("L5", 55, 16, 7, 2), ("L6", 25, 16, 5, 1)
    ):  # fmt: skip
        local, shared = TWO.weights_of_layer(side, 16, filters, size, stride)
        assert local == rows[layer].weights
        assert shared * rows[layer].output[0] ** 2 == local


def test_receptive_field_by_going_backward():
    for layers in ([(5, 1)], [(11, 1), (3, 2), (9, 1)], [(3, 2), (3, 2), (2, 3), (4, 1)]):
        seen = {0}
        for size, stride in reversed(layers):
            seen = {stride * place + k for place in seen for k in range(size)}
        assert TWO.receptive_field(layers) == len(range(min(seen), max(seen) + 1))


def test_normalized():
    features, maximum = RNG.random(8).astype(np.float32), RNG.random(8).astype(np.float32)
    maximum[2] = 0.001
    ours = TWO.normalized(features, maximum)
    np.testing.assert_allclose(ours, normalize(features, maximum), rtol=1e-5)
    assert not TWO.normalized(np.zeros(8), maximum).any()


@pytest.mark.parametrize("yaw", [-50.0, 0.0, 35.0])
def test_yaw_degrees(yaw):
    turn = np.asarray(rotation(np.array([yaw, 12.0, -8.0], np.float32)))
    camera = np.concatenate([3.7 * turn[:2], [[20.0], [30.0]]], axis=1)
    assert TWO.yaw_degrees(camera) == pytest.approx(yaw, abs=1e-3)


def test_kind_of_triplet():
    kinds = [THREE.kind_of_triplet(0.5, d, 0.2) for d in (0.2, 0.5, 0.6, 0.7, 0.9)]
    assert kinds == ["hard", "hard", "semi-hard", "easy", "easy"]


def points(count, dim=3):
    z = RNG.standard_normal((count, dim))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_semi_hard_loss_is_the_packages():
    z, labels = points(9), np.array([0, 0, 1, 2, 1, 0, 2, 2, 3])
    loss = triplet_loss(jnp.asarray(z, jnp.float32), labels)[0]
    assert THREE.semi_hard_loss(z, labels, 0.2) == pytest.approx(float(loss), rel=1e-4)


def test_triplet_gradient_by_differences():
    for _ in range(5):
        triplet = RNG.standard_normal((3, 2))

        def loss(flat):
            a, p, n = flat.reshape(3, 2)
            return max(((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 0.2, 0)

        step = 1e-6 * np.eye(6)
        slope = [(loss(triplet.ravel() + h) - loss(triplet.ravel() - h)) / 2e-6 for h in step]
        ours = np.concatenate(THREE.triplet_gradient(*triplet, 0.2))
        np.testing.assert_allclose(ours, slope, atol=1e-5)


def test_triplets_of_batch_by_counting():
    labels = np.repeat(np.arange(3), 4)
    counted = sum(
        labels[a] == labels[p] != labels[n] and a != p
        for a in range(12) for p in range(12) for n in range(12)
    )  # fmt: skip
    assert THREE.triplets_of_batch(3, 4) == counted


def test_spread_is_half_the_mean_squared_distance():
    z = points(20)
    assert THREE.spread(z) == pytest.approx(cdist(z, z, "sqeuclidean").mean() / 2)


def test_standard_error():
    values = RNG.random(10)
    ours = FOUR.standard_error_from_deviation(values.std(ddof=1), 10)
    assert ours == pytest.approx(stats.sem(values))


def test_true_accept_at_is_the_packages():
    scores, same = RNG.integers(0, 12, 80) / 4.0, RNG.random(80) < 0.5
    for rate in (0.0, 0.05, 0.3, 1.0):
        assert FOUR.true_accept_at(scores, same, rate) == roc(scores, same).true_accept_at(rate)


def test_impostors_needed():
    for rate, carriers in ((0.1, 30), (0.01, 7), (0.001, 3)):
        needed = FOUR.impostors_needed(rate, carriers)
        assert impostors_allowed(rate, needed) == carriers
        assert impostors_allowed(rate, needed - 1) < carriers


def test_paired_t():
    first, second = RNG.random(10), RNG.random(10)
    assert FOUR.paired_t(first, second) == pytest.approx(stats.ttest_rel(first, second).statistic)
    assert not math.isclose(FOUR.paired_t(first, second), FOUR.paired_t(second, first))
