"""The report: its numbers are the records', it loads nothing, and bad input changes no file."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

from common import records
from experiments import record_checks, report
from experiments.ideas import BUNDLES
from experiments.paper_numbers import CLASSICAL, DEEP, LATER
from experiments.report import Report, main
from experiments.reporting import report_page, report_records, report_tables
from experiments.reporting.report_records import read_records
from experiments.rows import ROWS
from experiments.tables import TableError
from tests.common.test_records import make_result
from tests.experiments.reporting.reading_reports import Page, expected_cells

HOSTILE = "<script>alert('x')</script>&\"><img src=https://evil.example/x.png onerror=alert(1)>"


def complete(row, variant, **changes):
    """A record that has everything a report shows."""
    folds = [0.5 + 0.02 * n for n in range(10)]
    metrics = make_result().metrics
    metrics["accuracy"] = {**metrics["accuracy"], "folds": folds, "thresholds": [0.0] * 10}
    fields = {"metrics": metrics, "roc": {"far": [0.0, 0.01, 1.0], "tar": [0.0, 0.3, 1.0]}}
    return make_result(row=row, variant=variant, **{**fields, **changes})


@pytest.fixture(scope="module")
def committed():
    return read_records(report.RECORDS)


@pytest.fixture(scope="module")
def parsed(committed):
    return Page(report_page.page(committed, report_page.Errors()))


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with one complete record a row; returns it and where the report would go."""
    folder = tmp_path / "results"
    for name, row in ROWS.items():
        records.write(complete(name, row.headline), folder)
    monkeypatch.setattr(report, "RECORDS", folder)
    monkeypatch.chdir(tmp_path)
    return folder, tmp_path / "runs" / "report.html"


def test_the_numbers_of_the_table_are_those_of_the_records(committed, parsed):
    shown = committed.headlines()
    assert shown and set(parsed.cells) == {result.file_name for _, result in shown}
    for _, result in shown:
        cells = parsed.cells[result.file_name]
        for key, wanted in expected_cells(result).items():
            assert cells[key] == wanted, (result.file_name, key)
        training = result.training
        assert cells["ours_training"].startswith(
            f"{training['images']:,} images of {training['identities']:,} people"
        )


def test_folds_timing_commands_and_checksums_are_there(committed, parsed):
    said = parsed.said()
    for row, result in committed.headlines():
        for wanted in (
            row.title, result.command, result.data["sha256"], result.commit, result.file_name,
            f"{result.metrics['auc']:.4f}", f"{result.seconds:,.0f}",
            committed.checksums[result.file_name], *(f"{v:.4f}" for v in
                                                     result.metrics["accuracy"]["folds"]),
        ):  # fmt: skip
            assert wanted in said


def test_published_rows_say_that_they_are_not_ours(committed, parsed):
    published = [line for _, lines in report_tables.groups(records_of_none()) for line in lines]
    assert {"VGGFace", "SphereFace, 64 layers", "ArcFace, ResNet-100"} <= {
        p.name for p in published
    }
    assert all(line.ours == report_tables.NOT_MEASURED for line in published)
    ours = {result.published.get("source") for result in committed.results}
    left = {**DEEP, **LATER, **CLASSICAL}.values()
    not_ours = sum(one.source not in ours for one in left)
    unmeasured = len(ROWS) - len(committed.headlines())
    assert parsed.said().count(report_tables.NOT_MEASURED) >= not_ours + unmeasured > 10


def test_only_what_was_measured_stands_under_that_heading(committed):
    table = dict(report_tables.groups(committed))
    measured = table["Measured here, beside the published figure"]
    assert [line.name for line in measured] == [row.title for row, _ in committed.headlines()]
    assert all(line.result is not None for line in measured)
    built = {line.name for line in table["Built here, not measured yet"]}
    assert built == {row.title for row in ROWS.values()} - {line.name for line in measured}


def records_of_none():
    return report_records.Records([], {})


