"""The card of FaceNet's shipped weights, written from the file beside them."""

import json
from pathlib import Path


def write_card(weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights; every figure in it is from their .json."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    network, training, held_out = facts["network"], facts["training"], facts["held_out"]
    point, accuracy = facts["threshold"], held_out["accuracy"]
    rates = "; ".join(
        f"VAL {rate['mean']:.4f} ± {rate['standard_error']:.4f} at FAR {far}"
        for far, rate in held_out["val_at_far"].items()
    )
    lines = [
        "# FaceNet, small",
        "",
        f"`{weights.name}` takes a square face crop of {network['side']} x {network['side']} "
        f"pixels to {network['embedding_size']} numbers on the unit sphere: network "
        f"`{network['network']}`, {network['width']:.0%} of its channels, recipe "
        f"`{facts['name']}` (docs/facenet.md). "
        "`experiments/facenet_card.py` made this page from the `.json` beside the weights.",
        "",
        *([f"**{training['notice']}**", ""] if training["notice"] else []),
        "## What it was trained on",
        f"- {training['data']}: {training['images']:,} images of {training['identities']:,} "
        f"people, {', '.join(facts['inputs'])}; sha256 {training['sha256'][:12]}.",
        f"- Overlap with the people of Labeled Faces in the Wild: {training['lfw_overlap']}.",
        f"- {training['hours']:.2f} hours on a {training['device']}.",
        "",
        "## What was measured on people who were not trained on",
        f"- {held_out['images']:,} images of {held_out['identities']:,} people, who also served to "
        "choose the recipe.",
        f"- Accuracy {accuracy['mean']:.4f} ± {accuracy['standard_error']:.4f} over "
        f"folds of people, {point['pairs']:,} pairs in all; {rates}.",
        f"- Squared distance below {point['squared_distance']:.3f} means the same person: "
        f"false accept rate {point['false_accept_rate']:.4f}, true accept rate "
        f"{point['true_accept_rate']:.4f}, with thresholds chosen on the other folds.",
        *(
            f"- Below {one['squared_distance']:.3f}, for a false accept rate of {one['wanted']:g}: "
            f"{one['false_accept_rate']:.2g} and {one['true_accept_rate']:.4f}, over all pairs, "
            "with thresholds chosen on other people."
            for one in facts["thresholds"]
        ),
        "",
        "## What it is for, and what not",
        "- For research on the method. The threshold fits pictures like those it was measured on;",
        "  other cameras, ages, lights and crops move it, and errors by group were not measured.",
        "- It does not find faces and does not say whether there is one.",
        "",
    ]
    path = weights.with_name("MODEL_CARD.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
