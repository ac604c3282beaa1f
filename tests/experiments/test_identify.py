"""The command: names, `unknown`, what it says of errors, and that nothing is overwritten."""

import json

import numpy as np
import pytest
from PIL import Image

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render
from experiments.photos import identify_photos
from experiments.photos.annotate import KNOWN, UNKNOWN
from experiments.photos.answers import rate_of_any
from facenet_jax.weights import save_weights
from tests.experiments.photos.identifying import (
    DOUBTFUL,
    NOTHING,
    POINT,
    RATE,
    BandFinder,
    distance,
    run,
    save,
)
from tests.facenet_jax.toy import NETWORK, WARM_UP, begin


@pytest.fixture
def people(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(identify_photos, "FaceFinder", BandFinder)
    root = tmp_path / "people"
    save(root / "Ann" / "a.png", 10)
    save(root / "Ann" / "b.png", 30)
    save(root / "Ben" / "c.png", 120)
    return root


def test_names_and_unknown_with_distance_threshold_and_rates(people, tmp_path, capsys):
    photo = save(tmp_path / "p.png", 35, NOTHING, 100, 200)
    assert run(people, photo) == 0
    *header, ann, ben, nobody = capsys.readouterr().out.splitlines()
    assert f"face 1 of 3: Ann, squared distance {distance(35, 30):.3f} to Ann/b.png" in ann
    assert f"face 2 of 3: Ben, squared distance {distance(100, 120):.3f} to Ben/c.png" in ben
    assert f"face 3 of 3: unknown, squared distance {distance(200, 120):.3f}" in nobody
    low, high = 1 - 0.99 * 0.99, 1 - 0.99 * 0.99 * 0.99
    for line in (ann, ben, nobody):
        assert "threshold 0.500; false accept rate 0.01 a comparison" in line
        assert f"{low:.2g} to {high:.2g} against this gallery" in line
    assert "3 photos of 2 people; 3 embedded now" in header[0] and "0.75" in header[1]


def test_the_threshold_parts_names_from_unknown(people, tmp_path):
    edge = float(np.degrees(np.arccos(0.75)))  # 2 - 2 cos = 0.5; 41.4 degrees
    near, far = save(tmp_path / "n.png", 120 + int(edge)), save(tmp_path / "f.png", 121 + int(edge))
    assert run(people, near, far, json=tmp_path / "out" / "answers.json") == 0
    told = json.loads((tmp_path / "out" / "answers.json").read_text())
    (one,), (other,) = (photo["faces"] for photo in told["seen"])
    assert one["name"] == "Ben" and other["name"] is None
    for face, angle in ((one, 161), (other, 162)):
        assert face["nearest"] == "Ben/c.png"
        assert face["squared_distance"] == pytest.approx(distance(angle, 120), abs=1e-5)
    assert told["threshold"] == POINT


def test_a_stricter_false_accept_rate_names_fewer(people, tmp_path, capsys):
    photo = save(tmp_path / "p.png", 121, 110)  # squared distances 0.0003 and 0.03
    assert run(people, photo, false_accept_rate=0.0001) == 0
    *_, near, far = capsys.readouterr().out.splitlines()
    assert "1 of 2: Ben" in near and "2 of 2: unknown" in far
    assert "threshold 0.010; false accept rate 0.0001 a comparison" in near
    assert run(people, photo, false_accept_rate=0.5) == 1
    assert (
        "no threshold for a false accept rate of 0.5; there are thresholds for 0.001, 0.0001"
        in (capsys.readouterr().err)
    )


def test_chances_of_a_false_name():
    rng = np.random.default_rng(0)
    for count in (1, 3, 8):
        drawn = (rng.random((20000, count)) < RATE * 10).any(axis=1).mean()
        assert rate_of_any(RATE * 10, count) == pytest.approx(drawn, abs=0.015)
    assert rate_of_any(0.0, 100) == 0


def test_a_photo_without_a_face_is_an_answer(people, tmp_path, capsys):
    photos = save(tmp_path / "n.png", NOTHING), save(tmp_path / "d.png", DOUBTFUL)
    assert run(people, *photos, output=tmp_path / "out") == 0
    none, doubtful = capsys.readouterr().out.splitlines()[-2:]
    assert none.endswith("n.png: no face found") and "one place looked like one" in doubtful


def test_an_unreadable_photo_is_reported_and_the_others_answered(people, tmp_path, capsys):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    assert run(people, bad, save(tmp_path / "p.png", 10), output=tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "1 photos cannot be read" in said.err and "bad.jpg is not a JPEG" in said.err
    assert "p.png: Ann" in said.out and [p.name for p in (tmp_path / "out").iterdir()] == ["p.jpg"]


def test_one_photo_each_and_what_is_left_out_are_said(people, tmp_path, capsys):
    (people / "Ann" / "b.png").unlink()
    save(people / "Ben" / "none.png", NOTHING)
    save(people / "Dot" / "none.png", NOTHING, DOUBTFUL)
    save(people / "Cid" / "two.png", 170, 240)
    assert run(people, save(tmp_path / "p.png", 10)) == 0
    err = " ".join(capsys.readouterr().err.split())
    assert "each person has one photo" in err
    assert "left out: 2 photos: Ben/none.png: no face found, Dot/none.png" in err
    assert "several faces, the largest taken: 1: Cid/two.png" in err
    assert "nobody will be recognized as: Dot" in err


def test_annotated_pictures(people, tmp_path):
    photo = save(tmp_path / "p.png", *[NOTHING] * 4, 35, *[NOTHING] * 9, 240)
    before = photo.read_bytes()
    assert run(people, photo, output=tmp_path / "out" / "deep") == 0
    (path,) = (tmp_path / "out" / "deep").iterdir()
    drawn, plain = (np.array(Image.open(p).convert("RGB")).astype(int) for p in (path, photo))
    assert drawn.shape == plain.shape and photo.read_bytes() == before
    for left, color in ((80, KNOWN), (280, UNKNOWN)):
        ring = drawn[5:10, left - 2 : left + 3]  # a line, one pixel wide, in JPEG
        assert np.abs(ring - color).sum(-1).min() < 150
    assert np.abs(drawn[:, 180:220] - plain[:, 180:220]).max() < 12  # between faces: untouched


def test_nothing_is_overwritten_and_nothing_done_before(people, tmp_path, capsys):
    photos = save(tmp_path / "p.png", 10), save(tmp_path / "q.png", 20)
    out, answers = tmp_path / "out", tmp_path / "answers.json"
    out.mkdir()
    (out / "q.jpg").write_text("mine")
    answers.write_text("mine")
    for options in ({"output": out}, {"json": answers}, {"output": out, "json": answers}):
        BandFinder.embedded.clear()
        assert run(people, *photos, **options) == 1
        assert "are there already" in capsys.readouterr().err and BandFinder.embedded == []
    assert (out / "q.jpg").read_text() == answers.read_text() == "mine"
    assert [path.name for path in out.iterdir()] == ["q.jpg"]
    assert run(people, *photos, output=out, json=answers, overwrite=True) == 0
    assert sorted(path.name for path in out.iterdir()) == ["p.jpg", "q.jpg"]
    assert json.loads(answers.read_text())["seen"]


def test_photos_are_safe_even_from_overwrite(people, tmp_path, capsys):
    photo = save(tmp_path / "photos" / "p.jpg", 10)
    before = photo.read_bytes()
    twin = save(tmp_path / "elsewhere" / "p.png", 20)
    for options, words in (
        ({"output": tmp_path / "photos"}, "is where the photos are"),
        ({"output": people / "Ann"}, "is in the gallery"),
        ({"output": people}, "is in the gallery"),
        ({"output": photo}, "is no folder"),
    ):
        assert run(people, photo, overwrite=True, **options) == 1
        assert words in capsys.readouterr().err
    assert run(people, photo, twin, overwrite=True, output=tmp_path / "out") == 1
    assert "would have one picture, p.jpg" in capsys.readouterr().err
    assert photo.read_bytes() == before and not (tmp_path / "out").exists()


def test_bad_commands_are_one_line(people, tmp_path, capsys):
    photo = save(tmp_path / "p.png", 10)
    for photos, options, words in (
        ([], {}, "nothing to look at"),
        ([tmp_path / "no.png"], {}, "no such photos, or folders: "),
        ([tmp_path], {}, "no such photos, or folders: "),
        ([photo], {"video": tmp_path / "no.mp4"}, "is no file"),
        ([photo], {"video": photo, "camera": 0}, "name one of them"),
        ([photo], {"every": 0}, "every 0"),
        ([photo], {"frames": 0}, "frames 0"),
    ):
        assert run(people, *photos, **options) == 1
        err = capsys.readouterr().err
        assert err.startswith("error: ") and words in err and err.count("\n") == 1
    assert run(tmp_path / "nobody", photo) == 1
    assert "nobody is no folder" in capsys.readouterr().err


def test_with_the_real_networks(tmp_path, monkeypatch, capsys):
    """Synthetic people, found by the cascade; a tiny network that is not trained."""
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(4)
    scenes = random_scenes(random_identities(3, rng), np.arange(3), rng)
    faces = render(scenes._replace(pose=0.3 * scenes.pose), 120).images
    for name, face in zip(("Ann", "Ben"), faces, strict=False):
        path = tmp_path / "people" / name / "a.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(face).save(path)
    wide = np.full((150, 400, 3), 90, np.uint8)
    wide[20:140, 10:130], wide[20:140, 260:380] = faces[1], faces[0]
    Image.fromarray(wide).save(tmp_path / "both.png")
    _, state = begin(WARM_UP, network=NETWORK)
    weights = tmp_path / "weights.npz"
    point = {"squared_distance": 1e-4, "false_accept_rate": 0.05, "true_accept_rate": 0.5}
    facts = {"threshold": point, "thresholds": [{"wanted": 0.001, **point}]}
    save_weights(state.weights, NETWORK, facts, weights)
    assert run(tmp_path / "people", tmp_path / "both.png", weights=weights) == 1
    assert "says that faces come 'unknown'" in capsys.readouterr().err
    save_weights(state.weights, NETWORK, {**facts, "inputs": ["aligned"]}, weights)
    answers = tmp_path / "answers.json"
    photos = [tmp_path / "people" / "Ben" / "a.png", tmp_path / "both.png"]
    assert run(tmp_path / "people", *photos, weights=weights, json=answers) == 0
    ben, both = (photo["faces"] for photo in json.loads(answers.read_text())["seen"])
    assert [face["name"] for face in ben] == ["Ben"]  # the very photo
    assert ben[0]["squared_distance"] == pytest.approx(0, abs=1e-6)
    places = {face["nearest"]: face["center"][0] for face in both}
    assert places["Ben/a.png"] < 150 and places["Ann/a.png"] > 250
    assert run(tmp_path / "people", photos[0], weights=weights) == 0
    assert "0 embedded now" in capsys.readouterr().out.splitlines()[-4]


def test_missing_weights_say_how_to_make_them(people, tmp_path, monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    assert run(people, save(tmp_path / "p.png", 10), weights=tmp_path / "no.npz") == 1
    assert "train_facenet" in capsys.readouterr().err
