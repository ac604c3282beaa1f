"""The locally connected layer, both forms, against loops, XLA's own and convolutions."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads

from deepface_jax.local_blocks import default_columns
from deepface_jax.locally_connected import (
    LocallyConnected,
    locally_connected,
    locally_connected_reference,
    output_size,
)

# Height, width and channels in, channels out, window, stride, padding, block.
CASES = {
    "default": (7, 9, 2, 3, (3, 2), 1, "VALID", None),
    "several default blocks": (5, 30, 2, 3, (5, 4), 1, "VALID", None),
    "stride": (8, 5, 3, 2, (2, 3), 2, "VALID", (1, 2)),
    "unused border": (11, 10, 2, 2, (3, 4), (2, 4), "VALID", (3, 1)),
    "same": (6, 11, 2, 4, (3, 4), 1, "SAME", (4, 3)),
    "same, strides": (9, 13, 1, 3, (4, 3), (3, 2), "SAME", (2, 5)),
    "block beyond the output": (4, 6, 2, 3, 2, 1, "VALID", (9, 9)),
    "one place": (4, 3, 2, 3, (4, 3), 1, "VALID", None),
    "1 x 1": (3, 4, 2, 3, 1, 1, "SAME", (2, 3)),
}
all_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def problem(case, batch=3, dtype=np.float32, seed=0):
    """Input, kernel, and both functions with the case's settings."""
    height, width, c_in, c_out, size, stride, padding, block = case
    rng = np.random.default_rng(seed)
    places = output_size((height, width), size, stride, padding)
    k_h, k_w = (size, size) if isinstance(size, int) else size
    x = rng.standard_normal((batch, height, width, c_in)).astype(dtype)
    kernel = rng.standard_normal((*places, k_h * k_w * c_in, c_out)).astype(dtype)
    settings = dict(kernel_size=size, stride=stride, padding=padding)
    reference = jax.jit(partial(locally_connected_reference, **settings))
    fast = jax.jit(partial(locally_connected, **settings, block=block))
    return jnp.asarray(x), jnp.asarray(kernel), reference, fast


