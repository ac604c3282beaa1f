"""The prepared copy of LFW in the cache: made once for a content, then only read."""

import contextlib
import errno
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from common.data.cache import VARIABLE, CacheError, cache_dir
from common.data.lfw_content import LfwContent
from common.data.locking import locked
from common.data.staging import staged_folder
from common.images import decode_image
from common.types import Pairs

_SPARE_BYTES = 64 << 20  # beside the images: the writer's copy of a shard, pairs and people


def prepare(content: LfwContent) -> Path:
    """The folder of the prepared copy of a content, made when it is not there.

    Raises:
      CacheError: the disk is full or cannot be written.
      LfwError: images are not whole JPEG files of 250 x 250 pixels; counts and names them.
    """
    target = cache_dir("prepared") / f"lfw_verification-{content.key[:32]}"
    if not target.is_dir():
        with locked(target):
            if not target.is_dir():
                _check_room(content, target)
                with staged_folder(target) as folder:
                    _write(content, folder)
    return target


def _check_room(content: LfwContent, target: Path) -> None:
    # Asked before, since the writer notices a full disk only at its very end.
    images = sum(path.stat().st_size for path in content.images.values())
    needed, free = 2 * images + _SPARE_BYTES, shutil.disk_usage(target.parent).free
    if free < needed:
        raise CacheError(
            f"the disk is too full to prepare LFW: {needed >> 20} MB are needed in "
            f"{target.parent}, {free >> 20} MB are free; make room, or set {VARIABLE} to a folder "
            "on a larger disk"
        )


def _write(content: LfwContent, folder: Path) -> None:
    import tensorflow_datasets as tfds

    from common.data.lfw_verification import LfwVerification

    tfds.disable_progress_bar()  # ours shows, and to the end
    for config in ("images", "pairs", "people"):
        builder = LfwVerification(content=content, config=config, data_dir=folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                builder.download_and_prepare(download_dir=folder / "downloads")
        except RuntimeError as error:  # so the writer, which is C++, tells of a full disk
            if os.strerror(errno.ENOSPC) in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
    shutil.rmtree(folder / "downloads", ignore_errors=True)


def _records(folder: Path, config: str, split: str, **options: Any) -> Any:
    from common.data.lfw_verification import LfwVerification

    builder: Any = LfwVerification(config=config, data_dir=folder)
    return builder.as_data_source(split, **options)


class PreparedImages:
    """The images of a prepared copy, an `ImageSource`: decoded when asked for, from any thread."""

    def __init__(self, folder: Path) -> None:
        import tensorflow_datasets as tfds

        undecoded = {"image": tfds.decode.SkipDecoding()}
        self.records = _records(folder, "images", "images", decoders=undecoded)

    def __len__(self) -> int:
        """Count of images."""
        return len(self.records)

    def __getitem__(self, index: int) -> UInt8[np.ndarray, "height width 3"]:
        """RGB pixels of one image."""
        record = self.records[index]
        return decode_image(
            record["image"], f"{record['person'].decode()}_{record['number']:04d}.jpg"
        )


def read_prepared_pairs(folder: Path, split: str) -> Pairs:
    """The pairs of `view1_train`, `view1_test` or `view2`."""
    source = _records(folder, "pairs", split)
    records = source.__getitems__(range(len(source)))
    first, second, same, fold = (
        np.array([record[field] for record in records], dtype)
        for field, dtype in [
            ("first", np.int64),
            ("second", np.int64),
            ("same", np.bool_),
            ("fold", np.int64),
        ]
    )
    return Pairs(first, second, same, fold)


def read_prepared_people(folder: Path, split: str) -> list[list[str]]:
    """Names of the people of each fold of `view1_train`, `view1_test` or `view2`."""
    source = _records(folder, "people", split)
    records = source.__getitems__(range(len(source)))
    return [[name.decode() for name in record["names"]] for record in records]
