"""A run of many rows: its estimate of the end, its summary, and --only-missing."""

import dataclasses
from datetime import datetime

import pytest

from common import records
from common.data.synthetic import synthetic_benchmark
from experiments import open_benchmark, reproduce
from experiments.reproduce import Reproduce, main
from experiments.rows import ROWS, Row
from experiments.run_summary import Estimate, already_measured, expected_seconds
from experiments.setting import NotRerun
from tests.common.test_records import make_result


def test_the_estimate_follows_the_records_and_then_the_pace():
    estimate = Estimate({"a": 100.0, "b": 50.0, "c": 200.0}, lambda: datetime(2000, 1, 1, 12, 0))
    assert estimate.left(["a", "b", "c"]) == 350
    assert (
        estimate.sentence(["a", "b", "c"])
        == "3 rows to go, about 6 min if all are rerun: done at about 12:05"
    )
    estimate.finished("a", 200.0)  # twice as slow as the machine of the records
    assert estimate.left(["b", "c"]) == 500
    estimate.dropped("b")
    assert estimate.left(["c"]) == 400
    assert estimate.left(["c", "unknown"]) is None
    assert estimate.sentence(["c"]) == "1 row to go, about 7 min: done at about 12:06"
    assert "no record tells" in estimate.sentence(["unknown"])
    assert estimate.sentence(["c", "unknown"]) == (
        "2 rows to go, about 7 min: done at about 12:06, without the 1 that no record tells of"
    )


def test_all_variants_of_a_row_count(tmp_path):
    for variant, seconds in (("x", 1.0), ("y", 2.0)):
        records.write(make_result(variant=variant, seconds=seconds), tmp_path)
    assert expected_seconds(tmp_path, ["toy", "other"]) == {"toy": 3.0}
    for variant in "xy":
        records.write(make_result(variant=variant, seconds=2.0, row_seconds=2.5), tmp_path)
    assert expected_seconds(tmp_path, ["toy", "other"]) == {"toy": 2.5}


def test_only_a_whole_record_of_the_same_images_counts_as_measured(tmp_path):
    name, row = next(iter(ROWS.items()))
    result = make_result(row=name, variant=row.headline)
    sha256 = result.data["sha256"]
    assert already_measured(tmp_path, name, sha256) is None
    path = records.write(result, tmp_path / name)
    assert already_measured(tmp_path, name, sha256) == result
    assert already_measured(tmp_path, name, "f" * 64) is None
    path.write_text("{")
    assert already_measured(tmp_path, name, sha256) is None


@pytest.fixture
def own_rows():
    """Whatever becomes of ROWS is undone, with its order, which the tables follow."""
    before = dict(ROWS)
    yield
    ROWS.clear()
    ROWS.update(before)


@pytest.fixture
def three_rows(own_rows, monkeypatch, tmp_path):
    """LBP, a row that fails, and one that is not rerun."""
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in ROWS if name != "lbp"]:
        del ROWS[name]
    loads = []

    @dataclasses.dataclass(frozen=True)
    class Stub(Row):
        error: Exception = ValueError()

        def load(self):
            def run(setting):
                loads.append(self.title)
                raise self.error

            return run

    error = ValueError("no faces [b]here[/b]")
    ROWS["broken"] = Stub("none", "Broken", "x", error=error)
    ROWS["absent"] = Stub("none", "Absent", "x", error=NotRerun("hours of training"))
    return loads


def test_one_summary_says_what_became_of_every_row(three_rows, capsys, tmp_path):
    assert main(Reproduce("all", tiny=True, runs=tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    start = next(n for n, line in enumerate(lines) if "3 rows in" in line)
    said = lines[start:]
    for words in (
        ("lbp", "measured", "lbp cropped:"), ("broken", "failed", "no faces [b]here[/b]"),
        ("absent", "not rerun", "hours of training"),
    ):  # fmt: skip
        (line,) = [x for x in said if x.strip().startswith(words[0])]
        assert all(word in line for word in words)
    assert "SYNTHETIC" in lines[start]


def test_only_missing_goes_on_where_a_run_ended(three_rows, capsys, tmp_path):
    del ROWS["broken"]
    assert main(Reproduce("lbp", tiny=True, runs=tmp_path)) == 0
    before = (tmp_path / "synthetic" / "lbp" / "lbp_cropped_seed0.json").stat().st_mtime_ns
    capsys.readouterr()
    assert main(Reproduce("all", tiny=True, only_missing=True, runs=tmp_path)) == 0
    out = capsys.readouterr().out
    assert three_rows == ["Absent"] and "already measured" in out
    after = (tmp_path / "synthetic" / "lbp" / "lbp_cropped_seed0.json").stat().st_mtime_ns
    assert after == before


def test_record_and_only_missing_do_not_go_together(capsys, tmp_path):
    assert main(Reproduce("lbp", record=True, only_missing=True, runs=tmp_path)) == 1
    assert "leave out --only-missing" in capsys.readouterr().err


def test_the_command_names_the_flag():
    assert reproduce.Reproduce("all", only_missing=True).command.endswith("all --only-missing")


@pytest.fixture
def as_lfw(monkeypatch, tmp_path):
    """Faces that pass for real ones, and records of the test's own."""
    made = synthetic_benchmark(people=60, images_per_person=4, pairs_per_fold=20, size=64)
    about = dataclasses.replace(made.provenance, name="lfw", variant="original", synthetic=False)
    faces = dataclasses.replace(made, provenance=about)
    monkeypatch.setattr(open_benchmark, "_open", lambda options: (faces, ()))
    monkeypatch.setattr(reproduce, "RECORDS", tmp_path / "records")
    return tmp_path / "records"


def test_rows_are_recorded_one_by_one(three_rows, as_lfw, tmp_path):
    ROWS["broken"] = dataclasses.replace(ROWS["broken"], error=KeyboardInterrupt())
    assert main(Reproduce("all", runs=tmp_path / "runs", record=True)) == 130
    (stands,) = records.read_all(as_lfw)
    assert (stands.row, stands.synthetic) == ("lbp", False)
    assert stands.row_seconds >= stands.seconds > 0


def test_a_row_that_is_not_rerun_is_shown_by_its_record(three_rows, as_lfw, capsys, tmp_path):
    records.write(make_result(row="absent", variant="x"), as_lfw)
    main(Reproduce("all", runs=tmp_path / "runs"))
    out = capsys.readouterr().out
    assert "absent not rerun: recorded absent x: 0.6000 ± 0.0100 (published 0.7000); hours" in out
    assert "of 1 measurements, 0 agree with the committed records, 0 differ, 1 were not" in out
