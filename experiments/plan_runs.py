"""The papers' trainings in numbers, from shapes alone: no weight is drawn and nothing is run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

DType: TypeAlias = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Run:
    """What a training does, whatever it runs on."""

    title: str
    images: int
    """Of the training set."""
    epochs: float
    batch: int
    pieces: int
    """That a device computes its part of a batch in, one after the other."""
    side: int
    """Height and width of a face in pixels."""
    parameters: int
    multiply_adds: int
    """Of one face, forward."""
    passes: int
    """Of a training face, in forward passes: a gradient counts as two more."""
    state_bytes: int
    """Weights, optimizer and averages."""
    weight_bytes: int
    """A gradient has as many."""
    kept_bytes: int
    """Of a face, from the forward pass to the gradient."""
    command: str
    notes: tuple[str, ...]
    """What this run's numbers assume."""
    step: Callable[[int], Any]
    """The step for so many faces, lowered but not compiled yet."""

    def __post_init__(self) -> None:
        if min(self.images, self.batch, self.pieces) < 1 or not self.epochs > 0:
            raise ValueError(
                f"{self.images} images, batches of {self.batch} in {self.pieces} pieces, "
                f"{self.epochs} epochs; wanted all above zero"
            )

    @property
    def faces(self) -> float:
        """That the network sees in training."""
        return self.images * self.epochs

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return max(1, round(self.faces / self.batch))

    @property
    def operations(self) -> float:
        """Floating-point operations of the whole training: a multiply-add is two."""
        return 2.0 * self.passes * self.multiply_adds * self.faces


def facenet(
    network: str = "NN1",
    *,
    images: int | None = None,
    epochs: float | None = None,
    batch: int | None = None,
    pieces: int = 1,
    dtype: DType = "float32",
) -> Run:
    """FaceNet's run: 200 million images, batches of 1,800.

    Args:
      network: NN1 to NN4.
      images: instead of the paper's.
      epochs: instead of the recipe's.
      batch: faces, instead of the paper's.
      pieces: above one, faces are embedded twice (`facenet_jax.large_batch`).
      dtype: of activations and products.
    """
    from experiments.paper_numbers import DEEP
    from facenet_jax.config import network_config
    from facenet_jax.recipes import PAPER
    from facenet_jax.tables import rows, total
    from facenet_jax.train import Batch, make_step, start

    (config,), net = PAPER, replace(network_config(network), dtype=dtype)
    images = images or _published(DEEP["FaceNet, aligned"])
    graph, state = _abstract(lambda: start(net, config, people=2, faces=images))
    side, batch = net.side, batch or config.batch

    def forward(params: Any, faces: Any) -> Any:
        model = nnx.merge(graph, params, state.weights.statistics)
        return model(faces.astype(jnp.float32) / 255, training=True)

    def step(faces: int) -> Any:
        jitted: Any = make_step(config, graph, faces=images)
        return jitted.lower(state, Batch(_faces(faces, side), _labels(faces)))

    params = state.weights.params["network"]
    chunk = f" --chunk {batch // pieces}" if pieces > 1 else ""
    return Run(
        title=f"FaceNet, {network}", images=images, epochs=epochs or config.epochs, batch=batch,
        pieces=pieces, side=side, parameters=_count(params),
        multiply_adds=total(rows(net)).multiply_adds, passes=3 if pieces == 1 else 4,
        state_bytes=_bytes(state), weight_bytes=_bytes(params),
        kept_bytes=_kept(forward, params, side),
        command="python -m experiments.train_facenet --train-dir DIR --recipe paper-size "
        f"--network {network}{chunk}",
        notes=(
            "The paper gives no epochs, only 1,000 to 2,000 hours on CPUs: the epochs are ours "
            "(facenet_jax.recipes.PAPER).",
            "The mining's distances, at most a block of 256 x batch numbers at a time, are not "
            "counted.",
            f"The command takes the recipe's own epochs, batch and float32, runs on one device, "
            f"and holds all faces in memory ({_si(3.0 * images * side**2)}B for so many): for more "
            "than a machine holds, hand a loader of shards to facenet_jax.train.make_step, which "
            "takes a mesh of devices.",
        ),
        step=step,
    )  # fmt: skip


