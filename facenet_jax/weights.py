"""A trained network in two files: .npz of its arrays, and beside it .json with what it is.

Kernels and biases are float16; what batch normalization measured is float32, since variances have
no bounds. The arrays are named by their place in the network, as `network/conv1/kernel`.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from facenet_jax.config import NetworkConfig
from facenet_jax.model import FaceNet
from facenet_jax.train import Weights, make_embed

SHIPPED = Path(__file__).with_name("weights.npz")
LARGEST = 16 * 2**20
"""Bytes of a file that may be shipped."""


class WeightsError(ValueError):
    """A file is not a network's weights; the message says why."""


def rounded(weights: Weights) -> Weights:
    """The weights as they come back from a file: those of the network rounded to float16."""
    network = jax.tree.map(
        lambda leaf: leaf.astype(jax.numpy.float16).astype(jax.numpy.float32),
        weights.params["network"],
    )
    return Weights({**weights.params, "network": network}, weights.statistics)


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
      weights: of the network; a classifier is left out.
      network: its layers.
      facts: what else to say of it, as JSON can hold it.
      path: of the .npz.
      small: refuse a file that is too large to be shipped.

    Raises:
      WeightsError: a weight that float16 cannot hold, or a file that is too large.
    """
    arrays = {}
    for kind, state in (("float16", weights.params["network"]), ("float32", weights.statistics)):
        with np.errstate(over="ignore"):
            arrays |= {name: np.asarray(leaf, kind) for name, leaf in _named(state).items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{name} has values that {array.dtype} cannot hold; train it anew")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.npz")
    np.savez_compressed(partial, allow_pickle=False, **arrays)
    if small and (size := partial.stat().st_size) > LARGEST:
        partial.unlink()
        raise WeightsError(
            f"{path.name} would have {size / 2**20:.1f} MiB; wanted at most {LARGEST / 2**20:.0f}: "
            "take a narrower network"
        )
    partial.replace(path)
    partial = path.with_suffix(".part.json")
    partial.write_text(json.dumps({"network": asdict(network), **facts}, indent=1) + "\n")
    partial.replace(path.with_suffix(".json"))


def load_weights(
    path: Path = SHIPPED,
) -> tuple[NetworkConfig, Callable[[Weights, Any], Any], Weights, dict[str, Any]]:
    """The network, its jitted embedding, its weights in float32, and the facts.

    Raises:
      WeightsError: no such file, or it is damaged, or the two files do not belong together.
    """
    network, facts = _facts(path.with_suffix(".json"))
    try:
        # NumPy does not close a file that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise _missing(path) from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} is damaged ({error}); get it again") from None
    abstract = nnx.eval_shape(lambda: FaceNet(network, rngs=nnx.Rngs(0)))
    graph, params, statistics = nnx.split(abstract, nnx.Param, nnx.BatchStat)
    wanted = {name: leaf.shape for part in (params, statistics) for name, leaf in
              _named(part).items()}  # fmt: skip
    came = {name: array.shape for name, array in arrays.items()}
    if came != wanted:
        wrong = sorted(set(came.items()) ^ set(wanted.items()))[0]
        raise WeightsError(f"{path} holds another network's weights: they differ at {wrong}")

    def filled(part: Any) -> Any:
        leaves = [jax.numpy.asarray(arrays[name], jax.numpy.float32) for name in _named(part)]
        return jax.tree.unflatten(jax.tree.structure(part), leaves)

    weights = Weights({"network": filled(params)}, filled(statistics))
    return network, make_embed(graph), weights, facts


def _facts(path: Path) -> tuple[NetworkConfig, dict[str, Any]]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return NetworkConfig(**facts.pop("network")), facts
    except FileNotFoundError:
        raise _missing(path) from None
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise WeightsError(
            f"{path} does not say which network the weights beside it are of ({error}); get both "
            "again"
        ) from None


def _missing(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} is missing: weights are a .npz and a .json beside it. To make them, train: "
        "python -m experiments.train_facenet --train-dir DIR --ship"
    )


def _named(state: Any) -> dict[str, Any]:
    """Leaves by name, as `network/conv1/kernel`."""
    return {
        "/".join(str(getattr(key, "key", key)) for key in path if str(key) != ".value"): leaf
        for path, leaf in jax.tree.flatten_with_path(state)[0]
    }
