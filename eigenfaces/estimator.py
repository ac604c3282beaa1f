"""Eigenfaces as a scikit-learn estimator, for pipelines and grid searches."""

from typing import Any

import jax
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenfaces.eigensolver import gram
from eigenfaces.model import FaceSpace, fit, project, reconstruct, whiten


class Eigenfaces(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components of faces, with the attributes and conventions of scikit-learn's PCA.

    float64 is computed in float64, everything else in float32.

    Args:
      n_components: how many; or, as a float in (0, 1), the share of the variance that they must
        explain; or None, for all dimensions that the images span. More than those is an error.
      whiten: divide the coordinates by their standard deviations.

    Attributes:
      components_: the eigenfaces, one a row.
      mean_: the mean face.
      explained_variance_: variance along each eigenface, with n - 1 as in scikit-learn's PCA (the
        paper, and the rest of this package, divide by n).
      explained_variance_ratio_: its share of the whole variance.
      n_components_: how many eigenfaces there are.

    Example:
      >>> faces = np.random.default_rng(0).random((20, 30))
      >>> Eigenfaces(n_components=4).fit_transform(faces).shape
      (20, 4)
    """

    # Any: scikit-learn wants settings kept as they come, and judged by `fit`.
    def __init__(self, n_components: Any = None, *, whiten: Any = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, X: Any, y: Any = None) -> "Eigenfaces":
        """Find the eigenfaces of the rows of X; y is ignored.

        Raises:
          ValueError: not two rows of finite numbers, or more components than they span.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        centered = X - X.mean(axis=0)
        total = float(np.sum(np.square(centered, dtype=np.float64)))
        if total == 0:
            raise ValueError("all images are the same; wanted at least two different ones")
        count = self._count(centered, total)
        with jax.enable_x64(X.dtype == np.float64):
            space = fit(X, count)
        self.mean_ = np.asarray(space.mean)
        self.components_ = np.asarray(space.eigenfaces)
        self.explained_variance_ = np.asarray(space.eigenvalues) * X.dtype.type(
            len(X) / (len(X) - 1)
        )
        self.explained_variance_ratio_ = np.asarray(space.eigenvalues) * X.dtype.type(
            len(X) / total
        )
        self.n_components_ = count
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Coordinates of the rows of X on the eigenfaces."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        with jax.enable_x64(X.dtype == np.float64):
            weights = project(self._space(X), X)
            if self.whiten:
                weights = whiten(weights, self.explained_variance_.astype(X.dtype))
            return np.asarray(weights)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """The images that have these coordinates."""
        check_is_fitted(self)
        weights = np.asarray(X)
        if weights.dtype not in (np.float64, np.float32):
            weights = weights.astype(np.float64)
        if weights.ndim != 2 or weights.shape[1] != self.n_components_:
            raise ValueError(
                f"coordinates have shape {weights.shape}; wanted (images, {self.n_components_})"
            )
        if self.whiten:
            weights = weights * np.sqrt(self.explained_variance_).astype(weights.dtype)
        with jax.enable_x64(weights.dtype == np.float64):
            return np.asarray(reconstruct(self._space(weights), weights))

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _space(self, like: np.ndarray) -> FaceSpace:
        parts = (self.mean_, self.components_, self.explained_variance_)
        return FaceSpace(*(part.astype(like.dtype) for part in parts))

    def _count(self, centered: np.ndarray, total: float) -> int:
        """How many components `n_components` means for this data."""
        wanted = self.n_components
        if isinstance(wanted, (int, np.integer)) and not isinstance(wanted, bool):
            return int(wanted)
        share = 1.0 if wanted is None else wanted
        if wanted is not None and not (isinstance(wanted, float) and 0 < wanted < 1):
            raise ValueError(
                f"n_components={wanted!r}; wanted a count, a share of the variance in (0, 1), or "
                "None"
            )
        smaller_side = centered if len(centered) <= centered.shape[1] else centered.T
        values = np.linalg.eigvalsh(gram(smaller_side).astype(np.float64))[::-1]
        limit = min(len(centered) - 1, centered.shape[1])
        rank = int(np.sum(values[:limit] > 64 * np.finfo(centered.dtype).eps * values[0]))
        enough = int(np.searchsorted(np.cumsum(values), share * total)) + 1
        return min(enough, rank) if wanted is not None else rank

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
