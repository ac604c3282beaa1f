"""The command: what becomes of photos; killed, resumed, changed; damaged files; a full disk."""

import errno
import io
import os

import numpy as np
import pytest
from PIL import Image

from common.landmarks import crops
from deepface_jax.fallback import Fallback
from experiments.alignment import align_photos as module
from experiments.alignment.contact_sheet import TILE
from tests.experiments.alignment.aligning import ByColor, code_of, faces, rows, run, save


def test_a_tree_is_mirrored(by_color, tree, tmp_path, capsys):
    output = tmp_path / "out"
    assert run(tree, output) == 0
    found = faces(output)
    assert sorted(found) == ["Ann/b.png", "Ann/deep/er/c.png", "a.png", "d.png", "e [red] .png"]
    assert all(face.shape == (152, 152, 3) for face in found.values())
    assert [code_of(found[name]) for name in ("a.png", "Ann/b.png", "d.png")] == [10, 20, 40]
    assert sorted(by_color) == [10, 20, 31, 40, 50]
    assert list(rows(output)) == sorted(rows(output)) and len(rows(output)) == 5
    with Image.open(output / "contact_sheet.jpg") as sheet:
        assert sheet.size[0] > 5 * 2 * TILE
    said = capsys.readouterr()
    assert "5 images" in said.out and "Ann/deep/er/c.png" in said.out
    assert "passing over 1 files" in said.err and "notes.txt" in said.err


def test_jpeg_is_written_when_asked_for(by_color, tree, tmp_path):
    assert run(tree, tmp_path / "out", format="jpg") == 0
    with Image.open(tmp_path / "out" / "Ann" / "b.jpg") as face:
        assert face.format == "JPEG" and face.size == (152, 152)
        assert code_of(np.array(face)) == 20
    assert not faces(tmp_path / "out")


def test_a_single_photo(by_color, tree, tmp_path):
    output = tmp_path / "new" / "out"
    assert run(tree / "Ann" / "b.PNG", output) == 0
    assert list(faces(output)) == ["b.png"] and by_color == [20]
    assert run(tree / "a.png", output) == 0  # the report tells of all that the output has
    assert list(rows(output)) == ["a.png", "b.PNG"] and by_color == [20, 10]


def test_every_fallback_is_named_counted_and_listed(by_color, tmp_path, capsys):
    for status in Fallback:
        save(tmp_path / "photos" / f"{status.name}.png", 20 + status)
    save(tmp_path / "photos" / "unstable.png", 84)
    assert run(tmp_path / "photos", tmp_path / "out", search="whole") == 0
    told = {name.removesuffix(".png"): row for name, row in rows(tmp_path / "out").items()}
    outcomes = {name: (row["stage"], row["outcome"]) for name, row in told.items()}
    assert outcomes == {
        "NONE": ("3d", "aligned"),
        "TWO_D_POSE": ("2d", "turned too far"),
        "TWO_D_CAMERA": ("2d", "no camera fits"),
        "CROP_OUTSIDE": ("crop", "landmarks outside"),
        "CROP_LANDMARKS": ("crop", "no landmarks"),
        "CROP_PIXELS": ("crop", "pixels not finite"),
        "unstable": ("crop", "no landmarks: two looks disagree"),
    }
    assert told["TWO_D_POSE"]["disagreement"] == "0.021" and told["NONE"]["faces"] == ""
    said = capsys.readouterr().out
    assert all(name in said for name in ("TWO_D_POSE.png", "no camera fits", "landmarks outside"))


def test_no_face_and_two_faces_are_in_the_report(by_color, tree, tmp_path, monkeypatch, capsys):
    class Boxes:
        def detectMultiScale(self, grey, **_):
            two = [[0, 0, 20, 20], [30, 10, 24, 24]]
            return np.array({(50, 60): two, (70, 90): two[:1]}.get(grey.shape, []))

    monkeypatch.setattr(crops, "_cascade", Boxes)
    save(tree / "one.png", 70, size=(90, 70))
    save(tree / "none.png", 80, size=(61, 50))
    assert run(tree, tmp_path / "out") == 0
    told = rows(tmp_path / "out")
    assert (told["a.png"]["faces"], told["one.png"]["faces"], told["none.png"]["faces"]) == tuple(
        "210"
    )
    assert told["a.png"]["note"] == "several faces, the largest taken"
    assert told["none.png"]["note"] == "no face found, the middle of the picture taken"
    said = " ".join(capsys.readouterr().out.split())
    assert "5 │ 71.4%" in said and "1 │ 14.3% │ none.png" in said
    assert "one face" not in said


def test_unreadable_files_are_listed_and_the_others_aligned(by_color, tree, tmp_path, capsys):
    whole = (tree / "d.jpeg").read_bytes()
    (tree / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tree / "text.png").write_text("no picture")
    (tree / "empty.jpg").write_bytes(b"")
    os.symlink(tmp_path / "nowhere.jpg", tree / "gone.jpg")
    output = tmp_path / "out"
    assert run(tree, output) == 1
    assert len(faces(output)) == 5 and len(by_color) == 5
    bad = {name for name, row in rows(output).items() if row["outcome"] == "unreadable"}
    assert bad == {"cut.jpg", "text.png", "empty.jpg", "gone.jpg"}
    said = capsys.readouterr()
    assert "4 of 9 files are unreadable" in said.err and "text.png" in said.err
    assert str(tmp_path / "nowhere") not in said.err and "Traceback" not in said.err
    assert run(tree, output) == 1 and len(by_color) == 5  # they stay so, and nothing else is done


