"""SYNTHETIC faces in LFW's shape: the offline default, test data, and truth for frontalization.

The people of View 1 are not those of View 2 (LFW's are): its train people, its test people and
the folds' people are all different, so nothing chosen on View 1 has seen a face of View 2.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, UInt8

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import Rendered, Scenes, render, take
from common.types import Benchmark, Pairs, Provenance

_VIEW1_TRAIN, _VIEW1_TEST = -2, -1  # parts of the people beside the folds 0, 1, ...


@dataclass(frozen=True)
class SyntheticFaces:
    """The images of a synthetic benchmark with the truth about them, in the benchmark's order."""

    rendered: Rendered
    scenes: Scenes

    def __len__(self) -> int:
        return len(self.rendered.images)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB pixels, 0 to 255, of one image."""
        return self.rendered.images[index]


def synthetic_benchmark(
    people: int = 325,
    images_per_person: int = 5,
    *,
    folds: int = 10,
    pairs_per_fold: int = 100,
    size: int = 250,
    seed: int = 0,
) -> Benchmark:
    """Make people, photograph them, and pair them up as LFW does; the same seed, the same faces.

    Args:
      people: as many to each fold of View 2; View 1 has twice that to train (and the remainder),
        and once to test.
      images_per_person: at least 2.
      folds: of View 2, at least 2.
      pairs_per_fold: of each kind, as in LFW's 300; View 1 has twice that to train, once to test.
      size: height and width in pixels, 16 to 1024.
      seed: of everything, 0 or more.

    Returns:
      The benchmark; `ground_truth` has its landmarks, cameras and scenes.

    Raises:
      ValueError: too few people or images for the folds and pairs, or a size out of range.
    """
    share = _people_per_share(people, images_per_person, folds, pairs_per_fold, size, seed)
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), images_per_person)
    scenes = random_scenes(random_identities(people, rng), person, rng)
    numbers = np.tile(np.arange(images_per_person), people) + 1
    order = rng.permutation(len(person))
    identity = person[order]
    names = [f"Synthetic_{person[k]:04d}_{numbers[k]:04d}" for k in order]

    test = np.full(share, _VIEW1_TEST)
    train = np.full(people - share * (folds + 1), _VIEW1_TRAIN)
    part = rng.permutation(np.concatenate([train, test, np.repeat(np.arange(folds), share)]))
    part = part[identity]  # of View 1 or View 2 that an image belongs to
    view1_train = _pairs(identity, part == _VIEW1_TRAIN, 2 * pairs_per_fold, 0, rng)
    view1_test = _pairs(identity, part == _VIEW1_TEST, pairs_per_fold, 0, rng)
    view2 = [_pairs(identity, part == fold, pairs_per_fold, fold, rng) for fold in range(folds)]

    scenes = take(scenes, order)
    faces = SyntheticFaces(render(scenes, size), scenes)
    return Benchmark(
        images=faces,
        names=names,
        identity=identity,
        view1_train=view1_train,
        view1_test=view1_test,
        view2=_joined(view2),
        view1_train_people=part == _VIEW1_TRAIN,
        people_fold=np.maximum(part, -1),
        provenance=Provenance(
            name="synthetic",
            variant="synthetic",
            sha256=_checksum(faces, names),
            images=len(names),
            people=people,
            synthetic=True,
        ),
    )


def ground_truth(benchmark: Benchmark) -> SyntheticFaces:
    """The landmarks, cameras and scenes of a synthetic benchmark's images, in its order.

    Raises:
      ValueError: the benchmark is not synthetic.
    """
    if not isinstance(benchmark.images, SyntheticFaces):
        raise ValueError(
            f"the truth is known of synthetic faces only, and this is {benchmark.provenance.name}"
        )
    return benchmark.images


def _people_per_share(
    people: int, images_per_person: int, folds: int, pairs_per_fold: int, size: int, seed: int
) -> int:
    """People of each fold; the bad arguments end here."""
    for name, value, low, high in (
        ("images_per_person", images_per_person, 2, 9999),
        ("folds", folds, 2, 1000),
        ("pairs_per_fold", pairs_per_fold, 1, 10**6),
        ("size", size, 16, 1024),
        ("seed", seed, 0, 2**63),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name} is {value}; wanted {low} to {high}")
    share = people // (folds + 3)  # two for View 1 train, one for its test
    same = share * math.comb(images_per_person, 2)
    different = math.comb(share, 2) * images_per_person**2
    if min(same, different) < pairs_per_fold:
        raise ValueError(
            f"{people} people make {folds} folds of {share} people with {same} pairs of the same "
            f"person and {different} of different people, wanted {pairs_per_fold} of each; "
            "ask for more people or images, or for fewer pairs or folds"
        )
    return share


def _pairs(
    identity: Int[np.ndarray, " images"],
    chosen: Bool[np.ndarray, " images"],
    count: int,
    fold: int,
    rng: np.random.Generator,
) -> Pairs:
    """Draw `count` pairs of the same person and `count` of different ones, none of them twice."""
    numbers = np.flatnonzero(chosen)
    first, second = (numbers[side] for side in np.triu_indices(len(numbers), k=1))
    same = identity[first] == identity[second]
    drawn = np.concatenate(
        [rng.choice(np.flatnonzero(kind), count, replace=False) for kind in (same, ~same)]
    )
    return Pairs(first[drawn], second[drawn], same[drawn], np.full(2 * count, fold))


def _joined(folds: list[Pairs]) -> Pairs:
    columns = ("first", "second", "same", "fold")
    return Pairs(*(np.concatenate([getattr(fold, name) for fold in folds]) for name in columns))


def _checksum(faces: SyntheticFaces, names: list[str]) -> str:
    digest = hashlib.sha256()
    for number in np.argsort(names):
        digest.update(faces[int(number)].tobytes())
    return digest.hexdigest()
