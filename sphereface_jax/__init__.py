"""SphereFace: Liu, Wen, Yu, Li, Raj, Song, CVPR 2017.

"SphereFace: Deep Hypersphere Embedding for Face Recognition". A residual network is trained to name
its training people by the angle alone between a face's feature and a direction a person, and the
right person's angle must be several times smaller than any other's: A-Softmax. Two faces are then
compared by the angle between their features. docs/sphereface.md has every step beside the paper's.
"""

from sphereface_jax.a_softmax import a_softmax_loss, psi
from sphereface_jax.config import PAPER, SMALL, SMALL_DATA, NetworkConfig, TrainConfig
from sphereface_jax.model import SphereFace, build
from sphereface_jax.verify import CenteredCosine

__all__ = [
    "PAPER",
    "SMALL",
    "SMALL_DATA",
    "CenteredCosine",
    "NetworkConfig",
    "SphereFace",
    "TrainConfig",
    "a_softmax_loss",
    "build",
    "psi",
]
