"""Over eight devices, loss and gradient are those of one; in a process that has eight."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

from common.layers import unit_sphere
from facenet_jax.distributed import gathered_triplet_loss, sharded_triplet_loss
from facenet_jax.layers import Conv, Draws, Linear
from facenet_jax.mining import Mining
from facenet_jax.train import Batch, make_step, start
from facenet_jax.triplets import triplet_loss
from tests.facenet_jax import toy

assert jax.device_count() == 8
mesh = Mesh(np.array(jax.devices()), ("batch",))
rng = np.random.default_rng(0)
labels = rng.integers(0, 9, 48)
x = jnp.asarray(rng.standard_normal((48, 7)), jnp.float32)
kernel = jnp.asarray(rng.standard_normal((7, 5)), jnp.float32)
key = jax.random.key(5)


def embed(kernel, x):
    z = jnp.tanh(x @ kernel)
    return z / jnp.linalg.norm(z, axis=1, keepdims=True)


for mining, block in (
    (Mining("semi-hard", 0.3), None),
    (Mining("semi-hard", 0.3), 4),
    (Mining("random-in-window", 0.3), None),
    (Mining("batch-hard", 0.3), 256),
):

    def one(z):
        return triplet_loss(z, labels, mining, block=block, key=key)

    def eight(z):
        return sharded_triplet_loss(z, labels, mining, mesh=mesh, block=block, key=key)

    z = embed(kernel, x)
    (loss, seen), slope = jax.jit(jax.value_and_grad(one, has_aux=True))(z)
    (ours, also), gradient = jax.jit(jax.value_and_grad(eight, has_aux=True))(z)
    assert float(seen.active) > 0.2
    np.testing.assert_allclose(ours, loss, rtol=1e-5)
    np.testing.assert_allclose(also, seen, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=1e-7)

# A whole training step on every device: embed, gather, differentiate with respect to parameters.
mining = Mining("semi-hard", 0.3)


def local_gradient(kernel, x, labels):
    def loss(kernel):
        z = embed(kernel, x)
        return gathered_triplet_loss(z, labels, mining, axis="batch", key=key)[0]

    return jax.value_and_grad(loss)(kernel)


step = jax.shard_map(
    local_gradient, mesh=mesh, in_specs=(P(), P("batch"), P("batch")), out_specs=P()
)
ours, gradient = jax.jit(step)(kernel, x, jnp.asarray(labels))
loss, slope = jax.value_and_grad(lambda kernel: triplet_loss(embed(kernel, x), labels, mining)[0])(
    kernel
)
np.testing.assert_allclose(ours, loss, rtol=1e-5)
np.testing.assert_allclose(gradient, slope, atol=1e-6)


# A step of train.py, with batch normalization. Each device has one person's six faces: statistics
# of a device alone would be quite different, and no negative is at home.
class Tiny(nnx.Module):
    def __init__(self, config, rngs):
        draws = Draws(rngs.params(), 3 * 3 * 3 * 4 + 6 * 6 * 4 * config.embedding_size)
        self.conv = Conv(3, 4, 3, config=config, draws=draws, stride=4)
        self.fc = Linear(6 * 6 * 4, config.embedding_size, config=config, draws=draws)

    def __call__(self, x, *, training=False):
        x = self.conv(x - 0.5, training=training)
        return unit_sphere(self.fc(x.reshape(len(x), -1)))


def one_step(mesh=None):
    network = replace(toy.NETWORK, batch_norm=True)
    config = replace(toy.TRIPLETS, softmax=0.5, optimizer="sgd", mining=mining)
    faces = len(toy.LABELS)
    graph, state = start(network, config, people=toy.PEOPLE, faces=faces, build=Tiny)
    before = jax.tree.map(np.asarray, state.weights)
    batch = Batch(toy.IMAGES, toy.LABELS)
    if mesh:
        state = jax.device_put(state, NamedSharding(mesh, P()))
        batch = jax.device_put(batch, NamedSharding(mesh, P("batch")))
        assert {len(part.data) for part in batch.images.addressable_shards} == {toy.EACH}
    state, loss = make_step(config, graph, faces=faces, mesh=mesh)(state, batch)
    moved = jax.tree.map(lambda now, then: np.asarray(now) - then, state.weights, before)
    return float(loss), moved, np.asarray(state.seen)


(loss, weights, seen), (ours, moved, also) = one_step(), one_step(mesh)
assert loss > 0.1 and seen[1] > 0.2  # active triplets
np.testing.assert_allclose(ours, loss, rtol=1e-5)
np.testing.assert_allclose(also, seen, rtol=1e-4, atol=1e-6)
assert {"network", "classifier"} == set(moved.params) and jax.tree.leaves(moved.statistics)
for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(weights), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-3 * np.abs(b).max() + 1e-7)

try:
    sharded_triplet_loss(x[:44], labels[:44], mining, mesh=mesh)
except ValueError as error:
    assert "a batch of 44 for 8 devices" in str(error)
else:
    raise AssertionError("an uneven batch was taken")
print("all equal")
"""


def test_eight_devices_compute_what_one_does():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=environment, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "all equal\n"
