"""How far apart, or how much alike, two faces are, judged by their weights.

Each comes in two forms: of pairs (`first[i]` with `second[i]`) and, named `all_...`, of every row
with every column. The Euclidean one is a distance: smaller is nearer. The cosines are
similarities, -1 to 1: larger is nearer; one minus a cosine is a distance.
"""

from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eigenfaces.model import whiten

First: TypeAlias = Float[Array | np.ndarray, "pairs dim"]
Rows: TypeAlias = Float[Array | np.ndarray, "rows dim"]
Columns: TypeAlias = Float[Array | np.ndarray, "columns dim"]
Eigenvalues: TypeAlias = Float[Array | np.ndarray, " dim"]


@jax.jit
def euclidean_distance(first: First, second: First) -> Float[Array, " pairs"]:
    """|a - b|, the paper's measure."""
    return jnp.linalg.norm(jnp.asarray(first) - jnp.asarray(second), axis=1)


@jax.jit
def cosine_similarity(first: First, second: First) -> Float[Array, " pairs"]:
    """Cosine of the angle, a.b / (|a| |b|); 0 where one of them is the mean face itself."""
    return jnp.sum(_unit(first) * _unit(second), axis=1)


@jax.jit
def mahalanobis_cosine_similarity(
    first: First, second: First, eigenvalues: Eigenvalues
) -> Float[Array, " pairs"]:
    """The cosine of whitened weights.

    Source: Beveridge et al. 2005, "The CSU Face Identification Evaluation System" (MahCosine).
    """
    return cosine_similarity(whiten(first, eigenvalues), whiten(second, eigenvalues))


@jax.jit
def all_euclidean_distances(rows: Rows, columns: Columns) -> Float[Array, "rows columns"]:
    """|a - b| of every row with every column."""
    rows, columns = jnp.asarray(rows), jnp.asarray(columns)
    # One column at a time: |a|^2 + |b|^2 - 2 a.b would be faster, but loses near duplicates.
    return jax.lax.map(lambda b: jnp.linalg.norm(rows - b[None], axis=1), columns).T


@jax.jit
def all_cosine_similarities(rows: Rows, columns: Columns) -> Float[Array, "rows columns"]:
    """The cosine of every row with every column."""
    return _unit(rows) @ _unit(columns).T


@jax.jit
def all_mahalanobis_cosine_similarities(
    rows: Rows, columns: Columns, eigenvalues: Eigenvalues
) -> Float[Array, "rows columns"]:
    """The cosine of whitened weights, of every row with every column."""
    return all_cosine_similarities(whiten(rows, eigenvalues), whiten(columns, eigenvalues))


def _unit(rows: Rows) -> Float[Array, "rows dim"]:
    rows = jnp.asarray(rows)
    lengths = jnp.linalg.norm(rows, axis=1, keepdims=True)
    return rows / jnp.where(lengths > 0, lengths, 1)
