"""Training folders: who is in them, what is held out, and what is wrong with them."""

import numpy as np
import pytest
from PIL import Image

from common.data.folders import FolderError, read_folder
from common.images import ImageError


def make(folder, counts, table=None, ending=".png"):
    rng = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{k:03d}{ending}")
    if table is not None:
        (folder / "identities.csv").write_text(table)
    return folder


def test_table_decides_the_split(tmp_path):
    table = "identity,images,split\nb,3,train\na,1,train\nc,2,validation\nd,2,validation\n"
    folder = make(tmp_path, {"a": 1, "b": 3, "c": 2, "d": 2}, table)
    train = read_folder(folder, "train")
    assert train.people == ["a", "b"] and train.label.tolist() == [0, 1, 1, 1]
    assert [path.name for path in train.paths] == ["000.png", "000.png", "001.png", "002.png"]
    assert train[2].shape == (8, 8, 3)
    assert read_folder(folder, "validation").people == ["c", "d"]


def test_without_a_table_every_tenth_person_is_for_validation(tmp_path):
    folder = make(tmp_path, {f"p{k:02d}": 1 for k in range(20)})
    assert read_folder(folder, "validation").people == ["p09", "p19"]
    assert len(read_folder(folder, "train").people) == 18


def test_held_out_is_every_twentieth(tmp_path):
    faces = read_folder(make(tmp_path, {"a": 31, "b": 10, "c": 11, "d": 1}), "train")
    held_out = [
        faces.paths[k].relative_to(tmp_path).as_posix() for k in np.flatnonzero(faces.held_out())
    ]
    assert held_out == ["a/010.png", "a/030.png", "c/010.png"]


def test_small_folders_hold_out_the_last_of_the_largest(tmp_path):
    faces = read_folder(make(tmp_path, {"a": 3, "b": 2, "c": 3}), "train")
    assert np.flatnonzero(faces.held_out()).tolist() == [2, 7]


def test_somebody_needs_two_images(tmp_path):
    faces = read_folder(make(tmp_path, {"a": 1, "b": 1, "c": 1}), "train")
    with pytest.raises(FolderError, match="3 people has one image"):
        faces.held_out()


def test_checksum_follows_content_and_names(tmp_path):
    make(tmp_path / "one", {"a": 2, "b": 2})
    make(tmp_path / "two", {"a": 2, "b": 2})
    digest = read_folder(tmp_path / "one", "train").sha256
    assert read_folder(tmp_path / "two", "train").sha256 == digest
    (tmp_path / "two" / "a" / "000.png").rename(tmp_path / "two" / "a" / "009.png")
    assert read_folder(tmp_path / "two", "train").sha256 != digest


@pytest.mark.parametrize(
    ("counts", "table", "message"),
    [
        ({}, None, "images of 0 people"),
        ({"a": 4}, None, "images of 1 people"),
        ({"a": 4, "b": 0}, None, "b has no .jpg or .png file"),
        ({"a": 4}, "identity,split\na,train\nb,train\n", "b has no .jpg or .png file"),
        ({"a": 4, "b": 4}, "identity,split\na,train\nb,train\na,validation\n", "line 4: 'a'"),
        ({"a": 4, "b": 4}, "identity,split\na,train\nb,Train\n", "line 3: 'b'"),
        ({"a": 4, "b": 4}, "identity,group\na,train\n", "cannot be read"),
        ({"a": 4, "b": 4}, "identity,split\na,validation\n", "images of 0 people"),
    ],
)
def test_folders_that_cannot_be_trained_on(tmp_path, counts, table, message):
    with pytest.raises(FolderError, match=message):
        read_folder(make(tmp_path, counts, table), "train")


def test_missing_folder_and_broken_image(tmp_path):
    with pytest.raises(FolderError, match="--train-dir"):
        read_folder(tmp_path / "nowhere", "train")
    faces = read_folder(make(tmp_path, {"a": 2, "b": 2}), "train")
    (tmp_path / "a" / "001.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match="001.png"):
        faces[1]
