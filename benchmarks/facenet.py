"""A training step and a forward pass of FaceNet's NN4 and NN2, against PyTorch.

Run `python -m benchmarks.facenet` (about three minutes on two quiet cores, 8 GiB) after
`python -m pip install --editable '.[bench]'`; it writes benchmarks/results/facenet.json. The peer
is the same network with the same weights in PyTorch (benchmarks/torch_facenet.py), in both of its
memory layouts, run eagerly; float32, all cores. A step is the embedding, semi-hard mining with our
rule on both sides, the triplet loss, its gradient and AdaGrad, as in the paper. What ours takes for
compiling is in the seconds of the first call, as is what PyTorch does the first time.
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
from facenet_jax.config import NN2, NN4, NetworkConfig
from facenet_jax.recipes import PAPER, TrainConfig
from facenet_jax.tables import rows
from facenet_jax.train import Batch, make_embed, make_step, start

FACES_OF_EACH = 4
SIZES = ((NN4, 32), (NN2, 8))
QUICK_SIZES = ((NetworkConfig("NN4", side=35, width=1 / 16), 12),)
_LAYOUTS = ("channels first", "channels_last")
_STEP_TOLERANCE = 0.05
"""Of an update: through twenty layers rounding turns a ReLU here and there on or off."""
_TRAINING_SET: dict[str, Any] = {"people": 1000, "faces": 100_000}


def recipe(batch: int) -> TrainConfig:
    """The paper's, in batches that a small machine holds."""
    identities = batch // FACES_OF_EACH
    return replace(PAPER[0], identities=identities, faces=FACES_OF_EACH, negatives=0)


def our_step(network: NetworkConfig, batch: int) -> Job:
    """The project's own step, from its own start."""
    training = recipe(batch)
    graph, state = start(network, training, **_TRAINING_SET)
    before = {name: corner(leaf) for name, leaf in named(state.weights.params["network"])}
    step = make_step(training, graph, faces=_TRAINING_SET["faces"])
    data = Batch(*(jnp.asarray(part) for part in faces(network, batch)))
    now: list[Any] = [state, None]
    del state  # a step consumes it

    def run() -> None:
        now[:] = jax.block_until_ready(step(now[0], data))

    def values() -> Values:
        weights = named(now[0].weights.params["network"])
        moved = {name: corner(leaf) - before[name] for name, leaf in weights}
        return {"loss": np.asarray(now[1]), **moved}

    return Job(run, values)


def our_forward(network: NetworkConfig, batch: int) -> Job:
    """The project's own forward pass."""
    graph, state = start(network, recipe(batch), **_TRAINING_SET)
    images, weights = jnp.asarray(faces(network, batch)[0]), state.weights
    del state
    embed = make_embed(graph)
    found: list[Any] = []

    def run() -> None:
        found[:] = [jax.block_until_ready(embed(weights, images))]

    return Job(run, lambda: {"embeddings": np.asarray(found[0])})


def torch_job(
    kind: str, network: NetworkConfig, batch: int, weights: Path, layout: Any, cores: int
) -> Job:
    """A `step` or a `forward` in PyTorch."""
    from benchmarks import torch_facenet

    images, labels = faces(network, batch)
    inputs = {
        "weights": weights, "layout": layout, "images": images, "labels": labels, "cores": cores
    }  # fmt: skip
    if kind == "step":
        return torch_facenet.step(network, recipe(batch), **inputs)
    return torch_facenet.forward(network, **inputs)


def faces(network: NetworkConfig, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth patterns, each identity's of its own, with noise; four faces of each identity.

    On noise alone a network with random weights gives the same embedding everywhere, and mining
    would hang on the last digits.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(batch, dtype=np.int32) // FACES_OF_EACH
    row, column = np.indices((network.side, network.side))[..., None] / network.side
    waves = rng.normal(size=(4, labels[-1] + 1, 3))[:, labels, None, None]
    waves = waves + 0.3 * rng.normal(size=(4, batch, 1, 1, 3))
    phase = 9 * (row * waves[0] + column * waves[1] + waves[2])
    pixels = 127 + 60 * waves[3] * np.sin(phase) + 10 * rng.normal(size=phase.shape)
    return pixels.clip(0, 255).astype(np.uint8), labels


def gflop(network: NetworkConfig, batch: int, *, training: bool) -> float:
    """Multiplications and additions of the products, in 10^9.

    A forward pass; in training also the gradients of each layer's weights and of its input, which
    the first layer's does not need.
    """
    total = 0
    for number, row in enumerate(rows(network)):
        passes = (2 if number == 0 else 3) if training else 1
        total += 2 * passes * row.multiply_adds
    return total * batch / 1e9


def measure(options: Options) -> list[Comparison]:
    """Each network, forward and a training step."""
    setting = Setting(repeats=7, malloc=options.malloc)
    peak = peak_gflop_per_second(**({"side": 256} if options.quick else {}))
    lines = []
    for network, batch in QUICK_SIZES if options.quick else SIZES:
        with TemporaryDirectory() as folder:
            weights = Path(folder) / "weights.npz"
            _, state = start(network, recipe(batch), **_TRAINING_SET)
            save(weights, state.weights.params["network"])
            for kind in ("forward", "step"):
                lines += _compare(kind, network, batch, weights, setting, peak)
    return lines


def main() -> None:
    """Compare, and write the record."""
    options = parse("facenet", ("torch",))
    write("facenet", measure(options), options.folder)


def _compare(
    kind: str, network: NetworkConfig, batch: int, weights: Path, setting: Setting, peak: float
) -> list[Comparison]:
    training = kind == "step"
    side = network.side
    return compare_apart(
        f"FaceNet {network.network}, {'training step' if training else 'forward'}, "
        f"{side} x {side}, batch {batch}",
        ours=Side(
            "facenet_jax.train.make_step" if training else "facenet_jax.train.make_embed",
            "jax",
            partial(our_step if training else our_forward, network, batch),
            compiles=True,
        ),
        peers=[
            Side(
                f"torch, {layout}",
                "torch",
                partial(torch_job, kind, network, batch, weights, layout, cores_here()),
                imports=("torch",),
            )
            for layout in _LAYOUTS
        ],
        tolerance=_STEP_TOLERANCE if training else 1e-4,
        setting=setting,
        gflop=gflop(network, batch, training=training),
        facts={"gflop_per_second_machine": peak},
    )


if __name__ == "__main__":
    main()
