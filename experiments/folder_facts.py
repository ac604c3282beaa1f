"""What is known of a training folder: its name, its license, whether people of LFW may be in it.

Pictures do not say so. A folder may have a `dataset.json` that does; the folders that committed
records were trained on are known by the checksum of their faces; of any other, records say
`unknown`.
"""

import json
from pathlib import Path
from typing import Any

from common.data.folders import FolderError

OVERLAPS = ("excluded", "screened", "not-excluded", "unknown")

_CELEBA = {
    "data": "CelebA crops, 112 x 112, enlarged where a network wants more",
    # Everybody whose mean descriptor (dlib's 128 numbers) came within 0.42 of that of any of LFW's
    # 5,749 people was left out: overlap is improbable, not impossible.
    "lfw_overlap": "screened",
    "notice": "CelebA (Liu et al. 2015) is for non-commercial research.",
}
_KNOWN = {
    "696dbc4e847729dbc3105e041b38cf38af65d7c3fb62b6ca320bcd0ed3a828e0": _CELEBA,  # training people
}


def folder_facts(folder: Path, sha256: str) -> dict[str, Any]:
    """What its optional `dataset.json` says of a folder, or what is known of its faces.

    Args:
      folder: may have a `dataset.json`: an object with name, lfw_overlap and notice.
      sha256: of the faces, as `common.data.folders.FaceFolder` has it.

    Returns:
      `data`: its name; `lfw_overlap`: one of `OVERLAPS`; `notice`: what its license asks to be
      told. Where nothing is said or known: a plain name, `unknown`, and no notice.

    Raises:
      FolderError: the file is not what it should be.
    """
    path = folder / "dataset.json"
    if not path.exists() and sha256 in _KNOWN:
        return dict(_KNOWN[sha256])
    said: Any = {}
    if path.exists():
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise FolderError(f"{path} cannot be read as JSON ({error})") from None
    if not isinstance(said, dict) or said.get("lfw_overlap", "unknown") not in OVERLAPS:
        raise FolderError(
            f"{path} should hold an object with name, notice, and lfw_overlap: one of "
            f"{', '.join(OVERLAPS)}"
        )
    return {
        "data": str(said.get("name", "a training folder")),
        "lfw_overlap": said.get("lfw_overlap", "unknown"),
        "notice": str(said.get("notice", "")),
    }