def by_loops(x, kernel, case):
    """One output at a time; zeros around the input as TensorFlow's SAME puts them."""
    height, width, c_in, c_out, size, stride, padding, _ = case
    windows, strides = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    pads = [(0, 0), (0, 0)]
    if padding == "SAME":
        for axis, (n, k, s) in enumerate(zip((height, width), windows, strides, strict=True)):
            missing = max((-(-n // s) - 1) * s + k - n, 0)
            pads[axis] = (missing // 2, missing - missing // 2)
    x = np.pad(np.asarray(x, np.float64), [(0, 0), *pads, (0, 0)])
    kernel = np.asarray(kernel, np.float64)
    y = np.zeros((len(x), *kernel.shape[:2], c_out))
    for n, h, w, o in product(*map(range, y.shape)):
        window = x[n, h * strides[0] :, w * strides[1] :][: windows[0], : windows[1]]
        y[n, h, w, o] = window.ravel() @ kernel[h, w, :, o]
    return y


@all_cases
def test_both_forms_equal_loops(case):
    x, kernel, reference, fast = problem(case)
    expected = by_loops(x, kernel, case)
    np.testing.assert_allclose(reference(x, kernel), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fast(x, kernel), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["default", "same, strides"])
def test_equals_the_local_convolution_of_jax(name):
    case = CASES[name]
    _, _, c_in, _, size, stride, padding, _ = case
    x, kernel, _, fast = problem(case)
    h_out, w_out, _, c_out = kernel.shape
    by_channel = kernel.reshape(h_out, w_out, *size, c_in, c_out).transpose(0, 1, 4, 2, 3, 5)
    expected = jax.lax.conv_general_dilated_local(
        x,
        by_channel.reshape(kernel.shape),
        np.broadcast_to(stride, 2).tolist(),
        padding,
        size,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    np.testing.assert_allclose(fast(x, kernel), expected, rtol=1e-4, atol=1e-4)


@all_cases
def test_one_kernel_everywhere_is_a_convolution(case):
    _, _, c_in, c_out, size, stride, padding, _ = case
    x, kernel, _, fast = problem(case)
    kernel = jnp.broadcast_to(kernel[:1, :1], kernel.shape)
    expected = jax.lax.conv_general_dilated(
        x,
        kernel[0, 0].reshape(*np.broadcast_to(size, 2).tolist(), c_in, c_out),
        np.broadcast_to(stride, 2).tolist(),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    np.testing.assert_allclose(fast(x, kernel), expected, rtol=1e-4, atol=1e-4)


@partial(jax.jit, static_argnums=0)
def gradients(function, x, kernel, weight):
    return jax.grad(lambda x, kernel: jnp.vdot(function(x, kernel), weight), (0, 1))(x, kernel)


@all_cases
def test_gradient_equals_that_of_the_formula(case):
    x, kernel, reference, fast = problem(case)
    weight = jnp.asarray(np.random.default_rng(1).standard_normal(fast(x, kernel).shape), x.dtype)
    expected = gradients(reference, x, kernel, weight)
    for own, formula in zip(gradients(fast, x, kernel, weight), expected, strict=True):
        np.testing.assert_allclose(own, formula, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["default", "same, strides"])
def test_gradient_equals_differences(name):
    with jax.enable_x64(True):
        x, kernel, _, fast = problem(CASES[name], batch=2, dtype=np.float64)

        def squares(x, kernel):
            return jnp.sum(fast(jnp.asarray(x), jnp.asarray(kernel)) ** 2)

        check_grads(squares, (x, kernel), order=1, modes=["rev"], rtol=1e-5)


def test_transformations_change_nothing():
    x, kernel, _, fast = problem(CASES["same, strides"])
    weight = fast(x, kernel)
    images, kernels = jnp.stack([x, 2 * x[::-1]]), jnp.stack([kernel, -kernel])

    @jax.jit
    def transformed(x, kernel, weight):
        grad = partial(gradients, fast)
        return {
            "checkpoint": gradients(jax.checkpoint(fast), x, kernel, weight),
            "images": jax.vmap(fast, (0, None))(images, kernel),
            "kernels": jax.vmap(fast, (None, 0))(x, kernels),
            "gradients": jax.vmap(grad, (0, 0, None))(images, kernels, weight),
        }

    found = transformed(x, kernel, weight)
    pairs = list(zip(images, kernels, strict=True))
    wanted = {
        "checkpoint": gradients(fast, x, kernel, weight),
        "images": jnp.stack([fast(one, kernel) for one in images]),
        "kernels": jnp.stack([fast(x, one) for one in kernels]),
        "gradients": jax.tree.map(
            lambda *leaves: jnp.stack(leaves), *(gradients(fast, *pair, weight) for pair in pairs)
        ),
    }
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4), found, wanted)
    eager = locally_connected(
        x, kernel, kernel_size=(4, 3), stride=(3, 2), padding="SAME", block=(2, 5)
    )
    np.testing.assert_allclose(eager, weight, rtol=1e-5, atol=1e-5)


def test_reverse_mode_only_and_the_reference_has_both():
    x, kernel, reference, fast = problem(CASES["default"])
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(fast, (x, kernel), (x, kernel))
    y, tangent = jax.jvp(reference, (x, kernel), (x, kernel))
    np.testing.assert_allclose(tangent, 2 * y, rtol=1e-5)


def test_an_output_depends_on_its_own_filters_and_window_alone():
    x, kernel, _, fast = problem(CASES["default"], batch=2)
    dx, dkernel = jax.grad(lambda x, kernel: fast(x, kernel)[1, 2, 3, 0], (0, 1))(x, kernel)
    own = np.zeros(kernel.shape, bool)
    own[2, 3, :, 0] = True
    window = np.zeros(x.shape, bool)
    window[1, 2:5, 3:5] = True
    np.testing.assert_array_equal(np.asarray(dkernel) != 0, own)
    np.testing.assert_array_equal(np.asarray(dx) != 0, window)


def test_no_image_touches_another_and_one_is_enough():
    x, kernel, _, fast = problem(CASES["several default blocks"], batch=4)
    y = fast(x, kernel)
    spoiled = fast(x.at[2].set(jnp.nan), kernel)
    assert jnp.isnan(spoiled[2]).all()
    np.testing.assert_array_equal(spoiled[jnp.array([0, 1, 3])], y[jnp.array([0, 1, 3])])
    np.testing.assert_allclose(fast(x[3:], kernel), y[3:], rtol=1e-5, atol=1e-5)


def test_bfloat16_rounds_no_more_than_inputs_and_result():
    x, kernel, _, fast = problem(CASES["same, strides"])
    x, kernel = x.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
    exact = x.astype(jnp.float32), kernel.astype(jnp.float32)
    y, expected = fast(x, kernel), fast(*exact)
    assert y.dtype == jnp.bfloat16
    close = partial(np.testing.assert_allclose, rtol=2**-8, atol=1e-4)
    close(y.astype(jnp.float32), expected)
    # The incoming gradient must be equal too, so it is made of bfloat16 numbers.
    found, wanted = gradients(fast, x, kernel, y), gradients(fast, *exact, y.astype(jnp.float32))
    for own, formula in zip(found, wanted, strict=True):
        assert own.dtype == jnp.bfloat16
        close(own.astype(jnp.float32), formula)


def test_bfloat16_sums_do_not_stall():
    # 1 added to 256 is 256 in bfloat16: each sum here is of 400 ones.
    x, kernel = jnp.ones((400, 20, 21, 1), jnp.bfloat16), jnp.ones((1, 2, 400, 1), jnp.bfloat16)
    for function in (locally_connected, locally_connected_reference):
        call = jax.jit(partial(function, kernel_size=20))
        assert (call(x, kernel) == 400).all()
        _, dkernel = gradients(call, x, kernel, jnp.ones((400, 1, 2, 1), x.dtype))
        assert (dkernel == 400).all()
    x, kernel = jnp.ones((1, 39, 39, 1), jnp.bfloat16), jnp.ones((20, 20, 400, 1), jnp.bfloat16)
    dx, _ = gradients(
        partial(locally_connected, kernel_size=20), x, kernel, jnp.ones((1, 20, 20, 1), x.dtype)
    )
    assert dx[0, 19, 19, 0] == 400


def test_mixed_dtypes_are_promoted():
    x, kernel, reference, fast = problem(CASES["default"])
    for function in (reference, fast):
        assert function(x.astype(jnp.bfloat16), kernel).dtype == jnp.float32
        dx, dkernel = gradients(function, x.astype(jnp.bfloat16), kernel, jnp.ones((3, 5, 8, 3)))
        assert (dx.dtype, dkernel.dtype) == (jnp.bfloat16, jnp.float32)


def test_never_holds_all_patches():
    x = jax.ShapeDtypeStruct((16, 24, 23, 8), jnp.float32)
    kernel = jax.ShapeDtypeStruct((18, 17, 7 * 7 * 8, 8), jnp.float32)
    patches = 4 * 16 * 18 * 17 * 7 * 7 * 8

    def temporary(function):
        value = jax.grad(lambda x, kernel: jnp.sum(function(x, kernel, kernel_size=7) ** 2), (0, 1))
        memory = jax.jit(value).lower(x, kernel).compile().memory_analysis()
        return memory.temp_size_in_bytes

    assert temporary(locally_connected_reference) > patches
    assert temporary(locally_connected) < patches / 4


def test_default_blocks_fit_the_papers_widths():
    assert [default_columns(width) for width in (55, 25, 21)] == [11, 5, 7]
    for width in range(1, 80):
        columns = default_columns(width)
        assert 1 <= columns <= min(width, 11)
        assert columns >= min(width, 5) and -width % columns <= 3


def test_what_does_not_fit_is_refused():
    x, kernel, reference, fast = problem(CASES["default"])
    for function in (reference, fast):
        with pytest.raises(ValueError, match=r"filters of 12 weights at \(5, 7\) .* \(5, 8\)"):
            function(x, kernel[:, :7])
        with pytest.raises(ValueError, match="11 weights .* wants 12 weights"):
            function(x, kernel[:, :, :11])
        with pytest.raises(ValueError, match="3 x 2 window on a 2 x 9 x 2 input"):
            function(x[:, :2], kernel)
    with pytest.raises(ValueError, match="at least one row"):
        locally_connected(x, kernel, kernel_size=(3, 2), block=(1, 0))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_module_adds_a_bias_of_every_place(dtype):
    normal = nnx.initializers.normal(1.0)
    layer = LocallyConnected(
        (9, 13), 1, 3, (4, 3), stride=(3, 2), padding="SAME", dtype=dtype,
        kernel_init=normal, bias_init=normal, rngs=nnx.Rngs(0),
    )  # fmt: skip
    assert layer.kernel.shape == (3, 7, 12, 3) and layer.bias.shape == (3, 7, 3)
    assert layer.kernel.dtype == layer.bias.dtype == jnp.float32
    x = problem(CASES["same, strides"])[0]
    y = layer(x)
    assert y.dtype == dtype
    expected = by_loops(x, layer.kernel[...], CASES["same, strides"]) + np.asarray(layer.bias[...])
    error = 1e-4 if dtype == "float32" else 0.1
    np.testing.assert_allclose(y.astype(jnp.float32), expected, atol=error)


def test_sizes_of_the_papers_layers():
    def output(side, c_in, size, stride=1):
        layer = partial(
            LocallyConnected, side, c_in, 16, size, stride=stride,
            kernel_init=nnx.initializers.zeros, bias_init=nnx.initializers.zeros,
        )  # fmt: skip
        module = nnx.eval_shape(lambda: layer(rngs=nnx.Rngs(0)))
        graph, state = nnx.split(module)
        x = jax.ShapeDtypeStruct((2, side, side, c_in), jnp.float32)
        y = jax.eval_shape(lambda state, x: nnx.merge(graph, state)(x), state, x)
        return y.shape, module.kernel.size, module.bias.size

    assert output(63, 16, 9) == ((2, 55, 55, 16), 62_726_400, 48_400)
    assert output(55, 16, 7, 2) == ((2, 25, 25, 16), 7_840_000, 10_000)
    assert output(25, 16, 5) == ((2, 21, 21, 16), 2_822_400, 7_056)
