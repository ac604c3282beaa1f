"""Which LFW is it? Told by what the images hold, never by a folder's name.

The same photographs exist unaligned (original) and aligned in two ways (funneled, deepfunneled);
results on them are not comparable.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from common.data.lfw_mirror import MIRROR
from common.protocol import ImageName

ORIGIN_FILE = ".classic-faces-origin.json"
"""Beside the images that we unpacked: which archive they came from, and their own checksum."""

_ARCHIVES = {
    MIRROR["lfw.tgz"].sha256: "original",
    MIRROR["lfw-funneled.tgz"].sha256: "funneled",
}

_IMAGES = {
    "Abdullah_Gul_0013": {
        "85f2a0ad2458f49523e7e191e340d493cc52a3735cc483c6c18db03a168762d5": "original",
        "78af9161ccc0b75dd7d34c6aa5314b34b89664932f9901b37ff3479a569e888c": "deepfunneled",
    },
    "Anwar_Ibrahim_0002": {
        "208ad89b7c05fafee9bd5db7f760b386f9b47ee587e318b11a1bc5ad73804690": "original",
    },
    "Danny_Glover_0001": {
        "532c6c652461302e41b33b6ccfb763f6589e601e628ccc04b2e07054d1004d87": "original",
    },
    "Grace_Kelly_0001": {
        "cc91b719f2e8a35ee79650d49d23b659a38d2fd29240a3dcc3e28d5f096606c1": "original",
    },
    "Joerg_Haider_0002": {
        "2ea82b480f805d4b7f2868a820b560230550cf5191d08b963f9da93a4ba79fef": "original",
    },
    "Luiz_Inacio_Lula_da_Silva_0012": {
        "2b029c3e3a70ca062ccdc87db2d2838b9316e05619ddf795821cc8959b7d7da0": "original",
    },
    "Pascal_Lamy_0002": {
        "2f658a9c5f4a4355f55f73164ac965874fa94b1ebe5a7acfa7ad30ba0c35963a": "original",
    },
    "Sedigh_Barmak_0001": {
        "4d97ba84e1c9e0b1cfcac66db0fe0fa9c0a80e71b71a69df52c821fca0b91bc6": "original",
    },
    "Yuri_Fedotov_0001": {
        "e5463e0b6e8fabe84516bc47b4672b567aa5a790eef33957926a3d25647a3dcb": "original",
    },
}
"""sha256 of image files, all among those that the pairs name, and the variant they show."""


def variant_of(
    digests: Mapping[ImageName, str], *, images_sha256: str, folder: Path | None = None
) -> str:
    """The variant of a copy: `original`, `funneled`, `deepfunneled` or `unknown`.

    All images that the table knows and the copy has must agree on it. Images of the funneled set
    are not in the table; that a copy is funneled is known when we unpacked it from the published
    archive and it has not changed since.

    Args:
      digests: sha256 of each image file.
      images_sha256: over all of them, as `sha256_of_list` gives it.
      folder: of the images, where the note of their origin may be.
    """
    known = {
        _IMAGES[str(name)].get(digest, "unknown")
        for name, digest in digests.items()
        if str(name) in _IMAGES
    }
    if known and known != {"unknown"}:
        return known.pop() if len(known) == 1 else "unknown"
    return _variant_of_origin(folder / ORIGIN_FILE, images_sha256) if folder else "unknown"


def write_origin(folder: Path, *, archive_sha256: str, images_sha256: str) -> None:
    """Note in an unpacked folder which archive it came from, and what its images hold."""
    text = json.dumps({"archive_sha256": archive_sha256, "images_sha256": images_sha256})
    (folder / ORIGIN_FILE).write_text(text + "\n", encoding="utf-8")


def _variant_of_origin(file: Path, images_sha256: str) -> str:
    try:
        origin = json.loads(file.read_text(encoding="utf-8"))
        if origin["images_sha256"] == images_sha256:
            return _ARCHIVES.get(origin["archive_sha256"], "unknown")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or not ours: then nothing is known
    return "unknown"