def deepface(
    *,
    images: int | None = None,
    epochs: float | None = None,
    batch: int | None = None,
    pieces: int = 1,
    dtype: DType = "float32",
) -> Run:
    """DeepFace's run: 4.4 million images of 4,030 people, 15 epochs, batches of 128.

    For the arguments see `facenet`; in pieces, no face is represented twice.
    """
    from deepface_jax.network_config import DF_4_4K
    from deepface_jax.train import PAPER, Batch, logits_of, make_step, start
    from experiments.paper_numbers import DEEPFACE

    net = replace(DF_4_4K, compute_dtype=dtype)
    images = images or _published(DEEPFACE["inner-product"])
    graph, state = _abstract(lambda: start(net, PAPER, faces=images))
    side, batch = net.side, batch or PAPER.batch

    def forward(weights: Any, faces: Any) -> Any:
        network = nnx.merge(graph, weights)
        return logits_of(network, faces.astype(jnp.float32) / 255, 0.0, key=jax.random.key(0))

    def step(faces: int) -> Any:
        jitted: Any = make_step(PAPER, graph, faces=images)
        return jitted.lower(state, Batch(_faces(faces, side), _labels(faces)))

    return Run(
        title="DeepFace", images=images, epochs=epochs or PAPER.epochs, batch=batch,
        pieces=pieces, side=side, parameters=_count(state.weights),
        multiply_adds=sum(net.multiply_adds().values()), passes=3,
        state_bytes=_bytes(state), weight_bytes=_bytes(state.weights),
        kept_bytes=_kept(forward, state.weights, side),
        command="python -m experiments.train_deepface --train-dir DIR"
        + (f" --pieces {pieces}" if pieces > 1 else "")
        + (f" --dtype {dtype}" if dtype != "float32" else ""),
        notes=(
            "Every device holds all weights; the command's --kernel-parts splits the large ones.",
            "The command takes the paper's own epochs and batch, and splits each batch over all "
            "devices; the faces' 3D alignment, which comes first and once, is not counted.",
        ),
        step=step,
    )  # fmt: skip


def _published(paper: Any) -> int:
    """Training images of a published row that names them."""
    assert paper.training_count is not None
    return paper.training_count


def _abstract(begin: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Graph and state of a training, the state as shapes alone."""
    graphs = []

    def state() -> Any:
        graph, made = begin()
        graphs.append(graph)
        return made

    shapes = jax.eval_shape(state)
    return graphs[0], shapes


def _kept(forward: Callable[[Any, Any], Any], params: Any, side: int) -> int:
    """Bytes that a face adds to what JAX keeps of the forward pass for the gradient."""

    def kept(faces: int) -> int:
        def back(params: Any, images: Any) -> Any:
            return jax.vjp(lambda own: forward(own, images), params)[1]

        return _bytes(jax.eval_shape(back, params, _faces(faces, side)))

    return kept(3) - kept(2)


def _faces(count: int, side: int) -> Any:
    return jax.ShapeDtypeStruct((count, side, side, 3), jnp.uint8)


def _labels(count: int) -> Any:
    return jax.ShapeDtypeStruct((count,), jnp.int32)


def _count(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _si(value: float) -> str:
    """A number with three digits and its prefix, as `29.0 T`.

    Example:
      >>> _si(2.904e13), _si(1500.0), _si(12.0)
      ('29.0 T', '1.50 k', '12.0 ')
    """
    prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"]
    while abs(value) >= 1000 and len(prefixes) > 1:
        value, prefixes = value / 1000, prefixes[1:]
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f} {prefixes[0]}"
