"""A trained network in two files: .npz of its arrays, and beside it .json with what it is.

What training changes (kernels, biases, scales, slopes) is float16; what batch normalization
measured is float32, since variances have no bounds. The arrays are named by their place in the
network, as `network/conv1/kernel`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flax import nnx

from common import weights_file
from common.weights_file import WeightsError
from facenet_jax.config import NetworkConfig
from facenet_jax.model import FaceNet
from facenet_jax.train import Weights, make_embed

__all__ = ["SHIPPED", "WeightsError", "load_weights", "rounded", "save_weights"]

SHIPPED = Path(__file__).with_name("weights.npz")
MAKE = "python -m experiments.train_facenet --train-dir DIR --ship"


def rounded(weights: Weights) -> Weights:
    """The weights as they come back from a file: those of the network rounded to float16."""
    network = weights_file.rounded(weights.params["network"])
    return Weights({**weights.params, "network": network}, weights.statistics)


def save_weights(
    weights: Weights,
    network: NetworkConfig,
    facts: dict[str, Any],
    path: Path,
    *,
    small: bool = True,
) -> None:
    """Write both files; arguments and errors are those of `common.weights_file.save_network`.

    A classifier is left out.
    """
    params = weights.params["network"]
    weights_file.save_network(params, weights.statistics, network, facts, path, small=small)


def load_weights(
    path: Path = SHIPPED,
) -> tuple[NetworkConfig, Callable[[Weights, Any], Any], Weights, dict[str, Any]]:
    """The network, its jitted embedding, its weights in float32, and the facts.

    Raises:
      WeightsError: no such file, or it is damaged, or the two files do not belong together.
    """
    network, graph, params, statistics, facts = weights_file.load_network(
        path, NetworkConfig, lambda network: FaceNet(network, rngs=nnx.Rngs(0)), make=MAKE
    )
    return network, make_embed(graph), Weights({"network": params}, statistics), facts
