"""Eigenfaces: M. Turk and A. Pentland, "Eigenfaces for Recognition", J. Cogn. Neurosci. 3(1), 1991.

A face is a point in the space of images; faces fill only a thin subspace of it, spanned by the
leading eigenvectors of their covariance; a face is recognized by its coordinates in that subspace.
"""

from eigenfaces.fisherfaces import fit_fisherfaces
from eigenfaces.folds import share
from eigenfaces.model import (
    FaceSpace,
    distance_from_face_space,
    fit,
    project,
    reconstruct,
    whiten,
)
from eigenfaces.recognition import recognize
from eigenfaces.streaming import fit_chunks

__all__ = [
    "FaceSpace",
    "distance_from_face_space",
    "fit",
    "fit_chunks",
    "fit_fisherfaces",
    "project",
    "recognize",
    "reconstruct",
    "share",
    "whiten",
]
