"""DeepFace: Taigman, Yang, Ranzato, Wolf, CVPR 2014.

"DeepFace: Closing the Gap to Human-Level Performance in Face Verification". A face is aligned by
its six fiducials, then turned to the front by a generic 3D shape, so that a network may have
filters of its own at every place of the face. Here so far: the alignment; docs/deepface.md.
"""

from deepface_jax.align import align, similarity_to_anchors
from deepface_jax.config import AlignConfig
from deepface_jax.face_model import FaceModel3D, generic_face
from deepface_jax.fallback import Fallback
from deepface_jax.frontalize import Frontalized, frontalize, frontalize_batch

__all__ = [
    "AlignConfig",
    "FaceModel3D",
    "Fallback",
    "Frontalized",
    "align",
    "frontalize",
    "frontalize_batch",
    "generic_face",
    "similarity_to_anchors",
]
