"""A fit from chunks is the fit of all chunks together."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.linalg import subspace_angles

from eigenfaces.model import FaceSpace, fit
from eigenfaces.streaming import _inner_products, fit_chunks


def chunks_of(count: int, pixels: int, sizes: list[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    spread = 0.85 ** np.arange(pixels)
    images = (rng.normal(size=(count, pixels)) * spread + 3.0).astype(np.float32)
    return np.split(images, np.cumsum(sizes)[:-1])


def assert_same(ours: FaceSpace, theirs: FaceSpace) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("pixels", [19, 60])
@pytest.mark.parametrize("sizes", [[31], [7, 1, 13, 10], [30, 1]])
def test_chunks_of_any_size_give_the_one_shot_fit(pixels: int, sizes: list[int]) -> None:
    chunks = chunks_of(31, pixels, sizes)
    assert_same(fit_chunks(chunks, 6), fit(np.concatenate(chunks), 6))


@pytest.mark.parametrize("pixels", [550, 700])
def test_large_sets_span_the_same_subspace(pixels: int) -> None:
    chunks = chunks_of(620, pixels, [200, 320, 100])
    ours, theirs = fit_chunks(chunks, 9), fit(np.concatenate(chunks), 9)
    np.testing.assert_allclose(ours.eigenvalues, theirs.eigenvalues, rtol=1e-4)
    angles = subspace_angles(
        np.asarray(ours.eigenfaces, np.float64).T, np.asarray(theirs.eigenfaces, np.float64).T
    )
    assert np.sin(angles.max()) < 1e-2


def test_inner_products_of_chunks_are_those_of_the_whole() -> None:
    chunks = chunks_of(31, 60, [7, 1, 13, 10])
    images = np.concatenate(chunks)
    mean = images.mean(axis=0)
    found = _inner_products(chunks, [7, 1, 13, 10], mean)
    np.testing.assert_allclose(found, (images - mean) @ (images - mean).T, atol=1e-4)


def test_no_more_than_two_chunks_are_held_at_once() -> None:
    held, most = [0], [0]

    class Disk:
        def __iter__(self) -> Iterator[np.ndarray]:
            for chunk in chunks_of(31, 60, [7, 1, 13, 10]):
                held[0] += 1
                most[0] = max(most[0], held[0])
                try:
                    yield chunk
                finally:
                    held[0] -= 1

    fit_chunks(Disk(), 3)
    assert most[0] <= 2


def test_clear_errors() -> None:
    chunks = chunks_of(31, 60, [7, 24])
    with pytest.raises(ValueError, match="ends after one pass"):
        fit_chunks((chunk for chunk in chunks), 3)
    with pytest.raises(ValueError, match="hold 0 images"):
        fit_chunks([], 3)
    with pytest.raises(ValueError, match="chunk 1 has 9 pixels an image, those before 60"):
        fit_chunks([chunks[0], chunks[1][:, :9]], 3)
    with pytest.raises(ValueError, match="31 components asked for of 31 images"):
        fit_chunks(chunks, 31)
    with pytest.raises(ValueError, match="span only 6 dimensions"):
        fit_chunks([chunks[0], chunks[0]], 7)


@pytest.mark.parametrize("later", [[10, 21], [7, 20], [7], [7, 24, 3]])
def test_chunks_that_change_between_passes_are_refused(later: list[int]) -> None:
    passes = iter([[7, 24], later])

    class Unsteady:
        def __iter__(self) -> Iterator[np.ndarray]:
            sizes = next(passes)
            return iter(chunks_of(sum(sizes), 20, sizes))

    with pytest.raises(ValueError, match="the chunks changed"):
        fit_chunks(Unsteady(), 3)
