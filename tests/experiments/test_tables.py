"""Tables: what stands in README.md and docs/ is what the records say."""

import dataclasses
import json
import re

import pytest

from common import records
from experiments import paper_numbers, tables
from experiments.paper_numbers import CLASSICAL, DEEP, EIGENFACES, LATER
from tests.common.test_records import make_result


def eigenfaces(**changes):
    return make_result(row="eigenfaces", variant="official", **changes)


def test_no_page_would_change():
    """The committed pages are made from the committed records; `make tables` rebuilds them."""
    assert tables.update(check=True) == []


def test_no_picture_would_change():
    """The committed curves are drawn from the committed records."""
    assert tables.update_pictures(check=True) == []


def test_a_block_is_replaced_and_the_rest_stays():
    page = "before\n<!-- table: comparison -->\nold 0.9999\n<!-- /table -->\nafter\n"
    new = tables.render(page, [eigenfaces()])
    assert new.startswith("before\n<!-- table: comparison -->\n| ")
    assert new.endswith(" |\n<!-- /table -->\nafter\n")
    assert "0.9999" not in new and "0.6000 ± 0.0100" in new
    assert tables.render(new, [eigenfaces()]) == new


def test_an_unknown_block_is_named():
    with pytest.raises(tables.TableError, match="'comparisons'"):
        tables.render("<!-- table: comparisons -->\n<!-- /table -->", [])


def test_the_comparison_has_the_published_figure_beside_ours_and_links_the_record():
    result = eigenfaces(published=EIGENFACES.as_record())
    line = next(x for x in tables.comparison([result]).splitlines() if "Eigenfaces" in x)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:4] == [
        "0.6002 ± 0.0079", "**0.6000 ± 0.0100**", "image-restricted-no-outside-data",
    ]  # fmt: skip
    assert cells[-1] == "[eigenfaces official](experiments/results/eigenfaces_official_seed0.json)"


def test_rows_without_a_record_are_published_only():
    text = tables.comparison([])
    for name, published in {**CLASSICAL, **DEEP, **LATER}.items():
        line = next(x for x in text.splitlines() if f"| {name} |" in x)
        assert f"{published.accuracy:.4f}" in line
    assert "Eigenfaces" not in text


def test_each_ensemble_of_deepface_stands_for_itself():
    """Three networks are built here, and stand until measured; eight are published only."""
    three, eight = "DeepFace, ensemble of three networks", "DeepFace, ensemble of eight networks"

    def status(name, results):
        lines = [x for x in tables.comparison(results).splitlines() if f"| {name} |" in x]
        return [line.split("|")[2].strip() + ": " + line.split("|")[3].strip() for line in lines]

    built = make_result(row="deepface-networks", variant="ensemble",
                        published=paper_numbers.DEEPFACE["ensemble"].as_record())  # fmt: skip
    assert status(three, []) == ["0.9715 ± 0.0027: not measured yet"]
    assert status(three, [built]) == []
    for results in ([], [built]):
        assert status(eight, results) == ["0.9735 ± 0.0025: published only"]


def test_two_records_for_one_line_are_an_error():
    with pytest.raises(tables.TableError, match="2 records claim the line of eigenfaces"):
        tables.comparison([eigenfaces(), eigenfaces(seed=1)])


def test_a_row_without_a_threshold_shows_its_auc():
    result = eigenfaces()
    result = dataclasses.replace(result, metrics={**result.metrics, "accuracy": None})
    assert "| 0.6500 |" in tables.variants([result])


@pytest.fixture
def house(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "results").mkdir()
    for page in ("README.md", "docs/a.md"):
        (tmp_path / page).write_text("<!-- table: comparison -->\n<!-- /table -->\n")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr(tables, "RECORDS", tmp_path / "results")
    return tmp_path


def test_a_damaged_or_synthetic_record_leaves_every_page_alone(house):
    before = (house / "README.md").read_text()
    path = records.write(eigenfaces(synthetic=True), house / "results")
    with pytest.raises(tables.TableError, match="synthetic faces"):
        tables.update()
    path.write_text(json.dumps({"row": "eigenfaces"}))
    with pytest.raises(records.RecordError, match="lacks"):
        tables.update()
    assert (house / "README.md").read_text() == before


def test_a_record_that_lacks_what_is_quoted_is_one_line(house, capsys):
    records.write(eigenfaces(training={"images": 3}), house / "results")
    assert tables.main(tables.Tables()) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: eigenfaces_official") and "training.identities is None" in said
    assert "Traceback" not in said


def test_update_writes_every_page_and_check_writes_none(house):
    records.write(eigenfaces(), house / "results")
    assert len(tables.update(check=True)) == 2
    assert "0.6000" not in (house / "README.md").read_text()
    assert len(tables.update()) == 2
    assert tables.update(check=True) == []
    assert "0.6000" in (house / "docs" / "a.md").read_text()


def test_no_measured_number_is_typed_beside_the_tables():
    """Outside the marked blocks, the README quotes no accuracy."""
    text = (tables.ROOT / "README.md").read_text()
    outside = re.sub(r"<!-- table.*?<!-- /table -->", "", text, flags=re.DOTALL)
    assert not re.findall(r"\b0\.\d{3,}|\d\d\.\d+ ?%", outside)


def test_records_stand_beside_the_published_figures_of_today():
    """Or a row's published figure would be shown twice: in its line, and as not measured yet."""
    values = list(vars(paper_numbers).values())
    values += [one for value in values if isinstance(value, dict) for one in value.values()]
    known = [one.as_record() for one in values if isinstance(one, paper_numbers.Published)]
    for result in records.read_all(tables.RECORDS):
        assert result.published == {} or result.published in known, result.file_name
