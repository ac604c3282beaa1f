"""Fits that share one matrix against scikit-learn's PCA, fitted anew for every fold."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from common.images import to_float
from eigenfaces import folds
from eigenfaces.folds import Coordinates, SharedGram, SharedScatter, share


def faces(count: int, pixels: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(pixels, pixels)))[0]
    spread = np.arange(1, pixels + 1) ** -0.8
    return (rng.normal(size=(count, pixels)) * spread @ axes.T + 5.0).astype(np.float32)


def one_by_one(images: np.ndarray, training: np.ndarray, components: int) -> Coordinates:
    pca = PCA(components, svd_solver="full").fit(images[training].astype(np.float64))
    variance = pca.explained_variance_ * (len(training) - 1) / len(training)
    return Coordinates(pca.transform(images.astype(np.float64)), variance)


def assert_same(ours: Coordinates, theirs: Coordinates, atol: float) -> None:
    np.testing.assert_allclose(ours.eigenvalues, theirs.eigenvalues, rtol=1e-3)
    signs = np.sign(np.sum(ours.weights * theirs.weights, axis=0))
    np.testing.assert_allclose(ours.weights, theirs.weights * signs, atol=atol)


@pytest.mark.parametrize("kind", [SharedGram, SharedScatter])
@pytest.mark.parametrize(("count", "pixels"), [(31, 47), (47, 31)])
def test_every_fold_is_its_own_fit(kind: Any, count: int, pixels: int) -> None:
    images = faces(count, pixels)
    fold = np.random.default_rng(1).integers(0, 4, count)
    shared = kind(images)
    for number in range(4):
        training = np.flatnonzero(fold != number)
        ours = shared.fit(training, 7)
        assert ours.weights.shape == (count, 7) and ours.weights.dtype == np.float32
        assert_same(ours, one_by_one(images, training, 7), 1e-3)
        farthest = np.argmax(np.abs(ours.weights[training]), axis=0)
        assert np.all(ours.weights[training][farthest, np.arange(7)] > 0)


@pytest.mark.parametrize("kind", [SharedGram, SharedScatter])
def test_small_and_unordered_training_sets(kind: Any) -> None:
    images = faces(40, 52)
    for count in (9, 20):  # 20: as many held out as in training
        training = np.random.default_rng(2).permutation(40)[:count]
        assert_same(kind(images).fit(training, 5), one_by_one(images, training, 5), 1e-3)


@pytest.mark.parametrize(("count", "pixels"), [(640, 800), (900, 640)])
def test_the_iterative_path_finds_the_subspace_of_every_fold(count: int, pixels: int) -> None:
    images = faces(count, pixels)
    shared = share(images)
    for held_out in (range(60), range(200, 310)):
        training = np.setdiff1d(np.arange(count), held_out)
        ours, theirs = shared.fit(training, 40), one_by_one(images, training, 40)
        np.testing.assert_allclose(ours.eigenvalues, theirs.eigenvalues, rtol=1e-3)
        # The weights span what their eigenfaces span, for held-out images as for the others.
        for rows in (training, np.arange(count)):
            a, b = ours.weights[rows].astype(np.float64), theirs.weights[rows]
            assert np.sin(subspace_angles(a, b).max()) < 1e-2
        lengths = np.linalg.norm(ours.weights, axis=1)
        np.testing.assert_allclose(lengths, np.linalg.norm(theirs.weights, axis=1), rtol=1e-3)


def test_held_out_images_do_not_touch_the_fit() -> None:
    images = faces(30, 44)
    training = np.arange(5, 30)
    spoiled = images.copy()
    spoiled[:5] *= 3
    before, after = (share(x).fit(training, 6) for x in (images, spoiled))
    np.testing.assert_allclose(before.weights[5:], after.weights[5:], atol=1e-3)
    assert not np.allclose(before.weights[:5], after.weights[:5], atol=0.1)


def test_order_of_the_folds_and_other_counts_between_them_change_nothing() -> None:
    images = faces(700, 720)
    training, others = np.arange(0, 650), np.arange(50, 700)
    alone = share(images).fit(training, 10)
    shared = share(images)
    shared.fit(others, 10)
    shared.fit(others, 4)
    np.testing.assert_allclose(shared.fit(training, 10).weights, alone.weights, atol=1e-6)


def test_bytes_are_read_as_zero_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "PIXELS_AT_ONCE", 7)  # several blocks, the last a short one
    pixels = np.random.default_rng(0).integers(0, 256, (12, 40), np.uint8)
    for kind in (SharedGram, SharedScatter):
        ours = kind(pixels).fit(np.arange(3, 12), 4)
        assert_same(ours, one_by_one(to_float(pixels), np.arange(3, 12), 4), 1e-4)


def test_the_smaller_matrix_is_shared() -> None:
    assert isinstance(share(faces(10, 11)), SharedGram)
    assert isinstance(share(faces(10, 10)), SharedScatter)


@pytest.mark.parametrize("kind", [SharedGram, SharedScatter])
@pytest.mark.parametrize(
    ("training", "components", "message"),
    [
        (np.arange(8), 8, "8 components asked for; 8 training images allow 1 to 7"),
        (np.arange(8), 0, "0 components"),
        (np.array([1, 2, 2, 3]), 2, "twice"),
        (np.array([3, 20]), 1, "0 to 19"),
        (np.array([-1, 3]), 1, "0 to 19"),
        (np.array([3]), 1, "at least two"),
        (np.array([], int), 1, "at least two"),
        (np.array([0, 1, 2, 18, 19]), 4, "span only 2 dimensions"),
    ],
)
def test_clear_errors(kind: Any, training: np.ndarray, components: int, message: str) -> None:
    images = faces(20, 30)
    images[18:] = images[:2]
    with pytest.raises(ValueError, match=message):
        kind(images).fit(training, components)
