"""The gallery's listing and its index: what is embedded again, and what is forgotten."""

import numpy as np
import pytest

from experiments.photos import gallery as module
from experiments.photos.gallery import GalleryError, gallery_photos, open_gallery
from experiments.photos.gallery_index import GalleryIndex, index_path
from tests.experiments.photos.identifying import DOUBTFUL, NOTHING, BandFinder, save


@pytest.fixture
def people(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(BandFinder, "embedded", [])
    root = tmp_path / "people"
    save(root / "Ann" / "a.png", 10)
    save(root / "Ann" / "b.PNG", 20)
    save(root / "Ben [old]" / "c.png", 90, 100)
    return root


def opened(root, method="m"):
    BandFinder.embedded.clear()
    gallery = open_gallery(root, BandFinder(method))
    return gallery, list(BandFinder.embedded)


def angles(gallery):
    rows = np.degrees(np.arctan2(gallery.embeddings[:, 1], gallery.embeddings[:, 0])).round()
    return {photo.name: int(row) for photo, row in zip(gallery.photos, rows, strict=True)}


def stored(root):
    with np.load(index_path(root), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_every_photo_is_a_row_and_the_largest_face_is_taken(people):
    gallery, embedded = opened(people)
    assert angles(gallery) == {"Ann/a.png": 10, "Ann/b.PNG": 20, "Ben [old]/c.png": 90}
    assert gallery.several == ["Ben [old]/c.png"] and gallery.people == 2
    assert gallery.embedded == 3 and sorted(embedded) == [10, 20, 90, 100]


def test_a_second_start_embeds_nothing(people):
    first, _ = opened(people)
    time = index_path(people).stat().st_mtime_ns
    second, embedded = opened(people)
    assert embedded == [] and second.embedded == 0
    assert angles(second) == angles(first) and second.several == first.several
    assert index_path(people).stat().st_mtime_ns == time  # nor is anything written


def test_only_what_changed_is_embedded(people):
    opened(people)
    save(people / "Cid" / "d.png", 200)  # added
    save(people / "Ann" / "a.png", 15)  # changed
    (people / "Ann" / "b.PNG").rename(people / "Cid" / "renamed.png")
    gallery, embedded = opened(people)
    assert sorted(embedded) == [15, 200] and gallery.embedded == 2
    assert angles(gallery) == {
        "Ann/a.png": 15, "Ben [old]/c.png": 90, "Cid/d.png": -160, "Cid/renamed.png": 20,
    }  # fmt: skip


def test_the_template_of_a_photo_that_was_taken_away_is_deleted(people):
    opened(people)
    assert len(stored(people)["photos"]) == 3
    (people / "Ann" / "b.PNG").unlink()
    gallery, embedded = opened(people)
    left = stored(people)
    assert embedded == [] and sorted(angles(gallery).values()) == [10, 90]
    assert len(left["photos"]) == len(left["embeddings"]) == 2
    assert not np.isclose(left["embeddings"][:, 0], np.cos(np.radians(20))).any()


def test_another_method_embeds_all_again(people):
    opened(people)
    assert len(opened(people, "other")[1]) == 4


def test_a_damaged_index_is_made_anew(people, capsys):
    opened(people)
    path = index_path(people)
    whole = path.read_bytes()
    for content in (b"", b"no index", whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert len(opened(people)[1]) == 4
        assert "is damaged" in capsys.readouterr().err
        assert opened(people)[1] == []
    with path.open("wb") as file:
        arrays = {"photos": np.array(["x"]), "embeddings": np.ones((1, 3), np.float32)}
        about = {"gallery": np.array(str(people)), "method": np.array("mhaar")}
        np.savez(file, counts=np.ones((1, 2), int), **about, **arrays)
    assert len(opened(people)[1]) == 4 and "is damaged" in capsys.readouterr().err


def test_a_run_that_was_killed_goes_on(people, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    monkeypatch.setattr(module, "SAVE_SECONDS", -1.0)
    write, writes = GalleryIndex.write, []

    def killed(index):
        write(index)
        writes.append(len(index.entries))
        if len(writes) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(GalleryIndex, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        opened(people)
    assert writes == [1, 2]
    assert opened(people)[1] == [90, 100]


def test_photos_without_a_face_are_left_out_and_said(people, capsys):
    save(people / "Dot" / "none.png", NOTHING)
    save(people / "Dot" / "doubt.png", DOUBTFUL, DOUBTFUL)
    (people / "Ann" / "broken.jpg").write_bytes(b"no picture")
    (people / "Ann" / "empty.jpg").touch()
    for _ in range(2):  # from the index too
        gallery, _ = opened(people)
        assert gallery.without == ["Dot"] and gallery.people == 2
        assert gallery.left_out["Dot/none.png"] == "no face found"
        assert "2 places looked like one" in gallery.left_out["Dot/doubt.png"]
        assert "broken.jpg is not a JPEG" in gallery.left_out["Ann/broken.jpg"]
        assert "empty.jpg is empty" in gallery.left_out["Ann/empty.jpg"]
        assert len(gallery.left_out) == 4 and len(gallery.photos) == 3


def test_one_photo_under_two_names_is_said(people, capsys):
    save(people / "Cid" / "x.png", 10)
    save(people / "Ann" / "again.png", 10)
    opened(people)
    assert "1 photos stand under two people's names: Ann/a.png and Cid/x.png" in " ".join(
        capsys.readouterr().err.split()
    )


def test_other_files_are_passed_over_and_said(people, capsys):
    (people / "notes.txt").touch()
    (people / "loose.png").touch()
    (people / "Ann" / "notes.txt").touch()
    (people / "Ann" / ".hidden.png").touch()
    (people / ".trash").mkdir()
    save(people / ".trash" / "x.png", 3)
    names = [photo.name for photo in gallery_photos(people)]
    assert names == ["Ann/a.png", "Ann/b.PNG", "Ben [old]/c.png"]
    assert "passing over 3 files" in capsys.readouterr().err


def test_nobody_to_recognize(tmp_path, monkeypatch):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    with pytest.raises(GalleryError, match="is no folder"):
        open_gallery(tmp_path / "nowhere", BandFinder("m"))
    root = tmp_path / "people"
    (root / "Ann").mkdir(parents=True)
    (root / "loose.png").touch()
    with pytest.raises(GalleryError, match="no photos of people: 1 folders and 1 other"):
        open_gallery(root, BandFinder("m"))
    save(root / "Ann" / "a.png", NOTHING)
    with pytest.raises(GalleryError, match="none of the 1 photos .* Ann/a.png: no face found"):
        open_gallery(root, BandFinder("m"))
