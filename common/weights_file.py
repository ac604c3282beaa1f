"""Trained weights as files: a .npz of arrays, and beside it a .json of what they are.

An array is named by its place in the network, as `layers/1/conv1/kernel`. Files are written at once
and whole, and read without pickle. `save_network` and `load_network` are for any network with
parameters and running averages; the rest is what they, and networks that keep more, are made of.
"""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from numpy.typing import DTypeLike

LARGEST = 16 * 2**20
"""Bytes of a file that may be shipped."""


class WeightsError(ValueError):
    """A file is not a network's weights; the message says why."""


def rounded(params: Any) -> Any:
    """Parameters as they come back from a file: rounded to float16, in float32."""
    half = jax.numpy.float16
    return jax.tree.map(lambda leaf: leaf.astype(half).astype(jax.numpy.float32), params)


def save_network(
    params: Any,
    statistics: Any,
    network: Any,
    facts: Mapping[str, Any],
    path: Path,
    *,
    small: bool = True,
) -> None:
    """Write both files, each at once and whole.

    Args:
      params: of the network; kept in float16.
      statistics: what batch normalization has measured; kept in float32, since variances have no
        bounds.
      network: its layers, in a dataclass.
      facts: what else to say of it, as JSON can hold it.
      path: of the .npz.
      small: refuse a file that is too large to be shipped.

    Raises:
      WeightsError: a weight that float16 cannot hold, or a file that is too large.
    """
    arrays = named(params, "float16") | named(statistics, "float32")
    write_arrays(arrays, path, small=small)
    write_facts({"network": asdict(network), **facts}, path.with_suffix(".json"))


def load_network(
    path: Path, config: Callable[..., Any], build: Callable[[Any], nnx.Module], *, make: str
) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
    """The network's layers, its graph, parameters and statistics in float32, and the facts.

    Args:
      path: of the .npz.
      config: the dataclass of the layers.
      build: makes a network of them.
      make: the command that makes such files, for the message when they are missing.

    Raises:
      WeightsError: no such file, or it is damaged, or the two files do not belong together.
    """
    facts = read_facts(path.with_suffix(".json"), make=make)
    try:
        network = config(**facts.pop("network"))
    except (ValueError, TypeError, KeyError) as error:
        raise unsaid(path.with_suffix(".json"), error) from None
    abstract = nnx.eval_shape(lambda: build(network))
    graph, params, statistics = nnx.split(abstract, nnx.Param, nnx.BatchStat)
    shapes = {name: leaf.shape for name, leaf in (named(params) | named(statistics)).items()}
    arrays = read_arrays(path, shapes, make=make)
    return network, graph, filled(params, arrays), filled(statistics, arrays), facts


def named(state: Any, kind: DTypeLike | None = None) -> dict[str, Any]:
    """Leaves of a network's state by name; as arrays of a dtype, where one is given."""
    leaves = {
        "/".join(str(getattr(key, "key", key)) for key in path if str(key) != ".value"): leaf
        for path, leaf in jax.tree.flatten_with_path(state)[0]
    }
    if kind is None:
        return leaves
    with np.errstate(over="ignore"):  # `write_arrays` finds what did not fit
        return {name: np.asarray(leaf, kind) for name, leaf in leaves.items()}


def filled(state: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """A state of the same shape with the arrays of a file, in float32."""
    leaves = [jax.numpy.asarray(arrays[name], jax.numpy.float32) for name in named(state)]
    return jax.tree.unflatten(jax.tree.structure(state), leaves)


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path, *, small: bool = True) -> None:
    """Write a .npz.

    Args:
      arrays: by name.
      path: of the file.
      small: refuse a file that is too large to be shipped.

    Raises:
      WeightsError: a number that its dtype cannot hold, or a file that is too large.
    """
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


def read_arrays(
    path: Path, shapes: Mapping[str, tuple[int, ...]], *, make: str
) -> dict[str, np.ndarray]:
    """Read a .npz.

    Args:
      path: of the file.
      shapes: of the arrays that the network has.
      make: the command that makes such a file, for the message when it is missing.

    Raises:
      WeightsError: no such file, or it is damaged or another network's.
    """
    try:
        # NumPy does not close a file that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise _missing(path, make) from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} is damaged ({error}); get it again") from None
    came, wanted = {name: array.shape for name, array in arrays.items()}, dict(shapes)
    if came != wanted:
        wrong = sorted(set(came.items()) ^ set(wanted.items()))[0]
        raise WeightsError(f"{path} holds another network's weights: they differ at {wrong}")
    return arrays


def write_facts(facts: Mapping[str, Any], path: Path) -> None:
    """Write a .json."""
    partial = path.with_suffix(".part.json")
    partial.write_text(json.dumps(facts, indent=1) + "\n")
    partial.replace(path)


def read_facts(path: Path, *, make: str) -> dict[str, Any]:
    """Read a .json.

    Args:
      path: of the file.
      make: the command that makes such a file, for the message when it is missing.

    Raises:
      WeightsError: no such file, or it is no JSON of names and values.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _missing(path, make) from None
    except (ValueError, OSError) as error:
        raise unsaid(path, error) from None
    if not isinstance(facts, dict):
        raise unsaid(path, ValueError(f"it holds a {type(facts).__name__}"))
    return facts


def unsaid(path: Path, error: Exception) -> WeightsError:
    """The error to raise where the .json does not name a network."""
    return WeightsError(
        f"{path} does not say which network the weights beside it are of ({error}); get both again"
    )


def _missing(path: Path, make: str) -> WeightsError:
    beside = "a .npz and a .json beside it"
    return WeightsError(f"{path} is missing: weights are {beside}. To make them, train: {make}")
