"""Mining, triplet loss and gradient, against PyTorch.

Run `python -m benchmarks.triplets` (about four minutes, 14 GiB) after
`python -m pip install --editable '.[bench]'`; it writes benchmarks/results/triplets.json.
Embeddings of 128 numbers, every anchor-positive pair, margin 0.2, float32, all cores. Two peers.

A loop over anchors in PyTorch, with our rule and values: it chooses the triplets first, and then
takes the gradient through one batch x batch matrix.

pytorch-metric-learning's semi-hard miner with its triplet loss. Its rule differs: it keeps every
negative in the window as a triplet of its own, the far end of the window included, where ours takes
the nearest. So what can be compared is the number of pairs that have a triplet, and its loss and
gradient are others. It lists all triplets of the batch, which is what it needs memory for.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Comparison, write
from benchmarks.machine import cores_here
from benchmarks.options import Options, parse
from benchmarks.processes import Job, Setting, Side, Values, compare_apart
from facenet_jax.config import PAPER
from facenet_jax.mining import Mining
from facenet_jax.triplets import triplet_loss

SIZES = ((256, 8), (1024, 8), (1800, 40), (4096, 8))
"""Faces, faces of each identity."""
QUICK_SIZES = ((24, 4), (35, 5))
PEERS = ("torch", "pytorch_metric_learning")

_MINING = Mining("semi-hard")


def inputs(batch: int, faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings on the unit sphere, somewhat nearer to their own identity than to others; labels.

    Near enough that a good share of the negatives is in the window, as while a network learns. The
    numbers are multiples of 2^-11, so that float32 holds every distance exactly, in whatever order
    it is summed: else rounding decides here and there which of two negatives is nearer, and the
    sides choose different triplets.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(batch, dtype=np.int32) // faces
    z = 0.5 * rng.normal(size=(labels[-1] + 1, 128))[labels] + rng.normal(size=(batch, 128))
    z = np.round(2**11 * z / np.linalg.norm(z, axis=1, keepdims=True)) / 2**11
    return z.astype(np.float32), labels


def ours(batch: int, faces: int) -> Job:
    """The loss of the sum over triplets and its gradient, and how many pairs have a triplet."""
    z, labels = (jnp.asarray(part) for part in inputs(batch, faces))
    found: list[Any] = []

    def run() -> None:
        found[:] = [jax.block_until_ready(_step(z, labels))]

    def values() -> Values:
        (loss, seen), gradient = found[0]
        return {
            "loss": np.asarray(loss),
            "gradient": np.asarray(gradient),
            "pairs": np.round(np.asarray(seen.found * seen.pairs)),
        }

    return Job(run, values)


@jax.jit
@partial(jax.value_and_grad, has_aux=True)
def _step(z: jax.Array, labels: jax.Array) -> Any:
    return triplet_loss(z, labels, _MINING, mean="sum")


def torch_loop(batch: int, faces: int, cores: int) -> Job:
    """The same, mining one anchor at a time."""
    torch: Any = import_module("torch")
    torch.set_num_threads(cores)
    z, labels = (torch.from_numpy(part) for part in inputs(batch, faces))
    found: dict[str, Any] = {}

    def run() -> None:
        points = z.clone().requires_grad_()
        squares = (points * points).sum(1)
        distances = (squares[:, None] + squares - 2 * points @ points.T).clamp(min=0)
        fixed, chosen = distances.detach(), []
        for anchor in range(batch):
            same = labels == labels[anchor]
            negatives = (~same).nonzero()[:, 0]
            same[anchor] = False
            positives = same.nonzero()[:, 0]
            d_ap, d_an = fixed[anchor, positives][:, None], fixed[anchor, negatives]
            nearest, which = d_an.where(d_an > d_ap, torch.inf).min(1)
            ok = nearest < d_ap[:, 0] + PAPER.margin
            anchors = torch.full_like(positives[ok], anchor)
            chosen.append(torch.stack([anchors, positives[ok], negatives[which[ok]]]))
        a, p, n = torch.cat(chosen, 1)
        loss = (distances[a, p] - distances[a, n] + PAPER.margin).sum()
        loss.backward()
        found.update(loss=loss.detach(), gradient=points.grad, pairs=np.float32(len(a)))

    return Job(run, lambda: {name: np.asarray(value) for name, value in found.items()})


def metric_learning(batch: int, faces: int, cores: int) -> Job:
    """pytorch-metric-learning: miner and loss on squared distances."""
    torch: Any = import_module("torch")
    package: Any = import_module("pytorch_metric_learning")
    torch.set_num_threads(cores)
    squared = package.distances.LpDistance(normalize_embeddings=False, p=2, power=2)
    miner = package.miners.TripletMarginMiner(
        margin=PAPER.margin, type_of_triplets="semihard", distance=squared
    )
    loss = package.losses.TripletMarginLoss(
        margin=PAPER.margin, distance=squared, reducer=package.reducers.SumReducer()
    )
    z, labels = (torch.from_numpy(part) for part in inputs(batch, faces))
    mined: list[Any] = []

    def run() -> None:
        points = z.clone().requires_grad_()
        mined[:] = miner(points, labels)
        loss(points, labels, tuple(mined)).backward()

    def values() -> Values:
        anchors, positives, _ = mined
        return {"pairs": np.asarray(float(len(torch.unique(anchors * batch + positives))))}

    return Job(run, values)


def measure(options: Options) -> list[Comparison]:
    """Each size."""
    setting = Setting(repeats=5, malloc=options.malloc)
    lines = []
    for batch, faces in QUICK_SIZES if options.quick else SIZES:
        lines += compare_apart(
            f"semi-hard mining, loss and gradient, {batch:,} faces, {faces} of each identity",
            ours=Side("triplet_loss", "jax", partial(ours, batch, faces), compiles=True),
            peers=[
                Side(name, package, partial(prepare, batch, faces, cores_here()), imports)
                for name, package, prepare, imports in _peers()
            ],
            tolerance=1e-3,
            setting=setting,
        )
    return lines


def main() -> None:
    """Compare, and write the record."""
    options = parse("triplets", PEERS)
    write("triplets", measure(options), options.folder)


def _peers() -> list[tuple[str, str, Callable[..., Job], tuple[str, ...]]]:
    parts = ("distances", "losses", "miners", "reducers")
    return [
        ("loop over anchors, our rule", "torch", torch_loop, ("torch",)),
        (
            "TripletMarginMiner + TripletMarginLoss, every negative in the window",
            "pytorch-metric-learning",
            metric_learning,
            ("torch", *(f"pytorch_metric_learning.{part}" for part in parts)),
        ),
    ]


if __name__ == "__main__":
    main()
