"""What every batch and every epoch must be, whatever the sizes of the identities."""

import json
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from common.training import Batches
from facenet_jax.sampling import IdentityBatches

SIZES = [1, 1, 2, 3, 3, 5, 8, 8, 9, 13, 30]
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(11) * 7 - 5, SIZES))


def batches(**changes):
    return IdentityBatches(
        LABELS, **({"identities": 4, "faces": 5, "negatives": 6, "seed": 3} | changes)
    )


def test_batches_are_distinct_faces_of_one_count():
    source = batches()
    assert isinstance(source, Batches)
    for chosen in islice(source, 50):
        assert chosen.shape == (26,) == (source.batch,)
        assert len(set(chosen)) == 26
        assert chosen.min() >= 0 and chosen.max() < len(LABELS)


@pytest.mark.parametrize(("identities", "faces"), [(4, 5), (2, 2), (2, 30), (1, 4)])
def test_an_epoch_shows_every_grouped_face_once(identities, faces):
    source = batches(identities=identities, faces=faces, negatives=4)
    sizes = Counter(LABELS.tolist())
    for _ in range(2):
        seen, epoch = Counter(), [next(source) for _ in range(source.per_epoch)]
        left = [group.tolist() for group in source._groups]
        for chosen in epoch:
            people = []
            while any(chosen[: len(group)].tolist() == group for group in left):
                group = next(group for group in left if chosen[: len(group)].tolist() == group)
                left.remove(group)
                chosen = chosen[len(group) :]
                assert 2 <= len(group) <= faces
                assert len(set(LABELS[group])) == 1
                people.append(LABELS[group[0]])
                seen.update(group)
            assert 1 <= len(people) == len(set(people)) <= identities
        assert not left
        assert set(seen) == {i for i in range(len(LABELS)) if sizes[LABELS[i]] > 1}
        # Only a lone last face takes a second along: an odd identity in groups of two.
        odd = [label for label, size in sizes.items() if faces == 2 and size > 1 and size % 2]
        assert sorted(LABELS[[i for i in seen if seen[i] == 2]]) == sorted(odd)
        assert max(seen.values()) <= 2


def test_same_seed_repeats_other_seeds_and_epochs_differ():
    first, same, other = (list(islice(batches(seed=seed), 30)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    per_epoch = batches().per_epoch
    assert not np.array_equal(first[:per_epoch], first[per_epoch : 2 * per_epoch])


@pytest.mark.parametrize("done", [0, 1, 5, 6, 13])
def test_resumes_exactly(done):
    source = batches()
    for _ in range(done):
        next(source)
    state = json.loads(json.dumps(source.get_state()))
    again = batches()
    next(again)
    again.set_state(state)
    for _ in range(12):
        np.testing.assert_array_equal(next(again), next(source))
    with pytest.raises(ValueError, match="other faces, sizes or seed"):
        batches(faces=4, negatives=10).set_state(state)


def test_what_cannot_make_triplets_is_refused():
    with pytest.raises(ValueError, match="there are 83 in all"):
        batches(identities=40)
    with pytest.raises(ValueError, match="somebody else"):
        batches(identities=1, negatives=0)
    with pytest.raises(ValueError, match="two faces or more of each"):
        batches(faces=1)
    with pytest.raises(ValueError, match="wanted two identities"):
        IdentityBatches(np.arange(30), identities=2, faces=2)
    with pytest.raises(ValueError, match="wanted two identities"):
        IdentityBatches(np.zeros(30, int), identities=2, faces=2)
