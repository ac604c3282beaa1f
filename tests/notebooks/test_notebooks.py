"""Every lecture runs as it is built, then accepts its solutions; a broken cell is noticed.

On synthetic faces, and on photographs too where LFW_DIR names a copy of Labeled Faces in the Wild.
"""

import ast
import os
import re

import nbformat
import pytest

from notebooks import build
from notebooks.classroom import check


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def open_functions(source):
    """The functions of a cell whose body is `...`, but for the docstring."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [node for node in functions if ast.unparse(node.body[-1]) == "..."]


def exercises(notebook):
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return [source for source in code if open_functions(source)]


def without_function(source):
    """An exercise whose function was written elsewhere: what is left asks and judges it."""
    (function,) = open_functions(source)
    lines = source.splitlines()
    return "\n".join(lines[: function.lineno - 1] + lines[function.end_lineno :])


@pytest.mark.slow
@pytest.mark.parametrize("name", build.sources())
def test_lecture_runs_and_accepts_its_solutions(name):
    notebook = build.read(build.sources()[name])
    asked = exercises(notebook)
    solutions = (build.FOLDER / "solutions" / f"{name}.py").read_text()
    again = [solutions, *map(without_function, asked)]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in again]
    build.execute(notebook, name)

    shown = outputs(notebook)
    said = "".join(output.text for output in shown if output.output_type == "stream")
    assert "Warning" not in said
    judged = re.findall(r"^exercise (\d+): (.*)$", said, re.MULTILINE)
    numbers = [str(number + 1) for number in range(len(asked))]
    assert judged == [(n, "open") for n in numbers] + [(n, "right") for n in numbers]
    assert said.count("real faces: LFW") == bool(os.environ.get("LFW_DIR"))
    assert sum("image/png" in output.get("data", {}) for output in shown) >= 4
    nbformat.validate(notebook)


@pytest.mark.parametrize("name", build.sources())
def test_exercise_as_built_answers_nothing_and_is_called_open(name, capsys):
    asked = exercises(build.read(build.sources()[name]))
    for number, source in enumerate(asked, start=1):
        (function,) = open_functions(source)
        scope = {}
        exec(ast.unparse(function), scope)
        answer = scope[function.name](*[None] * len(function.args.args))
        check(number, answer, 1.0)
    expected = [f"exercise {number + 1}: open" for number in range(len(asked))]
    assert capsys.readouterr().out.splitlines() == expected


def test_broken_cell_is_an_error_that_names_it():
    cell = nbformat.v4.new_code_cell("1 / 0  # planted")
    with pytest.raises(build.NotebookError, match=r"(?s)broken: .*planted.*ZeroDivisionError"):
        build.execute(nbformat.v4.new_notebook(cells=[cell]), "broken")


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
