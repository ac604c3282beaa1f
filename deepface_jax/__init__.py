"""DeepFace: Taigman, Yang, Ranzato, Wolf, CVPR 2014.

"DeepFace: Closing the Gap to Human-Level Performance in Face Verification". A face is aligned by
its six fiducials, then turned to the front by a generic 3D shape, so that a network may have
filters of its own at every place of the face. Its last hidden layer, normalized, represents the
face. docs/deepface.md has every step and the function that does it.
"""

from deepface_jax.aligner import Aligner
from deepface_jax.config import AlignConfig
from deepface_jax.face_model import generic_face
from deepface_jax.fallback import Fallback
from deepface_jax.frontalize import frontalize_batch
from deepface_jax.locally_connected import locally_connected
from deepface_jax.model import DeepFace, create
from deepface_jax.network_config import NetworkConfig
from deepface_jax.normalize import normalize

__all__ = [
    "AlignConfig",
    "Aligner",
    "DeepFace",
    "Fallback",
    "NetworkConfig",
    "create",
    "frontalize_batch",
    "generic_face",
    "locally_connected",
    "normalize",
]
