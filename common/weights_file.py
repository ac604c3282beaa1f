"""Trained weights as files: a .npz of arrays, and beside it a .json of what they are.

An array is named by its place in the network, as `layers/1/conv1/kernel`. Files are written at once
and whole, and read without pickle.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import DTypeLike

LARGEST = 16 * 2**20
"""Bytes of a file that may be shipped."""


class WeightsError(ValueError):
    """A file is not a network's weights; the message says why."""


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
