"""What the command takes and gives: trees, LFW, odd names; the report and the contact sheet."""

import os

import numpy as np
import pytest
import tyro

from common.data.lfw_folder import LfwFolder
from experiments.align import Align
from experiments.alignment.align_report import Report, ReportError, Row
from experiments.alignment.align_sources import AlignError, Photo, find_photos, output_names
from experiments.alignment.contact_sheet import COLUMNS, TILE, Pair, contact_sheet
from tests.experiments.alignment.aligning import faces, rows, run, save


def test_lfw_is_found_and_written_by_name(by_color, tmp_path, monkeypatch):
    images, flat = tmp_path / "lfw", tmp_path / "flat"
    for name, code in [("Bo_Li_0001", 30), ("Al_Xu_0002", 10), ("Al_Xu_0001", 20)]:
        save(images / name[:-5] / f"{name}.jpg", code, size=(250, 250), quality=100)
        save(flat / f"{name}.jpg", code, size=(250, 250), quality=100)
    save(images / "Bo_Li" / "Bo_Li_0001_copy.jpg", 60)
    for folder in (images, flat):
        found = LfwFolder(folder, {})
        monkeypatch.setattr("common.data.lfw.find_lfw", lambda folder=found: folder)
        output = tmp_path / f"out_{folder.name}"
        assert run("lfw", output) == 0
        names = ["Al_Xu/Al_Xu_0001.png", "Al_Xu/Al_Xu_0002.png", "Bo_Li/Bo_Li_0001.png"]
        assert sorted(faces(output)) == names
        assert all(row["note"] == "" for row in rows(output).values())  # no search
    monkeypatch.setattr("common.data.lfw.find_lfw", lambda: None)
    assert run("lfw", tmp_path / "nothing") == 1


def test_what_cannot_be_is_one_line(by_color, tree, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    output = tmp_path / "out"
    (tmp_path / "file").write_text("")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "report.csv").write_text("name,age\nAnn,7\n")
    binary = tmp_path / "binary"
    binary.mkdir()
    (binary / "report.csv").write_bytes(b"\0\0\xff")
    for named, where, said in [
        (tmp_path / "nowhere", output, "does not exist"),
        (tmp_path / "empty", output, "holds no photos"),
        (tree, tree, "where the photos are"),
        (tree / "a.png", tree, "where the photos are"),
        (tree / "a.png", tmp_path / "file", "cannot be written"),
        (tree / "a.png", tmp_path / "file" / "below", "cannot be written"),
        (tree / "a.png", foreign, "no report of aligned faces"),
        (tree / "a.png", binary, "no report of aligned faces"),
    ]:
        assert run(named, where) == 1
        err = capsys.readouterr().err
        assert said in err and err.startswith("error: ") and err.count("error:") == 1
    assert by_color == []


def test_the_output_may_lie_in_the_tree_and_links_may_lead_up(by_color, tree, tmp_path):
    os.symlink(tree, tree / "Ann" / "up")
    elsewhere = save(tmp_path / "elsewhere" / "h.png", 70).parent
    os.symlink(elsewhere, tree / "linked")
    for _ in range(2):
        assert run(tree, tree / "out") == 0
        assert len(by_color) == 6 and "linked/h.png" in faces(tree / "out")


def test_two_photos_of_one_name_are_refused(by_color, tree, tmp_path, capsys):
    save(tree / "a.jpg", 1)
    assert run(tree, tmp_path / "out") == 1
    assert "a.png and a.jpg" in capsys.readouterr().err
    with pytest.raises(AlignError, match="the command itself"):
        output_names([Photo("contact_sheet.png", tree)], ".jpg", ["contact_sheet.jpg"])
    assert find_photos(str(tree), tmp_path / "out").passed_over == ["notes.txt"]


def test_file_names_need_not_be_utf8(by_color, tree, tmp_path, capsys):
    strange = os.fsdecode(b'n\xe9, "q"\n.png')
    save(tree / strange, 70)
    (tree / os.fsdecode(b"t\xe9xt.jpg")).write_text("no picture")
    assert run(tree, tmp_path / "out") == 1
    assert strange in faces(tmp_path / "out")
    by_color.clear()
    assert run(tree, tmp_path / "out") == 1 and by_color == []
    assert "t?xt.jpg" in capsys.readouterr().err


def test_the_report_keeps_the_last_row_of_an_image(tmp_path):
    report = Report(tmp_path / "report.csv")
    report.rewrite([])
    first, last = (Row("a", word, "3d", "1", "", "0.1", "k") for word in ("aligned", "again"))
    report.add([first, Row("b", "aligned", "3d", "1", "x, y", "", "k")])
    report.add([last])
    assert Report(report.path).rows["a"] == last and len(Report(report.path).rows) == 2
    (tmp_path / "report.csv").write_text("image\n")
    with pytest.raises(ReportError):
        Report(report.path)


def test_contact_sheet_shows_pairs_and_captions():
    before, after = np.zeros((250, 250, 3), np.uint8), np.full((152, 152, 3), 200, np.uint8)
    pairs = [
        Pair(before, after, "crop: no landmarks" if k == 1 else "") for k in range(COLUMNS + 1)
    ]
    sheet = contact_sheet(pairs)
    one = contact_sheet(pairs[:1])
    assert sheet.shape[0] > 2 * TILE > one.shape[0] - TILE and one.shape[1] < 3 * TILE
    assert (one == 0).all(-1).sum() == (one == 200).all(-1).sum() == TILE**2
    assert (sheet == 0).all(-1).sum() == (COLUMNS + 1) * TILE**2
    written = (sheet[..., 0].astype(int) - sheet[..., 1] > 50).any(0)  # red ink
    assert written.any() and not written[: 2 * TILE].any() and not written[5 * TILE :].any()


def test_options_of_the_command_line():
    options = tyro.cli(Align, args=["in", "out", "--stage", "2d", "--no-residual"])
    assert (options.config.stage, options.config.residual, options.config.blending) == (
        "2d", False, True
    )  # fmt: skip
    assert options.where == "haar" and Align("lfw", options.output).where == "centered"
    assert Align("lfw", options.output, search="whole").where == "whole"
    assert tyro.cli(Align, args=["in", "out", "--no-covariance"]).config.covariance is False
    with pytest.raises(SystemExit):
        tyro.cli(Align, args=["in", "out", "--faces", "all"])
