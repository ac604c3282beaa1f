"""Every row against the paper's tables, and against the networks as they are built."""

from math import prod

import jax
import pytest
from flax import nnx
from jax.extend.core import jaxprs_in_params

from facenet_jax.config import NN1, NN2, NN3, NN4, NetworkConfig
from facenet_jax.model import FaceNet
from facenet_jax.tables import rows, total

# As printed: output, parameters, and (Table 2) multiply-adds.
TABLE_1 = {
    "conv1": ((110, 110, 64), "9K"), "pool1": ((55, 55, 64), ""), "rnorm1": ((55, 55, 64), ""),
    "conv2a": ((55, 55, 64), "4K"), "conv2": ((55, 55, 192), "111K"),
    "rnorm2": ((55, 55, 192), ""), "pool2": ((28, 28, 192), ""),
    "conv3a": ((28, 28, 192), "37K"), "conv3": ((28, 28, 384), "664K"),
    "pool3": ((14, 14, 384), ""), "conv4a": ((14, 14, 384), "148K"),
    "conv4": ((14, 14, 256), "885K"), "conv5a": ((14, 14, 256), "66K"),
    "conv5": ((14, 14, 256), "590K"), "conv6a": ((14, 14, 256), "66K"),
    "conv6": ((14, 14, 256), "590K"), "pool4": ((7, 7, 256), ""),
    "fc1": ((1, 1, 32 * 128), "103M"), "fc2": ((1, 1, 32 * 128), "34M"),
    "fc7128": ((1, 1, 128), "524K"),
}  # fmt: skip
TABLE_2 = {
    "conv1": ((112, 112, 64), "9K", "119M"),
    "max pool + norm": ((56, 56, 64), "", ""),
    "2": ((56, 56, 192), "115K", "360M"),
    "norm + max pool": ((28, 28, 192), "", ""),
    "3a": ((28, 28, 256), "164K", "128M"),
    "3b": ((28, 28, 320), "228K", "179M"),
    "3c": ((14, 14, 640), "398K", "108M"),
    "4a": ((14, 14, 640), "545K", "107M"),
    "4b": ((14, 14, 640), "595K", "117M"),
    "4c": ((14, 14, 640), "654K", "128M"),
    "4d": ((14, 14, 640), "722K", "142M"),
    "4e": ((7, 7, 1024), "717K", "56M"),
    "5a": ((7, 7, 1024), "1.6M", "78M"),
    "5b": ((7, 7, 1024), "1.6M", "78M"),
    "avg pool": ((1, 1, 1024), "", ""),
    "fc": ((1, 1, 128), "131K", "0.1M"),
}


def agrees(printed, without_biases, with_biases):
    """Whether a figure, with its digits, is one of the two, rounded."""
    if not printed:
        return without_biases == with_biases == 0
    unit = {"K": 1e3, "M": 1e6, "B": 1e9}[printed[-1]]
    digits = len(printed[:-1].partition(".")[2])
    return float(printed[:-1]) in {
        round(count / unit, digits) for count in (without_biases, with_biases)
    }


def test_nn1_is_table_1():
    found = rows(NN1)
    assert [row.name for row in found] == list(TABLE_1)
    for row in found:
        output, parameters = TABLE_1[row.name]
        assert row.output == output
        assert agrees(parameters, row.weights, row.weights + row.biases), row
    whole = total(found)
    assert whole.weights == 140_006_592
    assert agrees("140M", whole.weights, whole.weights + whole.biases)
    assert agrees("1.6B", whole.multiply_adds, whole.multiply_adds + whole.bias_adds)


def test_nn2_is_table_2():
    found = rows(NN2)
    assert [row.name for row in found] == list(TABLE_2)
    for row in found:
        output, parameters, flops = TABLE_2[row.name]
        assert row.output == output
        assert agrees(parameters, row.weights, row.weights + row.biases), row
        assert agrees(flops, row.multiply_adds, row.multiply_adds + row.bias_adds), row
    whole = total(found)
    assert whole.weights == 7_448_256
    assert agrees("7.5M", whole.weights, whole.weights + whole.biases)
    assert agrees("1.6B", whole.multiply_adds, whole.multiply_adds + whole.bias_adds)


def test_nn3_is_nn2_on_fewer_pixels():
    assert total(rows(NN3)).weights == 7_448_256
    assert rows(NN3)[0].output == (80, 80, 64) and rows(NN3)[-3].output == (5, 5, 1024)


def test_nn4_has_the_papers_multiply_adds():
    whole = total(rows(NN4))
    assert whole.weights == 6_600_384
    assert round(whole.multiply_adds / 1e6) == 285
    assert round((whole.multiply_adds + whole.bias_adds) / 1e6) == 285
    assert rows(NN4)[-3].output == (3, 3, 896)


CONFIGS = [NN1, NN2, NN3, NN4, NetworkConfig("NN2", 75, 64, width=0.3), NetworkConfig("NN1", 53)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.network} {c.side} {c.width}")
def test_rows_are_what_is_built(config):
    graph, state = nnx.split(nnx.eval_shape(lambda: FaceNet(config, rngs=nnx.Rngs(0))))
    built = {}
    for path, leaf in nnx.to_flat_state(state):
        row = path[2] if path[1] in ("layers", "inception") else path[1]
        sizes = built.setdefault(row, {"kernel": 0, "bias": 0})
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
