"""The network: its size from the paper's table, its arithmetic in NumPy, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from sphereface_jax.config import SMALL, NetworkConfig
from sphereface_jax.crop import middle_columns
from sphereface_jax.model import Block, SphereFace, build

TINY = NetworkConfig(layers=10, side=20, width=1 / 32, embedding_size=7)


def numbers_of(config):
    abstract = nnx.eval_shape(lambda: SphereFace(config, rngs=nnx.Rngs(0)))
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(abstract, nnx.Param)))


def test_sphereface_20_has_the_numbers_of_the_table():
    """Unit by unit of Table 2: kernels, biases of stride-2 convolutions alone, slopes."""
    conv1 = (3 * 64 * 9 + 64 + 64) + 2 * (64 * 64 * 9 + 64)
    conv2 = (64 * 128 * 9 + 128 + 128) + 4 * (128 * 128 * 9 + 128)
    conv3 = (128 * 256 * 9 + 256 + 256) + 8 * (256 * 256 * 9 + 256)
    conv4 = (256 * 512 * 9 + 512 + 512) + 2 * (512 * 512 * 9 + 512)
    fc1 = 7 * 6 * 512 * 512 + 512
    assert numbers_of(NetworkConfig()) == conv1 + conv2 + conv3 + conv4 + fc1


@pytest.mark.parametrize("layers", [4, 10, 20, 36, 64])
def test_every_network_has_as_many_convolutions_as_its_name_says(layers):
    config = NetworkConfig(layers=layers, width=1 / 64, side=32)
    abstract = nnx.eval_shape(lambda: SphereFace(config, rngs=nnx.Rngs(0)))
    kernels = [leaf for leaf in jax.tree.leaves(nnx.state(abstract, nnx.Param)) if leaf.ndim == 4]
    assert len(kernels) == layers and all(kernel.shape[:2] == (3, 3) for kernel in kernels)


def test_sizes():
    paper = NetworkConfig()
    assert (paper.side, paper.columns, paper.last) == (112, 96, (7, 6))
    assert paper.channels == (64, 128, 256, 512)
    assert (SMALL.side - SMALL.columns) % 2 == 0 and SMALL.channels == (24, 48, 96, 192)
    for side in (16, 17, 31, 47, 80):
        config = NetworkConfig(layers=4, side=side, width=1 / 64, embedding_size=3)
        images = jax.ShapeDtypeStruct((2, side, config.columns, 3), jnp.float32)
        features = jax.eval_shape(lambda x, c=config: SphereFace(c, rngs=nnx.Rngs(0))(x), images)
        assert features.shape == (2, 3)


def convolved(x, layer):
    """In loops, with a border of one zero, bias and PReLU."""
    kernel = np.asarray(layer.kernel[...], np.float64)
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = ((n - 3) // layer.stride + 1 for n in x.shape[1:3])
    out = np.zeros((len(x), rows, columns, kernel.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * layer.stride, j * layer.stride
            window = x[:, top : top + 3, left : left + 3]
            out[:, i, j] = np.tensordot(window, kernel, axes=3)
    if layer.bias is not None:
        out += np.asarray(layer.bias[...])
    return np.where(out > 0, out, np.asarray(layer.slope[...]) * out)


def shaken(model, seed=0):
    """The model with random numbers everywhere, also where training begins with equal ones."""
    rng = np.random.default_rng(seed)
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    params = jax.tree.map(
        lambda leaf: leaf + jnp.asarray(0.2 * rng.normal(size=leaf.shape), jnp.float32), params
    )
    return nnx.merge(graph, params, rest)


def test_the_features_are_the_loops():
    model = shaken(build(TINY, nnx.Rngs(0)))
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (2, TINY.side, TINY.columns, 3))
    x = (images - 127.5) / 128
    for unit in (model.conv1, model.conv2, model.conv3, model.conv4):
        x = convolved(x, unit.first)
        for block in unit.blocks:
            x = x + convolved(convolved(x, block.one), block.two)
    kernel, bias = (np.asarray(part[...]) for part in (model.fc1.kernel, model.fc1.bias))
    expected = x.reshape(2, -1) @ kernel + bias
    found = model(jnp.asarray(images, jnp.float32) / 255)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_before_training_a_block_changes_little_without_batch_normalization():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 4, 16)), jnp.float32)
    block = Block(16, norm=False, rngs=nnx.Rngs(0))
    assert float(jnp.abs(block(x, training=True) - x).max()) < 0.1
    names = {path[-1].key for path, _ in jax.tree.flatten_with_path(nnx.to_pure_dict(
        nnx.state(block, nnx.Param)))[0]}  # fmt: skip
    assert names == {"kernel", "slope"}  # the authors' blocks have no biases


def test_batch_normalization_is_of_the_batch_in_training_alone():
    config = NetworkConfig(layers=4, side=16, width=1 / 32, embedding_size=5, batch_norm=True)
    model = build(config, nnx.Rngs(0))
    images = jnp.asarray(np.random.default_rng(0).uniform(size=(6, 16, config.columns, 3)))
    one = model(images)[:2]
    np.testing.assert_allclose(model(images[:2]), one, rtol=1e-4, atol=1e-5)
    together = model(images, training=True)[:2]
    assert float(jnp.abs(together - model(images[:2], training=True)).max()) > 1e-3


def test_the_middle_columns_of_a_square_are_the_input():
    network = NetworkConfig(layers=4, side=28)
    square = np.arange(28 * 28 * 3, dtype=np.uint32).astype(np.uint8).reshape(28, 28, 3)
    np.testing.assert_array_equal(middle_columns(square, network), square[:, 2:26])
    assert middle_columns(square[None], network).shape == (1, 28, network.columns, 3)
    with pytest.raises(ValueError, match="30 x 30 pixels; wanted 28"):
        middle_columns(np.zeros((30, 30, 3), np.uint8), network)


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="no network of 18 convolutions; the paper has 4, 10, 20"):
        NetworkConfig(layers=18)
    with pytest.raises(ValueError, match="wanted a side of 16 or more"):
        NetworkConfig(side=8)
    with pytest.raises(ValueError, match=r"images of \(20, 20, 3\)"):
        build(TINY, nnx.Rngs(0))(jnp.zeros((1, 20, 20, 3)))
