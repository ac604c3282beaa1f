"""DeepFace's verification metrics: are two normalized representations of one person?

1. Unsupervised: the inner product of f(I1) and f(I2)                               (Sec. 4)
2. Weighted chi-squared: sum_i w_i (f1_i - f2_i)^2 / (f1_i + f2_i)                  (Sec. 4.1)
   with the weights of an SVM on the vectors of the summands                        (Sec. 5.3)
3. An ensemble of networks: the sum of power CPD kernels  -||x - y||^2  of their
   vectors, one SVM, C = 1                                                          (Sec. 5.3)
4. A Siamese network: `deepface_jax.siamese`                                        (Sec. 4.2)

The power CPD kernel with the exponent 2 is a linear kernel in disguise: -||x - y||^2 =
2 x.y - ||x||^2 - ||y||^2, and the terms of one argument alone drop out of an SVM, whose dual
coefficients sum to zero. So 2 and 3 differ in the number of networks alone, and the sum of kernels
is the kernel of the vectors put one behind the other.

Source: Taigman et al. 2014.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float

Vectors = Float[np.ndarray, "pairs dim"]


def inner_product(
    first: Float[np.ndarray, "pairs dim"], second: Float[np.ndarray, "pairs dim"]
) -> Float[np.ndarray, " pairs"]:
    """Similarity of normalized representations, 0 to 1: the unsupervised metric."""
    return np.einsum("pd,pd->p", first, second)


def chi_squared(
    first: Float[np.ndarray, "pairs dim"], second: Float[np.ndarray, "pairs dim"]
) -> Float[np.ndarray, "pairs dim"]:
    """Each component's share of the chi-squared distance; zero where neither unit fires.

    Args:
      first: normalized representations, not negative.
      second: those of the other faces.
    """
    total = first + second
    return np.divide((first - second) ** 2, total, out=np.zeros_like(total), where=total > 0)


def cpd_kernel(
    x: Float[np.ndarray, "n dim"], y: Float[np.ndarray, "m dim"]
) -> Float[np.ndarray, "n m"]:
    """-||x - y||^2 of every two vectors: the power CPD kernel that the paper's ensemble sums."""
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)
    return 2 * x @ y.T - squares


def fit_pair_svm(
    vectors: Sequence[Float[np.ndarray, "pairs _dim"]],
    same: Bool[np.ndarray, " pairs"],
    *,
    cost: float = 1.0,
) -> Callable[[Sequence[Float[np.ndarray, "tested _dim"]]], Float[np.ndarray, " tested"]]:
    """An SVM on the sum of the networks' CPD kernels.

    Args:
      vectors: of the training pairs, from `chi_squared`; one array a network.
      same: whether a pair shows one person.
      cost: C of the SVM (paper: 1).

    Returns:
      A function of other pairs' vectors: the decision value, positive for one person.

    Raises:
      ValueError: the training pairs are all of one kind.
    """
    from sklearn.svm import SVC

    if same.all() or not same.any():
        raise ValueError(
            f"{len(same)} training pairs, {int(same.sum())} of them of one person; wanted both "
            "kinds"
        )
    svm = SVC(kernel="precomputed", C=cost)
    svm.fit(sum(cpd_kernel(x, x) for x in vectors), same)
    support = [x[svm.support_] for x in vectors]
    # The SVM asks for the kernel with all training pairs, and uses that with its supports.
    weights, offset = svm.dual_coef_[0], float(svm.intercept_[0])

    def decide(tested: Sequence[np.ndarray]) -> Float[np.ndarray, " tested"]:
        kernel = sum(cpd_kernel(y, x) for y, x in zip(tested, support, strict=True))
        return np.asarray(kernel @ weights + offset)

    return decide
