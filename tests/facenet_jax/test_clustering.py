"""Clusters against joining by hand, and their agreement against counting pairs."""

import itertools

import numpy as np
import pytest

from facenet_jax.clustering import agreement, cluster


def joined_by_hand(z, threshold):
    """The two nearest groups, by mean squared distance of their faces, again and again."""
    groups = [{k} for k in range(len(z))]
    while len(groups) > 1:
        best = min(
            (np.mean([((z[a] - z[b]) ** 2).sum() for a in one for b in other]), i, j)
            for (i, one), (j, other) in itertools.combinations(enumerate(groups), 2)
        )
        if best[0] >= threshold:
            break
        groups[best[1]] |= groups.pop(best[2])
    return {frozenset(group) for group in groups}


@pytest.mark.parametrize("threshold", [0.2, 0.7, 1.2, 3.9])
def test_clusters_are_those_joined_by_hand(threshold):
    rng = np.random.default_rng(3)
    z = np.eye(4)[rng.integers(0, 4, 17)] + 0.3 * rng.standard_normal((17, 4))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    found = cluster(z.astype(np.float32), threshold)
    sets = {frozenset(np.flatnonzero(found == name).tolist()) for name in np.unique(found)}
    assert sets == joined_by_hand(z, threshold)
    sizes = np.bincount(found)
    assert sizes.min() > 0 and (np.diff(sizes) <= 0).all()


def test_one_face_is_a_cluster_and_none_is_refused():
    assert cluster(np.array([[1.0, 0.0]]), 1.0).tolist() == [0]
    with pytest.raises(ValueError, match="0 faces"):
        cluster(np.zeros((0, 2)), 1.0)
    with pytest.raises(ValueError, match="above zero"):
        cluster(np.eye(2), 0.0)


def test_agreement_counts_pairs():
    rng = np.random.default_rng(4)
    clusters, label = rng.integers(0, 5, 30) * 7, rng.integers(0, 4, 30) - 2
    pairs = list(itertools.combinations(range(30), 2))
    joined = {(a, b) for a, b in pairs if clusters[a] == clusters[b]}
    own = {(a, b) for a, b in pairs if label[a] == label[b]}
    found = agreement(clusters, label)
    precision, recall = len(joined & own) / len(joined), len(joined & own) / len(own)
    assert precision != recall
    assert found.precision == pytest.approx(precision) and found.recall == pytest.approx(recall)
    assert found.f == pytest.approx(2 / (1 / precision + 1 / recall))
    assert (found.clusters, found.people) == (len(set(clusters)), len(set(label)))


def test_agreement_where_there_are_no_pairs():
    assert agreement(np.arange(3), np.arange(3)) == (1.0, 1.0, 1.0, 3, 3)
    apart = agreement(np.arange(4), np.zeros(4, int))
    assert (apart.precision, apart.recall, apart.f) == (1.0, 0.0, 0.0)
