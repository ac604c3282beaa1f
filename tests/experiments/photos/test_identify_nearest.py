"""Exact search: NumPy's blocks and faiss against a double loop."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.photos.nearest import Nearest

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(37, 6)).astype(np.float32)
QUERIES = RNG.normal(size=(11, 6)).astype(np.float32)


class IndexFlatL2:
    """What is used of faiss's."""

    def __init__(self, dim):
        self.dim = dim

    def add(self, rows):
        assert rows.dtype == np.float32 and rows.flags.c_contiguous and rows.shape[1] == self.dim
        self.rows = rows

    def search(self, queries, k):
        assert queries.dtype == np.float32 and queries.flags.c_contiguous
        distance = np.square(queries[:, None] - self.rows).sum(-1)
        number = distance.argsort(axis=1)[:, :k]
        return np.take_along_axis(distance, number, 1), number


def slowly(queries, rows):
    """Numbers and distances, one pair after the other."""
    found = []
    for query in queries.astype(float):
        distances = [sum((a - b) ** 2 for a, b in zip(query, row, strict=True)) for row in rows]
        found.append((distances.index(min(distances)), min(distances)))
    return [number for number, _ in found], [distance for _, distance in found]


@pytest.mark.parametrize("block", [1, 5, 37, 100])
@pytest.mark.parametrize("faiss", [None, SimpleNamespace(IndexFlatL2=IndexFlatL2)])
def test_the_nearest_row_is_that_of_a_double_loop(monkeypatch, faiss, block):
    monkeypatch.setitem(sys.modules, "faiss", faiss)  # None: it cannot be imported
    nearest = Nearest(ROWS, block=block)
    assert nearest.searched_by == ("faiss" if faiss else "NumPy")
    number, distance = nearest(QUERIES[:, ::-1])
    wanted = slowly(QUERIES[:, ::-1], ROWS)
    assert number.tolist() == wanted[0]
    np.testing.assert_allclose(distance, wanted[1], rtol=1e-5)
    assert len(set(wanted[0])) > 5


@pytest.mark.parametrize("faiss", [None, SimpleNamespace(IndexFlatL2=IndexFlatL2)])
def test_a_row_itself_is_at_no_distance(monkeypatch, faiss):
    monkeypatch.setitem(sys.modules, "faiss", faiss)
    number, distance = Nearest(ROWS, block=8)(ROWS)
    np.testing.assert_array_equal(number, np.arange(len(ROWS)))
    np.testing.assert_array_equal(distance, 0)


def test_nothing_to_search_among():
    with pytest.raises(ValueError, match="nothing to search among"):
        Nearest(ROWS[:0])
