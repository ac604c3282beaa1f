"""The triplet loss of a batch that is spread over devices: negatives come from all of them.

Every device embeds its own faces; then all embeddings (128 numbers a face) go to all devices, and
each device is responsible for its own faces as anchors, with the whole batch as their partners. The
sums over anchors add up to the loss of the whole batch, and differentiating the gathering sends
each embedding's gradient back to where it came from.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, PRNGKeyArray

from common.types import Embeddings, Labels
from facenet_jax.mining import SEMI_HARD, Mining
from facenet_jax.tally import tally_anchors
from facenet_jax.triplets import Mean, Statistics, prepared, summarize


def gathered_triplet_loss(
    embeddings: Float[Array, "local dim"],
    labels: Int[Array, " local"],
    mining: Mining,
    *,
    axis: str,
    mean: Mean = "pairs",
    block: int | None = 256,
    key: PRNGKeyArray,
) -> tuple[Float[Array, ""], Statistics]:
    """`triplet_loss` of the batch over all devices, on every one of them; inside a shard_map.

    Args:
      embeddings: this device's; as many on each device.
      labels: of this device's faces.
      mining: which triplets.
      axis: of the mesh, over which the batch is spread.
      mean: what the sum is divided by.
      block: anchors at a time.
      key: for `random-in-window`; the same on every device.
    """
    local = len(embeddings)
    anchors = jax.lax.axis_index(axis) * local + jnp.arange(local)
    z = jax.lax.all_gather(embeddings, axis, tiled=True)
    everyone = jax.lax.all_gather(labels, axis, tiled=True)
    own = tally_anchors(z, everyone, anchors, mining, key, block=block)
    return summarize(jax.lax.psum(own, axis), mean)


def sharded_triplet_loss(
    embeddings: Embeddings,
    labels: Labels,
    mining: Mining = SEMI_HARD,
    *,
    mesh: Mesh,
    axis: str = "batch",
    mean: Mean = "pairs",
    block: int | None = 256,
    key: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], Statistics]:
    """`triplet_loss` of a batch whose rows are spread over a mesh; the result is the same.

    Args:
      embeddings: of the whole batch.
      labels: of the whole batch.
      mining: which triplets.
      mesh: of the devices.
      axis: of the mesh, over which rows are spread.
      mean: what the sum is divided by.
      block: anchors at a time, on each device.
      key: for `random-in-window`.

    Raises:
      ValueError: a batch that does not divide evenly among the devices.
    """
    z, labels, key = prepared(embeddings, labels, mining, key)
    if len(z) % mesh.shape[axis]:
        raise ValueError(
            f"a batch of {len(z)} for {mesh.shape[axis]} devices; wanted a multiple of them"
        )

    def local(z: Any, labels: Any, key: Any) -> tuple[Float[Array, ""], Statistics]:
        return gathered_triplet_loss(z, labels, mining, axis=axis, mean=mean, block=block, key=key)

    rows, all_of_it = PartitionSpec(axis), PartitionSpec()
    return jax.shard_map(local, mesh=mesh, in_specs=(rows, rows, all_of_it), out_specs=all_of_it)(
        z, labels, key
    )
