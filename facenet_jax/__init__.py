"""FaceNet: Schroff, Kalenichenko, Philbin, CVPR 2015.

"FaceNet: A Unified Embedding for Face Recognition and Clustering". A network takes a face to a
point on the unit sphere in R^128, trained so that a person's faces are nearer to one another than
to anybody else's: triplets of anchor, positive and semi-hard negative, chosen within each batch.
docs/facenet.md has every step beside the paper's.
"""

from facenet_jax.config import NetworkConfig, network_config
from facenet_jax.embedder import Embedder
from facenet_jax.mining import Mining
from facenet_jax.model import FaceNet, build
from facenet_jax.recipes import PAPER, SMALL_DATA
from facenet_jax.sampling import IdentityBatches
from facenet_jax.triplets import triplet_loss

__all__ = [
    "PAPER",
    "SMALL_DATA",
    "Embedder",
    "FaceNet",
    "IdentityBatches",
    "Mining",
    "NetworkConfig",
    "build",
    "network_config",
    "triplet_loss",
]
