"""DeepFace's Table 1 at our scale: what each training sees, and what is written of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.data.folders import FaceFolder
from deepface_jax.network_config import SMALL
from experiments.alignment.aligned_faces import AlignedSet
from experiments.deepface_studies import STUDIES, Options, main, study
from experiments.deepface_training import training_folder
from experiments.paper_numbers import DEEPFACE_STUDIES
from experiments.studies import deepface_table1, study_records, table1_tables
from experiments.studies.deepface_table1 import DEPTHS, Short, fewer_images, some_people
from experiments.training_faces import TrainingFaces

SIZES = (24, 11, 32, 13, 21)


@pytest.fixture
def faces(monkeypatch, tmp_path):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    return people_of(SIZES)


def people_of(sizes):
    """So many images of each person; the first pixel of an image is its number."""
    label, count = np.repeat(np.arange(len(sizes)), sizes), sum(sizes)
    images = np.random.default_rng(0).integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    aligned = AlignedSet(images, np.zeros(count, int))
    names = list("abcdefghi"[: len(sizes)])
    folder = FaceFolder([Path(f"{k}.png") for k in range(count)], label, names, "0" * 64)
    return TrainingFaces(aligned, folder)


def test_fewer_people_keep_all_of_their_images():
    sizes = (5, 3, 8, 4, 6, 9, 2, 7, 12)
    faces = people_of(sizes)
    two, four = (some_people(faces, part, seed=3) for part in (4, 2))
    assert [len(some.folder.people) for some in (two, four)] == [2, 4]
    assert set(two.folder.people) < set(four.folder.people)
    for some in (two, four):
        numbers = some.aligned.images[:, 0, 0, 0]
        people = [faces.folder.people[faces.folder.label[number]] for number in numbers]
        assert people == [some.folder.people[k] for k in some.folder.label]
        assert len(numbers) == sum(sizes["abcdefghi".index(n)] for n in some.folder.people)
        assert [int(path.stem) for path in some.folder.paths] == numbers.tolist()
    assert some_people(faces, 1) is faces


def test_fewer_images_leave_the_held_out_ones_alone(faces):
    tenth, half = fewer_images(faces, 0.1, seed=1), fewer_images(faces, 0.5, seed=1)
    label = faces.folder.label
    for some, share in ((tenth, 0.1), (half, 0.5)):
        np.testing.assert_array_equal(some.held_out, faces.held_out)
        assert not set(some.training) & set(some.held_out)
        for person in range(5):
            whole = int((label[faces.training] == person).sum())
            assert (label[some.training] == person).sum() == max(1, round(share * whole))
    assert set(tenth.training) < set(half.training) < set(faces.training)
    short = Short()
    keys = {training_folder(some, short.network, short.config) for some in (tenth, half, faces)}
    assert len(keys) == 3  # or one training would be taken for another


def test_every_training_and_its_record(faces, tmp_path, monkeypatch):
    config = replace(Short.config, epochs=1.0, batch=8, warmup=0.1)
    short = Short(replace(SMALL, F7=8), config)
    found = study(tmp_path, faces, short, "depth", "command")
    assert [p["setting"] for p in found.points] == list(DEPTHS)
    sizes = [p["parameters"] for p in found.points]
    assert len(set(sizes)) == 4
    bare = replace(SMALL, F7=8, C3=None, L4=None, L5=None, classes=5)
    side = bare.outputs()["L6"].side
    m2, kernel = bare.outputs()["M2"].side, 3
    expected = (
        8 * 5 * 5 * 3 + 8 + side**2 * 8 * (kernel**2 * 8 + 1) + (side**2 * 8 + 1) * 8 + (8 + 1) * 5
    )
    assert m2 - kernel + 1 == side and sizes[3] == expected
    tested = len(faces.held_out)
    for point in found.points:
        p = point["error"]
        assert p * tested == pytest.approx(round(p * tested), abs=1e-3)
        assert point["standard_error"] == pytest.approx(np.sqrt(p * (1 - p) / tested), abs=1e-4)
    study_records.write(found, tmp_path / "studies")
    (again,) = study_records.read_all(tmp_path / "studies").values()
    assert (again.study, again.points, again.data) == (found.study, found.points, found.data)
    text = table1_tables.table({"deepface-depth": found})
    assert "theirs: without C3 | - | 11.2%" in text
    assert f"ours: without C3 | {len(faces.training)} of 5 people" in text
    assert text.count("not measured") == 2
    for name in ("identities", "share"):
        monkeypatch.setattr(
            deepface_table1.Short, "point",
            lambda self, setting, some: {"setting": setting, "images": len(some.training)},
        )  # fmt: skip
        counts = [point["images"] for point in STUDIES[name][1](faces, short)]
        assert counts == sorted(counts) and counts[-1] == len(faces.training)


def test_the_picture_has_a_panel_for_each_part():
    shown = table1_tables.trends({})
    assert list(shown) == list(DEEPFACE_STUDIES)
    ours = table1_tables.Trend(["a", "b", "c", "d"], [0.5, 0.4, 0.3, 0.2], [0.01] * 4)
    shown["deepface-share"] = (shown["deepface-share"][0], ours)
    axes = table1_tables.figure(shown).axes
    assert len(axes) == 3
    drawn = axes[1].containers[1].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, ours.error)
    assert "ours a" in axes[1].get_xticklabels()[0].get_text()


def test_the_command_wants_a_folder(faces, capsys):
    assert main(Options()) == 1
    assert "name one by --train-dir" in capsys.readouterr().err
    assert Options(("depth",), epochs=2.0).command.endswith("depth --epochs 2")
