"""The leading eigenvectors of a large symmetric matrix, and the products that make such matrices.

An eigensolver for all 7,000 eigenvectors of a 7,000 x 7,000 matrix spends most of its time on the
6,850 that nobody asked for. Subspace iteration multiplies a thin block by the matrix, again and
again; every product makes the leading eigenvectors stronger in it; it ends as soon as the
residuals say that the subspace is found.

Source: Golub and Van Loan, "Matrix Computations", Sec. 8.2.4 (orthogonal iteration with Ritz
  acceleration); Zhou, Saad et al. 2006 (Chebyshev filter; ours is of degree 2).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from threadpoolctl import ThreadpoolController

SMALL = 512  # up to this size, computing all eigenvectors is as fast
SPARE, SPARE_SHARE = 50, 0.25  # columns beside those wanted, at least: the more, the fewer products
RANDOM = 10  # of the spare columns: they find what a start lacks
MAX_ROUNDS = 40

DType = np.dtype | type[np.floating]
Product = Callable[[Float[np.ndarray, "size block"]], Float[np.ndarray, "size block"]]


class Eigenpairs(NamedTuple):
    """The largest eigenvalues, descending, and their eigenvectors, in columns."""

    values: Float[np.ndarray, " components"]
    vectors: Float[np.ndarray, "size components"]
    block: Float[np.ndarray, "size block"]
    """The vectors and the spare columns: a good start for a similar matrix."""


def gram(rows: Float[np.ndarray, "rows dim"]) -> Float[np.ndarray, "rows rows"]:
    """All inner products of the rows: `rows @ rows.T`.

    On the CPU by NumPy, which sees that the product is symmetric and does half of the work; on an
    accelerator by JAX.
    """
    import jax

    if jax.default_backend() != "cpu":
        on_device = jax.numpy.asarray(rows)
        return np.asarray(on_device @ on_device.T)
    return rows @ rows.T


def leading_eigenpairs(
    multiply: Product,
    size: int,
    components: int,
    *,
    dtype: DType = np.float32,
    start: Float[np.ndarray, "size block"] | None = None,
    tolerance: float = 1e-2,
) -> Eigenpairs:
    """Find the largest eigenvalues of a positive semidefinite matrix, and their eigenvectors.

    A round filters the block Q by  T2((2A - c) / c),  c the smallest Ritz value: Chebyshev's
    polynomial stays within [-1, 1] on the unwanted eigenvalues, [0, c], and grows fast beyond.
    Then Q is made orthonormal, and rotated to the Ritz vectors q with Ritz values t.

    It ends when   sum_j (|A q_j - t_j q_j| / (t_j - c))^2 <= tolerance^2.   Each term is, to first
    order, the squared sine of the angle between a true eigenvector and the block, so their sum
    bounds that of the subspace; within the block, the Ritz vectors are the best there are.

    Args:
      multiply: the matrix, as the function that multiplies a block of columns by it.
      size: of the matrix.
      components: how many eigenpairs, 1 to `size`.
      dtype: in which the products are made.
      start: the `block` of a similar matrix; random when None or of another width.
      tolerance: on the sine of the largest angle.

    Returns:
      The eigenpairs; vectors orthonormal. Where the products are too coarse to meet the tolerance,
      those of the full decomposition, which takes longer.
    """
    block = components + max(SPARE, round(SPARE_SHARE * components))
    if size <= SMALL or 2 * block >= size:
        return _all_eigenpairs(multiply, size, components, dtype)
    columns = np.random.default_rng(0).standard_normal((size, block)).astype(dtype)
    if start is not None and start.shape[1] == block:
        columns[:, :-RANDOM] = start[:, :-RANDOM]

    values, vectors, products = _ritz(multiply, columns)
    for _ in range(MAX_ROUNDS):
        half = values[-1] / 2
        once = products - half * vectors
        twice = multiply(once) - half * once
        values, vectors, products = _ritz(multiply, 2 * twice - half * half * vectors)
        wanted = values[:components]
        gaps = wanted - values[-1]
        if gaps[-1] <= 0:
            break
        residuals = np.linalg.norm((products - vectors * values)[:, :components], axis=0)
        if np.linalg.norm(residuals / gaps) <= tolerance:
            return Eigenpairs(wanted, vectors[:, :components], vectors)
    return _all_eigenpairs(multiply, size, components, dtype)


def require_rank(values: Float[np.ndarray, " components"], dtype: DType) -> None:
    """Refuse eigenvalues that are zero but for rounding.

    Raises:
      ValueError: the data span fewer dimensions than there are eigenvalues.
    """
    smallest = 32 * np.finfo(dtype).eps * values[0]
    rank = int(np.count_nonzero(values > smallest))
    if rank < len(values):
        raise ValueError(
            f"{len(values)} components asked for, but the images, less their mean, span only {rank}"
            " dimensions (duplicates and constant pixels add none); ask for at most that many"
        )


def _ritz(
    multiply: Product, block: Float[np.ndarray, "size block"]
) -> tuple[
    Float[np.ndarray, " block"],
    Float[np.ndarray, "size block"],
    Float[np.ndarray, "size block"],
]:
    """Ritz values, descending; Ritz vectors of the block's span; the matrix times those.

    With V the block and V^T V = L L^T, the columns of V L^-T are orthonormal, and the Ritz vectors
    are  V L^-T U,  U the eigenvectors of the small matrix  L^-1 (V^T A V) L^-T.  That takes nothing
    tall but three products, where a QR decomposition would take most of the time.
    """
    largest = np.abs(block).max(axis=0)
    block = block / np.where(largest > 0, largest, 1)
    products = multiply(block)
    # The small matrices are float64: their eigenvalues differ by factors of thousands.
    overlaps = block.T.astype(np.float64) @ block.astype(np.float64)
    small = (block.T @ products).astype(np.float64)
    with _one_thread():
        try:
            to_orthonormal = np.linalg.inv(np.linalg.cholesky(overlaps)).T
        except np.linalg.LinAlgError:  # columns that depend on one another
            block = np.linalg.qr(block)[0]
            products = multiply(block)
            small = (block.T @ products).astype(np.float64)
            to_orthonormal = np.eye(len(small))
        small = to_orthonormal.T @ small @ to_orthonormal
        values, rotation = np.linalg.eigh((small + small.T) / 2)
        rotation = (to_orthonormal @ rotation)[:, ::-1].astype(block.dtype, order="C")
    return values[::-1].astype(block.dtype), block @ rotation, products @ rotation


def _one_thread() -> AbstractContextManager[object]:
    """For small matrices, whose decomposition many threads slow down by waiting for each other."""
    return _thread_pools().limit(limits=1, user_api="blas")


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def _all_eigenpairs(multiply: Product, size: int, components: int, dtype: DType) -> Eigenpairs:
    matrix = multiply(np.eye(size, dtype=dtype)).astype(np.float64)
    values, vectors = np.linalg.eigh(matrix)
    leading = slice(-1, -components - 1, -1)
    wanted = np.ascontiguousarray(vectors[:, leading], dtype=dtype)
    return Eigenpairs(values[leading].astype(dtype), wanted, wanted)
