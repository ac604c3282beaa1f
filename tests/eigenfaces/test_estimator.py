"""The scikit-learn estimator: its contract, and agreement with scikit-learn's PCA."""

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenfaces.estimator import Eigenfaces


@parametrize_with_checks([Eigenfaces(), Eigenfaces(n_components=1, whiten=True)])
def test_is_a_scikit_learn_estimator(
    estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, scikit-learn skips one check
    check(estimator)


def images(count: int, pixels: int, dtype: Any = np.float64) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(count, pixels)) * 0.8 ** np.arange(pixels) + 2).astype(dtype)


@pytest.mark.parametrize("n_components", [4, 0.9, 0.5, None])
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize(("count", "pixels"), [(18, 11), (11, 18)])
def test_agrees_with_pca(n_components: Any, whiten: bool, count: int, pixels: int) -> None:
    x = images(count, pixels)
    ours = Eigenfaces(n_components, whiten=whiten).fit(x)
    kept = min(count - 1, pixels) if n_components is None else n_components
    peer = PCA(kept, whiten=whiten, svd_solver="full").fit(x)
    assert ours.n_components_ == peer.n_components_
    for name in ("mean_", "components_", "explained_variance_", "explained_variance_ratio_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(peer, name), atol=1e-9, rtol=1e-7)
    np.testing.assert_allclose(ours.transform(x), peer.transform(x), atol=1e-7)
    coordinates = peer.transform(x)
    np.testing.assert_allclose(
        ours.inverse_transform(coordinates), peer.inverse_transform(coordinates), atol=1e-7
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_the_floating_point_type(dtype: Any) -> None:
    x = images(12, 9, dtype)
    ours = Eigenfaces(3, whiten=True).fit(x)
    assert ours.components_.dtype == ours.explained_variance_.dtype == dtype
    assert ours.transform(x).dtype == ours.inverse_transform(ours.transform(x)).dtype == dtype


def test_whitened_coordinates_have_unit_variance() -> None:
    coordinates = Eigenfaces(5, whiten=True).fit_transform(images(30, 12))
    np.testing.assert_allclose(np.cov(coordinates, rowvar=False), np.eye(5), atol=1e-8)


def test_names_its_features_and_joins_a_pipeline() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.square), Eigenfaces(2)).fit(images(8, 5))
    assert np.asarray(pipeline[-1].get_feature_names_out()).tolist() == [
        "eigenfaces0",
        "eigenfaces1",
    ]


@pytest.mark.parametrize("n_components", [0, 8, -1, 1.0, 0.0, 1.5, "mle", True])
def test_clear_errors(n_components: Any) -> None:
    with pytest.raises(ValueError, match=r"components"):
        Eigenfaces(n_components).fit(images(8, 20))


def test_equal_images_are_refused() -> None:
    with pytest.raises(ValueError, match="all images are the same"):
        Eigenfaces().fit(np.full((4, 6), 0.5))


def test_coordinates_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(8, 2\); wanted \(images, 3\)"):
        Eigenfaces(3).fit(images(8, 20)).inverse_transform(np.ones((8, 2)))
