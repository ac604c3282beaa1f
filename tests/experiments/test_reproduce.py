"""The main command, end to end on synthetic faces: what it prints, writes and refuses."""

import dataclasses
import json

import pytest

from common import records
from experiments.report_run import compare, in_one_line, what_stands
from experiments.reproduce import Reproduce, main
from experiments.rows import ROWS
from tests.common.test_records import make_result


@pytest.fixture(autouse=True)
def no_lfw(monkeypatch, tmp_path):
    """A machine without LFW, with caches of its own."""
    monkeypatch.delenv("LFW_DIR", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "no-scikit-learn"))
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLASSIC_FACES_CACHE", str(tmp_path_factory.mktemp("cache")))
        code = main(Reproduce("all", tiny=True, runs=runs))
    return code, runs / "synthetic"


def test_all_rows_run_on_synthetic_faces_and_say_so(tiny_run):
    code, runs = tiny_run
    assert code == 0
    for row in ROWS:
        found = records.read_all(runs / row)
        assert found and all(result.row == row for result in found)
        for result in found:
            assert result.synthetic and result.benchmark == "synthetic"
            assert result.data["name"] == "synthetic"
            # Synthetic faces in a center crop teach a network nothing in seconds: it guesses.
            guesses = result.variant == "center-crop-chi-squared"
            assert (0.45 if guesses else 0.5) <= result.metrics["auc"] <= 1
            assert result.roc["far"][0] == 0 and result.roc["tar"][-1] == 1
            assert str(runs) not in json.dumps(result.config) + result.command
    assert (runs / "roc.png").stat().st_size > 10_000
    assert len(list((runs / "eigenfaces").glob("*.png"))) >= 8


def test_a_rerun_measures_the_same(tiny_run, tmp_path):
    _, runs = tiny_run
    assert main(Reproduce("lbp", tiny=True, runs=tmp_path)) == 0
    (again,) = records.read_all(tmp_path / "synthetic" / "lbp")
    (first,) = records.read_all(runs / "lbp")
    assert again.metrics == first.metrics and again.config == first.config


def test_every_line_of_a_synthetic_run_says_so(capsys, tmp_path):
    main(Reproduce("lbp", tiny=True, runs=tmp_path))
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if "lbp" in line.lower() or "images of" in line]
    assert "published" not in out  # nothing was published on synthetic faces
    assert lines and all("SYNTHETIC" in line for line in lines)


def test_synthetic_runs_are_never_recorded(capsys, tmp_path):
    assert main(Reproduce("lbp", tiny=True, record=True, runs=tmp_path)) == 1
    assert "--record needs the real LFW" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_bad_arguments_are_one_line(capsys, tmp_path):
    assert main(Reproduce("eigenface", runs=tmp_path)) == 1
    assert f"the rows are {', '.join(ROWS)}, or all" in capsys.readouterr().err
    assert main(Reproduce("lbp", lfw_dir=tmp_path / "nowhere", runs=tmp_path)) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("error:") and "nowhere" in error and "\n" not in error


def test_what_is_not_rerun_is_shown_by_its_record(tmp_path):
    assert what_stands("deepface", tmp_path) == "no record"
    result = make_result(row="deepface", variant=ROWS["deepface"].headline)
    records.write(result, tmp_path)
    assert what_stands("deepface", tmp_path) == f"recorded {in_one_line(result)}"
    assert "0.6000 ± 0.0100 (published 0.7000)" in in_one_line(result)


def test_a_measurement_is_compared_with_its_committed_record(tmp_path):
    result = make_result(tolerance=0.002)

    def compared(mean, **changes):
        metrics = {**result.metrics, "accuracy": {**result.metrics["accuracy"], "mean": mean}}
        records.write(dataclasses.replace(result, metrics=metrics, **changes), tmp_path)
        return compare(result, tmp_path)

    assert compare(result, tmp_path) == (None, "toy plain: no committed record to compare with")
    agrees, said = compared(result.figure + 0.0019)
    assert agrees and "agrees with the committed record (0.6000 and 0.6019" in said
    agrees, said = compared(result.figure - 0.0021)
    assert not agrees and "differs from" in said
    agrees, said = compared(0.9, data={**result.data, "sha256": "other"})
    assert agrees is None and "other images" in said
