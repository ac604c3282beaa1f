import os

import numpy as np
import pytest

from common.data import lfw_content, lfw_folder
from common.data.content import sha256_of_file
from common.data.lfw import find_lfw
from common.data.lfw_content import read_content
from common.data.lfw_folder import LfwError, LfwFolder, first_five, list_images
from common.data.variant import variant_of
from common.protocol import ProtocolError

PAIRS = ["pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt"]


@pytest.fixture(autouse=True)
def in_own_cache(own_cache):
    """Nothing is written outside the test, and nothing is asked of the real mirror."""


def test_image_there_twice(fake_lfw, tmp_path):
    images = fake_lfw.write(tmp_path)
    (images / "Bob_Person-A_0002.jpg").write_bytes(b"x")
    with pytest.raises(LfwError, match="Bob_Person-A_0002 is there twice"):
        list_images(images)


def test_unreadable_folder(fake_lfw, tmp_path, monkeypatch):
    images = fake_lfw.write(tmp_path)

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(lfw_folder.os, "scandir", refuse)
    with pytest.raises(LfwError, match=r"lfw cannot be read \(Permission denied\)"):
        list_images(images)


def test_missing_images_are_counted_and_the_first_five_named(fake_lfw, tmp_path):
    images = fake_lfw.write(tmp_path)
    for stem in ("Zoe", "Bob", "Kim"):
        for letter in "AB":
            (images / f"{stem}_Person-{letter}" / f"{stem}_Person-{letter}_0001.jpg").unlink()
    with pytest.raises(LfwError) as caught:
        read_content(find_lfw(tmp_path), official=False)
    names = [f"{stem}_Person-{letter}_0001" for stem in ("Bob", "Kim", "Zoe") for letter in "AB"]
    wanted = {line for text in PAIRS for line in fake_lfw.text[text].splitlines()[1:]}
    assert wanted
    assert f"{len(names)} of the " in str(caught.value)
    assert ", ".join(names[:5]) + ", ..." in str(caught.value)
    assert names[5] not in str(caught.value)


def test_images_that_no_pair_names_may_be_missing(fake_lfw, tmp_path):
    images = fake_lfw.write(tmp_path)
    named = fake_lfw.text["pairs.txt"]
    assert "Zoe_Person-D\t1" not in named and "Zoe_Person-D\t2" not in named
    whole = read_content(find_lfw(tmp_path), official=False)
    (images / "Zoe_Person-D" / "Zoe_Person-D_0001.jpg").unlink()
    content = read_content(find_lfw(tmp_path), official=False)
    assert content.images_sha256 != whole.images_sha256
    assert content.pairs_sha256 == whole.pairs_sha256
    assert len(content.images) == len(fake_lfw.images) - 1


def test_unreadable_images_are_named(fake_lfw, tmp_path, monkeypatch):
    fake_lfw.write(tmp_path)

    def refuse(path):
        if path.name == "Kim_Person-B_0003.jpg":
            raise PermissionError(13, "Permission denied", str(path))
        return sha256_of_file(path)

    monkeypatch.setattr(lfw_content, "sha256_of_file", refuse)
    with pytest.raises(
        LfwError, match=r"1 of 60 images .*Kim_Person-B_0003.jpg \(Permission denied"
    ):
        read_content(find_lfw(tmp_path), official=False)


def test_people_are_those_of_the_pairs_where_the_files_are_missing(fake_lfw, tmp_path):
    fake_lfw.write(tmp_path, files=PAIRS)
    content = read_content(find_lfw(tmp_path), official=False)
    assert [sorted(people) for people in content.view2_people] == [
        sorted(f) for f in fake_lfw.folds
    ]
    assert sorted(content.view1_train_people) == [f"Train_Person-{letter}" for letter in "ABCD"]


def test_people_file_with_other_folds(fake_lfw, tmp_path):
    fake_lfw.text["people.txt"] = "1\n1\nZoe_Person-A\t3\n"
    fake_lfw.write(tmp_path)
    with pytest.raises(ProtocolError, match=r"people.txt has 1 folds, but the pairs have 3"):
        read_content(find_lfw(tmp_path), official=False)


def test_unofficial_pairs_are_refused(fake_lfw, tmp_path):
    fake_lfw.write(tmp_path)
    with pytest.raises(ProtocolError, match=r"folds: found 3, the official LFW files have 10"):
        read_content(find_lfw(tmp_path))


def test_key_follows_every_file_and_nothing_else(fake_lfw, tmp_path):
    fake_lfw.write(tmp_path / "a")
    fake_lfw.write(tmp_path / "b", layout="flat", folder="lfw_funneled")
    one = read_content(find_lfw(tmp_path / "a"), official=False)
    other = read_content(find_lfw(tmp_path / "b"), official=False)
    assert (one.key, one.images_sha256) == (other.key, other.images_sha256)
    assert list(one.images) == list(other.images) != sorted(one.images)
    image = tmp_path / "a" / "lfw" / "Bob_Person-A" / "Bob_Person-A_0003.jpg"
    stamp = image.stat()
    image.write_bytes(image.read_bytes()[:-1] + b"?")
    os.utime(image, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    changed = read_content(find_lfw(tmp_path / "a"), official=False)
    assert changed.key != one.key
    assert changed.images_sha256 != one.images_sha256
    people = tmp_path / "b" / "people.txt"
    people.write_text(people.read_text().replace("Zoe_Person-A\t3", "Zoe_Person-A\t4"))
    assert read_content(find_lfw(tmp_path / "b"), official=False).key != one.key


def test_first_five():
    assert first_five(list("abcde")) == "a, b, c, d, e"
    assert first_five(list("abcdef")) == "a, b, c, d, e, ..."


@pytest.mark.lfw
def test_real_lfw_is_official_and_original(lfw_dir):
    content = read_content(find_lfw(lfw_dir, download=False))
    assert variant_of(content.digests, images_sha256=content.images_sha256) in {
        "original",
        "funneled",
        "deepfunneled",
    }
    assert np.array_equal([len(fold) for fold in content.view2], [600] * 10)


@pytest.mark.lfw
def test_official_lines_may_change_their_endings_only(lfw_dir, tmp_path):
    folder = find_lfw(lfw_dir, download=False)
    text = (lfw_dir / "pairs.txt").read_text()
    (tmp_path / "pairs.txt").write_bytes(text.replace("\n", "\r\n").encode())
    changed = LfwFolder(folder.images, {**folder.protocol, "pairs.txt": tmp_path / "pairs.txt"})
    assert len(read_content(changed).view2) == 10
    lines = text.splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    (tmp_path / "pairs.txt").write_text("".join(lines))
    with pytest.raises(ProtocolError, match="official counts but not the official lines"):
        read_content(changed)
