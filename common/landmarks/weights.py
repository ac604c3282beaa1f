"""The network's weights in a file: .npz of float16 arrays, named by their place in the network."""

from pathlib import Path
from typing import Any

from flax import nnx

from common.landmarks.network import LandmarkNetwork, NetworkConfig
from common.weights_file import WeightsError, filled, named, read_arrays, write_arrays

__all__ = ["SHIPPED", "WeightsError", "load_network", "save_weights"]

SHIPPED = Path(__file__).with_name("weights.npz")


def save_weights(weights: Any, path: Path) -> None:
    """Write the weights, in half precision, at once and whole."""
    write_arrays(named(weights, "float16"), path)


def load_network(path: Path = SHIPPED, config: NetworkConfig | None = None) -> LandmarkNetwork:
    """The network with the weights of a file, in float32.

    Raises:
      WeightsError: no such file, or it is damaged or another network's.
    """
    config = config or NetworkConfig()
    abstract = nnx.eval_shape(lambda: LandmarkNetwork(config, rngs=nnx.Rngs(0)))
    graph, state = nnx.split(abstract)
    shapes = {name: leaf.shape for name, leaf in named(state).items()}
    arrays = read_arrays(path, shapes, make="python -m experiments.train_landmarks")
    return nnx.merge(graph, filled(state, arrays))
