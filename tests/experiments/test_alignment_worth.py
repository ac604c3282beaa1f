"""What alignment is worth to DeepFace's network: with no records, with some, and with all."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from experiments.alignment_worth import figure, shown, table
from experiments.paper_numbers import DEEPFACE
from tests.common.test_records import make_result

ALIGNMENTS, METRICS = ("center-crop", "2d", "3d"), ("inner-product", "chi-squared")


def made_up(*left_out):
    """Ten random accuracies a network and metric, and records of them among others."""
    rng = np.random.default_rng(3)
    folds = {
        f"{a}-{m}": rng.uniform(0.7, 0.9, 10).round(4).tolist() for a in ALIGNMENTS for m in METRICS
    }
    for name in left_out:
        del folds[name]
    others = {("deepface", "3d-chi-squared"): [0.1] * 10,
              ("deepface-networks", "ensemble"): [0.2] * 10}  # fmt: skip
    named = {("deepface-networks", name): own for name, own in folds.items()} | others
    results = []
    for (row, variant), own in named.items():
        one = make_result(row=row, variant=variant)
        accuracy = {**one.metrics["accuracy"], "folds": own}
        results.append(replace(one, metrics={**one.metrics, "accuracy": accuracy}))
    return folds, results


def plain(values):
    """Mean and standard error, as LFW defines it, by loops."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    return mean, sqrt(squares / (len(values) - 1)) / sqrt(len(values))


def lines(results):
    cut = [[c.strip() for c in line.strip("|").split("|")] for line in table(results).splitlines()]
    return cut[0], {first: rest for first, *rest in cut[2:]}


def test_differences_are_paired_over_the_folds():
    folds, results = made_up()
    header, found = lines(results)
    assert header == ["", "center crop", "2D", "3D", "2D - center crop", "3D - 2D",
                      "3D - center crop"]  # fmt: skip
    for metric, name in zip(METRICS, ("inner product", "chi-squared, SVM"), strict=True):
        crop, flat, front = (folds[f"{a}-{metric}"] for a in ALIGNMENTS)
        pairs = ((flat, crop), (front, flat), (front, crop))
        assert found[f"ours, {name}"] == [
            *("{:.4f} ± {:.4f}".format(*plain(own)) for own in (crop, flat, front)),
            *("{:+.4f} ± {:.4f}".format(*plain([a - b for a, b in zip(*pair, strict=True)]))
              for pair in pairs),
        ]  # fmt: skip
    theirs = [DEEPFACE[f"{a}inner-product"].accuracy for a in ("center-crop-", "2d-", "")]
    assert found["published"][:3] == [f"{x:.4f}" for x in theirs]
    assert [float(x) for x in found["published"][3:]] == pytest.approx(
        [theirs[1] - theirs[0], theirs[2] - theirs[1], theirs[2] - theirs[0]]
    )


def test_what_is_missing_is_said_in_the_table():
    folds, results = made_up("2d-inner-product")
    _, found = lines(results)
    no, crop, front = "not measured", folds["center-crop-inner-product"], folds["3d-inner-product"]
    across = [a - b for a, b in zip(front, crop, strict=True)]
    assert found["ours, inner product"][1] == no
    assert found["ours, inner product"][3:] == [no, no, "{:+.4f} ± {:.4f}".format(*plain(across))]
    assert no not in found["ours, chi-squared, SVM"]
    _, found = lines([])
    assert found["ours, inner product"] == found["ours, chi-squared, SVM"] == [no] * 6


@pytest.mark.parametrize("left_out", [(), ("2d-inner-product",)])
def test_the_picture_shows_the_published_trend_and_ours(left_out):
    folds, results = made_up(*left_out)
    (axes,) = figure(shown(results)).axes
    drawn = {bar.get_label(): bar.lines[0].get_xydata() for bar in axes.containers}
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn["published"], [[0, 0.879], [1, 0.9430], [2, 0.9592]])
    own = [(x, plain(folds[f"{a}-inner-product"])[0]) for x, a in enumerate(ALIGNMENTS)
           if f"{a}-inner-product" in folds]  # fmt: skip
    np.testing.assert_allclose(drawn["measured here, inner product"], own)
    assert not axes.texts


def test_without_records_the_picture_says_so():
    (axes,) = figure(shown([])).axes
    assert [bar.get_label() for bar in axes.containers] == ["published"]
    assert [text.get_text() for text in axes.texts] == ["ours: not measured"]
