"""DeepFace's network in PyTorch, as its users write locally connected layers.

PyTorch has no such layer. Its users lay out every window (F.unfold) and multiply by each place's
own filters: by an einsum, as most write it, or by a batched matrix product over the places, which
is faster. Weights are channels first, and a local layer's are places x patch x filters.

Imported only where torch is installed.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.processes import Job, Values
from benchmarks.starting_weights import corner, load
from deepface_jax.network_config import Filters, NetworkConfig
from deepface_jax.train import TrainConfig

torch: Any = import_module("torch")
F: Any = torch.nn.functional

Product = Literal["einsum", "bmm"]


def locally_connected(x: Any, kernel: Any, window: int, stride: int, product: Product) -> Any:
    """Batch, channels, height, width in; batch, places, filters out."""
    patches = F.unfold(x, window, stride=stride)  # batch, patch, places
    if product == "einsum":
        return torch.einsum("npl,lpo->nlo", patches, kernel)
    return torch.bmm(patches.permute(2, 0, 1), kernel).transpose(0, 1)


def local_kernel(kernel: np.ndarray, window: int) -> np.ndarray:
    """Rows, columns, (window row, window column, channel), filters -> places, patch, filters."""
    rows, columns, patch, filters = kernel.shape
    split = kernel.reshape(rows * columns, window**2, -1, filters)
    return np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(-1, patch, filters)


def step(config: NetworkConfig, training: TrainConfig, **inputs: Any) -> Job:
    """Softmax loss, gradient and momentum; see `_network` for the other arguments."""
    forward, weights, ours, images, labels = _network(config, **inputs)
    for weight in weights.values():
        weight.requires_grad_()
    before = {name: corner(array.detach()) for name, array in ours().items()}
    optimizer = torch.optim.SGD(
        weights.values(), lr=training.learning_rate, momentum=training.momentum, fused=True
    )
    losses: list[Any] = []

    def run() -> None:
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(images, "F8"), labels)
        loss.backward()
        optimizer.step()
        losses[:] = [loss]

    def values() -> Values:
        moved = {name: corner(array.detach()) - before[name] for name, array in ours().items()}
        return {"loss": losses[0].detach().numpy(), **moved}

    return Job(run, values)


def features(config: NetworkConfig, **inputs: Any) -> Job:
    """F7 of a batch of faces; see `_network` for the other arguments."""
    forward, _, _, images, _ = _network(config, **inputs)
    found: list[Any] = []

    def run() -> None:
        with torch.inference_mode():
            found[:] = [forward(images, "F7")]

    return Job(run, lambda: {"F7": found[0].numpy()})


def _network(
    config: NetworkConfig,
    *,
    weights: Path,
    product: Product,
    images: np.ndarray,
    labels: np.ndarray,
    cores: int,
) -> tuple[Callable[[Any, str], Any], dict[str, Any], Callable[[], dict[str, Any]], Any, Any]:
    """The forward pass, its weights, these in our order of axes, and the inputs as tensors.

    Args:
      config: the full network.
      weights: file of them.
      product: of the local layers.
      images: uint8, channels last.
      labels: of the faces.
      cores: threads.
    """
    torch.set_num_threads(cores)
    shapes = {}
    tensors = {}
    for name, array in load(weights).items():
        shapes[name] = array.shape
        tensors[name] = torch.tensor(_theirs(config, name, array))

    def forward(images: Any, last: str) -> Any:
        x = F.relu(_convolution(tensors, "C1", images.float() / 255))
        x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
        x = F.relu(_convolution(tensors, "C3", x))
        for layer in ("L4", "L5", "L6"):
            filters = _filters(config, layer)
            y = locally_connected(
                x, tensors[f"{layer}.kernel"], filters.size, filters.stride, product
            )
            y = F.relu(y + tensors[f"{layer}.bias"])
            side = round(y.shape[1] ** 0.5)
            x = y.transpose(1, 2).reshape(len(y), -1, side, side)
        f7 = F.relu(_linear(tensors, "F7", y.flatten(1)))  # places, then channels: as ours
        return f7 if last == "F7" else _linear(tensors, "F8", f7)

    channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return (
        forward,
        tensors,
        lambda: {name: _ours(config, name, t, shapes[name]) for name, t in tensors.items()},
        torch.from_numpy(channels_first),
        torch.from_numpy(labels.astype(np.int64)),
    )


def _convolution(tensors: Mapping[str, Any], name: str, x: Any) -> Any:
    return F.conv2d(x, tensors[f"{name}.kernel"], tensors[f"{name}.bias"])


def _linear(tensors: Mapping[str, Any], name: str, x: Any) -> Any:
    return F.linear(x, tensors[f"{name}.kernel"], tensors[f"{name}.bias"])


def _filters(config: NetworkConfig, layer: str) -> Filters:
    filters = config.filters(layer)
    if filters is None:
        raise ValueError(f"the configuration leaves {layer} out; the peer has the full network")
    return filters


def _theirs(config: NetworkConfig, name: str, array: np.ndarray) -> np.ndarray:
    """A weight in PyTorch's order of axes."""
    layer, part = name.split(".")
    if layer.startswith("L"):
        if part == "bias":
            return array.reshape(-1, array.shape[-1])
        return local_kernel(array, _filters(config, layer).size)
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T)


def _ours(config: NetworkConfig, name: str, tensor: Any, shape: tuple[int, ...]) -> Any:
    """The way back."""
    layer, part = name.split(".")
    if layer.startswith("L"):
        if part == "bias":
            return tensor.reshape(shape)
        window = _filters(config, layer).size
        split = tensor.reshape(*shape[:2], -1, window, window, shape[-1])
        # Only what `corner` takes, since all of it would be a copy of the kernel.
        return split[:3, :3].permute(0, 1, 3, 4, 2, 5).reshape(*split[:3, :3].shape[:2], *shape[2:])
    return tensor.permute({1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[tensor.ndim])
