"""Eigenfaces of a training set that does not fit in memory, a chunk at a time.

The first pass finds the mean face, the second the matrix: with few pixels, the sum of all chunks'
scatter, pixels x pixels; with few images, the inner products of every chunk with every other,
M x M, for which the chunks are read once more for each chunk. Nothing is approximated.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from eigenfaces.eigensolver import gram, leading_eigenpairs, require_rank
from eigenfaces.model import FaceSpace, upright

Chunk = Float[np.ndarray, "_ pixels"]  # _: chunks differ in length


def fit_chunks(chunks: Iterable[Chunk], components: int) -> FaceSpace:
    """The face space that `model.fit` would find if all chunks were one array.

    Args:
      chunks: training faces, some rows at a time; iterated several times, with the same chunks in
        the same order each time: a list or an object with `__iter__`, not a generator.
      components: how many eigenfaces; below the number of images, at most the number of pixels.

    Returns:
      The face space, float32.

    Raises:
      ValueError: a generator, no images, chunks of different widths, another number of images on
        a later pass, or more components than the images span.
    """
    if isinstance(chunks, Iterator):
        raise ValueError("chunks is an iterator, which ends after one pass; pass a list or a class")
    sizes, mean = _sizes_and_mean(chunks)
    count, pixels = sum(sizes), len(mean)
    if not 1 <= components <= min(count - 1, pixels):
        raise ValueError(
            f"{components} components asked for of {count} images of {pixels} pixels; wanted 1 to "
            "min(images - 1, pixels)"
        )
    by_images = count <= pixels
    matrix = _inner_products(chunks, sizes, mean) if by_images else _scatter(chunks, sizes, mean)
    pairs = leading_eigenpairs(lambda v: matrix @ v, len(matrix), components)
    require_rank(pairs.values, np.float32)
    if by_images:
        eigenfaces = _combine(chunks, sizes, mean, pairs.vectors)
    else:
        eigenfaces = pairs.vectors
    return FaceSpace(mean, np.asarray(upright(eigenfaces.T)), pairs.values / np.float32(count))


def _sizes_and_mean(chunks: Iterable[Chunk]) -> tuple[list[int], Float[np.ndarray, " pixels"]]:
    sizes: list[int] = []
    total: np.ndarray | float = 0.0
    width = None
    for chunk in chunks:
        if width is not None and chunk.shape[1] != width:
            raise ValueError(
                f"chunk {len(sizes)} has {chunk.shape[1]} pixels an image, those before {width}"
            )
        width = chunk.shape[1]
        sizes.append(len(chunk))
        total = total + chunk.sum(axis=0, dtype=np.float64)
    if sum(sizes) < 2:
        raise ValueError(f"the chunks hold {sum(sizes)} images; wanted at least two")
    return sizes, (np.asarray(total) / sum(sizes)).astype(np.float32)


def _differences(
    chunks: Iterable[Chunk], sizes: list[int], mean: Float[np.ndarray, " pixels"]
) -> Iterator[tuple[slice, Chunk]]:
    """Each chunk less the mean, and the rows of the whole set that it holds."""
    seen = 0
    count = 0
    for number, chunk in enumerate(chunks):
        if number >= len(sizes) or len(chunk) != sizes[number]:
            break
        yield slice(seen, seen + len(chunk)), chunk.astype(np.float32) - mean
        seen += len(chunk)
        count = number + 1
    else:
        if count == len(sizes):
            return
    raise ValueError(
        f"the chunks changed: the first pass saw {len(sizes)} of them, {sum(sizes)} images; a later"
        f" one differs at chunk {count}"
    )


def _scatter(
    chunks: Iterable[Chunk], sizes: list[int], mean: Float[np.ndarray, " pixels"]
) -> Float[np.ndarray, "pixels pixels"]:
    """A A^T (the paper's C, times M)."""
    total = np.zeros((len(mean), len(mean)), np.float32)
    for _, phi in _differences(chunks, sizes, mean):
        total += gram(phi.T)
    return total


def _inner_products(
    chunks: Iterable[Chunk], sizes: list[int], mean: Float[np.ndarray, " pixels"]
) -> Float[np.ndarray, "images images"]:
    """A^T A (the paper's L), block by block."""
    matrix = np.zeros((sum(sizes), sum(sizes)), np.float32)
    for rows, phi in _differences(chunks, sizes, mean):
        for columns, other in _differences(chunks, sizes, mean):
            if columns.start > rows.start:
                break
            matrix[rows, columns] = phi @ other.T
            matrix[columns, rows] = matrix[rows, columns].T
    return matrix


def _combine(
    chunks: Iterable[Chunk],
    sizes: list[int],
    mean: Float[np.ndarray, " pixels"],
    vectors: Float[np.ndarray, "images components"],
) -> Float[np.ndarray, "pixels components"]:
    """u_l = sum over k of v_lk Phi_k, orthonormalized as in `model.eigenfaces_of`."""
    sums = np.zeros((len(mean), vectors.shape[1]), np.float32)
    for rows, phi in _differences(chunks, sizes, mean):
        sums += phi.T @ vectors[rows]
    return np.linalg.qr(sums)[0]
