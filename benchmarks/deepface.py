"""A training step of all of DeepFace, and features of a face on one core, against PyTorch.

Run `python -m benchmarks.deepface` (about four minutes on two quiet cores, 14 GiB) after
`python -m pip install --editable '.[bench]'`; it writes benchmarks/results/deepface.json. The peer
is the same network with the same weights, its local layers written as PyTorch's users do
(benchmarks/torch_deepface.py), float32. A step is the softmax loss, its gradient and SGD with
momentum, of 118,923,774 parameters. Dropout is off, so that both do the same. Features stand
beside the paper's time, of a processor of 2014; a call's time is that of the whole batch.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Comparison, write
from benchmarks.machine import cores_here, peak_gflop_per_second
from benchmarks.options import Options, parse
from benchmarks.processes import Job, Setting, Side, Values, compare_apart
from benchmarks.starting_weights import corner, named, save
from deepface_jax.model import parameter_table
from deepface_jax.network_config import DF_4_4K, SMALL, NetworkConfig
from deepface_jax.train import PAPER, Batch, make_features, make_step, start
from experiments.paper_numbers import DEEPFACE_FEATURES_SECONDS

FULL, QUICK = (replace(network, dropout=0.0) for network in (DF_4_4K, SMALL))
TRAINING = PAPER
FACES = 4_400_000
_PRODUCTS = ("einsum", "bmm")


def our_step(network: NetworkConfig, batch: int) -> Job:
    """The project's own step, from its own start."""
    graph, state = start(network, TRAINING, faces=FACES)
    before = {name: corner(leaf) for name, leaf in named(state.weights)}
    step = make_step(TRAINING, graph, faces=FACES)
    data = Batch(*(jnp.asarray(part) for part in faces(network, batch)))
    now: list[Any] = [state, None]
    del state  # a step consumes it

    def run() -> None:
        now[:] = jax.block_until_ready(step(now[0], data))

    def values() -> Values:
        moved = {name: corner(leaf) - before[name] for name, leaf in named(now[0].weights)}
        return {"loss": np.asarray(now[1]), **moved}

    return Job(run, values)


def our_features(network: NetworkConfig, batch: int) -> Job:
    """The project's own forward pass up to F7."""
    graph, state = start(network, TRAINING, faces=FACES)
    images, weights = jnp.asarray(faces(network, batch)[0]), state.weights
    del state  # with its momentum
    features = make_features(graph)
    found: list[Any] = []

    def run() -> None:
        found[:] = [jax.block_until_ready(features(weights, images))]

    return Job(run, lambda: {"F7": np.asarray(found[0])})


def torch_job(
    kind: str, network: NetworkConfig, batch: int, weights: Path, product: Any, cores: int
) -> Job:
    """A `step` or `features` in PyTorch."""
    from benchmarks import torch_deepface

    images, labels = faces(network, batch)
    inputs = {
        "weights": weights, "product": product, "images": images, "labels": labels, "cores": cores
    }  # fmt: skip
    if kind == "step":
        return torch_deepface.step(network, TRAINING, **inputs)
    return torch_deepface.features(network, **inputs)


def faces(network: NetworkConfig, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pixels and people: the time does not depend on them."""
    rng = np.random.default_rng(0)
    size = (batch, network.side, network.side, network.channels)
    return rng.integers(0, 256, size, np.uint8), rng.integers(0, network.classes, batch, np.int32)


def gflop(network: NetworkConfig, batch: int, *, training: bool) -> float:
    """Multiplications and additions of the products, in 10^9.

    A forward pass, up to F7 without training. In training also the gradients of each layer's
    weights and of its input, which C1's does not need.
    """
    total = 0
    for row in parameter_table(network):
        places = row.output[0] * row.output[1] if row.layer.startswith("C") else 1
        passes = (2 if row.layer == "C1" else 3) if training else int(row.layer != "F8")
        total += 2 * passes * places * row.weights
    return total * batch / 1e9


def measure(options: Options) -> list[Comparison]:
    """Training steps at two sizes of batch on all cores, features at two on one core."""
    network = QUICK if options.quick else FULL
    setting = Setting(repeats=3, malloc=options.malloc)
    one_core = Setting(repeats=5, malloc=options.malloc, cores=1)
    matrices = {"side": 256} if options.quick else {}
    lines = []
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.npz"
        _, state = start(network, TRAINING, faces=FACES)
        save(weights, state.weights)
        del state
        peak = peak_gflop_per_second(**matrices)
        for batch in (2, 3) if options.quick else (32, 128):
            lines += _compare("step", network, batch, weights, setting, peak)
        peak = peak_gflop_per_second(**matrices, cores=1)
        for batch in (1, 2) if options.quick else (1, 64):
            lines += _compare("features", network, batch, weights, one_core, peak)
    return lines


def main() -> None:
    """Compare, and write the record."""
    options = parse("deepface", ("torch",))
    write("deepface", measure(options), options.folder)


def _compare(
    kind: str, network: NetworkConfig, batch: int, weights: Path, setting: Setting, peak: float
) -> list[Comparison]:
    training = kind == "step"
    parameters = sum(row.weights + row.biases for row in parameter_table(network))
    what = f"training step, {parameters:,} parameters" if training else "features up to F7"
    facts: dict[str, Any] = {"gflop_per_second_machine": peak}
    if not training:
        facts["published_seconds_per_face"] = DEEPFACE_FEATURES_SECONDS
    cores = setting.cores or cores_here()
    return compare_apart(
        f"DeepFace, {what}, {network.side} x {network.side}, batch {batch}, "
        f"{'one core' if setting.cores else 'all cores'}",
        ours=Side(
            "deepface_jax.train.make_step" if training else "deepface_jax.train.make_features",
            "jax",
            partial(our_step if training else our_features, network, batch),
            compiles=True,
        ),
        peers=[
            Side(
                f"torch F.unfold, {product}",
                "torch",
                partial(torch_job, kind, network, batch, weights, product, cores),
                imports=("torch",),
            )
            for product in _PRODUCTS
        ],
        tolerance=0.01 if training else 1e-4,
        setting=setting,
        gflop=gflop(network, batch, training=training),
        facts=facts,
    )


if __name__ == "__main__":
    main()
