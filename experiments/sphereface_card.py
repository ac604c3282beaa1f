"""The card of SphereFace's shipped weights, written from the file beside them."""

import json
from pathlib import Path

from sphereface_jax.config import NetworkConfig


def write_card(weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights; every figure in it is from their .json."""
    facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    network = NetworkConfig(**facts["network"])
    training, held_out, recipe = facts["training"], facts["held_out"], facts["recipe"]
    accuracy = held_out["accuracy"]
    rates = "; ".join(
        f"VAL {rate['mean']:.4f} ± {rate['standard_error']:.4f} at FAR {far}"
        for far, rate in held_out["val_at_far"].items()
    )
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
        f"folds of people, {facts['threshold']['pairs']:,} pairs in all; {rates}. Features of the "
        "face and of its mirror image, one behind the other, by their cosine.",
        "",
        "## What it is for, and what not",
        "- For research on the method. It compares faces that `deepface_jax.Aligner` has aligned",
        "  in 2D; it does not find them. Errors by group were not measured.",
        "",
    ]
    path = weights.with_name("MODEL_CARD.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
