"""Every row against the paper's tables, and against the networks as they are built."""

from math import prod

import jax
import pytest
from flax import nnx
from jax.extend.core import jaxprs_in_params

from experiments.paper_numbers import FACENET_TABLES
from facenet_jax.config import NN1, NN2, NN3, NN4, RESIDUAL, RESIDUAL_PRELU, NetworkConfig
from facenet_jax.model import FaceNet
from facenet_jax.tables import rows, total

# The outputs as printed; the other columns stand in experiments/paper_numbers.py.
TABLE_1 = {
    "conv1": (110, 110, 64), "pool1": (55, 55, 64), "rnorm1": (55, 55, 64), "conv2a": (55, 55, 64),
    "conv2": (55, 55, 192), "rnorm2": (55, 55, 192), "pool2": (28, 28, 192),
    "conv3a": (28, 28, 192), "conv3": (28, 28, 384), "pool3": (14, 14, 384),
    "conv4a": (14, 14, 384), "conv4": (14, 14, 256), "conv5a": (14, 14, 256),
    "conv5": (14, 14, 256), "conv6a": (14, 14, 256), "conv6": (14, 14, 256), "pool4": (7, 7, 256),
    "fc1": (1, 1, 4096), "fc2": (1, 1, 4096), "fc7128": (1, 1, 128),
}  # fmt: skip
TABLE_2 = {
    "conv1": (112, 112, 64), "max pool + norm": (56, 56, 64), "2": (56, 56, 192),
    "norm + max pool": (28, 28, 192), "3a": (28, 28, 256), "3b": (28, 28, 320), "3c": (14, 14, 640),
    "4a": (14, 14, 640), "4b": (14, 14, 640), "4c": (14, 14, 640), "4d": (14, 14, 640),
    "4e": (7, 7, 1024), "5a": (7, 7, 1024), "5b": (7, 7, 1024), "avg pool": (1, 1, 1024),
    "fc": (1, 1, 128),
}  # fmt: skip


def agrees(printed, without_biases, with_biases):
    """Whether a figure, with its digits, is one of the two, rounded."""
    if not printed:
        return without_biases == with_biases == 0
    unit = {"K": 1e3, "M": 1e6, "B": 1e9}[printed[-1]]
    digits = len(printed[:-1].partition(".")[2])
    return float(printed[:-1]) in {
        round(count / unit, digits) for count in (without_biases, with_biases)
    }


def assert_total(whole, printed):
    """What is left of the printed figures is the total, and it agrees."""
    ((parameters, flops),) = printed.values()
    assert agrees(parameters, whole.weights, whole.weights + whole.biases)
    assert agrees(flops, whole.multiply_adds, whole.multiply_adds + whole.bias_adds)


def test_nn1_is_table_1():
    found = rows(NN1)
    assert [row.name for row in found] == list(TABLE_1)
    printed = dict(FACENET_TABLES["NN1"])
    for row in found:
        assert row.output == TABLE_1[row.name]
        parameters, _ = printed.pop(row.name, ("", ""))
        assert agrees(parameters, row.weights, row.weights + row.biases), row
    whole = total(found)
    assert whole.weights == 140_006_592
    assert_total(whole, printed)


def test_nn2_is_table_2():
    found = rows(NN2)
    assert [row.name for row in found] == list(TABLE_2)
    printed = dict(FACENET_TABLES["NN2"])
    for row in found:
        assert row.output == TABLE_2[row.name]
        parameters, flops = printed.pop(row.name, ("", ""))
        assert agrees(parameters, row.weights, row.weights + row.biases), row
        assert agrees(flops, row.multiply_adds, row.multiply_adds + row.bias_adds), row
    whole = total(found)
    assert whole.weights == 7_448_256
    assert_total(whole, printed)


def test_nn3_is_nn2_on_fewer_pixels():
    assert total(rows(NN3)).weights == 7_448_256
    assert rows(NN3)[0].output == (80, 80, 64) and rows(NN3)[-3].output == (5, 5, 1024)


def test_nn4_has_the_papers_multiply_adds():
    whole = total(rows(NN4))
    assert whole.weights == 6_600_384
    assert round(whole.multiply_adds / 1e6) == 285
    assert round((whole.multiply_adds + whole.bias_adds) / 1e6) == 285
    assert rows(NN4)[-3].output == (3, 3, 896)


def test_residual_network_is_as_large_as_it_says():
    found = {row.name: row for row in rows(RESIDUAL)}
    assert found["stage4"].output == (6, 6, 128) and found["fc"].output == (1, 1, 128)
    convolutions = 49 * 3 * 32 + 9 * (
        32 * 64 + 2 * 64**2 + 64 * 96 + 2 * 96**2 + 96 * 128 + 2 * 128**2
    )
    assert total(rows(RESIDUAL)).weights == convolutions + 36 * 128 * 128


def test_residual_prelu_network_is_as_large_as_it_says():
    found = {row.name: row for row in rows(RESIDUAL_PRELU)}
    assert found["conv1"].output == (32, 27, 32) and found["conv3"].output == (8, 7, 128)
    assert found["conv4"].output == (4, 4, 256) and found["fc"].output == (1, 1, 128)
    assert found["conv3"].multiply_adds == 8 * 7 * 9 * (64 * 128 + 4 * 128**2)
    convolutions = 9 * (3 * 32 + 32 * 64 + 2 * 64**2 + 64 * 128 + 4 * 128**2 + 128 * 256)
    assert total(rows(RESIDUAL_PRELU)).weights == convolutions + 16 * 256 * 128


CONFIGS = [
    NN1, NN2, NN3, NN4, NetworkConfig("NN2", 75, 64, width=0.3), NetworkConfig("NN1", 53),
    NetworkConfig("residual", 75, 64, width=0.3),
    NetworkConfig("residual-prelu", 75, 64, width=0.3),
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.network} {c.side} {c.width}")
def test_rows_are_what_is_built(config):
    graph, state = nnx.split(nnx.eval_shape(lambda: FaceNet(config, rngs=nnx.Rngs(0))))
    built = {}
    for path, leaf in nnx.to_flat_state(state):
        row = path[2] if path[1] in ("layers", "inception", "stages", "units") else path[1]
        sizes = built.setdefault(row, {"kernel": 0, "bias": 0})
        if path[-1] == "slope":  # the paper has none, so they are not counted
            continue
        sizes[path[-1]] += prod(leaf.get_raw_value().shape)
    for row in rows(config):
        sizes = built.pop(row.name, {"kernel": 0, "bias": 0})
        assert (row.weights, row.biases) == (sizes["kernel"], sizes["bias"]), row.name
    assert not built
    image = jax.ShapeDtypeStruct((1, config.side, config.side, 3), "float32")
    traced = jax.make_jaxpr(lambda state, x: nnx.merge(graph, state)(x))(state, image)
    assert traced.out_avals[0].shape == (1, config.embedding_size)
    assert multiply_adds(traced.jaxpr) == total(rows(config)).multiply_adds


def multiply_adds(jaxpr):
    """Of the convolutions and matrix products in a traced program."""
    count = 0
    for equation in jaxpr.eqns:
        out, shapes = equation.outvars[0].aval, [v.aval.shape for v in equation.invars]
        if equation.primitive.name == "conv_general_dilated":
            size, _, c_in, _ = shapes[1]
            count += out.size * size * size * c_in
        elif equation.primitive.name == "dot_general":
            (axes, _), _ = equation.params["dimension_numbers"]
            count += out.size * shapes[0][axes[0]]
        count += sum(multiply_adds(inner) for inner in jaxprs_in_params(equation.params))
    return count
