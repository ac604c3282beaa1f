"""The jobs of the benchmarks, at small sizes; those of PyTorch only where it is installed."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import deepface, facenet, locally_connected, triplets
from benchmarks.starting_weights import corner, load, named, save
from deepface_jax.train import start as start_deepface
from facenet_jax.config import NN4, NetworkConfig
from facenet_jax.train import start as start_facenet

TOY = NetworkConfig("NN4", side=35, width=1 / 16)


def done(job):
    job.run()
    return job.values()


def assert_close(ours, peers, tolerance):
    assert ours.keys() == peers.keys()
    for name, own in ours.items():
        scale = np.abs(own).max()
        assert scale > 0, f"{name} is all zero: nothing compared"
        np.testing.assert_allclose(peers[name], own, atol=tolerance * scale, err_msg=name)


def test_weights_in_a_file(tmp_path):
    tree = {"a": [np.arange(40.0).reshape(5, 8), np.ones(2)], "b": {"kernel": np.zeros((1, 9))}}
    save(tmp_path / "w.npz", tree)
    found = load(tmp_path / "w.npz")
    assert list(found) == [name for name, _ in named(tree)] == ["a.0", "a.1", "b.kernel"]
    np.testing.assert_array_equal(found["a.0"], tree["a"][0])
    np.testing.assert_array_equal(corner(found["a.0"]), [[0, 1, 2], [8, 9, 10], [16, 17, 18]])


def test_operations_of_a_step():
    # Multiply-adds of C1, C3, L4, L5, L6, F7 and F8, from the sizes in the paper's text.
    c1 = 142**2 * 11**2 * 3 * 32
    macs = c1 + 63**2 * 9**2 * 32 * 16
    macs += 55**2 * 9**2 * 16 * 16 + 25**2 * 7**2 * 16 * 16 + 21**2 * 5**2 * 16 * 16
    macs += 21 * 21 * 16 * 4096
    assert deepface.gflop(deepface.FULL, 3, training=False) == 2 * 3 * macs / 1e9
    macs += 4096 * 4030
    assert deepface.gflop(deepface.FULL, 3, training=True) == 2 * 3 * (3 * macs - c1) / 1e9
    conv1 = 48**2 * 7**2 * 3 * 64
    forward = facenet.gflop(NN4, 1, training=False)
    assert forward == pytest.approx(2 * 0.2847, abs=1e-3)  # the paper: 285 million
    assert facenet.gflop(NN4, 5, training=True) == pytest.approx(5 * (3 * forward - 2e-9 * conv1))


def test_our_jobs_run():
    step = done(deepface.our_step(deepface.QUICK, 3))
    assert np.isfinite(step["loss"])
    assert np.abs(step["L4.kernel"]).max() > 0  # it has learned something
    assert done(deepface.our_features(deepface.QUICK, 2))["F7"].shape == (2, deepface.QUICK.F7)
    assert done(triplets.ours(24, 4))["pairs"] > 0
    layer = done(locally_connected.our_layer(locally_connected.TINY, 2, backward=True))
    assert layer.keys() == {"y", "dx", "dkernel"}


def test_xlas_own_layer_has_our_values():
    tiny = locally_connected.TINY
    jobs = (locally_connected.our_layer, locally_connected.xla_layer)
    ours, xla = (done(job(tiny, 2, backward=True)) for job in jobs)
    assert_close(ours, xla, 1e-5)


@pytest.mark.torch
@pytest.mark.parametrize("product", ["einsum", "bmm"])
def test_deepface_in_torch_has_our_values(product, tmp_path: Path):
    path = tmp_path / "weights.npz"
    save(path, start_deepface(deepface.QUICK, deepface.TRAINING, faces=deepface.FACES)[1].weights)
    ours = done(deepface.our_step(deepface.QUICK, 3))
    assert_close(ours, done(deepface.torch_job("step", deepface.QUICK, 3, path, product, 1)), 1e-2)
    ours = done(deepface.our_features(deepface.QUICK, 2))
    assert_close(
        ours, done(deepface.torch_job("features", deepface.QUICK, 2, path, product, 1)), 1e-5
    )
    tiny = locally_connected.TINY
    theirs = locally_connected.torch_layer(tiny, 2, backward=True, product=product, cores=1)
    assert_close(done(locally_connected.our_layer(tiny, 2, backward=True)), done(theirs), 1e-5)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("layout", ["channels first", "channels_last"])
def test_facenet_in_torch_has_our_values(layout, tmp_path: Path):
    path = tmp_path / "weights.npz"
    _, state = start_facenet(TOY, facenet.recipe(12), people=1000, faces=100_000)
    save(path, state.weights.params["network"])
    ours = done(facenet.our_step(TOY, 12))
    # Where the ReLUs of a narrow network are all at zero, neither side moves.
    ours = {name: value for name, value in ours.items() if np.abs(value).max() > 0}
    assert len(ours) > 30
    theirs = done(facenet.torch_job("step", TOY, 12, path, layout, 1))
    assert_close(ours, {name: theirs[name] for name in ours}, 1e-2)
    ours = done(facenet.our_forward(TOY, 12))
    assert_close(ours, done(facenet.torch_job("forward", TOY, 12, path, layout, 1)), 1e-4)


@pytest.mark.torch
def test_triplets_in_torch_have_our_values():
    ours = done(triplets.ours(35, 5))
    assert_close(ours, done(triplets.torch_loop(35, 5, 1)), 1e-4)
    from importlib import import_module

    for part in ("distances", "losses", "miners", "reducers"):
        import_module(f"pytorch_metric_learning.{part}")
    assert done(triplets.metric_learning(35, 5, 1))["pairs"] == ours["pairs"]
