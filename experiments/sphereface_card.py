"""The card of SphereFace's shipped weights, written from the file beside them."""

import json
from pathlib import Path

from experiments.card_parts import measured_on_others, thresholds, trained_on, write
from sphereface_jax.config import NetworkConfig


def write_card(weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights; every figure in it is from their .json."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    network = NetworkConfig(**facts["network"])
    recipe = facts["recipe"]
    lines = [
        "# SphereFace, small",
        "",
        f"`{weights.name}` takes an aligned face of {network.side} x {network.columns} pixels to "
        f"{network.embedding_size} numbers, of which the direction counts: SphereFace-"
        f"{network.layers} with {network.width:g} of its channels"
        f"{', and batch normalization' if network.batch_norm else ''}, trained with A-Softmax, "
        f"m = {recipe['m']}. It is not the network of the paper. `experiments/sphereface_card.py` "
        "made this page from the `.json` beside the weights.",
        "",
        *trained_on(facts["training"], facts["inputs"]),
        *measured_on_others(facts),
        *thresholds(facts),
        "- Compared by their cosine: features of the face and of its mirror image, put together.",
        "",
        "## What it is for, and what not",
        "- For research on the method. It compares faces that `deepface_jax.Aligner` has aligned",
        "  in 2D; it does not find them. Errors by group were not measured.",
        "",
    ]
    return write(lines, weights)
