"""Every lecture runs from top to bottom on synthetic faces, and a broken cell is noticed."""

import os

import nbformat
import pytest

from notebooks import build


@pytest.fixture
def environment(tmp_path_factory):
    """This process's, without real faces, and with one compilation cache for all lectures."""
    kept = {name: value for name, value in os.environ.items() if name != "LFW_DIR"}
    cache = tmp_path_factory.getbasetemp() / "compiled"
    return {"JAX_COMPILATION_CACHE_DIR": str(cache)} | kept


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.slow
@pytest.mark.parametrize("name", build.sources())
def test_lecture_runs(name, environment):
    notebook = build.read(build.sources()[name])
    build.execute(notebook, name, environment=environment)
    shown = outputs(notebook)
    said = "".join(output.text for output in shown if output.output_type == "stream")
    assert "Warning" not in said
    assert "exercise 1: open" in said and "not right yet" not in said
    assert sum("image/png" in output.get("data", {}) for output in shown) >= 4
    nbformat.validate(notebook)


def test_broken_cell_is_an_error_that_names_it(environment):
    cell = nbformat.v4.new_code_cell("1 / 0  # planted")
    with pytest.raises(build.NotebookError, match=r"(?s)broken: .*planted.*ZeroDivisionError"):
        build.execute(nbformat.v4.new_notebook(cells=[cell]), "broken", environment=environment)


def test_built_without_running(tmp_path, capsys):
    assert build.main(build.Build(out=tmp_path)) == 0
    written = sorted(path.stem for path in tmp_path.glob("*.ipynb"))
    assert written == list(build.sources())
    notebook = nbformat.read(tmp_path / f"{written[0]}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not outputs(notebook) and notebook.cells[0].source.startswith("# 1. Eigenfaces")


def test_lecture_that_is_not_there(tmp_path, capsys):
    assert build.main(build.Build(names=("9",), out=tmp_path)) == 1
    assert "no lecture '9'; there are 1_eigenfaces" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
