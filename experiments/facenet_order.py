"""The two networks that FaceNet's headline came from, in the order in which View 2 saw them."""

from collections.abc import Mapping, Sequence

from common.records import Result
from experiments.markdown import markdown

NETWORKS = (
    ("first: NN4", "nn4", "nn4-center-crop"),
    ("then: residual", "aligned", "center-crop"),
)
"""Each with its variants under the two alignments."""


def table(results: Sequence[Result]) -> str:
    """By what each was chosen (accuracy on held-out people), and what View 2 said of it."""
    found = {r.variant: r for r in results if r.row == "facenet"}
    lines = [
        (name, _held_out(found, aligned), _view2(found, aligned), _view2(found, cropped))
        for name, aligned, cropped in NETWORKS
    ]
    return markdown(
        ("network", "held-out people, aligned", "View 2, aligned", "View 2, center crop"), lines
    )


def _held_out(found: Mapping[str, Result], variant: str) -> str:
    if variant not in found:
        return "not measured"
    return f"{found[variant].config['held_out']['accuracy']['mean']:.4f}"


def _view2(found: Mapping[str, Result], variant: str) -> str:
    if variant not in found:
        return "not measured"
    mean = found[variant].metrics["accuracy"]["mean"]
    return f"[{mean:.4f}](../experiments/results/{found[variant].file_name})"
