"""What each idea is worth: differences fold by fold, in the table and in the picture."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from experiments import ideas_tables
from experiments.ideas import BUNDLES
from experiments.ideas_tables import figure, shown, table, worths
from tests.common.test_records import make_result


def records(left_out=()):
    """A record a bundle with random folds; another row's record, which says nothing here."""
    rng = np.random.default_rng(0)
    made = {b.name: rng.uniform(0.6, 0.9, 10).round(4).tolist() for b in BUNDLES}
    for name in left_out:
        del made[name]
    results = [with_folds(make_result(row="ideas", variant=n), f) for n, f in made.items()]
    return made, [*results, with_folds(make_result(row="other"), [0.1] * 10)]


def with_folds(result, folds):
    accuracy = {**result.metrics["accuracy"], "folds": folds, "mean": sum(folds) / 10}
    return replace(result, metrics={**result.metrics, "accuracy": accuracy})


def plain(values):
    """Mean and standard error, as LFW defines it, by loops."""
    mean = sum(values) / len(values)
    squares = 0.0
    for value in values:
        squares += (value - mean) ** 2
    return mean, sqrt(squares / (len(values) - 1)) / sqrt(len(values))


def paired(a, b):
    return plain([x - y for x, y in zip(a, b, strict=True)])


def cells(text):
    """The table's cells, by their first two."""
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {(network, loss): found for network, loss, *found in lines}


def test_every_cell_of_the_table():
    f, results = records()
    found = cells(table(results))
    assert len(found) == 8
    own = {"local": "DeepFace's layers", "convolutional": "FaceNet's convolutions"}
    for n, name in own.items():
        for loss in ("softmax", "triplets"):
            flat, front = f[f"{n}-{loss}-2d"], f[f"{n}-{loss}-3d"]
            assert found[name, loss] == [
                "{:.4f} ± {:.4f}".format(*plain(flat)), "{:.4f} ± {:.4f}".format(*plain(front)),
                "{:+.4f} ± {:.4f}".format(*paired(front, flat)),
            ]  # fmt: skip
        check_differences(found[name, "triplets - softmax"], f, f"{n}-triplets", f"{n}-softmax")
    for loss in ("softmax", "triplets"):
        line = found["DeepFace's - FaceNet's", loss]
        check_differences(line, f, f"local-{loss}", f"convolutional-{loss}")


def check_differences(line, f, first, second):
    by_fold = []
    for k, alignment in enumerate(("2d", "3d")):
        a, b = f[f"{first}-{alignment}"], f[f"{second}-{alignment}"]
        by_fold.append([x - y for x, y in zip(a, b, strict=True)])
        assert line[k] == "{:+.4f} ± {:.4f}".format(*plain(by_fold[k]))
    assert line[2] == "{:+.4f} ± {:.4f}".format(*paired(by_fold[1], by_fold[0]))


def test_twelve_worths():
    f, results = records()
    found = {(w.idea, w.given): (w.mean, w.standard_error) for w in worths(results)}
    assert len(found) == 12
    for key, a, b in [
        (("3D - 2D", "DeepFace's layers, triplets"), "local-triplets-3d", "local-triplets-2d"),
        (("3D - 2D", "FaceNet's convolutions, softmax"), "convolutional-softmax-3d",
         "convolutional-softmax-2d"),
        (("triplets - softmax", "DeepFace's layers, 3D"), "local-triplets-3d", "local-softmax-3d"),
        (("triplets - softmax", "FaceNet's convolutions, 2D"), "convolutional-triplets-2d",
         "convolutional-softmax-2d"),
        (("DeepFace's layers - FaceNet's convolutions", "triplets, 2D"), "local-triplets-2d",
         "convolutional-triplets-2d"),
        (("DeepFace's layers - FaceNet's convolutions", "softmax, 3D"), "local-softmax-3d",
         "convolutional-softmax-3d"),
    ]:  # fmt: skip
        assert found[key] == pytest.approx(paired(f[a], f[b]))


def test_pairing_takes_away_what_folds_share():
    """Folds that are hard for all cancel: a constant lead has no error."""
    hard = np.random.default_rng(1).uniform(0.6, 0.9, 10)
    results = [
        with_folds(make_result(row="ideas", variant=f"local-softmax-{a}"), (hard + lead).tolist())
        for a, lead in (("2d", 0.0), ("3d", 0.02))
    ]
    (worth,) = worths(results)
    assert worth.mean == pytest.approx(0.02) and worth.standard_error == pytest.approx(0, abs=1e-12)


def test_what_is_not_measured_is_said_and_the_rest_shown():
    _, results = records(left_out=("local-softmax-3d",))
    found = cells(table(results))
    none = ideas_tables.NOT_MEASURED
    assert found["DeepFace's layers", "softmax"][1:] == [none, none]
    assert none not in found["DeepFace's layers", "softmax"][0]
    assert found["DeepFace's layers", "triplets - softmax"][1:] == [none, none]
    assert found["DeepFace's - FaceNet's", "softmax"][1:] == [none, none]
    assert none not in "".join(found["FaceNet's convolutions", "triplets - softmax"])
    assert len(worths(results)) == 9
    assert all(set(line) == {none} for line in cells(table([])).values())


def bars(axes):
    return [c for c in axes.containers if isinstance(c, ErrorbarContainer)]


@pytest.mark.parametrize(("left_out", "lines", "points"), [
    ((), 4, 12), (("local-softmax-3d",), 4, 9),
    (("local-softmax-2d", "local-softmax-3d"), 3, 7),
])  # fmt: skip
def test_the_picture_has_every_figure(left_out, lines, points):
    f, results = records(left_out)
    made = figure(results)
    made.draw_without_rendering()
    left, right = made.axes
    assert len(bars(left)) == lines and len(bars(right)) == points
    at = sorted(float(y) for bar in bars(left) for y in bar[0].get_ydata())
    assert at == pytest.approx(sorted(plain(folds)[0] for folds in f.values()))
    widths = [float(bar[0].get_xdata()[0]) for bar in bars(right)]
    assert widths == pytest.approx([worth.mean for worth in worths(results)])
    assert [t.get_text() for t in right.get_yticklabels()] == [w.given for w in worths(results)]


def test_the_picture_without_records_says_so():
    made = figure([])
    made.draw_without_rendering()
    assert [[t.get_text() for t in axes.texts] for axes in made.axes] == [["not measured"]] * 2


def test_the_picture_changes_with_a_fold_of_a_record_and_with_nothing_else():
    f, results = records()
    before = shown(results)
    assert shown([*results, make_result(row="lbp")]) == before
    name = "convolutional-softmax-2d"
    moved = [f[name][0] + 0.01, *f[name][1:]]
    other = [with_folds(r, moved) if r.variant == name else r for r in results]
    assert shown(other) != before
