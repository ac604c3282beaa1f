"""LFW on disk -> the benchmark that the harness measures on."""

import numpy as np

from common.data.lfw_content import read_content
from common.data.lfw_folder import LfwFolder
from common.data.variant import variant_of
from common.types import Benchmark, Provenance


def open_lfw(folder: LfwFolder, *, official: bool = True) -> Benchmark:
    """Open a copy of LFW; the first time it is checked image by image and prepared in the cache.

    Args:
      folder: of the copy, as `find_lfw` gives it.
      official: the pairs must be the official ones. False is for other data in LFW's shape.

    Raises:
      CacheError: the disk is full or cannot be written.
      LfwError: images are missing, or are not whole JPEG files of 250 x 250 pixels.
      ProtocolError: a protocol file does not say what it should, or is not the official one.
    """
    from common.data.prepared import (
        PreparedImages,
        prepare,
        read_prepared_pairs,
        read_prepared_people,
    )

    content = read_content(folder, official=official)
    prepared = prepare(content)
    persons = np.array([name.person for name in content.images])
    people, identity = np.unique(persons, return_inverse=True)
    folds = read_prepared_people(prepared, "view2")
    fold_of = {person: fold for fold, names in enumerate(folds) for person in names}
    (train_people,) = read_prepared_people(prepared, "view1_train")
    return Benchmark(
        images=PreparedImages(prepared),
        names=[str(name) for name in content.images],
        identity=identity.astype(np.int64),
        view1_train=read_prepared_pairs(prepared, "view1_train"),
        view1_test=read_prepared_pairs(prepared, "view1_test"),
        view2=read_prepared_pairs(prepared, "view2"),
        view1_train_people=np.isin(persons, train_people),
        people_fold=np.array([fold_of.get(person, -1) for person in persons], np.int64),
        provenance=Provenance(
            name="lfw",
            variant=variant_of(
                content.digests, images_sha256=content.images_sha256, folder=folder.images
            ),
            sha256=content.images_sha256,
            images=len(content.images),
            people=len(people),
            pairs_sha256=content.pairs_sha256,
        ),
    )