def test_nothing_but_unreadable_files(by_color, tmp_path):
    (tmp_path / "only.jpg").write_text("no picture")
    assert run(tmp_path / "only.jpg", tmp_path / "out") == 1
    assert not (tmp_path / "out" / "contact_sheet.jpg").exists() and by_color == []


def test_a_face_whose_photo_was_damaged_is_gone(by_color, tree, tmp_path):
    output = tmp_path / "out"
    run(tree, output)
    (tree / "a.png").write_bytes((tree / "a.png").read_bytes()[:50])
    assert run(tree, output) == 1
    assert "a.png" not in faces(output) and len(faces(output)) == 4
    assert rows(output)["a.png"]["outcome"] == "unreadable"


def test_a_second_run_does_what_is_new_changed_or_missing(by_color, tree, tmp_path):
    output = tmp_path / "out"
    run(tree, output)
    for change, redone in [
        (lambda: None, []),
        (lambda: save(tree / "a.png", 60), [60]),
        (lambda: (output / "Ann" / "b.png").unlink(), [20]),
        (lambda: save(tree / "new" / "g.png", 70), [70]),
        (lambda: (tree / "d.jpeg").unlink(), []),
    ]:
        by_color.clear()
        change()
        assert run(tree, output) == 0
        assert by_color == redone
    assert code_of(faces(output)["a.png"]) == 60
    assert len(rows(output)) == 6  # d's face is still there


@pytest.mark.parametrize(
    "other", [{"stage": "2d"}, {"blending": False}, {"search": "whole"}, {"format": "jpg"}]
)
def test_another_method_does_all_again(by_color, tree, tmp_path, other):
    run(tree, tmp_path / "out")
    by_color.clear()
    run(tree, tmp_path / "out", **other)
    assert len(by_color) == 5
    save(tree / "a.png", 60)
    run(tree, tmp_path / "out", **other)
    by_color.clear()
    run(tree, tmp_path / "out")  # and back: nothing of the first run is taken for new
    assert len(by_color) == 5 and code_of(faces(tmp_path / "out")["a.png"]) == 60


def test_other_code_or_weights_do_all_again(by_color, tree, tmp_path, monkeypatch):
    run(tree, tmp_path / "out")
    monkeypatch.setattr(module, "alignment_digest", lambda: b"other")
    by_color.clear()
    run(tree, tmp_path / "out")
    assert len(by_color) == 5


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_killed_run_goes_on(by_color, tree, tmp_path, monkeypatch, capsys, killed_at):
    run(tree, tmp_path / "whole")
    calls, call = [], ByColor.__call__

    def killed(self, *arguments):
        calls.append(1)
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        return call(self, *arguments)

    monkeypatch.setattr(ByColor, "__call__", killed)
    assert run(tree, tmp_path / "out") == 130
    assert "goes on from here" in capsys.readouterr().err
    done = len(faces(tmp_path / "out"))
    assert done == 2 * (killed_at - 1)
    by_color.clear()
    assert run(tree, tmp_path / "out") == 0
    assert len(by_color) == 5 - done
    reports = [(tmp_path / name / "report.csv").read_bytes() for name in ("whole", "out")]
    assert reports[0] == reports[1]
    sheets = [(tmp_path / name / "contact_sheet.jpg").read_bytes() for name in ("whole", "out")]
    assert sheets[0] == sheets[1]


@pytest.mark.parametrize("torn", [1, 30, 70, 110])
def test_a_torn_line_of_the_report_is_done_again(by_color, tree, tmp_path, torn):
    output = tmp_path / "out"
    run(tree, output)
    report = output / "report.csv"
    text = report.read_text()
    report.write_text(text[: len(text) - torn])
    by_color.clear()
    run(tree, output)
    assert by_color == ([50] if torn > 1 else []) and report.read_text() == text


def test_a_full_disk_is_one_line_and_what_is_done_stays(
    by_color, tree, tmp_path, monkeypatch, capsys
):
    write, calls = module._write, []

    def full(path, pixels):
        calls.append(path)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, pixels)

    monkeypatch.setattr(module, "_write", full)
    assert run(tree, tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert "out cannot be written (No space left" in err and "CLASSIC_FACES_CACHE" not in err
    monkeypatch.setattr(module, "_write", write)
    by_color.clear()
    assert run(tree, tmp_path / "out") == 0 and len(by_color) == 3


def test_with_the_real_aligner_a_bad_photo_changes_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 3)
    rng = np.random.default_rng(0)

    def noise():
        small = Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8))
        return small.resize((150, 150))

    for name in ("a", "c"):
        out = io.BytesIO()
        noise().save(out, "PNG")
        for folder in ("alone", "beside"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.png").write_bytes(out.getvalue())
    save(tmp_path / "beside" / "b.png", 0, size=(20, 20))
    (tmp_path / "beside" / "bb.png").write_text("no picture")
    assert run(tmp_path / "alone", tmp_path / "out_alone") == 0
    assert run(tmp_path / "beside", tmp_path / "out_beside") == 1
    alone, beside = faces(tmp_path / "out_alone"), faces(tmp_path / "out_beside")
    assert sorted(beside) == ["a.png", "b.png", "c.png"]
    for name in ("a.png", "c.png"):
        np.testing.assert_array_equal(alone[name], beside[name])
    told = rows(tmp_path / "out_beside")
    assert told["b.png"]["outcome"] == "no landmarks: blank" and told["b.png"]["stage"] == "crop"
    assert told["a.png"] == rows(tmp_path / "out_alone")["a.png"]
