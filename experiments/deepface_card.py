"""The card of the shipped weights of DeepFace's layers, written from the file beside them."""

import json
from pathlib import Path

from experiments.card_parts import measured_on_others, thresholds, trained_on, write


def write_card(weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights; every figure in it is from their .json."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    network, training = facts["network"], facts["training"]
    lines = [
        "# DeepFace's layers, small",
        "",
        f"`{weights.name}` takes a 3D-aligned face of {network['side']} x {network['side']} pixels "
        f"to {network['F7']} numbers that are not negative: C1, M2, C3, three locally connected "
        "layers, and F7, with smaller windows and fewer filters than the paper's. It is not the "
        "network of the paper. `experiments/deepface_card.py` made this page from the `.json` "
        "beside the weights.",
        "",
        *trained_on(facts["training"]),
        "## What was measured",
        f"- {training['held_out_images']:,} other images of those people, each named as one of "
        f"them: {training['held_out_error']:.1%} wrong.",
        "- Pairs of LFW: the row `deepface-small` of the table.",
        "",
        *([*measured_on_others(facts), *thresholds(facts), ""] if "held_out" in facts else []),
        "## What it is for, and what not",
        "- For research on the method. It compares faces that `deepface_jax.Aligner` has aligned;",
        "  it does not find them. Errors by group were not measured.",
        "",
    ]
    return write(lines, weights)
