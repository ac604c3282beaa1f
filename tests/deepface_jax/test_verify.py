"""DeepFace's verification metrics against loops and scikit-learn."""

import numpy as np
import pytest
from sklearn.svm import SVC

from deepface_jax.verify import chi_squared, cpd_kernel, fit_pair_svm, inner_product


def faces(count, dim, seed):
    rng = np.random.default_rng(seed)
    f = rng.random((count, dim)) * (rng.random((count, dim)) < 0.4)  # as after a ReLU
    return (f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def test_metrics_by_loops():
    a, b = faces(6, 9, 0), faces(6, 9, 1)
    similarity, vectors = inner_product(a, b), chi_squared(a, b)
    for k in range(6):
        assert similarity[k] == pytest.approx(sum(x * y for x, y in zip(a[k], b[k], strict=True)))
        for i in range(9):
            total = float(a[k, i]) + float(b[k, i])
            expected = (float(a[k, i]) - float(b[k, i])) ** 2 / total if total else 0.0
            assert vectors[k, i] == pytest.approx(expected, rel=1e-5)
    assert (chi_squared(a, a) == 0).all()


def test_cpd_kernel_by_loops():
    x, y = faces(3, 5, 2), faces(4, 5, 3)
    expected = [[-(np.linalg.norm(p - q) ** 2) for q in y] for p in x]
    np.testing.assert_allclose(cpd_kernel(x, y), expected, atol=1e-6)


def pairs(count, seed):
    """Two networks' vectors; the first components say whether it is the same person."""
    rng = np.random.default_rng(seed)
    same = np.arange(count) % 2 == 0
    vectors = [rng.random((count, dim)) for dim in (7, 4)]
    for one in vectors:
        one[:, 0] += np.where(same, 0.0, 0.8)
    return vectors, same


def test_svm_decides_as_scikit_learns_on_all_vectors_at_once():
    """The sum of CPD kernels is the linear kernel of the vectors put together (times two)."""
    vectors, same = pairs(60, 4)
    tested, truth = pairs(31, 5)
    ours = fit_pair_svm(vectors, same)(tested)
    linear = SVC(kernel="linear", C=2.0).fit(np.hstack(vectors), same)
    np.testing.assert_allclose(ours, linear.decision_function(np.hstack(tested)), atol=0.02)
    assert ((ours > 0) == truth).mean() > 0.8


def test_svm_is_the_kernel_machine_as_printed():
    """Decision values from scikit-learn's own use of the precomputed kernel."""
    vectors, same = pairs(40, 6)
    tested, _ = pairs(11, 7)
    machine = SVC(kernel="precomputed", C=1.0)
    machine.fit(sum(cpd_kernel(x, x) for x in vectors), same)
    expected = machine.decision_function(
        sum(cpd_kernel(y, x) for y, x in zip(tested, vectors, strict=True))
    )
    np.testing.assert_allclose(fit_pair_svm(vectors, same)(tested), expected, atol=1e-9)


def test_pairs_of_one_kind_are_refused():
    vectors, _ = pairs(6, 8)
    with pytest.raises(ValueError, match="6 training pairs, 6 of them of one person"):
        fit_pair_svm(vectors, np.ones(6, bool))
