"""What the cards of shipped weights share; all figures come from the file beside the weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def trained_on(training: Mapping[str, Any], inputs: Sequence[str] = ()) -> list[str]:
    """The notice, and the section on the training faces.

    Args:
      training: block of the file.
      inputs: how the faces were aligned, where the card has not said it.
    """
    people = ", ".join(["people", *inputs])
    return [
        *([f"**{training['notice']}**", ""] if training["notice"] else []),
        "## What it was trained on",
        f"- {training['data']}: {training['images']:,} images of {training['identities']:,} "
        f"{people}; sha256 {training['sha256'][:12]}.",
        f"- Overlap with the people of Labeled Faces in the Wild: {training['lfw_overlap']}.",
        f"- {training['hours']:.2f} hours on a {training['device']}.",
        "",
    ]


def measured_on_others(facts: Mapping[str, Any]) -> list[str]:
    """The first lines of the section on people who were not trained on.

    Args:
      facts: the whole file, with what `experiments.held_out` has measured.
    """
    held_out = facts["held_out"]
    accuracy = held_out["accuracy"]
    rates = "; ".join(
        f"VAL {rate['mean']:.4f} ± {rate['standard_error']:.4f} at FAR {far}"
        for far, rate in held_out["val_at_far"].items()
    )
    return [
        "## What was measured on people who were not trained on",
        f"- {held_out['images']:,} images of {held_out['identities']:,} people, who also served to "
        "choose the recipe.",
        f"- Accuracy {accuracy['mean']:.4f} ± {accuracy['standard_error']:.4f} over "
        f"folds of people, {facts['threshold']['pairs']:,} pairs in all; {rates}.",
    ]


def thresholds(facts: Mapping[str, Any]) -> list[str]:
    """A line for each false accept rate that the file has a threshold for."""
    return [
        f"- Below {one['squared_distance']:.3f}, for a false accept rate of {one['wanted']:g}: "
        f"{one['false_accept_rate']:.2g} and {one['true_accept_rate']:.4f}, over all pairs, "
        "with thresholds chosen on other people."
        for one in facts["thresholds"]
    ]


def write(lines: Sequence[str], weights: Path) -> Path:
    """Write MODEL_CARD.md beside the weights."""
    path = weights.with_name("MODEL_CARD.md")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
