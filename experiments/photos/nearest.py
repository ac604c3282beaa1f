"""Exact nearest neighbors among up to a hundred thousand embeddings or so.

By faiss where it is installed, else block by block in NumPy. Both look at every row:

    |q - r|^2 = |q|^2 - 2 q.r + |r|^2

of which |q|^2 is the same for all rows. The distance that is returned is computed anew from the two
embeddings, so it does not depend on who searched; rows whose distances differ by no more than
float32 can tell (about 1e-6 on the unit sphere) may be taken for each other.
"""

import importlib
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

BLOCK = 16384
"""Rows that a block of distances is computed for."""


class Nearest:
    """Rows to search among."""

    def __init__(self, rows: Float32[np.ndarray, "rows dim"], *, block: int = BLOCK):
        """Build the index, where faiss is installed.

        Args:
          rows: at least one.
          block: of rows, without faiss.

        Raises:
          ValueError: there are no rows.
        """
        if not len(rows):
            raise ValueError("nothing to search among; wanted at least one embedding")
        self.rows, self.block = rows, block
        self._index = _faiss_index(rows)

    @property
    def searched_by(self) -> str:
        """`faiss` or `NumPy`."""
        return "NumPy" if self._index is None else "faiss"

    def __call__(
        self, queries: Float32[np.ndarray, "queries dim"]
    ) -> tuple[Int[np.ndarray, " queries"], Float[np.ndarray, " queries"]]:
        """Number of the nearest row to each query, and its squared distance."""
        if self._index is None:
            number = self._by_blocks(queries)
        else:
            number = self._index.search(np.ascontiguousarray(queries), 1)[1][:, 0]
        return number, np.square(queries - self.rows[number]).sum(axis=1)

    def _by_blocks(
        self, queries: Float32[np.ndarray, "queries dim"]
    ) -> Int[np.ndarray, " queries"]:
        best = np.full(len(queries), np.inf)
        number = np.zeros(len(queries), np.int64)
        for start in range(0, len(self.rows), self.block):
            some = self.rows[start : start + self.block]
            distance = np.square(some).sum(axis=1) - 2 * queries @ some.T
            mine = distance.argmin(axis=1)
            least = np.take_along_axis(distance, mine[:, None], axis=1)[:, 0]
            number = np.where(least < best, start + mine, number)
            best = np.minimum(least, best)
        return number


def _faiss_index(rows: Float32[np.ndarray, "rows dim"]) -> Any:
    try:
        faiss = importlib.import_module("faiss")
    except ImportError:
        return None
    index = faiss.IndexFlatL2(rows.shape[1])
    index.add(np.ascontiguousarray(rows))
    return index
