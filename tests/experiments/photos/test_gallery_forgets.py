"""Templates of people who withdrew are deleted: the last person's, and those of lost galleries."""

import shutil
import sys

import numpy as np
import pytest

from common.data.locking import locked
from experiments.photos.gallery import GalleryError, open_gallery
from experiments.photos.gallery_index import index_path
from tests.experiments.photos.identifying import NOTHING, BandFinder, save


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Folder of all indexes."""
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(BandFinder, "embedded", [])
    return tmp_path / "cache" / "galleries"


@pytest.fixture
def people(tmp_path):
    root = tmp_path / "people"
    save(root / "Ann" / "a.png", 10)
    save(root / "Ben" / "b.png", 20, 30)
    save(root / "Cid" / "c.png", 90)
    return root


@pytest.fixture
def others(tmp_path):
    """Another gallery."""
    save(tmp_path / "others" / "Dot" / "d.png", 200)
    return tmp_path / "others"


def opened(root, method="m"):
    """Angles that were embedded now."""
    BandFinder.embedded.clear()
    open_gallery(root, BandFinder(method))
    return sorted(BandFinder.embedded)


def angles(path):
    """All that a file of the cache knows of faces."""
    with np.load(path, allow_pickle=False) as file:
        rows = file["embeddings"]
    return sorted(
        int(angle) % 360 for angle in np.degrees(np.arctan2(rows[:, 1], rows[:, 0])).round()
    )


def kept(cache):
    """What all files of the cache know, but for the locks, which are empty."""
    files = [path for path in sorted(cache.iterdir()) if path.stat().st_size]
    return {path: angles(path) for path in files}


def test_several_people_then_one_then_none(people, cache):
    opened(people)
    assert list(kept(cache).values()) == [[10, 20, 90]]
    shutil.rmtree(people / "Ann")
    shutil.rmtree(people / "Ben")
    opened(people)
    assert kept(cache) == {index_path(people): [90]}
    shutil.rmtree(people / "Cid")
    with pytest.raises(GalleryError, match="holds no photos of people"):
        opened(people)
    assert kept(cache) == {}
    save(people / "Cid" / "c.png", 90)
    assert opened(people) == [90]


def test_the_gallery_is_gone(people, cache):
    opened(people)
    shutil.rmtree(people)
    with pytest.raises(GalleryError, match="is no folder"):
        opened(people)
    assert kept(cache) == {}


def test_a_moved_gallery_leaves_nothing_behind(people, cache):
    opened(people)
    moved = people.rename(people.with_name("people of 2019"))
    shutil.rmtree(moved / "Ann")
    opened(moved)
    assert kept(cache) == {index_path(moved): [20, 90]}


def test_every_run_forgets_galleries_that_are_gone_and_no_others(people, others, cache, capsys):
    third = shutil.copytree(people, people.with_name("third"))
    for root in (people, others, third):
        opened(root)
    shutil.rmtree(people)
    capsys.readouterr()
    assert opened(others) == []
    assert kept(cache) == {index_path(others): [200], index_path(third): [10, 20, 90]}
    said = capsys.readouterr().err
    assert f"{people} is gone" in said and said.count("\n") == 1
    assert opened(third) == []


def test_a_file_in_the_place_of_the_gallery(people, others, cache):
    opened(people)
    shutil.rmtree(people)
    people.write_text("no gallery")
    opened(others)
    assert kept(cache) == {index_path(others): [200]}


def test_an_index_that_cannot_be_read_is_deleted(people, others, cache):
    opened(people)
    path = index_path(people)
    whole = path.read_bytes()
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    nameless = {name: array for name, array in arrays.items() if name != "gallery"}
    for content in (b"", b"no index", whole[: len(whole) // 2], nameless):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.savez(path, **content)
        opened(others)
        assert kept(cache) == {index_path(others): [200]}


def test_what_a_killed_write_left_is_deleted(people, others, cache):
    opened(people)
    for path in (index_path(people), index_path(others)):  # with an index, and without
        shutil.copy(index_path(people), path.with_suffix(".part.npz"))
    opened(others)
    assert kept(cache) == {index_path(people): [10, 20, 90], index_path(others): [200]}


def test_another_method_leaves_no_template_of_the_first(people, cache):
    opened(people)
    for name in ("Ann", "Ben"):
        shutil.rmtree(people / name)
    (people / "Cid" / "c.png").write_bytes(b"no picture")
    with pytest.raises(GalleryError, match="none of the 1 photos"):
        opened(people, "another")
    assert sum(kept(cache).values(), []) == []


def test_an_index_that_another_process_holds_is_left_to_it(people, others, cache):
    opened(people)
    shutil.rmtree(people)
    with locked(index_path(people)):
        opened(others)
        assert len(kept(cache)) == 2
    opened(others)
    assert kept(cache) == {index_path(others): [200]}


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are Unicode")
def test_a_name_that_is_no_unicode(people, others, cache):
    odd = people.rename(people.with_name("g\udcffn \N{GREEK SMALL LETTER ALPHA}"))
    opened(odd)
    opened(others)
    assert kept(cache)[index_path(odd)] == [10, 20, 90]
    shutil.rmtree(odd)
    opened(others)
    assert kept(cache) == {index_path(others): [200]}


def test_nobody_has_a_face(people, cache):
    opened(people)
    for name in ("Ann", "Ben"):
        shutil.rmtree(people / name)
    save(people / "Cid" / "c.png", NOTHING)
    with pytest.raises(GalleryError, match="none of the 1 photos"):
        opened(people)
    assert list(kept(cache).values()) == [[0]]  # of no face: zeros
