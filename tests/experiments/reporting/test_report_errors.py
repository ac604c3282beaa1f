"""The report's worst errors: the right pairs, of the right scores, and only where they may lie."""

import dataclasses

import numpy as np
import pytest

from common import records
from common.data.synthetic import synthetic_benchmark
from common.verification import summarize
from experiments import report
from experiments.report import Report, main
from experiments.reporting import report_page
from experiments.reporting.report_errors import gather
from experiments.reporting.report_records import Records
from experiments.rows import ROWS
from tests.experiments.reporting.reading_reports import Page
from tests.experiments.test_report import complete

NAME, ROW = next(iter(ROWS.items()))


@pytest.fixture(scope="module")
def benchmark():
    return synthetic_benchmark(people=60, images_per_person=2, pairs_per_fold=4, size=32)


@pytest.fixture
def scored(benchmark, tmp_path):
    """A record, and the run that it came from."""
    pairs = benchmark.view2
    scores = np.random.default_rng(0).normal(pairs.same * 1.0, 1.0)
    metrics = summarize(scores, pairs.same, pairs.fold, np.full(10, 0.5))
    data = {**complete(NAME, ROW.headline).data, "sha256": benchmark.provenance.sha256}
    result = complete(NAME, ROW.headline, metrics=metrics, data=data)
    folder = tmp_path / "runs" / NAME
    records.write(result, folder)
    path = folder / f"{NAME}_{ROW.headline}_seed0_scores.npz"
    np.savez(path, scores=scores, same=pairs.same, fold=pairs.fold)
    return Records([result], {result.file_name: "0" * 64}), scores, path


def test_the_worst_pairs_are_shown_with_their_scores(benchmark, scored):
    found, scores, path = scored
    (row,), missing = gather(found, benchmark, path.parent.parent, count=2)
    assert missing == [] and row.title == ROW.title
    pairs = benchmark.view2
    worst = int(np.argmax(np.where(pairs.same, -np.inf, scores)))
    shown = row.false_accepts[0]
    assert shown.said == [(ROW.title, scores[worst], 0.5, False)] and not shown.same
    assert shown.fold == pairs.fold[worst] + 1
    assert shown.names[0] == benchmark.names[pairs.first[worst]].replace("_", " ")
    lowest = int(np.argmin(np.where(pairs.same, scores, np.inf)))
    assert row.false_rejects[0].said[0][1] == scores[lowest] and row.false_rejects[0].same
    assert len(row.false_accepts) == len(row.false_rejects) == 2
    page = Page(report_page.page(found, report_page.Errors([row])))
    assert f"{scores[worst]:.4g}" in page.said() and "wrong" in page.said()
    pictures = [a["src"] for tag, a in page.tags if tag == "img" and "jpeg" in a["src"]]
    assert len(pictures) == 8 and all(p.startswith("data:image/jpeg;base64,") for p in pictures)


def test_hostile_names_of_people_are_escaped(benchmark, scored):
    found, _, path = scored
    named = dataclasses.replace(benchmark, names=["<script>alert(1)</script>"] * 10_000)
    rows, _ = gather(found, named, path.parent.parent)
    page = Page(report_page.page(found, report_page.Errors(rows)))
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert "<script>alert(1)</script>" in page.said()


def truncate(path):
    path.write_bytes(path.read_bytes()[:100])
    return "cannot be read"


def empty(path):
    path.write_bytes(b"")
    return "cannot be read"


def other_scores(path):
    stored = dict(np.load(path))
    np.savez(path, **{**stored, "scores": -stored["scores"]})
    return "not those of the committed record"


def remove(path):
    path.unlink()
    return "no scores"


@pytest.mark.parametrize("spoil", [truncate, empty, other_scores, remove])
def test_scores_that_cannot_serve_are_named_and_left_out(benchmark, scored, spoil):
    found, _, path = scored
    said = spoil(path)
    rows, (sentence,) = gather(found, benchmark, path.parent.parent)
    assert rows == [] and sentence.startswith(ROW.title) and said in sentence


def test_scores_of_other_images_are_left_out(benchmark, scored):
    found, _, path = scored
    other = dataclasses.replace(
        benchmark, provenance=dataclasses.replace(benchmark.provenance, sha256="f" * 64)
    )
    rows, (sentence,) = gather(found, other, path.parent.parent)
    assert rows == [] and "not those of the committed record" in sentence


def test_faces_stay_in_the_folder_of_runs(scored, tmp_path, monkeypatch):
    _, _, path = scored
    folder = tmp_path / "results"
    for name, row in ROWS.items():
        records.write(complete(name, row.headline), folder)
    monkeypatch.setattr(report, "RECORDS", folder)
    out = tmp_path / "elsewhere.html"
    assert main(Report(out, runs=path.parent.parent)) == 0
    text = out.read_text()
    assert "image/jpeg" not in text and "stay in the folder of runs" in text
