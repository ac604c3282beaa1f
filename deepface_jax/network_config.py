"""The values of DeepFace's network, as named configurations.

Layers have the paper's names. Its ablations leave layers out, and it does not say what becomes of
the sizes after them. Here the other layers keep their kernels and strides, and the sizes follow: a
missing layer does not shrink its input, so F7 sees more places, and each ablation has more
parameters than the full network (SUB1 236,725,486, SUB2 267,033,054, SUB3 368,248,782).
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

TRUNK = ("C1", "C3", "L4", "L5", "L6")
"""Layers with a place for every output, in order; M2 is after C1."""


@dataclass(frozen=True)
class Filters:
    """A convolution or a locally connected layer: square windows, no padding."""

    count: int
    """Channels of the output."""
    size: int
    """Rows and columns of a window."""
    stride: int = 1


class Extent(NamedTuple):
    """Of a layer's input or output."""

    side: int
    channels: int


@dataclass(frozen=True)
class NetworkConfig:
    """The full network as published; None for a layer leaves it out."""

    side: int = 152
    """Height and width of the input in pixels."""
    channels: int = 3
    C1: Filters = Filters(32, 11)
    C3: Filters | None = Filters(16, 9)
    L4: Filters | None = Filters(16, 9)
    L5: Filters | None = Filters(16, 7, stride=2)
    L6: Filters | None = Filters(16, 5)
    F7: int = 4096
    """Units of the representation."""
    classes: int = 4030
    """People of the training set: units of F8."""

    dropout: float = 0.5
    """Share of F7's units dropped in training. The paper does not state it; this is the value of
    the networks of its time."""
    init: Literal["paper", "he"] = "paper"
    """`paper`: weights normal with standard deviation 0.01, biases 0.5. `he`: weights normal with
    variance 2 / inputs (F8, which no ReLU follows: 1 / inputs), biases 0; for little data."""
    centered: bool = False
    """Shift and scale pixels from [0, 1] to [-1, 1]; the paper says nothing of it."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Of activations and products. Weights and logits are float32 always."""
    remat: tuple[str, ...] = ()
    """Layers of C1 to F7 whose insides the gradient computes again instead of keeping them."""
    block: tuple[int, int] | None = None
    """Rows and columns of outputs that a local layer computes at once; see `locally_connected`."""

    def __post_init__(self):
        """Check what later would only fail in JAX's depths.

        Raises:
          ValueError: a layer has no output, or a value is out of its range.
        """
        for name, extent in self.outputs().items():
            if min(extent) < 1:
                raise ValueError(
                    f"an input of {self.side} x {self.side} leaves {name} with an output of side "
                    f"{extent.side} and {extent.channels} channels; take a larger side or smaller "
                    "windows"
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}, wanted a share from 0 up, below 1")
        if unknown := set(self.remat) - {*TRUNK, "F7"}:
            raise ValueError(
                f"remat names {', '.join(sorted(unknown))}; it can name {', '.join(TRUNK)} and F7"
            )

    def filters(self, name: str) -> Filters | None:
        """Those of a layer of `TRUNK`."""
        return getattr(self, name)

    def outputs(self) -> dict[str, Extent]:
        """Side and channels after the input and after each layer, in order."""
        extent = Extent(self.side, self.channels)
        found = {"input": extent}
        for name in TRUNK:
            if filters := self.filters(name):
                side = (extent.side - filters.size) // filters.stride + 1
                found[name] = extent = Extent(side, filters.count)
            if name == "C1":  # rounded up: 142 to 71
                found["M2"] = extent = Extent(-(-extent.side // 2), extent.channels)
        found["F7"], found["F8"] = Extent(1, self.F7), Extent(1, self.classes)
        return found

    def input_of(self, layer: str) -> Extent:
        """Side and channels of what a layer gets."""
        outputs = self.outputs()
        names = list(outputs)
        return outputs[names[names.index(layer) - 1]]

    def multiply_adds(self) -> dict[str, int]:
        """Of each layer with weights, for one image.

        Example:
          >>> sum(NetworkConfig().multiply_adds().values())
          517624448
        """
        outputs, found = self.outputs(), {}
        for name in TRUNK:
            if filters := self.filters(name):
                side, channels = outputs[name]
                c_in = self.input_of(name).channels
                found[name] = side**2 * channels * filters.size**2 * c_in
        last = self.input_of("F7")
        found["F7"] = last.side**2 * last.channels * self.F7
        found["F8"] = self.F7 * self.classes
        return found


DF_4_4K = NetworkConfig()
"""Trained on all 4.4 million faces of the paper, of 4,030 people."""
DF_3_3K = replace(DF_4_4K, classes=3000)
"""Trained on 3.3 million faces; the paper rounds the count of people."""
DF_1_5K = replace(DF_4_4K, classes=1500)
"""Trained on 1.5 million faces; the paper rounds the count of people."""

SUB1 = replace(DF_4_4K, C3=None)
"""Ablation DF-sub1: without C3."""
SUB2 = replace(DF_4_4K, L4=None, L5=None)
"""Ablation DF-sub2: without L4 and L5."""
SUB3 = replace(DF_4_4K, C3=None, L4=None, L5=None)
"""Ablation DF-sub3: without C3, L4 and L5."""

DEEPFACE_SMALL = NetworkConfig(
    side=76,
    C1=Filters(16, 7),
    C3=Filters(16, 5),
    L4=Filters(16, 5),
    L5=Filters(16, 5, stride=2),
    L6=Filters(16, 3),
    F7=512,
    classes=912,
    dropout=0.0,
    init="he",
    centered=True,
)
"""Half the paper's side and windows, small enough to ship; sides 70, 35, 31, 27, 12, 10."""

SMALL = NetworkConfig(
    side=40,
    C1=Filters(8, 5),
    C3=Filters(8, 5),
    L4=Filters(8, 5),
    L5=Filters(8, 3, stride=2),
    L6=Filters(8, 3),
    F7=64,
    classes=10,
    init="he",
)
"""The same kinds of layers for tests and notebooks; 40 x 40 pixels, sides 36, 18, 14, 10, 4, 2."""
