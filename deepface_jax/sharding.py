"""DeepFace's training on several devices: the batch is split, and the large kernels may be.

Nearly all parameters are kernels of the local layers, F7 and F8. Where they are too large for one
device they are split by output channel (or unit), which every device computes on its own; the mean
over the batch then sums the gradients of all devices. `jax.jit` puts in what has to be sent.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

LARGE = ("L4", "L5", "L6", "F7", "F8")
"""Layers whose kernels are split."""


def make_mesh(model: int = 1) -> Mesh:
    """All devices: `data` x `model`.

    Args:
      model: in how many parts the large kernels are split; 1 keeps them whole everywhere.

    Raises:
      ValueError: the devices cannot be divided so.
    """
    devices = jax.devices()
    if model < 1 or len(devices) % model:
        raise ValueError(f"{len(devices)} devices cannot hold kernels in {model} parts")
    return Mesh(np.array(devices).reshape(-1, model), ("data", "model"))


def place(mesh: Mesh, state: Any) -> Any:
    """A training state (or weights) on the mesh; an optimizer's moments go with their kernels."""

    def put(path: tuple[Any, ...], leaf: Any) -> Any:
        names = [str(getattr(part, "key", getattr(part, "name", ""))) for part in path]
        spec = PartitionSpec()
        if "kernel" in names and any(layer in names for layer in LARGE):
            # The outputs where they can be split evenly; F8's people often cannot: its inputs.
            for axis in (leaf.ndim - 1, leaf.ndim - 2):
                if leaf.shape[axis] % mesh.shape["model"] == 0:
                    spec = PartitionSpec(*[None] * axis, "model")
                    break
        return jax.device_put(leaf, NamedSharding(mesh, spec))

    return jax.tree_util.tree_map_with_path(put, state)


def on_mesh(
    mesh: Mesh, step: Callable[[Any, Any], tuple[Any, Any]]
) -> Callable[[Any, Any], tuple[Any, Any]]:
    """The step of `deepface_jax.train`, with each batch split over the mesh's `data` axis.

    Raises:
      ValueError: when called with a batch that cannot be split evenly.
    """
    split = NamedSharding(mesh, PartitionSpec("data"))

    def spread(state: Any, batch: Any) -> tuple[Any, Any]:
        faces = len(jax.tree.leaves(batch)[0])
        if faces % mesh.shape["data"]:
            raise ValueError(
                f"a batch of {faces} cannot be split over {mesh.shape['data']} devices"
            )
        return step(state, jax.device_put(batch, split))

    return spread
