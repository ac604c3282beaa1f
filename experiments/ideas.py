"""Three ideas, each in two ways: eight trainings, and what is subtracted from what.

A network of locally connected layers or of convolutions; a loss that names the training people or
one that compares three faces; faces that are turned to the front in 3D or aligned in 2D. Papers
bring their ideas in bundles (DeepFace: local, softmax, 3d; FaceNet: convolutional, triplets); all
eight bundles on the same faces tell them apart.
"""

from typing import NamedTuple

ROW = "ideas"
NETWORKS = {"local": "DeepFace's layers", "convolutional": "FaceNet's convolutions"}
LOSSES = {"softmax": "softmax", "triplets": "triplets"}
ALIGNMENTS = {"2d": "2D", "3d": "3D"}
"""By the words that variants are named with: what tables call them."""
WAYS = {"network": NETWORKS, "loss": LOSSES, "alignment": ALIGNMENTS}
"""The ideas, and the ways of each."""


class Bundle(NamedTuple):
    """A network, a loss and an alignment."""

    network: str
    loss: str
    alignment: str

    @property
    def name(self) -> str:
        """The record's variant.

        Example:
          >>> Bundle("local", "triplets", "3d").name
          'local-triplets-3d'
        """
        return "-".join(self)


BUNDLES = tuple(
    Bundle(network, loss, alignment)
    for network in NETWORKS
    for alignment in ALIGNMENTS
    for loss in LOSSES
)
"""Those of one network and alignment, which share their pictures, beside one another."""
