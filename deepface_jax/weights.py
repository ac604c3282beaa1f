"""A trained network in two files: .npz of its arrays in float16, and a .json with what it is.

F8 is left out: it knows the people that were trained on, and no others. The maxima that
`deepface_jax.normalize` divides by belong to the network, and are kept with it, in float32.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx
from jaxtyping import Float

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
from deepface_jax.model import DeepFace
from deepface_jax.network_config import Filters, NetworkConfig
from deepface_jax.train import make_features

__all__ = ["SHIPPED", "WeightsError", "load_weights", "save_weights"]

SHIPPED = Path(__file__).with_name("weights.npz")
MAKE = "python -m experiments.train_deepface_small --train-dir DIR --ship"
_MAXIMUM, _LEFT_OUT = "maximum", "F8/"


def save_weights(
    weights: Any,
    maximum: Float[np.ndarray, " units"],
    network: NetworkConfig,
    facts: dict[str, Any],
    path: Path,
) -> None:
    """Write both files, each at once and whole.

    Args:
      weights: of the network.
      maximum: of each unit of F7 over the training faces.
      network: its layers.
      facts: what else to say of it, as JSON can hold it.
      path: of the .npz.

    Raises:
      WeightsError: a weight that float16 cannot hold, or a file too large to be shipped.
    """
    arrays = named(weights, "float16")
    kept = {name: array for name, array in arrays.items() if not name.startswith(_LEFT_OUT)}
    write_arrays({**kept, _MAXIMUM: np.asarray(maximum, np.float32)}, path)
    write_facts({"network": asdict(network), **facts}, path.with_suffix(".json"))


def load_weights(
    path: Path = SHIPPED,
) -> tuple[
    NetworkConfig, Callable[[Any, Any], Any], Any, Float[np.ndarray, " units"], dict[str, Any]
]:
    """The network, its jitted representation, its weights in float32, the maxima, and the facts.

    Raises:
      WeightsError: no such file, or it is damaged, or the two files do not belong together.
    """
    facts = read_facts(path.with_suffix(".json"), make=MAKE)
    try:
        network = _network(facts.pop("network"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise unsaid(path.with_suffix(".json"), error) from None
    graph, abstract = nnx.split(nnx.eval_shape(lambda: DeepFace(network, rngs=nnx.Rngs(0))))
    leaves = named(abstract)
    shapes = {name: leaf.shape for name, leaf in leaves.items() if not name.startswith(_LEFT_OUT)}
    arrays = read_arrays(path, {**shapes, _MAXIMUM: (network.F7,)}, make=MAKE)
    zero = {n: np.zeros(leaf.shape) for n, leaf in leaves.items() if n.startswith(_LEFT_OUT)}
    weights = filled(abstract, {**arrays, **zero})
    return network, make_features(graph), weights, arrays[_MAXIMUM], facts


def _network(facts: dict[str, Any]) -> NetworkConfig:
    """A configuration from JSON, which knows neither tuples nor filters."""
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
    filters = {name: Filters(**v) for name, v in values.items() if isinstance(v, dict)}
    return NetworkConfig(**{**values, **filters})
