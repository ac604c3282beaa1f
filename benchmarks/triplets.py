"""Mining, triplet loss and gradient, against PyTorch.

Run `python -m benchmarks.triplets` with torch and pytorch-metric-learning installed (no part of the
project's extras; some ten minutes); it writes benchmarks/results/triplets.json. Embeddings of 128
numbers, every anchor-positive pair, margin 0.2, float32, all cores on both sides. Two peers:
pytorch-metric-learning's semi-hard miner and its triplet loss, which keep every negative in the
window instead of the nearest; and a loop over anchors in PyTorch with our rule, which keeps one
batch x batch matrix.
"""

import sys
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Comparison, Contender, compare, largest_difference, write
from facenet_jax.config import PAPER
from facenet_jax.mining import Mining
from facenet_jax.triplets import triplet_loss

SIZES = ((256, 8, 7), (1024, 8, 5), (1800, 40, 3), (4096, 8, 3))
"""Faces, faces of each identity, repeats."""
PEERS = ("torch", "pytorch_metric_learning")

_MINING = Mining("semi-hard")


def inputs(batch: int, faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings on the unit sphere, nearer to their own identity's than to others'; labels."""
    for module in PEERS:
        import_module(module)  # imported here, they count in neither side's memory
    rng = np.random.default_rng(0)
    labels = np.arange(batch) // faces
    z = rng.normal(size=(labels[-1] + 1, 128))[labels] + rng.normal(size=(batch, 128))
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32), labels


def ours(z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Gradient of the sum over triplets, and for how many pairs there was one."""
    (_, seen), gradient = _step(jnp.asarray(z), jnp.asarray(labels, jnp.int32))
    return np.asarray(gradient), float(seen.found * seen.pairs)


@jax.jit
@partial(jax.value_and_grad, has_aux=True)
def _step(z: jax.Array, labels: jax.Array) -> Any:
    return triplet_loss(z, labels, _MINING, mean="sum")


def torch_loop(z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The same, one anchor at a time."""
    torch = import_module("torch")
    points = torch.tensor(z, requires_grad=True)
    names = torch.tensor(labels)
    squares = (points * points).sum(1)
    distances = (squares[:, None] + squares - 2 * points @ points.T).clamp(min=0)
    fixed, total, pairs = distances.detach(), points.new_zeros(()), 0
    for anchor in range(len(points)):
        same = names == names[anchor]
        negatives = (~same).nonzero()[:, 0]
        same[anchor] = False
        positives = same.nonzero()[:, 0]
        d_ap, d_an = fixed[anchor, positives][:, None], fixed[anchor, negatives]
        nearest, which = d_an.where(d_an > d_ap, torch.inf).min(1)
        found = nearest < d_ap[:, 0] + PAPER.margin
        chosen = distances[anchor, positives[found]] - distances[anchor, negatives[which[found]]]
        total = total + (chosen + PAPER.margin).sum()
        pairs += int(found.sum())
    total.backward()
    return points.grad.numpy(), float(pairs)


def metric_learning(z: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """pytorch-metric-learning: miner and loss on squared distances."""
    torch = import_module("torch")
    package = import_module("pytorch_metric_learning")
    for part in ("distances", "losses", "miners", "reducers"):
        import_module(f"pytorch_metric_learning.{part}")
    squared = package.distances.LpDistance(normalize_embeddings=False, p=2, power=2)
    miner = package.miners.TripletMarginMiner(
        margin=PAPER.margin, type_of_triplets="semihard", distance=squared
    )
    loss = package.losses.TripletMarginLoss(
        margin=PAPER.margin, distance=squared, reducer=package.reducers.SumReducer()
    )
    points, names = torch.tensor(z, requires_grad=True), torch.tensor(labels)
    mined = miner(points, names)
    loss(points, names, mined).backward()
    pairs = torch.unique(mined[0] * len(points) + mined[1])
    return points.grad.numpy(), float(len(pairs))


def gradient_difference(a: tuple[np.ndarray, float], b: tuple[np.ndarray, float]) -> float:
    """Largest, where both follow one rule."""
    return largest_difference(a[0], b[0])


def pair_difference(a: tuple[np.ndarray, float], b: tuple[np.ndarray, float]) -> float:
    """Of the numbers of pairs with a semi-hard negative: what two rules with one window share."""
    return abs(a[1] - b[1])


def main() -> None:
    """Compare, and write the record."""
    for module in PEERS:
        try:
            import_module(module)
        except ImportError:
            sys.exit(
                f"error: {module} is not installed; this benchmark compares with it. Install "
                "torch and pytorch-metric-learning beside the project, and run it again"
            )
    lines = []
    for batch, faces, repeats in SIZES:
        line = partial(_line, batch=batch, faces=faces, repeats=repeats)
        lines.append(line("loop over anchors, our rule", torch_loop, "torch", gradient_difference))
        lines.append(
            line(
                "TripletMarginMiner + TripletMarginLoss",
                metric_learning,
                "pytorch-metric-learning",
                pair_difference,
            )
        )
    write("triplets", lines)


def _line(
    name: str, peer: Any, package: str, difference: Any, *, batch: int, faces: int, repeats: int
) -> Comparison:
    return compare(
        f"semi-hard mining, loss and gradient, {batch:,} faces, {faces} of each identity",
        inputs=partial(inputs, batch, faces),
        ours=Contender("triplet_loss", ours),
        peer=Contender(name, peer),
        peer_version=version(package),
        difference=difference,
        repeats=repeats,
    )


if __name__ == "__main__":
    main()
