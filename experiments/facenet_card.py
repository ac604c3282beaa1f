"""The card of FaceNet's shipped weights, written from the file beside them."""

import json
from pathlib import Path

from experiments.card_parts import measured_on_others, thresholds, trained_on, write


def write_card(weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights; every figure in it is from their .json."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    network, point = facts["network"], facts["threshold"]
    lines = [
        "# FaceNet, small",
        "",
        f"`{weights.name}` takes a square face crop of {network['side']} x {network['side']} "
        f"pixels to {network['embedding_size']} numbers on the unit sphere: network "
        f"`{network['network']}`, {network['width']:.0%} of its channels, recipe "
        f"`{facts['name']}` (docs/facenet.md). "
        "`experiments/facenet_card.py` made this page from the `.json` beside the weights.",
        "",
        *trained_on(facts["training"], facts["inputs"]),
        *measured_on_others(facts),
        f"- Squared distance below {point['squared_distance']:.3f} means the same person: "
        f"false accept rate {point['false_accept_rate']:.4f}, true accept rate "
        f"{point['true_accept_rate']:.4f}, with thresholds chosen on the other folds.",
        *thresholds(facts),
        "- The recipe that ships was chosen on View 1 of Labeled Faces in the Wild too.",
        "",
        "## What it is for, and what not",
        "- For research on the method. The threshold fits pictures like those it was measured on;",
        "  other cameras, ages, lights and crops move it, and errors by group were not measured.",
        "- It does not find faces and does not say whether there is one.",
        "",
    ]
    return write(lines, weights)
