"""The most that this machine computes: a large float32 matrix product, by NumPy and by JAX."""

import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.processes import Job, Setting, Side, fastest_seconds


def peak_gflop_per_second(*, side: int = 3072, cores: int | None = None) -> float:
    """The best of some products, by the better of the two.

    Args:
      side: rows and columns of the matrices.
      cores: to run on; None for all.
    """
    setting = Setting(repeats=5, cores=cores)
    sides = (
        Side("matrix product", package, partial(product, side, package), compiles=package == "jax")
        for package in ("numpy", "jax")
    )
    return 2 * side**3 / min(fastest_seconds(one, setting) for one in sides) / 1e9


def cores_here() -> int:
    """That this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def product(side: int, package: str) -> Job:
    """Of two random matrices."""
    a, b = np.random.default_rng(0).random((2, side, side), np.float32)
    if package == "numpy":
        return Job(lambda: a @ b, lambda: {})
    on_device = jnp.asarray(a), jnp.asarray(b)
    matmul = jax.jit(jnp.matmul)
    return Job(lambda: jax.block_until_ready(matmul(*on_device)), lambda: {})
