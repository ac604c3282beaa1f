"""Faces as a poor camera or a full disk leaves them: compressed, or of few pixels.

Source: Schroff et al. 2015, Sec. 5.3 and Table 4.
"""

import io

import numpy as np
from jaxtyping import UInt8

from common.images import decode_image, resize

Faces = UInt8[np.ndarray, "faces side side 3"]


def compressed(faces: Faces, quality: int) -> Faces:
    """Each face written as a JPEG and read again.

    The face is what the network sees: aligned, at its input's size. The encoder is Pillow's, with
    the usual halved color resolution (4:2:0); quality is on libjpeg's scale.

    Args:
      faces: RGB, 0 to 255.
      quality: 1 to 95.

    Raises:
      ValueError: a quality that libjpeg does not know.
    """
    from PIL import Image

    if not 1 <= quality <= 95:
        raise ValueError(f"a JPEG quality of {quality}; wanted 1 to 95")
    made = np.empty_like(faces)
    for number, face in enumerate(faces):
        file = io.BytesIO()
        Image.fromarray(face).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        made[number] = decode_image(file.getvalue(), f"face {number}")
    return made


def shrunk(faces: Faces, side: int) -> Faces:
    """Each face with side x side pixels, enlarged to its old size again.

    Args:
      faces: RGB, 0 to 255.
      side: in pixels, at most the faces' own.

    Raises:
      ValueError: no pixels, or more than the faces have.
    """
    own = faces.shape[1]
    if not 1 <= side <= own:
        raise ValueError(f"a side of {side} pixels; the faces have {own}: wanted 1 to {own}")
    if side == own:
        return faces
    return np.stack([resize(resize(face, side, side), own, own) for face in faces])
