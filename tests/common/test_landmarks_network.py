"""The landmark network, its augmentation, its loss and its step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from common.landmarks.augment import augment, mirrored, random_square, view_of
from common.landmarks.network import (
    LandmarkNetwork,
    NetworkConfig,
    StandardizedConv,
    pixel_blocks,
    scaled_relu,
)
from common.landmarks.points import mirror_index
from common.landmarks.squares import Squares
from common.landmarks.train import COMPILER_OPTIONS, Batch, TrainConfig, loss_of, make_step, start
from common.landmarks.weights import WeightsError, load_network, save_weights

TINY = NetworkConfig(side=32, widths=(4, 6, 8, 10), blocks=(0, 1, 1, 1), squeezed=5, hidden=12)


def tiny_network(seed=0):
    """With every weight random: as it starts, its branches and its output are zero."""
    network = LandmarkNetwork(TINY, rngs=nnx.Rngs(seed))
    graph, state = nnx.split(network)
    leaves, tree = jax.tree.flatten(state)
    rng = np.random.default_rng(seed)
    drawn = [leaf + 0.2 * rng.standard_normal(leaf.shape).astype(np.float32) for leaf in leaves]
    return nnx.merge(graph, jax.tree.unflatten(tree, drawn))


def crops(count, seed=0):
    return jnp.asarray(np.random.default_rng(seed).random((count, 32, 32, 3), np.float32))


def test_convolution_standardizes_every_output_channel():
    conv = StandardizedConv(3, 5, stride=2, rngs=nnx.Rngs(0))
    conv.gain[...] = jnp.arange(1.0, 6.0)
    conv.bias[...] = jnp.arange(5.0)
    kernel = np.asarray(conv.kernel[...], np.float64)
    for c in range(5):
        kernel[..., c] -= kernel[..., c].mean()
        kernel[..., c] *= (c + 1) / np.sqrt((kernel[..., c] ** 2).sum())
    x = np.random.default_rng(0).random((2, 7, 6, 3)).astype(np.float32)
    y = np.asarray(conv(jnp.asarray(x)))
    assert y.shape == (2, 4, 3, 5)
    # SAME padding with stride 2: an odd side starts one pixel outside, an even one inside.
    padded = np.pad(x, ((0, 0), (1, 1), (0, 1), (0, 0)))
    for i in range(4):
        for j in range(3):
            patch = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            expected = np.einsum("nijc,ijco->no", patch, kernel) + np.arange(5)
            np.testing.assert_allclose(y[:, i, j], expected, rtol=1e-4, atol=1e-4)


def test_scaled_relu_keeps_variance():
    x = jnp.asarray(np.random.default_rng(0).standard_normal(200_000, np.float32))
    assert float(scaled_relu(x).var()) == pytest.approx(1, abs=0.02)


def test_pixel_blocks_keep_every_pixel_in_its_place():
    x = np.random.default_rng(0).random((2, 4, 6, 3)).astype(np.float32)
    y = np.asarray(pixel_blocks(jnp.asarray(x)))
    for i in range(2):
        for j in range(3):
            block = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(2, 12)
            np.testing.assert_array_equal(y[:, i, j], block)


def test_parameter_count_and_size_of_the_shipped_network():
    _, state = start(TrainConfig(), NetworkConfig(), 0)
    count = sum(leaf.size for leaf in jax.tree.leaves(state.weights))
    assert count == 1_354_112
    assert 2 * count < 4 * 2**20


def test_jit_agrees_with_eager():
    network = tiny_network()
    graph, state = nnx.split(network)
    jitted = jax.jit(lambda s, x: nnx.merge(graph, s)(x), compiler_options=COMPILER_OPTIONS)
    x = crops(3)
    np.testing.assert_allclose(jitted(state, x), network(x), atol=2e-5)


def test_no_face_touches_another():
    network, x = tiny_network(), crops(4)
    alone = network(x)
    spoiled = network(x.at[2].set(jnp.nan))
    assert jnp.isnan(spoiled[2]).all()
    kept = np.array([0, 1, 3])
    np.testing.assert_array_equal(spoiled[kept], alone[kept])


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        LandmarkNetwork(NetworkConfig(side=40), rngs=nnx.Rngs(0))


def test_weights_survive_the_file(tmp_path):
    network = tiny_network()
    path = tmp_path / "weights.npz"
    save_weights(nnx.state(network), path)
    assert [p.name for p in tmp_path.iterdir()] == ["weights.npz"]
    x = crops(2)
    np.testing.assert_allclose(load_network(path, TINY)(x), network(x), atol=0.02)
    with pytest.raises(WeightsError, match="another network"):
        load_network(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(WeightsError, match="damaged"):
        load_network(path, TINY)
    with pytest.raises(WeightsError, match="train: python"):
        load_network(tmp_path / "none.npz")


def test_loss_is_the_normalized_error_plus_weighted_depth():
    rng = np.random.default_rng(0)
    truth = rng.uniform(-0.5, 0.5, (3, 68, 3)).astype(np.float32)
    truth[:, 42:48, 0] += 1
    predicted = truth + rng.normal(0, 0.3, truth.shape).astype(np.float32)
    total = 0.0
    for p, t in zip(predicted, truth, strict=True):
        eyes = np.linalg.norm(t[42:48, :2].mean(0) - t[36:42, :2].mean(0))
        for k in range(68):
            off = np.linalg.norm(p[k, :2] - t[k, :2]) + 0.4 * abs(p[k, 2] - t[k, 2])
            total += off / eyes / 68 / 3
    assert float(loss_of(jnp.asarray(predicted), jnp.asarray(truth), 0.4)) == pytest.approx(
        total, rel=1e-4
    )


def test_loss_has_a_gradient_at_the_truth():
    truth = jnp.asarray(np.random.default_rng(0).random((1, 68, 3), np.float32))
    gradient = jax.grad(lambda p: loss_of(p, truth, 0.3))(truth)
    assert jnp.isfinite(gradient).all()


def test_steps_learn_four_faces():
    rng = np.random.default_rng(0)
    targets = rng.uniform(-0.4, 0.4, (4, 68, 3)).astype(np.float32)
    targets[:, 42:48, 0] += 0.6
    batch = Batch(rng.integers(0, 256, (4, 32, 32, 3), np.uint8), targets)
    config = TrainConfig(steps=60, batch=4, learning_rate=1e-2, warmup=5)
    graph, state = start(config, TINY, 0)
    step = make_step(config, graph)
    losses = []
    for _ in range(60):
        state, loss = step(state, batch)
        losses.append(float(loss))
    assert losses[-1] < 0.5 * losses[0]
    assert int(state.step) == 60


def face(seed=0, side=40):
    rng = np.random.default_rng(seed)
    points = rng.uniform(8, 30, (68, 3)).astype(np.float32)
    return rng.integers(0, 256, (side, side, 3), np.uint8), points


def test_mirroring_twice_is_nothing_and_turns_x_alone():
    view, target = face()
    again_view, again = mirrored(*mirrored(view, target))
    np.testing.assert_array_equal(again_view, view)
    np.testing.assert_array_equal(again, target)
    _, flipped = mirrored(view, target)
    for k, partner in enumerate(mirror_index()):
        x, y, z = target[partner]
        np.testing.assert_array_equal(flipped[k], [-x, y, z])


def test_target_marks_the_same_pixel_as_the_point():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[21, 13] = 255
    _, points = face()
    points[5, :2] = 13, 21
    square = Squares(np.array([[18.0, 19.0]]), np.array([36.0]), np.array([0.4]))
    view, target = view_of(picture, points, square, 64)
    weight = view[..., 0].astype(float)
    y, x = np.mgrid[:64, :64]
    seen = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    np.testing.assert_allclose(seen, (target[5, :2] + 0.5) * 64 - 0.5, atol=0.1)


def test_depth_is_relative_and_in_sides():
    picture, points = face()
    square = Squares(np.array([[18.0, 19.0]]), np.array([25.0]), np.array([0.4]))
    _, target = view_of(picture, points, square, 16)
    np.testing.assert_allclose(target[:, 2], (points[:, 2] - points[:, 2].mean()) / 25, atol=1e-6)


def test_augmentation_repeats_and_varies():
    picture, points = face()
    first = augment(picture, points, 32, np.random.default_rng(7))
    same = augment(picture, points, 32, np.random.default_rng(7))
    other = augment(picture, points, 32, np.random.default_rng(8))
    np.testing.assert_array_equal(first[0], same[0])
    np.testing.assert_array_equal(first[1], same[1])
    assert (first[0] != other[0]).any() and (first[1] != other[1]).any()
    for seed in range(200):
        view, target = augment(picture, points, 32, np.random.default_rng(seed))
        assert view.shape == (32, 32, 3) and view.dtype == np.uint8
        assert target.dtype == np.float32 and np.isfinite(target).all()


def test_random_squares_stay_near_the_crop():
    rng = np.random.default_rng(0)
    squares = [random_square(100, rng) for _ in range(500)]
    roll = np.degrees([s.roll[0] for s in squares])
    side = np.array([s.side[0] for s in squares])
    center = np.array([s.center[0] for s in squares])
    assert np.abs(roll).max() <= 45.001 and 13 < roll.std() < 19
    assert side.min() > 80 and side.max() < 125
    assert np.abs(center - 49.5).max() <= 10.001 and center.std() > 3
