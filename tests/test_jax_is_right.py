"""The expression that jaxlib 0.10.2 computes wrongly under jit on the CPU, so it is excluded."""

import jax
import jax.numpy as jnp
import numpy as np


def expression(x, depthwise, pointwise):
    """maxpool(pointwise(depthwise(relu(x))) + channel_pad(relu(x))), NHWC."""
    rectified = jnp.maximum(x, 0)
    dims = ("NHWC", "HWIO", "NHWC")
    deep = jax.lax.conv_general_dilated(
        rectified, depthwise, (1, 1), "SAME", dimension_numbers=dims,
        feature_group_count=x.shape[-1],
    )  # fmt: skip
    deep = jax.lax.conv_general_dilated(deep, pointwise, (1, 1), "SAME", dimension_numbers=dims)
    more = pointwise.shape[-1] - x.shape[-1]
    total = deep + jnp.pad(rectified, ((0, 0), (0, 0), (0, 0), (0, more)))
    return jax.lax.reduce_window(
        total, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"
    )  # fmt: skip


def test_jit_computes_what_eager_evaluation_does():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 18, 14, 24)).astype(np.float32)
    depthwise = rng.standard_normal((3, 3, 1, 24)).astype(np.float32)
    pointwise = rng.standard_normal((1, 1, 24, 28)).astype(np.float32)
    eager = expression(x, depthwise, pointwise)
    np.testing.assert_allclose(jax.jit(expression)(x, depthwise, pointwise), eager, atol=1e-4)
