import pytest

from common.data import progress as module
from common.data.progress import note, progress


@pytest.mark.parametrize(("patience", "shown"), [(60.0, False), (-1.0, True)])
def test_bar_shows_on_stderr_once_the_work_takes_long(monkeypatch, capsys, patience, shown):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", patience)
    with progress("Doing the work", 40) as advance:
        advance(15)
        advance(25)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Doing the work" in err) == ("40/40" in err) == shown


def test_bytes_of_unknown_total(monkeypatch, capsys):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", -1.0)
    with progress("Fetching", None, bytes=True) as advance:
        advance(3_000_000)
    assert "3.0" in capsys.readouterr().err


def test_bar_ends_when_the_work_fails(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", -1.0)
    for _ in range(2):  # a bar left running would stand in the way of the next
        with pytest.raises(KeyError), progress("Failing", 2) as advance:
            advance(1)
            raise KeyError


def test_note_is_one_line_as_it_is_written(capsys):
    text = "a [bold]long[/bold] line " * 20
    note(text)
    assert capsys.readouterr().err.splitlines() == [text]
