"""What README.md and docs/ tell to type: Python blocks run, commands and their options exist.

A Python block that needs what a test does not have is marked in the page, on the line before it:
`<!-- not run: why -->`.
"""

import contextlib
import io
import re
import runpy
import sys
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from experiments.tables import ROOT, pages

PAGES = {page.name: page.read_text(encoding="utf-8") for page in pages()}
BLOCK = re.compile(
    r"(?P<before>[^\n]*\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)
# In a block, in a span of code, or indented; a span may go on on the next line.
COMMAND = re.compile(r"python\s+-m\s+(?P<module>[\w.]+)(?P<rest>[^`\n]*(?:\n(?! )[^`\n]*(?=`))?)")
TARGET = re.compile(r"(?:^|`)make ([a-z][\w-]*)", re.MULTILINE)


def python_blocks(text):
    """Every Python block that is to be run, with the number of its first line."""
    for match in BLOCK.finditer(text):
        if match["language"] == "python" and "<!-- not run:" not in (match["before"] or ""):
            yield text[: match.start("code")].count("\n") + 1, match["code"]


def commands(text):
    """Every `python -m module`, with the names of its options."""
    for match in COMMAND.finditer(text):
        said = match["rest"].split("#")[0]  # what follows is a comment
        yield match["module"].rstrip("."), set(re.findall(r"(?<![\w-])--[a-z][\w-]*", said))


BLOCKS = [
    pytest.param(line, code, id=f"{name}:{line}")
    for name, text in PAGES.items()
    for line, code in python_blocks(text)
]
COMMANDS = sorted({(m, tuple(sorted(o))) for text in PAGES.values() for m, o in commands(text)})


def test_there_is_something_to_check():
    assert BLOCKS and len(COMMANDS) > 5


@pytest.mark.parametrize(("line", "code"), BLOCKS)
def test_python_block_runs(line, code, monkeypatch):
    monkeypatch.chdir(ROOT)
    namespace = {"__name__": "__block__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile("\n" * line + code, "block", "exec"), namespace)


@pytest.mark.parametrize(("module", "options"), COMMANDS, ids=lambda value: str(value))
def test_command_and_its_options_exist(module, options):
    known = options_of(module)
    unknown = [option for option in options if option not in known]
    assert not unknown, f"python -m {module} knows no {', '.join(unknown)}"


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(PAGES[page])) <= targets


@cache
def options_of(module):
    """The options in a module's --help, run in this process."""
    spec = find_spec(module)
    assert spec and spec.origin, f"python -m {module}: no such module"
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert 'if __name__ == "__main__":' in source, f"python -m {module} does nothing"
    if "tyro.cli" not in source:  # without options: to start it would be to run it
        return set()
    shown, argv = io.StringIO(), sys.argv
    sys.argv = [module, "--help"]
    try:
        with contextlib.redirect_stdout(shown), warnings.catch_warnings():
            # It may have been imported before, as what other modules need.
            warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, f"python -m {module} --help ends with {end.code}"
    finally:
        sys.argv = argv
    assert "usage" in shown.getvalue().lower(), f"python -m {module} has no --help"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())
    return set(re.findall(r"--[a-z][\w-]*", plain))


def test_broken_pages_would_be_seen():
    page = "Run `python -m\nexperiments.figure1 A --nonsense 3`.\n\n```python\n1 / 0\n```\n"
    assert list(commands(page)) == [("experiments.figure1", {"--nonsense"})]
    with pytest.raises(AssertionError, match="knows no --nonsense"):
        test_command_and_its_options_exist("experiments.figure1", ("--nonsense",))
    ((_, code),) = python_blocks(page)
    with pytest.raises(ZeroDivisionError):
        exec(code, {})
    marked = page.replace("```python", "<!-- not run: a test -->\n```python")
    assert not list(python_blocks(marked))
