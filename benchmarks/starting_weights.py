"""A network's weights in a file, so that ours and its peers start from the same ones.

They are named by their place in the network, `L4.kernel`, and have our order of axes. The values
to compare are corners: the first three along each axis.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np

_CORNER = 3


def save(path: Path, weights: Any) -> None:
    """Write the leaves of a pytree to a .npz file."""
    np.savez(path, allow_pickle=False, **{k: np.asarray(leaf) for k, leaf in named(weights)})


def load(path: Path) -> dict[str, np.ndarray]:
    """All of the file's arrays."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def named(weights: Any) -> list[tuple[str, Any]]:
    """The leaves of a pytree, with their places in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(weights)
    # Flax ends each path with the attribute that holds the array.
    return [
        (".".join(_word(part) for part in path).removesuffix(".value"), leaf)
        for path, leaf in leaves
    ]


def corner(array: Any) -> np.ndarray:
    """A copy of the first three along each axis."""
    return np.asarray(array[(slice(_CORNER),) * array.ndim]).copy()


def _word(part: Any) -> str:
    """Of a path: `L4` or `0`."""
    return str(getattr(part, "key", getattr(part, "name", getattr(part, "idx", ""))))
