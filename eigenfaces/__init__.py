"""Eigenfaces: M. Turk and A. Pentland, "Eigenfaces for Recognition", J. Cogn. Neurosci. 3(1), 1991.

A face is a point in the space of images; faces fill only a thin subspace of it, spanned by the
leading eigenvectors of their covariance; a face is recognized by its coordinates in that subspace.
"""
