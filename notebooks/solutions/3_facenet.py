"""Solutions to the exercises of lecture 3."""

import numpy as np


def kind_of_triplet(d_ap: float, d_an: float, margin: float) -> str:
    """ "hard", "semi-hard" or "easy"."""
    if d_an <= d_ap:
        return "hard"
    return "semi-hard" if d_an < d_ap + margin else "easy"


def semi_hard_loss(embeddings: np.ndarray, labels: np.ndarray, margin: float) -> float:
    """The loss of a batch, as a mean over its ordered pairs."""
    d = ((embeddings[:, None] - embeddings) ** 2).sum(axis=2)
    total, pairs = 0.0, 0
    for a in range(len(d)):
        for p in np.flatnonzero(labels == labels[a]):
            if p == a:
                continue
            pairs += 1
            others = d[a, labels != labels[a]]
            window = others[(others > d[a, p]) & (others < d[a, p] + margin)]
            if len(window):
                total += d[a, p] - window.min() + margin
    return total / max(pairs, 1)


def triplet_gradient(
    anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradient of one triplet's loss for anchor, positive and negative."""
    loss = np.sum((anchor - positive) ** 2) - np.sum((anchor - negative) ** 2) + margin
    if loss <= 0:
        return np.zeros_like(anchor), np.zeros_like(anchor), np.zeros_like(anchor)
    return 2 * (negative - positive), 2 * (positive - anchor), 2 * (anchor - negative)


def triplets_of_batch(identities: int, faces: int) -> int:
    """Ordered triplets (anchor, positive, negative) in a batch of so many faces an identity."""
    anchors = identities * faces
    return anchors * (faces - 1) * (identities - 1) * faces


def spread(embeddings: np.ndarray) -> float:
    """Mean squared distance of the embeddings from their mean."""
    return float(np.mean(np.sum((embeddings - embeddings.mean(axis=0)) ** 2, axis=1)))
