"""FaceNet's Inception networks in PyTorch, with the same weights and values as ours.

Convolutions, maxima and averages are torch.nn.functional's own. `norm` is a sum of slices, since
local_response_norm averages in three dimensions, which is slower. Where our SAME windows reach
farther beyond one edge than the other, the input is padded.

Imported only where torch is installed.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.processes import Job, Values
from benchmarks.starting_weights import corner, load
from facenet_jax.config import NetworkConfig
from facenet_jax.inception import InceptionRow
from facenet_jax.nn2 import inception_rows
from facenet_jax.recipes import TrainConfig

torch: Any = import_module("torch")
F: Any = torch.nn.functional

Layout = Literal["channels first", "channels_last"]


def step(network: NetworkConfig, training: TrainConfig, **inputs: Any) -> Job:
    """Embed, mine, triplet loss, gradient, AdaGrad; see `_inputs` for the other arguments."""
    weights, images, labels = _inputs(**inputs)
    for weight in weights.values():
        weight.requires_grad_()
    before = _corners(weights)
    optimizer = torch.optim.Adagrad(
        weights.values(),
        lr=training.learning_rate,
        initial_accumulator_value=training.accumulator,
        fused=True,
    )
    losses: list[Any] = []

    def run() -> None:
        optimizer.zero_grad()
        z = embed(network, weights, images)
        loss = triplet_loss(z, labels, training.mining.margin)
        loss.backward()
        optimizer.step()
        losses[:] = [loss]

    def values() -> Values:
        moved = {name: now - before[name] for name, now in _corners(weights).items()}
        return {"loss": losses[0].detach().numpy(), **moved}

    return Job(run, values)


def forward(network: NetworkConfig, **inputs: Any) -> Job:
    """Embed; see `_inputs` for the other arguments."""
    weights, images, _ = _inputs(**inputs)
    found: list[Any] = []

    def run() -> None:
        with torch.inference_mode():
            found[:] = [embed(network, weights, images)]

    return Job(run, lambda: {"embeddings": found[0].numpy()})


def triplet_loss(z: Any, labels: Any, margin: float) -> Any:
    """For every pair its nearest semi-hard negative; mean over the pairs.

    All anchors, positives and negatives at once: of the batches here that is the fastest way.
    """
    squares = (z * z).sum(1)
    d = (squares[:, None] + squares - 2 * z @ z.T).clamp(min=0)
    same = labels[:, None] == labels
    pairs = same & ~torch.eye(len(z), dtype=torch.bool)
    fixed = d.detach()
    beyond = ~same[:, None, :] & (fixed[:, None, :] > fixed[:, :, None])
    nearest, which = fixed[:, None, :].where(beyond, torch.inf).min(2)
    found = pairs & (nearest < fixed + margin)
    losses = d - d.gather(1, which) + margin
    return losses.where(found, 0.0).sum() / pairs.sum()


def embed(network: NetworkConfig, weights: Mapping[str, Any], images: Any) -> Any:
    """From uint8 pixels, channels first, to points on the unit sphere."""
    x = 4 * (images.float() / 255 - 0.5)
    x = max_pool(_conv(weights, "network.conv1", x, 2), 2)
    x = norm(x) if network.response_norm else x
    for row in inception_rows(network):
        x = _inception(weights, row, x)
        if row.name == "2":
            x = max_pool(norm(x) if network.response_norm else x, 2)
    z = F.linear(x.mean((2, 3)), weights["network.fc.kernel"], weights["network.fc.bias"])
    return z / z.norm(dim=1, keepdim=True)


def norm(x: Any) -> Any:
    """Local response normalization over five neighboring channels."""
    squares = F.pad(x * x, (0, 0, 0, 0, 2, 2))
    channels = x.shape[1]
    total = sum(squares[:, i : i + channels] for i in range(5))
    root = torch.rsqrt(2 + 1e-4 * total)
    return x * (root * root.sqrt())


def max_pool(x: Any, stride: int) -> Any:
    """Largest of each 3 x 3 window."""
    if stride == 2 and x.shape[-1] % 2 == 0:  # windows reach beyond the last edge alone
        return F.max_pool2d(x, 3, stride, ceil_mode=True)
    return F.max_pool2d(x, 3, stride, padding=1)


def l2_pool(x: Any) -> Any:
    """Root of the sum of squares in each 3 x 3 window, stride 1; no infinite gradient at zero."""
    total = 9 * F.avg_pool2d(x * x, 3, 1, padding=1)
    return total.clamp(min=torch.finfo(x.dtype).tiny).sqrt()


def _inception(weights: Mapping[str, Any], row: InceptionRow, x: Any) -> Any:
    here = f"network.inception.{row.name}"
    outputs = [_conv(weights, f"{here}.one.0", x)] if row.one else []
    for branch, (_, filters) in (("three", row.three), ("five", row.five)):
        if filters:
            reduced = _conv(weights, f"{here}.{branch}.0", x)
            outputs.append(_conv(weights, f"{here}.{branch}.1", reduced, row.stride))
    if row.pool is not None:
        pooled = l2_pool(x) if row.pool == "l2" else max_pool(x, row.stride)
        outputs.append(_conv(weights, f"{here}.projection.0", pooled) if row.projection else pooled)
    return torch.cat(outputs, 1)


def _conv(weights: Mapping[str, Any], name: str, x: Any, stride: int = 1) -> Any:
    """SAME convolution and ReLU."""
    kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
    size, side = kernel.shape[-1], x.shape[-1]
    around = max((-(-side // stride) - 1) * stride + size - side, 0)
    if around % 2:
        x, before = F.pad(x, (around // 2, around - around // 2) * 2), 0
    else:
        before = around // 2
    return F.relu(F.conv2d(x, kernel, bias, stride, before))


def _inputs(
    *, weights: Path, layout: Layout, images: np.ndarray, labels: np.ndarray, cores: int
) -> tuple[dict[str, Any], Any, Any]:
    """Weights, images and labels as tensors.

    Args:
      weights: file of them.
      layout: of images and kernels in memory.
      images: uint8, channels last.
      labels: of the faces.
      cores: threads.
    """
    torch.set_num_threads(cores)
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    tensors = {}
    for name, array in load(weights).items():
        if array.ndim == 4:
            tensor = torch.tensor(np.ascontiguousarray(array.transpose(3, 2, 0, 1)))
            tensors[name] = tensor.contiguous(memory_format=memory)
        else:
            tensors[name] = torch.tensor(np.ascontiguousarray(array.T))
    pixels = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    return tensors, pixels.contiguous(memory_format=memory), torch.tensor(labels.astype(np.int64))


def _corners(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """In our order of axes."""
    ours = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}
    return {
        name: corner(tensor.detach().permute(ours[tensor.ndim])) for name, tensor in weights.items()
    }
