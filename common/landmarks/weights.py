"""The network's weights in a file: .npz of float16 arrays, named by their place in the network."""

import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from common.landmarks.network import LandmarkNetwork, NetworkConfig

SHIPPED = Path(__file__).with_name("weights.npz")


class WeightsError(ValueError):
    """A file is not this network's weights; the message says why."""


def _named(state: Any) -> dict[str, Any]:
    """Leaves by name, as `layers/1/conv1/kernel`."""
    return {
        "/".join(str(getattr(key, "key", key)) for key in path if str(key) != ".value"): leaf
        for path, leaf in jax.tree.flatten_with_path(state)[0]
    }


def save_weights(weights: Any, path: Path) -> None:
    """Write the weights, in half precision, at once and whole."""
    arrays = {name: np.asarray(leaf, np.float16) for name, leaf in _named(weights).items()}
    partial = path.with_suffix(".part.npz")
    np.savez_compressed(partial, allow_pickle=False, **arrays)
    partial.replace(path)


def load_network(path: Path = SHIPPED, config: NetworkConfig | None = None) -> LandmarkNetwork:
    """The network with the weights of a file, in float32.

    Raises:
      WeightsError: no such file, or it is damaged or another network's.
    """
    config = config or NetworkConfig()
    abstract = nnx.eval_shape(lambda: LandmarkNetwork(config, rngs=nnx.Rngs(0)))
    graph, state = nnx.split(abstract)
    try:
        # NumPy does not close a file that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise WeightsError(
            f"{path} is missing; train it: python -m experiments.train_landmarks"
        ) from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} is damaged ({error}); get it again") from None
    wanted = {name: leaf.shape for name, leaf in _named(state).items()}
    came = {name: array.shape for name, array in arrays.items()}
    if came != wanted:
        wrong = sorted(set(came.items()) ^ set(wanted.items()))[0]
        raise WeightsError(f"{path} holds another network's weights: they differ at {wrong}")
    leaves = [arrays[name].astype(np.float32) for name in wanted]
    return nnx.merge(graph, jax.tree.unflatten(jax.tree.structure(state), leaves))
