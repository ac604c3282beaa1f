import hashlib
from pathlib import Path

import pytest

from common.data import cache, lfw
from common.data.archives import ArchiveError
from common.data.lfw import find_lfw, funneled_beside, scikit_learn_home
from common.data.lfw_content import read_content
from common.data.lfw_folder import LfwError, LfwFolder, list_images
from common.data.lfw_mirror import MIRROR, Remote
from common.data.variant import ORIGIN_FILE
from common.protocol import ImageName

PAIRS = ["pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt"]


@pytest.fixture(autouse=True)
def no_network(own_cache, monkeypatch):
    """Nothing is ever asked of the real mirror."""
    nowhere = {name: Remote("http://127.0.0.1:9/" + name, "0" * 64) for name in MIRROR}
    monkeypatch.setattr(lfw, "MIRROR", nowhere)


@pytest.fixture
def mirror(web, fake_lfw, tmp_path, monkeypatch, pack):
    """The mirror on the loopback, with a fake LFW as its archive."""
    source = tmp_path / "source"
    fake_lfw.write(source, files=PAIRS)
    pack(source / "lfw", tmp_path / "mirror.tgz")
    contents = {"lfw.tgz": (tmp_path / "mirror.tgz").read_bytes()}
    contents |= {name: fake_lfw.text[name].encode() for name in PAIRS}
    table = {}
    for name, content in contents.items():
        web.pages[name] = web.page(content)
        table[name] = Remote(web.url(name), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(lfw, "MIRROR", table)
    return web


def snapshot(root):
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode) for path in Path(root).rglob("*")
    }


def assert_whole(folder, fake):
    assert list(list_images(folder.images)) == sorted(ImageName(*name) for name in fake.images)
    content = read_content(folder, official=False)
    for (person, number), data in fake.images.items():
        assert content.images[ImageName(person, number)].read_bytes() == data
    assert sum(map(len, content.view2)) == 3 * 6
    return content


@pytest.mark.parametrize("layout", ["tree", "flat"])
@pytest.mark.parametrize("folder", ["lfw", "", "lfw_funneled", "lfw-deepfunneled/lfw-deepfunneled"])
def test_layouts(fake_lfw, tmp_path, layout, folder):
    root = tmp_path / "data"
    images = fake_lfw.write(root, layout=layout, folder=folder)
    found = find_lfw(root)
    assert found is not None
    assert found.images == images
    assert set(found.protocol) == set(fake_lfw.text)
    assert_whole(found, fake_lfw)


def test_folder_of_images_named_with_the_protocol_beside_it(fake_lfw, tmp_path):
    images = fake_lfw.write(tmp_path / "home", folder="lfw_funneled")
    found = find_lfw(images)
    assert found == LfwFolder(images, {n: tmp_path / "home" / n for n in fake_lfw.text})


def test_other_files_are_ignored(fake_lfw, tmp_path):
    images = fake_lfw.write(tmp_path)
    (images / ".DS_Store").write_bytes(b"x")
    (images / "Bob_Person-A" / "._Bob_Person-A_0001.jpg").write_bytes(b"x")
    (images / "Bob_Person-A" / "Kim_Person-A_0009.jpg").write_bytes(b"x")
    (images / "Bob_Person-A" / "Bob_Person-A_001.jpg").write_bytes(b"x")
    assert_whole(find_lfw(tmp_path), fake_lfw)


def test_environment_and_argument(fake_lfw, tmp_path, monkeypatch):
    fake_lfw.write(tmp_path / "a")
    fake_lfw.write(tmp_path / "b")
    monkeypatch.setenv("LFW_DIR", str(tmp_path / "a"))
    assert find_lfw().images == tmp_path / "a" / "lfw"
    assert find_lfw(tmp_path / "b").images == tmp_path / "b" / "lfw"
    monkeypatch.setenv("LFW_DIR", "")
    assert find_lfw(download=False) is None


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_named_folder_that_is_unusable_is_an_error(mirror, fake_lfw, tmp_path, monkeypatch, how):
    fake_lfw.write(scikit_learn_home())

    def find(path):
        if how == "argument":
            return find_lfw(path)
        monkeypatch.setenv("LFW_DIR", str(path))
        return find_lfw()

    with pytest.raises(LfwError, match="nowhere does not exist"):
        find(tmp_path / "nowhere")
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(LfwError, match="empty holds no LFW images: wanted <Name>/<Name>_NNNN.jpg"):
        find(tmp_path / "empty")
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(ArchiveError, match="note.txt is damaged or not a tar file"):
        find(tmp_path / "note.txt")
    assert mirror.requests == []


def test_missing_pair_files_come_from_the_mirror_into_our_cache(mirror, fake_lfw, tmp_path):
    fake_lfw.write(tmp_path / "data", files=["pairs.txt"])
    before = snapshot(tmp_path / "data")
    found = find_lfw(tmp_path / "data")
    assert snapshot(tmp_path / "data") == before
    assert found.protocol["pairsDevTest.txt"] == cache.cache_dir("lfw") / "pairsDevTest.txt"
    assert set(found.protocol) == set(PAIRS)
    assert [name for name, _ in mirror.requests] == PAIRS[1:]
    assert_whole(find_lfw(tmp_path / "data", download=False), fake_lfw)
    assert len(mirror.requests) == 2