def test_the_page_loads_nothing(parsed):
    assert parsed.loaded and all(address.startswith("data:") for address in parsed.loaded)
    assert not [tag for tag, _ in parsed.tags if tag in ("script", "iframe", "object", "base")]
    style = report_page.CSS
    assert "url(" not in style and "@import" not in style
    links = [attrs["href"] for tag, attrs in parsed.tags if tag == "a"]
    ids = {attrs["id"] for _, attrs in parsed.tags if "id" in attrs}
    assert links and all(link.startswith("#") and link[1:] in ids for link in links)
    assert not [a for _, attrs in parsed.tags for a in attrs if a.startswith("on")]


def test_hostile_texts_are_shown_and_not_obeyed(house, monkeypatch):
    folder, out = house
    name = next(iter(ROWS))
    monkeypatch.setitem(ROWS, name, dataclasses.replace(ROWS[name], title=HOSTILE))
    base = complete(name, ROWS[name].headline)
    hostile = dataclasses.replace(
        base, command=HOSTILE, config={HOSTILE: HOSTILE}, commit=HOSTILE, device=HOSTILE,
        alignment=HOSTILE, test_time=HOSTILE, versions={HOSTILE: HOSTILE},
        published={"accuracy": 0.7, "source": HOSTILE, "training_images": HOSTILE},
        training={**base.training, "data": HOSTILE, "device": HOSTILE},
        data={**base.data, "name": HOSTILE, "sha256": HOSTILE},
        speed={**base.speed, "device": HOSTILE},
    )  # fmt: skip
    records.write(hostile, folder)
    records.write(complete(name, "'><b onclick=x>"), folder)
    text = report_page.page(
        read_records(folder), report_page.Errors(missing=[HOSTILE])
    )  # fmt: skip
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "b")]
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert all(address.startswith("data:") for address in page.loaded)
    assert HOSTILE in page.said()


def test_the_three_formats_are_written(house, capsys):
    _, out = house
    for kind, suffix in (("html", ".html"), ("markdown", ".md"), ("latex", ".tex")):
        assert main(Report(format=kind)) == 0
        assert "0.6000 ± 0.0100" in out.with_suffix(suffix).read_text().replace("$\\pm$", "±")
    assert "wrote runs/report.tex" in capsys.readouterr().out
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "report.html",
        "report.md",
        "report.tex",
    ]


def damage_json(folder):
    next(folder.glob("*.json")).write_text("{")
    return "cannot be read as JSON"


def damage_block(folder):
    path = next(folder.glob("*.json"))
    content = json.loads(path.read_text())
    del content["training"]["images"]
    path.write_text(json.dumps(content))
    return f"{path.name}: training.images is None"


def copied(folder):
    path = next(folder.glob("*.json"))
    shutil.copy(path, folder / "copy.json")
    return f"copy.json says it is {path.name}: two records for one row?"


def two_seeds(folder):
    name, row = next(iter(ROWS.items()))
    records.write(complete(name, row.headline, seed=1), folder)
    return f"both claim {name} {row.headline}: keep one"


def without_record(folder):
    name, row = next(iter(ROWS.items()))
    (folder / f"{name}_{row.headline}_seed0.json").unlink()
    return f"no record {name}_{row.headline}_seed0.json in results/"


def of_no_row(folder):
    records.write(complete("nobody", "plain"), folder)
    return "nobody_plain_seed0.json is of the row 'nobody'"


def synthetic(folder):
    name = next(iter(ROWS))
    records.write(complete(name, "more", synthetic=True), folder)
    return "synthetic faces"


@pytest.mark.parametrize(
    "spoil", [damage_json, damage_block, copied, two_seeds, without_record, of_no_row, synthetic]
)
@pytest.mark.parametrize("kind", ["html", "markdown", "latex"])
def test_bad_records_are_one_clear_line_and_overwrite_nothing(house, capsys, spoil, kind):
    folder, out = house
    out = out.with_suffix(report._SUFFIXES[kind])
    out.parent.mkdir()
    out.write_text("what stood here")
    said = spoil(folder)
    assert main(Report(format=kind, strict=True)) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("error:") and said in error and "\n" not in error
    assert [p.name for p in out.parent.iterdir()] == [out.name]
    assert out.read_text() == "what stood here"


