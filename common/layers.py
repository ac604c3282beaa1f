"""Layers that the networks of several papers have."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

_MOMENTUM = 0.95
"""Of the running averages: share of the old value that a batch leaves."""


FIRST_SLOPE = 0.25
"""Of PReLUs, before training (He et al. 2015, "Delving deep into rectifiers")."""


class BatchNorm(nnx.Module):
    """scale * (x - mean) / sqrt(variance + 1e-5) for every channel; the bias is the layer's own.

    In training, mean and variance are the batch's, over images and places, and move the running
    averages that are used otherwise.

    Source: Ioffe, Szegedy 2015, "Batch normalization".
    """

    def __init__(self, channels: int):
        self.scale = nnx.Param(jnp.ones(channels))
        self.mean = nnx.BatchStat(jnp.zeros(channels))
        self.variance = nnx.BatchStat(jnp.ones(channels))

    def __call__(
        self, x: Float[Array, "batch height width channels"], *, training: bool
    ) -> Float[Array, "batch height width channels"]:
        """Normalize; in training, also update the running averages in place."""
        mean, variance = self.mean[...], self.variance[...]
        if training:
            exact = x.astype(jnp.float32)
            batch_mean = exact.mean((0, 1, 2))
            # One pass over x instead of two; rounding may bring it just below zero.
            batch_variance = jnp.maximum(jnp.square(exact).mean((0, 1, 2)) - batch_mean**2, 0)
            self.mean[...] = _MOMENTUM * mean + (1 - _MOMENTUM) * batch_mean
            self.variance[...] = _MOMENTUM * variance + (1 - _MOMENTUM) * batch_variance
            mean, variance = batch_mean, batch_variance
        scale = self.scale[...] * jax.lax.rsqrt(variance + 1e-5)
        return (x * scale - mean * scale).astype(x.dtype)


def prelu(
    x: Float[Array, "*places channels"], slope: Float[Array, " channels"]
) -> Float[Array, "*places channels"]:
    """max(x, 0) + slope * min(x, 0), with a slope a channel that is learned.

    Source: He et al. 2015, "Delving deep into rectifiers", Eq. 1.
    """
    return jnp.where(x > 0, x, slope.astype(x.dtype) * x)


def unit_sphere(z: Float[Array, "batch dim"]) -> Float[Array, "batch dim"]:
    """Bring each row to length 1, in float32.

    A row of zeros, which has no direction, stays zero, and its gradient is zero.
    """
    z = z.astype(jnp.float32)
    squared = jnp.sum(z * z, axis=-1, keepdims=True)
    nothing = squared <= jnp.finfo(jnp.float32).tiny
    return jnp.where(nothing, 0.0, z * jax.lax.rsqrt(jnp.where(nothing, 1.0, squared)))
