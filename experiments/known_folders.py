"""What is known of training folders, by the checksum of their faces.

A folder does not say where its faces come from or whether LFW's people are in it. The folders that
committed records were trained on are named here; of any other a record says `unknown`.
"""

_CELEBA = {
    "data": "CelebA crops, 112 x 112",
    # Everybody whose mean descriptor (dlib's 128 numbers) came within 0.42 of that of any of LFW's
    # 5,749 people was left out: overlap is improbable, not impossible.
    "lfw_overlap": "screened",
}
_KNOWN = {
    "696dbc4e847729dbc3105e041b38cf38af65d7c3fb62b6ca320bcd0ed3a828e0": _CELEBA,  # training people
}


def described_folder(sha256: str) -> dict[str, str]:
    """`data` and `lfw_overlap`, as a record has them.

    Args:
      sha256: of `common.data.folders.FaceFolder`.

    Example:
      >>> described_folder("0" * 64)
      {'data': 'a folder of faces', 'lfw_overlap': 'unknown'}
    """
    return dict(_KNOWN.get(sha256, {"data": "a folder of faces", "lfw_overlap": "unknown"}))
