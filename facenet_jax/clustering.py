"""Who is on the same photos: agglomerative clustering of embeddings, and how right it is.

Every face begins as its own cluster; the two nearest clusters are joined, again and again, until
the nearest two are farther apart than a threshold.

Source: Schroff et al. 2015, Sec. 5.8, which says "agglomerative clustering" and shows a picture;
  linkage and threshold are not published. Differs: see docs/facenet.md, deviation 21.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int


def cluster(z: Float[np.ndarray, "faces dim"], threshold: float) -> Int[np.ndarray, " faces"]:
    """The cluster of each face, from 0 on, the largest first.

    Args:
      z: on the unit sphere.
      threshold: mean squared distance between the faces of two clusters from which on they are not
        joined, 0 to 4; the threshold of verification is on the same scale.

    Raises:
      ValueError: no faces, or a threshold that is not above zero.

    Example:
      >>> cluster(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), 0.5).tolist()
      [0, 1, 0]
    """
    from sklearn.cluster import AgglomerativeClustering

    if not len(z) or not threshold > 0:
        raise ValueError(
            f"{len(z)} faces and a threshold of {threshold}; wanted a face at least, and a squared "
            "distance above zero"
        )
    if len(z) == 1:
        return np.zeros(1, np.int64)
    exact = z.astype(np.float64)
    d = np.maximum(2 - 2 * exact @ exact.T, 0)
    agglomerative: Any = AgglomerativeClustering  # its own annotations refuse None
    method = agglomerative(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=threshold
    )
    found = method.fit_predict(d)
    by_size = np.argsort(-np.bincount(found), kind="stable")
    return np.argsort(by_size)[found]


class Agreement(NamedTuple):
    """How clusters agree with people, over all pairs of faces."""

    precision: float
    """Of the pairs in one cluster, how many are one person's; 1 where there are none."""
    recall: float
    """Of the pairs of one person, how many are in one cluster; 1 where there are none."""
    f: float
    """2 / (1 / precision + 1 / recall)."""
    clusters: int
    people: int


def agreement(clusters: Int[np.ndarray, " faces"], label: Int[np.ndarray, " faces"]) -> Agreement:
    """Count the pairs of faces that clusters and people put together.

    Args:
      clusters: of each face, any integers.
      label: the person on each face, any integers.

    Example:
      >>> agreement(np.array([0, 0, 0, 1]), np.array([5, 5, 7, 7]))[:2]  # 1 of 3 pairs, 1 of 2
      (0.3333333333333333, 0.5)
    """
    _, cluster_of = np.unique(clusters, return_inverse=True)
    _, person_of = np.unique(label, return_inverse=True)
    table = np.zeros((cluster_of.max() + 1, person_of.max() + 1), np.int64)
    np.add.at(table, (cluster_of, person_of), 1)
    both, joined, own = (_pairs(count) for count in (table, table.sum(1), table.sum(0)))
    precision = both / joined if joined else 1.0
    recall = both / own if own else 1.0
    f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Agreement(float(precision), float(recall), float(f), *table.shape)


def _pairs(sizes: Int[np.ndarray, "*groups"]) -> int:
    """Pairs of faces within groups of those sizes."""
    return int((sizes * (sizes - 1) // 2).sum())
