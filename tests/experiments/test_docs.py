"""The pages about records and rows say what the code does."""

import dataclasses
import re
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from common.records import Result
from experiments.setting import Setting
from experiments.tables import ROOT

DOCS = ROOT / "docs"


def test_every_field_of_a_record_is_explained():
    text = (DOCS / "records.md").read_text()
    named = set(re.findall(r"`(\w+)`", text))
    assert {field.name for field in dataclasses.fields(Result)} <= named


def test_the_smallest_row_runs_as_it_is_printed(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "add_a_row.md").read_text(), re.DOTALL)
    path = tmp_path / "pixels_lfw.py"
    path.write_text(code)
    spec = spec_from_file_location("pixels_lfw", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    faces = synthetic_benchmark(people=60, images_per_person=2, pairs_per_fold=4, size=32)
    setting = Setting(faces, (), True, tmp_path, "x", Console(quiet=True))
    (measured,) = module.run(setting)
    assert measured.result.row == "pixels" and measured.result.synthetic
    assert np.isfinite(measured.outcome.scores).all()


def test_links_of_the_pages_lead_somewhere():
    for page in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
