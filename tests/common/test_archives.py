import errno
import gzip
import io
import os
import tarfile
import threading

import numpy as np
import pytest

from common.data import archives, staging
from common.data.archives import ArchiveError, Limits, unpack
from common.data.cache import CacheError

RNG = np.random.default_rng(11)
FILES = {
    "lfw/Ann/Ann_0001.jpg": RNG.bytes(20_001),
    "lfw/Ann/Ann_0002.jpg": RNG.bytes(3),
    "lfw/Bob/Bob_0001.jpg": b"",
    "lfw/zeros": bytes(5_000),
}


def member(name, **fields):
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def tar_bytes(files=None, extra=(), packed=True, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for name, data in (FILES if files is None else files).items():
            tar.addfile(member(name, size=len(data)), io.BytesIO(data))
        for info, data in extra:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue()) if packed else out.getvalue()


@pytest.fixture
def archive(tmp_path):
    def write(data):
        path = tmp_path / "lfw.tgz"
        path.write_bytes(data)
        return path

    return write


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_nothing_left(tmp_path):
    left = {path.name for path in tmp_path.iterdir()} - {"lfw.tgz", ".out.lock"}
    assert left == set()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unpacks_every_byte_and_lifts_the_single_folder(archive, tmp_path, packed, format):
    out = unpack(archive(tar_bytes(packed=packed, format=format)), tmp_path / "out")
    assert tree(out) == {name.removeprefix("lfw/"): data for name, data in FILES.items()}
    assert oct(out.stat().st_mode & 0o777) == "0o755"


def test_folder_of_the_same_name_inside_is_lifted_too(archive, tmp_path):
    files = {"lfw/lfw/Ann_0001.jpg": b"1", "lfw/b": b"2"}
    assert tree(unpack(archive(tar_bytes(files)), tmp_path / "out")) == {
        "lfw/Ann_0001.jpg": b"1",
        "b": b"2",
    }


def test_several_entries_at_the_top_stay(archive, tmp_path):
    files = {"./Ann/Ann_0001.jpg": b"1", "pairs.txt": b"2"}
    out = unpack(
        archive(tar_bytes(files, [(member("./", type=tarfile.DIRTYPE), b"")])), tmp_path / "out"
    )
    assert tree(out) == {"Ann/Ann_0001.jpg": b"1", "pairs.txt": b"2"}


def test_present_target_is_left_alone(archive, tmp_path):
    (tmp_path / "out").mkdir()
    unpack(archive(b"not an archive"), tmp_path / "out")
    assert tree(tmp_path / "out") == {}


SPARSE = member(
    "lfw/sparse",
    size=512,
    pax_headers={
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "lfw/sparse",
        "GNU.sparse.size": "9000000",
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": "0,512",
    },
)


