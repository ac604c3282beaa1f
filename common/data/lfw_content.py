"""All that a copy of LFW says, read and checked: what the prepared copy is made from.

Its key is the content of every file, so a changed file is never answered from an old copy.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data.content import sha256_of_file, sha256_of_list
from common.data.lfw_folder import LfwError, LfwFolder, check_complete, first_five, list_images
from common.data.lfw_mirror import MIRROR
from common.protocol import (
    ImageName,
    NamedPair,
    ProtocolError,
    check_view1,
    check_view2,
    images_of,
    read_pairs,
    read_people,
)

ORDER_SEED = 1976
"""Of the shuffled order of the images."""


@dataclass(frozen=True)
class LfwContent:
    """The images in their shuffled order, with View 1 and View 2."""

    images: dict[ImageName, Path]
    digests: dict[ImageName, str]
    """sha256 of each image file."""
    view1_train: Sequence[NamedPair]
    view1_test: Sequence[NamedPair]
    view2: Sequence[Sequence[NamedPair]]
    view1_train_people: Sequence[str]
    view1_test_people: Sequence[str]
    view2_people: Sequence[Sequence[str]]
    """People of each fold: all that people.txt lists or, without that file, whom the pairs name."""
    images_sha256: str
    """Of the content of all images, in the order of their names."""
    pairs_sha256: str
    """Of the content of those that the pairs name."""
    key: str
    """sha256 over the images, their order and the protocol files."""


def read_content(folder: LfwFolder, *, official: bool = True) -> LfwContent:
    """Read the protocol files and list the images of a copy of LFW.

    Args:
      folder: of the copy.
      official: the pairs must be the official ones. False is for other data in LFW's shape.

    Raises:
      LfwError: images that the pairs name are missing.
      ProtocolError: a protocol file does not say what it should, or is not the official one.
    """
    view2 = read_pairs(folder.protocol["pairs.txt"])
    (train,), (test,) = (
        read_pairs(folder.protocol[name]) for name in ("pairsDevTrain.txt", "pairsDevTest.txt")
    )
    if official:
        check_view2(view2)
        check_view1(train, test)
        for name in ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt"):
            _check_official(folder.protocol[name])
    files = list_images(folder.images)
    check_complete(folder.images, files, [train, test, *view2])
    paired = images_of([train, test, *view2])
    names = list(files)
    order = np.random.default_rng(ORDER_SEED).permutation(len(names))
    digests = digest_images(files)
    images_sha256 = sha256_of_images(digests)
    protocol = {name: sha256_of_file(path) for name, path in folder.protocol.items()}
    return LfwContent(
        images={names[i]: files[names[i]] for i in order},
        digests=digests,
        view1_train=train,
        view1_test=test,
        view2=view2,
        view1_train_people=_people(folder, "peopleDevTrain.txt", [train])[0],
        view1_test_people=_people(folder, "peopleDevTest.txt", [test])[0],
        view2_people=_people(folder, "people.txt", view2),
        images_sha256=images_sha256,
        pairs_sha256=sha256_of_images(
            {name: digest for name, digest in digests.items() if name in paired}
        ),
        key=sha256_of_list(protocol | {"images": images_sha256, "order": str(ORDER_SEED)}),
    )


def digest_images(files: Mapping[ImageName, Path]) -> dict[ImageName, str]:
    """sha256 of each image file.

    Raises:
      LfwError: files cannot be read; counts and names them.
    """
    digests, bad = {}, []
    for name, path in files.items():
        try:
            digests[name] = sha256_of_file(path)
        except OSError as error:
            bad.append(f"{path.name} ({error.strerror})")
    if bad:
        raise LfwError(f"{len(bad)} of {len(files)} images cannot be read: {first_five(bad)}")
    return digests


def sha256_of_images(digests: Mapping[ImageName, str]) -> str:
    """One checksum for all images, the same wherever they lie."""
    return sha256_of_list({f"{name}.jpg": digest for name, digest in digests.items()})


def _people(
    folder: LfwFolder, name: str, pairs: Sequence[Sequence[NamedPair]]
) -> list[Sequence[str]]:
    """Names of each fold's people, from the file of people or else from the pairs."""
    if name not in folder.protocol:
        return [sorted({image.person for image in images_of([fold])}) for fold in pairs]
    folds = read_people(folder.protocol[name])
    if len(folds) != len(pairs):
        raise ProtocolError(
            f"{name} has {len(folds)} folds, but the pairs have {len(pairs)}; download it again"
        )
    return [[person.name for person in fold] for fold in folds]


def _check_official(path: Path) -> None:
    """The counts may be right and a line still be changed; only line endings may differ."""
    found = hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    wanted = MIRROR[path.name].sha256
    if found != wanted:
        raise ProtocolError(
            f"{path} has the official counts but not the official lines (sha256 {found}, wanted "
            f"{wanted}); download it again"
        )
