"""LFW as a tensorflow-datasets builder: images, pairs and people, reached by index.

It writes and reads array_record files, and needs no TensorFlow for either.
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from common.data.lfw_content import LfwContent
from common.data.lfw_folder import LfwError, first_five
from common.data.progress import progress
from common.images import ImageError, decode_image
from common.protocol import ImageName, NamedPair

SIDE = 250
"""Height and width of every LFW image, in pixels."""

_CHUNK = 256  # images decoded ahead of the writer

_FEATURES = {
    "images": {
        "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="jpeg"),
        "person": tfds.features.Text(),
        "number": tfds.features.Scalar(np.int64),
        "identity": tfds.features.Scalar(np.int64),
    },
    "pairs": {
        "first": tfds.features.Scalar(np.int64),
        "second": tfds.features.Scalar(np.int64),
        "same": tfds.features.Scalar(np.bool_),
        "fold": tfds.features.Scalar(np.int64),
    },
    "people": {
        "fold": tfds.features.Scalar(np.int64),
        "names": tfds.features.Sequence(tfds.features.Text()),
    },
}


class LfwVerification(tfds.core.GeneratorBasedBuilder):
    """Images with their person, pairs of both views, and the people of each fold.

    The image with number i of `pairs` is record i of `images`. The splits of `pairs` and `people`
    are view1_train, view1_test (fold 0) and view2 (folds 0 to 9); `people` has a record a fold.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name="images", description="JPEG, person, number, identity"),
        tfds.core.BuilderConfig(name="pairs", description="two image numbers, same, fold"),
        tfds.core.BuilderConfig(name="people", description="names of the people of each fold"),
    ]

    def __init__(self, *, content: LfwContent | None = None, **kwargs: Any) -> None:
        """Make a builder.

        Args:
          content: to prepare; not needed to read what was prepared.
          **kwargs: of every builder: config, data_dir.
        """
        self.content = content
        super().__init__(file_format="array_record", **kwargs)

    def _config_name(self) -> str:
        config = self.builder_config
        assert config is not None, "a builder with BUILDER_CONFIGS always has one"
        return config.name

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Labeled Faces in the Wild: images, View 1 and View 2.",
            features=tfds.features.FeaturesDict(_FEATURES[self._config_name()]),
            disable_shuffling=True,  # the content comes in its final order
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
        del dl_manager  # nothing is downloaded here
        content = self.content
        if content is None:
            raise LfwError("there is no prepared copy here, and no content to prepare one from")
        match self._config_name():
            case "images":
                return {"images": _image_records(content)}
            case "pairs":
                numbers = {name: number for number, name in enumerate(content.images)}
                return {
                    "view1_train": _pair_records([content.view1_train], numbers),
                    "view1_test": _pair_records([content.view1_test], numbers),
                    "view2": _pair_records(content.view2, numbers),
                }
            case _:
                return {
                    "view1_train": _people_records([content.view1_train_people]),
                    "view1_test": _people_records([content.view1_test_people]),
                    "view2": _people_records(content.view2_people),
                }

    def _generate_examples(self, **kwargs: Any) -> Iterator:
        # The base class wants one for all splits; `_split_generators` hands out one for each.
        raise NotImplementedError("every split has a generator of its own")


def _image_records(content: LfwContent) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each image's record; every image is decoded once, and all bad ones are named together."""
    people = sorted({name.person for name in content.images})
    identity = {person: number for number, person in enumerate(people)}
    bad: list[str] = []
    names = iter(content.images)
    index = 0
    with (
        ThreadPoolExecutor(2, thread_name_prefix="decode") as pool,
        progress("Preparing LFW", len(content.images)) as advance,
    ):
        while chunk := list(islice(names, _CHUNK)):
            contents = list(pool.map(lambda name: _checked(content, name), chunk))
            advance(len(chunk))
            for name, data in zip(chunk, contents, strict=True):
                if isinstance(data, ImageError):
                    bad.append(str(data))
                else:
                    yield (
                        index,
                        {
                            "image": data,
                            "person": name.person,
                            "number": name.number,
                            "identity": identity[name.person],
                        },
                    )
                index += 1
    if bad:
        raise LfwError(f"{len(bad)} of {len(content.images)} images are bad: {first_five(bad)}")


def _checked(content: LfwContent, name: ImageName) -> bytes | ImageError:
    """The bytes of a whole image of the right size, or what is wrong with it."""
    path = content.images[name]
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != content.digests[name]:
        return ImageError(f"{path.name} changed while it was read; start again")
    try:
        decode_image(data, path.name, height=SIDE, width=SIDE)
    except ImageError as error:
        return error
    return data


def _pair_records(
    folds: Sequence[Sequence[NamedPair]], numbers: dict[ImageName, int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    pairs = [(fold, pair) for fold, pairs in enumerate(folds) for pair in pairs]
    for index, (fold, pair) in enumerate(pairs):
        yield (
            index,
            {
                "first": numbers[pair.first],
                "second": numbers[pair.second],
                "same": pair.same,
                "fold": fold,
            },
        )


def _people_records(
    folds: Sequence[Sequence[str]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    for fold, names in enumerate(folds):
        yield fold, {"fold": fold, "names": list(names)}