def test_missing_pair_files_without_a_mirror(fake_lfw, tmp_path):
    fake_lfw.write(tmp_path / "data", files=["pairs.txt"])
    with pytest.raises(
        LfwError, match="pairsDevTrain.txt is missing; put it into .*data, for http"
    ):
        find_lfw(tmp_path / "data")
    with pytest.raises(LfwError, match="pairsDevTrain.txt is missing; put it into .*data$"):
        find_lfw(tmp_path / "data", download=False)


@pytest.mark.parametrize("inside", [True, False])
def test_archive_is_unpacked_into_our_cache(fake_lfw, tmp_path, inside, pack):
    fake_lfw.write(tmp_path / "x")
    (tmp_path / "data").mkdir()
    archive = pack(tmp_path / "x" / "lfw", tmp_path / "data" / "lfw.tgz")
    for name in fake_lfw.text:
        (tmp_path / "data" / name).write_text(fake_lfw.text[name])
    before = snapshot(tmp_path / "data")
    found = find_lfw(archive.parent if inside else archive)
    assert snapshot(tmp_path / "data") == before
    assert found.images.is_relative_to(cache.cache_root())
    assert_whole(found, fake_lfw)
    unpacked = snapshot(found.images)
    assert find_lfw(archive) == found
    assert snapshot(found.images) == unpacked


def test_archive_without_faces(tmp_path, pack):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme").write_text("no faces")
    archive = pack(tmp_path / "other", tmp_path / "other.tgz")
    with pytest.raises(ArchiveError, match="other.tgz holds no LFW images"):
        find_lfw(archive)
    assert list(cache.cache_dir("lfw", "unpacked").glob("[!.]*")) == []


def test_scikit_learn_cache_is_shared_not_copied(mirror, fake_lfw, own_cache):
    images = fake_lfw.write(scikit_learn_home(), files=PAIRS)
    before = snapshot(scikit_learn_home())
    assert find_lfw().images == images
    assert snapshot(scikit_learn_home()) == before
    assert mirror.requests == []
    assert list(own_cache.rglob("*.jpg")) == []


def test_incomplete_scikit_learn_cache_is_passed_over_and_says_why(mirror, fake_lfw, capsys):
    images = fake_lfw.write(scikit_learn_home(), files=PAIRS)
    (images / "Bob_Person-A" / "Bob_Person-A_0001.jpg").unlink()
    found = find_lfw()
    assert found.images == cache.cache_dir("lfw") / "lfw"
    assert_whole(found, fake_lfw)
    heard = capsys.readouterr().err
    assert "passing over" in heard
    assert "1 of the " in heard
    assert "Bob_Person-A_0001" in heard


def test_aligned_images_in_the_cache_are_the_last_resort(fake_lfw, mirror, capsys):
    funneled = fake_lfw.write(scikit_learn_home(), folder="lfw_funneled", files=PAIRS)
    original = find_lfw()
    assert original.images == scikit_learn_home() / "lfw"
    assert funneled_beside(original) == LfwFolder(funneled, original.protocol)
    assert funneled_beside(LfwFolder(funneled, original.protocol)) is None


def test_aligned_images_serve_where_nothing_can_be_reached(fake_lfw, capsys):
    funneled = fake_lfw.write(scikit_learn_home(), folder="lfw_funneled", files=PAIRS)
    assert find_lfw().images == funneled
    assert "cannot be downloaded" in capsys.readouterr().err


@pytest.mark.parametrize("with_scikit_learn_home", [True, False])
def test_download(mirror, fake_lfw, with_scikit_learn_home):
    home = scikit_learn_home() if with_scikit_learn_home else cache.cache_root() / "lfw"
    if with_scikit_learn_home:
        home.mkdir(parents=True)
    found = find_lfw()
    assert found.images == home / "lfw"
    assert {path.parent for path in found.protocol.values()} == {home}
    content = assert_whole(found, fake_lfw)
    assert sorted(p.name for p in home.glob("[!.]*")) == sorted([*PAIRS, "lfw"])
    assert (found.images / ORIGIN_FILE).is_file()
    assert sorted(name for name, _ in mirror.requests) == sorted([*PAIRS, "lfw.tgz"])
    again = find_lfw()
    assert again == found
    assert read_content(again, official=False).key == content.key
    assert len(mirror.requests) == 4


def test_interrupted_download_goes_on(mirror, fake_lfw):
    size = len(mirror.pages["lfw.tgz"].content)
    mirror.pages["lfw.tgz"].breaks_at = [size // 2]
    assert_whole(find_lfw(), fake_lfw)
    assert mirror.requests[-1] == ("lfw.tgz", f"bytes={size // 2}-")


def test_nothing_found_and_nothing_reached(capsys):
    assert find_lfw() is None
    assert "cannot be reached" in capsys.readouterr().err
    assert find_lfw(download=False) is None
    assert capsys.readouterr().err == ""


def test_read_only_data_folder(fake_lfw, tmp_path):
    root = tmp_path / "data"
    fake_lfw.write(root)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = snapshot(root)
    assert_whole(find_lfw(root), fake_lfw)
    assert snapshot(root) == before
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755)