def test_rows_without_a_record_are_shown_as_such(house):
    folder, out = house
    without_record(folder)
    assert main(Report()) == 0
    first = next(iter(ROWS.values())).title
    assert first in Page(out.read_text()).said()


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    out = tmp_path / "report.html"
    out.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        report.write_whole(out, "new \ud800")
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]


def test_latex_escapes_its_special_characters(house):
    folder, _ = house
    assert report_tables.latex_escape("\\&%$#_{}~^") == (
        r"\textbackslash{}\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{}"
    )
    name, row = next(iter(ROWS.items()))
    published = {"accuracy": 0.7, "source": "x", "training_images": "50 % of a_b & {c}"}
    records.write(complete(name, row.headline, published=published), folder)
    text = report_tables.latex(read_records(folder))
    assert r"50 \% of a\_b \& \{c\}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\cmidrule(lr){2-3}"):
        assert rule in text
    body = text[text.index("Row &") :]
    for line in body.splitlines():
        if line.endswith(r"\\") and not line.startswith(r"\multicolumn"):
            assert len(re.findall(r"(?<!\\)&", line)) == 5, line


def test_markdown_has_the_columns_of_the_header(committed):
    lines = report_tables.markdown(committed).splitlines()
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert widths == {len(report_tables.COLUMNS) + 1}


def test_a_row_without_a_threshold_shows_its_auc(house):
    folder, _ = house
    name, row = next(iter(ROWS.items()))
    result = complete(name, row.headline)
    metrics = {**result.metrics, "accuracy": None}
    records.write(dataclasses.replace(result, metrics=metrics), folder)
    page = Page(report_page.page(read_records(folder), report_page.Errors()))
    assert page.cells[result.file_name]["ours"] == "AUC 0.6500"


def test_a_metrics_block_without_accuracy_is_refused():
    result = complete(*next((name, row.headline) for name, row in ROWS.items()))
    metrics = {k: v for k, v in result.metrics.items() if k != "accuracy"}
    with pytest.raises(TableError, match="lacks accuracy"):
        record_checks.check_record(dataclasses.replace(result, metrics=metrics))


def test_what_each_idea_is_worth_is_said_by_the_records_of_its_rows(house):
    folder, out = house
    for result in records.read_all(folder):  # the house has one variant a row: nothing to subtract
        if result.row in ("ideas", "deepface-networks"):
            (folder / result.file_name).unlink()
    empty = report_page.page(read_records(folder), report_page.Errors())
    assert empty.count("Not measured yet.") == 2
    rng = np.random.default_rng(0)
    made = {}
    for variant in [b.name for b in BUNDLES] + ["2d-inner-product", "3d-inner-product"]:
        made[variant] = rng.uniform(0.6, 0.9, 10).round(4)
        row = "deepface-networks" if "inner" in variant else "ideas"
        metrics = complete(row, variant).metrics
        metrics["accuracy"] = {**metrics["accuracy"], "folds": made[variant].tolist()}
        records.write(complete(row, variant, metrics=metrics), folder)
    page = Page(report_page.page(read_records(folder), report_page.Errors()))
    said = page.said()
    assert "Not measured yet." not in said
    for first, second in (("local-softmax-3d", "local-softmax-2d"),
                          ("convolutional-triplets-3d", "convolutional-softmax-3d"),
                          ("3d-inner-product", "2d-inner-product")):  # fmt: skip
        paired = made[first] - made[second]
        error = np.sqrt(np.var(paired, ddof=1) / 10)
        assert f"{paired.mean():+.4f} ± {error:.4f}" in said
    pictures = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == 3 and all(pictures)