@pytest.mark.parametrize(
    ("info", "data", "reason"),
    [
        (member("../evil", size=1), b"x", "points outside"),
        (member("lfw/../../evil", size=1), b"x", "points outside"),
        (member("ABSOLUTE", size=1), b"x", "points outside"),
        (member("lfw\\..\\evil", size=1), b"x", "points outside"),
        (member("../evil", type=tarfile.DIRTYPE), b"", "points outside"),
        (member("lfw/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"", "not a plain file"),
        (member("lfw/link", type=tarfile.LNKTYPE, linkname="lfw/zeros"), b"", "not a plain file"),
        (member("lfw/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"", "not a plain file"),
        (member("lfw/disk", type=tarfile.BLKTYPE), b"", "not a plain file"),
        (member("lfw/pipe", type=tarfile.FIFOTYPE), b"", "not a plain file"),
        (SPARSE, bytes(512), "not a plain file"),
        (member("lfw/zeros", size=1), b"x", "there twice"),
        (member("lfw/zeros/file", size=1), b"x", "there twice"),
        (member("lfw/Ann", size=1), b"x", "there twice"),
        (member("lfw/" + "n" * 300, size=1), b"x", "too long"),
    ],
)
def test_dishonest_members_are_refused(archive, tmp_path, info, data, reason):
    before = set(tmp_path.parent.iterdir())
    if info.name == "ABSOLUTE":
        info = member(str(tmp_path / "evil"), size=info.size)
    with pytest.raises(ArchiveError, match=reason):
        unpack(archive(tar_bytes(extra=[(info, data)])), tmp_path / "out")
    assert_nothing_left(tmp_path)
    assert set(tmp_path.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(members=3), "over 3 members"),
        (Limits(member_bytes=20_000), "20,001 bytes, at most 20,000"),
        (Limits(total_bytes=30_000), "more than 30,000 bytes"),
    ],
)
def test_bombs_are_refused(archive, tmp_path, limits, reason):
    with pytest.raises(ArchiveError, match=reason):
        unpack(archive(tar_bytes()), tmp_path / "out", limits=limits)
    assert_nothing_left(tmp_path)
    exact = Limits(members=4, member_bytes=20_001, total_bytes=len(tar_bytes(packed=False)))
    unpack(archive(tar_bytes()), tmp_path / "out", limits=exact)


def test_bomb_behind_the_end_is_refused(archive, tmp_path):
    data = gzip.compress(tar_bytes(packed=False) + bytes(50_000_000))
    with pytest.raises(ArchiveError, match="more than"):
        unpack(archive(data), tmp_path / "out", limits=Limits(total_bytes=1_000_000))


def test_bomb_of_a_header_is_refused(archive, tmp_path):
    extra = [(member("lfw/a", pax_headers={"comment": "c" * 3_000_000}), b"")]
    with pytest.raises(ArchiveError, match="more than"):
        unpack(
            archive(tar_bytes(extra=extra)), tmp_path / "out", limits=Limits(total_bytes=1 << 20)
        )


WHOLE, PLAIN = tar_bytes(), tar_bytes(packed=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1f\x8b",
        b"hello, this is no archive" * 99,
        WHOLE[:-5],
        WHOLE[:-9000],
        WHOLE[:9000] + b"?" + WHOLE[9001:],
        PLAIN[:1000],
        PLAIN[: 512 + 20_001],
        PLAIN[: 512 + 20_480],  # the end of the first member
        PLAIN[: 512 + 20_480] + b"?" * 512 + PLAIN[512 + 20_480 + 512 :],  # a header
        PLAIN[: 512 + 20_480] + bytes(1024) + PLAIN[512 + 20_480 :],  # an early end
    ],
)
def test_damaged_archives_are_refused(archive, tmp_path, data):
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(archive(data), tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_interrupt_leaves_nothing_and_what_a_kill_left_is_removed(archive, tmp_path, monkeypatch):
    path = archive(tar_bytes())
    killed = tmp_path / ".out.partial-12345"
    killed.mkdir()
    (killed / "half").write_bytes(b"half")

    def interrupt(folder):
        assert tree(folder)
        assert not killed.exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(path, tmp_path / "out", finish=interrupt)
    assert_nothing_left(tmp_path)
    assert len(tree(unpack(path, tmp_path / "out"))) == 4


def test_full_disk_is_one_clear_line(archive, tmp_path, monkeypatch):
    def full(source, out):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(CacheError, match="disk is full.*make room"):
        unpack(archive(tar_bytes()), tmp_path / "out")
    assert_nothing_left(tmp_path)


def test_concurrent_unpacking_happens_once(archive, tmp_path):
    path, finished = archive(tar_bytes()), []
    threads = [
        threading.Thread(target=lambda: unpack(path, tmp_path / "out", finish=finished.append))
        for _ in range(3)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(finished) == 1
    assert len(tree(tmp_path / "out")) == 4


def test_staged_folder_becomes_the_target_only_when_all_went_well(tmp_path):
    target = tmp_path / "place"
    with pytest.raises(ValueError, match="no"), staging.staged_folder(target) as folder:
        (folder / "file").write_text("x")
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []
    with staging.staged_folder(target) as folder:
        (folder / "file").write_text("x")
        assert not target.exists()
    assert tree(target) == {"file": b"x"}
    assert list(tmp_path.iterdir()) == [target]
