"""Fisherfaces against scikit-learn's LDA and Fisher's criterion."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eigenfaces.fisherfaces import fit_fisherfaces, scatters


def people(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Seven people with 1 to 14 images each, in 6 dimensions."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([3, 11, 5, 8, 20, 1, 2], [1, 14, 6, 9, 1, 4, 12]))
    centers = rng.normal(size=(21, 6)) * [1, 3, 1, 2, 1, 1]
    noise = rng.normal(size=(len(labels), 6)) @ rng.normal(size=(6, 6))
    return (centers[labels] + noise).astype(np.float32), labels


@pytest.mark.parametrize("components", [1, 3, 6])
@pytest.mark.filterwarnings("ignore:Only one sample available")  # people of one image
def test_the_subspace_is_scikit_learns(components: int) -> None:
    weights, labels = people()
    ours = fit_fisherfaces(weights, labels, components)
    peer = LinearDiscriminantAnalysis(solver="eigen").fit(weights.astype(np.float64), labels)
    assert ours.shape == (6, components) and ours.dtype == np.float32
    for kept in range(1, components + 1):  # column by column: the order counts as well
        angle = subspace_angles(ours[:, :kept].astype(np.float64), peer.scalings_[:, :kept]).max()
        assert np.sin(angle) < 1e-4


def test_scatters_are_sums_over_people() -> None:
    weights, labels = people()
    between, within = scatters(weights, labels)
    slow_between, slow_within = np.zeros((2, 6, 6))
    mean = weights.mean(axis=0)
    for label in set(labels.tolist()):
        own = weights[labels == label].astype(np.float64)
        shift = own.mean(axis=0) - mean
        slow_between += len(own) * np.outer(shift, shift)
        for row in own:
            slow_within += np.outer(row - own.mean(axis=0), row - own.mean(axis=0))
    np.testing.assert_allclose(between, slow_between, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(within, slow_within, rtol=1e-4, atol=1e-4)


def test_images_of_one_person_vary_by_one_in_every_direction() -> None:
    weights, labels = people()
    _, within = scatters(weights @ fit_fisherfaces(weights, labels, 4), labels)
    np.testing.assert_allclose(within / (len(labels) - 7), np.eye(4), atol=1e-4)


def test_people_of_one_image_count_between_people_only() -> None:
    weights, labels = people()
    moved = weights.copy()
    moved[labels == 3] += 5
    (between, within), (new_between, new_within) = (
        scatters(weights, labels),
        scatters(moved, labels),
    )
    np.testing.assert_allclose(new_within, within)
    assert not np.allclose(new_between, between)


def test_signs_are_determined() -> None:
    weights, labels = people()
    ours = fit_fisherfaces(weights, labels, 4)
    assert np.all(ours[np.argmax(np.abs(ours), axis=0), np.arange(4)] > 0)


def test_clear_errors() -> None:
    weights, labels = people()
    with pytest.raises(ValueError, match="7 components asked for; 7 people in 6 dimensions"):
        fit_fisherfaces(weights, labels, 7)
    with pytest.raises(ValueError, match="0 components"):
        fit_fisherfaces(weights, labels, 0)
    with pytest.raises(ValueError, match="keep fewer PCA components"):
        fit_fisherfaces(weights, np.arange(len(labels)), 2)  # one image a person
    flat = weights.copy()
    flat[:, 2] = 0
    with pytest.raises(ValueError, match="singular"):
        fit_fisherfaces(flat, labels, 2)
