import hashlib

import numpy as np
import pytest
from sklearn.decomposition import PCA

from common.data.synthetic import ground_truth, synthetic_benchmark
from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render


@pytest.fixture(scope="module")
def benchmark():
    return synthetic_benchmark(33, 3, folds=5, pairs_per_fold=9, size=32, seed=7)


def test_images_and_names(benchmark):
    assert len(benchmark.images) == len(benchmark.names) == len(benchmark.identity) == 99
    assert len(set(benchmark.names)) == 99
    assert min(benchmark.names) == "Synthetic_0000_0001"
    assert max(benchmark.names) == "Synthetic_0032_0003"
    for number, name in enumerate(benchmark.names):
        assert int(name.split("_")[1]) == benchmark.identity[number]
    assert benchmark.images[5].shape == (32, 32, 3)
    assert np.any(np.diff(benchmark.identity) < 0)  # shuffled


def test_folds_share_nobody(benchmark):
    for fold in range(5):
        mine = benchmark.view2[benchmark.view2.fold == fold]
        assert mine.same.sum() == (~mine.same).sum() == 9
        assert set(benchmark.people_fold[mine.images()]) == {fold}
    fold_of = {}
    for person, fold in zip(benchmark.identity, benchmark.people_fold, strict=True):
        assert fold_of.setdefault(person, fold) == fold
    counts = np.bincount(np.array(list(fold_of.values())) + 1)
    assert counts.tolist() == [13, 4, 4, 4, 4, 4]  # View 1 has 9 to train and 4 to test


def test_view1_is_apart(benchmark):
    train, test = benchmark.view1_train, benchmark.view1_test
    assert (len(train), train.same.sum()) == (36, 18)
    assert (len(test), test.same.sum()) == (18, 9)
    people = [set(benchmark.identity[pairs.images()]) for pairs in (train, test, benchmark.view2)]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])
    assert benchmark.view1_train_people[train.images()].all()
    assert not benchmark.view1_train_people[test.images()].any()
    assert benchmark.view1_train_people.sum() == 9 * 3
    assert not train.fold.any() and not test.fold.any()


def test_pairs_say_the_truth(benchmark):
    for pairs in (benchmark.view1_train, benchmark.view1_test, benchmark.view2):
        same = benchmark.identity[pairs.first] == benchmark.identity[pairs.second]
        np.testing.assert_array_equal(pairs.same, same)
        assert np.all(pairs.first != pairs.second)
        drawn = {frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)}
        assert len(drawn) == len(pairs)


def test_provenance(benchmark):
    found = benchmark.provenance
    assert (found.name, found.variant, found.synthetic) == ("synthetic", "synthetic", True)
    assert (found.images, found.people) == (99, 33)
    by_name = [benchmark.images[int(k)].tobytes() for k in np.argsort(benchmark.names)]
    assert found.sha256 == hashlib.sha256(b"".join(by_name)).hexdigest()


def test_ground_truth_is_that_of_the_images(benchmark):
    truth = ground_truth(benchmark)
    again = render(truth.scenes, 32)
    np.testing.assert_array_equal(again.images[17], benchmark.images[17])
    np.testing.assert_array_equal(again.landmarks, truth.rendered.landmarks)
    same = benchmark.identity == benchmark.identity[0]
    assert np.all(truth.scenes.shape[same] == truth.scenes.shape[0])
    assert not np.any(np.all(truth.scenes.shape[~same] == truth.scenes.shape[0], axis=1))


def test_the_seed_decides(benchmark):
    same, other = (
        synthetic_benchmark(33, 3, folds=5, pairs_per_fold=9, size=32, seed=seed) for seed in (7, 8)
    )
    assert same.provenance == benchmark.provenance
    assert list(same.names) == list(benchmark.names)
    np.testing.assert_array_equal(same.view2.first, benchmark.view2.first)
    assert other.provenance.sha256 != benchmark.provenance.sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"people": 12}, "12 people make 10 folds of 0 people"),
        ({"people": 26}, "folds of 2 people with 20 pairs of the same person and 25 of different"),
        ({"images_per_person": 1}, "images_per_person is 1; wanted 2"),
        ({"folds": 1}, "folds is 1; wanted 2"),
        ({"pairs_per_fold": 0}, "pairs_per_fold is 0"),
        ({"size": 15}, "size is 15; wanted 16 to 1024"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        synthetic_benchmark(**changes)


def verify(train, test):
    """Eigenfaces of the training people; threshold of their pairs; accuracy on the test people."""
    pca = PCA(50, random_state=0).fit(np.concatenate(train))

    def distances(views):
        first, second = (pca.transform(view) for view in views)
        same = np.linalg.norm(first - second, axis=1)
        others = [np.roll(second, shift, axis=0) for shift in (1, 2, 3, 4)]
        return same, np.linalg.norm(first - np.stack(others), axis=-1).ravel()

    def accuracy(threshold, same, different):
        return (np.mean(same <= threshold) + np.mean(different > threshold)) / 2

    known = distances(train)
    threshold = max(np.concatenate(known), key=lambda value: accuracy(value, *known))
    return accuracy(threshold, *distances(test))


@pytest.mark.parametrize("seed", [0, 1])
def test_identity_is_learnable_and_pose_matters(seed):
    people = 160
    rng = np.random.default_rng(seed)
    identities = random_identities(people, rng)

    def photograph(yaw):
        scenes = random_scenes(identities, np.arange(people), rng)
        pose = np.tile(np.array([yaw, 0, 0], np.float32), (people, 1))
        grey = render(scenes._replace(pose=pose), 64).images.mean(axis=-1)
        return grey[:, 14:50, 19:45].reshape(people, -1)  # the face without the wall

    front, again, turned = photograph(0), photograph(0), photograph(45)
    half = people // 2
    frontal = verify((front[:half], again[:half]), (front[half:], again[half:]))
    across = verify((front[:half], turned[:half]), (front[half:], turned[half:]))
    assert 0.65 <= frontal <= 0.95
    assert across <= frontal - 0.10
