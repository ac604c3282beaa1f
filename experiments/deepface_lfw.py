"""The DeepFace row: 3D alignment, the network at the paper's size, and each verification metric.

    python -m experiments.reproduce deepface --train-dir DIR --from-scratch

The network is trained on the people of DIR, or a training that was killed goes on; without
`--from-scratch` one that is done is taken from the cache. Then it meets LFW once. Variants are the
paper's metrics: `inner-product` (its "unsupervised": nothing is learned from LFW but the threshold,
of nine folds), `chi-squared` (its "restricted": an SVM on the chi-squared vectors of nine folds'
pairs, whose sign decides). Training takes an hour or two on two cores, what follows ten minutes.
"""

from dataclasses import replace

from deepface_jax.config import AlignConfig
from deepface_jax.network_config import DF_4_4K
from deepface_jax.train import SMALL_DATA
from experiments.deepface_recipe import Recipe
from experiments.deepface_records import measure_recipe
from experiments.measure import Measured
from experiments.setting import Setting

FULL_3D = Recipe(
    name="full-3d",
    network=replace(DF_4_4K, init="he", centered=True, dropout=0.0),
    train=SMALL_DATA,
    align=AlignConfig(),
)


def run(setting: Setting) -> list[Measured]:
    """Train or restore the full network; measure every metric on View 2."""
    return measure_recipe(setting, "deepface", FULL_3D)
