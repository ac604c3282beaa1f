"""A trained network in two files: .npz of its arrays, and beside it .json with what it is.

Kernels, biases and slopes are float16; what batch normalization measured is float32, since
variances have no bounds. The directions of the training people are left out.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
from flax import nnx

from common.weights_file import (
    WeightsError,
    filled,
    named,
    read_arrays,
    read_facts,
    unsaid,
    write_arrays,
    write_facts,
)
from sphereface_jax.config import NetworkConfig
from sphereface_jax.model import SphereFace
from sphereface_jax.train import Weights, make_features

__all__ = ["SHIPPED", "WeightsError", "load_weights", "rounded", "save_weights"]

SHIPPED = Path(__file__).with_name("weights.npz")
MAKE = "python -m experiments.train_sphereface --train-dir DIR --ship"


def rounded(weights: Weights) -> Weights:
    """The weights as they come back from a file: those of the network rounded to float16."""
    network = jax.tree.map(
        lambda leaf: leaf.astype(jax.numpy.float16).astype(jax.numpy.float32), weights.network
    )
    return Weights(network, weights.statistics)


def save_weights(
    weights: Weights,
    network: NetworkConfig,
    facts: dict[str, Any],
    path: Path,
    *,
    small: bool = True,
) -> None:
    """Write both files, each at once and whole.

    Args:
      weights: of the network.
      network: its layers.
      facts: what else to say of it, as JSON can hold it.
      path: of the .npz.
      small: refuse a file that is too large to be shipped.

    Raises:
      WeightsError: a weight that float16 cannot hold, or a file that is too large.
    """
    arrays = named(weights.network, "float16") | named(weights.statistics, "float32")
    write_arrays(arrays, path, small=small)
    write_facts({"network": asdict(network), **facts}, path.with_suffix(".json"))


def load_weights(
    path: Path = SHIPPED,
) -> tuple[NetworkConfig, Callable[..., Any], Weights, dict[str, Any]]:
    """The network, its jitted features, its weights in float32, and the facts.

    Raises:
      WeightsError: no such file, or it is damaged, or the two files do not belong together.
    """
    facts = read_facts(path.with_suffix(".json"), make=MAKE)
    try:
        network = NetworkConfig(**facts.pop("network"))
    except (ValueError, TypeError, KeyError) as error:
        raise unsaid(path.with_suffix(".json"), error) from None
    abstract = nnx.eval_shape(lambda: SphereFace(network, rngs=nnx.Rngs(0)))
    graph, params, statistics = nnx.split(abstract, nnx.Param, nnx.BatchStat)
    shapes = {name: leaf.shape for name, leaf in (named(params) | named(statistics)).items()}
    arrays = read_arrays(path, shapes, make=MAKE)
    weights = Weights(filled(params, arrays), filled(statistics, arrays))
    return network, make_features(graph), weights, facts
