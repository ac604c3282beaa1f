"""A small network of DeepFace's layers, whose weights ship: a measurement within minutes.

    python -m experiments.reproduce deepface-small
    python -m experiments.reproduce deepface-small --from-scratch --train-dir DIR

It sees the 3D-aligned face at half the side, 76 pixels, with windows of about half the paper's; the
alignment, the training and the metrics are those of the row `deepface`. It is not the paper's
network, so it stands beside no published figure.
"""

from pathlib import Path
from typing import Any

from common.augment import AugmentConfig
from common.data.cache import cache_dir
from common.weights_file import unsaid
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import NetworkConfig
from deepface_jax.train import TrainConfig
from deepface_jax.weights import SHIPPED, load_weights
from experiments.deepface_recipe import Recipe
from experiments.deepface_records import measure_recipe
from experiments.deepface_training import Trained
from experiments.measure import Measured
from experiments.setting import NotRerun, Setting
from experiments.train_deepface_small import RECIPE, train_small

ROW = "deepface-small"


def run(setting: Setting) -> list[Measured]:
    """Measure the shipped weights; train them first where that is asked for."""
    if setting.benchmark.provenance.synthetic:
        return measure_recipe(setting, ROW, RECIPE, published={})
    path = SHIPPED
    if setting.from_scratch:
        if setting.train_dir is None:
            raise NotRerun("to train it, name a folder of faces by --train-dir (docs/data.md)")
        path = train_small(setting.train_dir, cache_dir("deepface", "exported"), from_scratch=True)
    elif not SHIPPED.exists():
        raise NotRerun(f"no weights are shipped ({SHIPPED.name}); --from-scratch trains them")
    network, features, weights, maximum, facts = load_weights(path)
    recipe = recipe_of(network, facts, path)
    trained = Trained(network, recipe.kind, weights, features, maximum, facts["training"])
    return measure_recipe(setting, ROW, recipe, trained=trained, published={})


def recipe_of(network: NetworkConfig, facts: dict[str, Any], path: Path) -> Recipe:
    """How the weights of a file were made, and how the faces that they see were aligned.

    That is not always what `RECIPE` would make today.

    Args:
      network: of the file.
      facts: of the file, as JSON holds them.
      path: of the file, for the message.

    Raises:
      WeightsError: the facts name no recipe that this code knows.
    """
    try:
        own, align = dict(facts["recipe"]), dict(facts["align"])
        train = TrainConfig(
            **{**own, "clip": float(own["clip"]), "augment": AugmentConfig(**own["augment"])}
        )
        aligned = AlignConfig(**{**align, "seen": tuple(align["seen"])})
        return Recipe(
            facts["name"], network, train, aligned, kind=facts.get("input", "rgb"),
            seed=facts["seed"],
        )  # fmt: skip
    except (ValueError, TypeError, KeyError) as error:
        raise unsaid(path.with_suffix(".json"), error) from None
