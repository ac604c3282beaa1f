"""Parameters and multiply-adds of every row of the paper's tables, from the shapes alone.

What the paper prints as FLOPS are multiply-adds. Some of its rounded figures fit the weights only
with the biases (conv1's 119M), others only without (4a's 545K); so the two are counted apart. Batch
normalization's scales and PReLU's slopes, which the paper has not, are not counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from common.framing import upright_columns
from facenet_jax.config import NetworkConfig
from facenet_jax.inception import InceptionRow
from facenet_jax.nn1 import TABLE_1, P
from facenet_jax.nn2 import inception_rows
from facenet_jax.residual import STAGES, STEM
from facenet_jax.residual_prelu import UNITS


class Row(NamedTuple):
    """A row, or the sum of several."""

    name: str
    output: tuple[int, int, int]
    """Height, width, channels."""
    weights: int
    biases: int
    multiply_adds: int
    """Of the weights, for one image."""
    bias_adds: int


def rows(config: NetworkConfig) -> tuple[Row, ...]:
    """The table of a network, from its first layer to the embedding."""
    if config.network == "residual":
        return _residual(config)
    if config.network == "residual-prelu":
        return _residual_prelu(config)
    return _nn1(config) if config.network == "NN1" else _nn2(config)


def total(rows: Sequence[Row], name: str = "total") -> Row:
    """The sum of rows; its output is the last one's."""
    sums = (sum(column) for column in list(zip(*rows, strict=True))[2:])
    return Row(name, rows[-1].output, *sums)


def _nn1(config: NetworkConfig) -> tuple[Row, ...]:
    found, side, channels = [], config.side, 3
    for row in TABLE_1:
        c_out = config.channels(row.channels) or channels
        side_out = -(-side // row.stride)
        if row.kind == "conv":
            found.append(_conv(row.name, side_out, channels, c_out, row.size))
        elif row.kind == "maxout":
            # Linear units are a 1 x 1 convolution of an image of one pixel.
            linear = _conv(row.name, 1, side * side * channels, P * c_out, 1)
            found.append(linear._replace(output=(1, 1, c_out)))
            side_out = 1
        else:
            found.append(_free(row.name, side_out, channels))
        side, channels = side_out, c_out
    return *found, _conv("fc7128", 1, channels, config.embedding_size, 1)


def _nn2(config: NetworkConfig) -> tuple[Row, ...]:
    channels = config.channels(64)
    side = _half(config.side)
    found = [_conv("conv1", side, 3, channels, 7)]
    side = _half(side)
    found.append(_free("max pool + norm", side, channels))
    for row in inception_rows(config):
        found.append(_inception(row, side, channels))
        side, _, channels = found[-1].output
        if row.name == "2":
            side = _half(side)
            found.append(_free("norm + max pool", side, channels))
    found.append(_free("avg pool", 1, channels))
    return *found, _conv("fc", 1, channels, config.embedding_size, 1)


def _residual(config: NetworkConfig) -> tuple[Row, ...]:
    side, channels = _half(config.side), config.channels(STEM)
    found = [_conv("conv1", side, 3, channels, 7)]
    side = _half(side)
    found.append(_free("max pool", side, channels))
    for stage in STAGES:
        c_in, channels = channels, config.channels(stage.channels)
        side = -(-side // stage.stride)
        parts = [_conv(stage.name, side, c, channels, 3) for c in (c_in, channels, channels)]
        found.append(total(parts, stage.name))
    # fc sees all places: a convolution of one place as large as the maps.
    fc = _conv("fc", 1, side * side * channels, config.embedding_size, 1)
    return *found, fc


def _residual_prelu(config: NetworkConfig) -> tuple[Row, ...]:
    side, columns, channels, found = config.side, upright_columns(config.side), 3, []
    for unit in UNITS:
        side, columns = _half(side), _half(columns)
        c_in, channels = channels, config.channels(unit.channels)
        inputs = [c_in] + 2 * unit.blocks * [channels]
        parts = [_conv(unit.name, side, c, channels, 3, columns) for c in inputs]
        found.append(total(parts, unit.name))
    return *found, _conv("fc", 1, side * columns * channels, config.embedding_size, 1)


def _inception(row: InceptionRow, side: int, c_in: int) -> Row:
    side_out = -(-side // row.stride)
    parts = [
        _conv("#1x1", side, c_in, row.one, 1),
        _conv("#3x3 reduce", side, c_in, row.three[0], 1),
        _conv("#3x3", side_out, *row.three, 3),
        _conv("#5x5 reduce", side, c_in, row.five[0], 1),
        _conv("#5x5", side_out, *row.five, 5),
        _conv("pool proj", side_out, c_in, row.projection, 1),
    ]
    return total(parts, row.name)._replace(output=(side_out, side_out, row.channels(c_in)))


def _conv(
    name: str, side: int, c_in: int, c_out: int, size: int, columns: int | None = None
) -> Row:
    """A convolution whose output has that side; or that height and as many columns."""
    columns = columns or side
    weights, places = size * size * c_in * c_out, side * columns
    return Row(name, (side, columns, c_out), weights, c_out, weights * places, c_out * places)


def _free(name: str, side: int, channels: int) -> Row:
    """A row without parameters."""
    return Row(name, (side, side, channels), 0, 0, 0, 0)


def _half(side: int) -> int:
    return -(-side // 2)
