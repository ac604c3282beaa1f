"""How XLA is asked to compile networks with convolutions."""

from typing import Any

import jax

# On a CPU, XLA's default back end for fusions is slow at convolutions; reductions stay with it.
COMPILER_OPTIONS: dict[str, Any] = (
    {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
    if jax.default_backend() == "cpu"
    else {}
)
