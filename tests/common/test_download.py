import contextlib
import errno
import hashlib
import multiprocessing
import os
import socket
import threading
import time

import numpy as np
import pytest

from common.data import download as module
from common.data.cache import CacheError
from common.data.download import DownloadError, UnreachableError, download

CONTENT = np.random.default_rng(3).bytes(1_234_567)


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file.bin"


def fetch(web, target, content=CONTENT, timeout=5.0, **page):
    web.pages["file"] = web.page(content, **page)
    return download(web.url("file"), target, sha(CONTENT), timeout=timeout)


def leftovers(target):
    return sorted(p.name for p in target.parent.iterdir() if not p.name.endswith(".lock"))


def test_downloads_whole_file(web, target):
    assert fetch(web, target) == target
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["file.bin"]
    assert web.requests == [("file", None)]


def test_present_file_is_not_fetched_again_unless_it_is_wrong(web, target):
    target.write_bytes(CONTENT)
    assert fetch(web, target) == target
    assert web.requests == []
    target.write_bytes(CONTENT[:-1] + b"?")
    fetch(web, target)
    assert target.read_bytes() == CONTENT


def test_broken_transfer_goes_on_at_once(web, target):
    fetch(web, target, breaks_at=[600_001, 900_002])
    assert target.read_bytes() == CONTENT
    assert web.requests == [
        ("file", None),
        ("file", "bytes=600001-"),
        ("file", "bytes=900002-"),
    ]


def test_transfer_that_keeps_breaking_is_an_error_and_the_next_call_goes_on(web, target):
    with pytest.raises(DownloadError, match="broke off after 4,000 of 1,234,567 bytes"):
        fetch(web, target, breaks_at=[1_000, 2_000, 3_000, 4_000])
    assert len(web.requests) == module.ATTEMPTS
    assert not target.exists()
    assert leftovers(target) == ["file.bin.part"]
    assert (target.parent / "file.bin.part").read_bytes() == CONTENT[:4_000]
    fetch(web, target)
    assert web.requests[-1] == ("file", "bytes=4000-")
    assert target.read_bytes() == CONTENT


def test_server_that_ignores_range_starts_over(web, target):
    target.with_name("file.bin.part").write_bytes(CONTENT[:777])
    fetch(web, target, ranges=False)
    assert web.requests == [("file", "bytes=777-")]
    assert target.read_bytes() == CONTENT


def test_breaking_at_the_same_byte_is_given_up(web, target):
    with pytest.raises(DownloadError, match="broke off"):
        fetch(web, target, ranges=False, breaks_at=[50_000] * 9)
    assert len(web.requests) == 2


def test_server_lost_in_the_middle_says_how_the_transfer_broke(web, target, monkeypatch):
    web.pages["file"] = web.page(CONTENT, breaks_at=[600_001])
    answer = web.answer

    def once(handler):
        answer(handler)
        web.pages.clear()

    monkeypatch.setattr(web, "answer", once)
    with pytest.raises(DownloadError, match="broke off after 600,001") as caught:
        download(web.url("file"), target, sha(CONTENT), timeout=5.0)
    assert not isinstance(caught.value, UnreachableError)


@pytest.mark.parametrize("start", [0, 1_000, len(CONTENT)])
def test_wrong_checksum_names_both_and_removes_the_part(web, target, start):
    wrong = CONTENT[:-1] + b"!" if CONTENT[-1:] != b"!" else CONTENT[:-1] + b"?"
    if start:
        target.with_name("file.bin.part").write_bytes(wrong[:start])
    with pytest.raises(DownloadError, match=f"{sha(wrong)}, wanted {sha(CONTENT)}"):
        fetch(web, target, content=wrong)
    assert leftovers(target) == []


def test_part_that_is_whole_needs_no_more_bytes(web, target):
    target.with_name("file.bin.part").write_bytes(CONTENT)
    fetch(web, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ({"status": 202}, "answers 202"),
        ({"status": 503}, "answers 503"),
        ({"content_type": "text/html; charset=utf-8"}, "a web page"),
    ],
)
def test_answer_that_is_not_the_file(web, target, page, reason):
    with pytest.raises(UnreachableError, match=reason):
        fetch(web, target, **page)
    assert leftovers(target) == []


def test_404(web, target):
    with pytest.raises(UnreachableError, match="answers 404"):
        download(web.url("nothing"), target, sha(CONTENT), timeout=5.0)
    assert leftovers(target) == []


def test_stalling_server_is_detected_and_what_came_is_kept(web, target):
    start = time.monotonic()
    with pytest.raises(DownloadError, match="broke off after 300,000 of 1,234,567 bytes"):
        fetch(web, target, stalls_at=300_000, timeout=0.4)
    assert time.monotonic() - start < 5
    assert target.with_name("file.bin.part").stat().st_size == 300_000


def test_server_that_never_answers(target):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(UnreachableError, match="127.0.0.1"):
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
            download(url, target, sha(CONTENT), timeout=0.4)
        assert time.monotonic() - start < 3
    assert leftovers(target) == []


def test_name_server_that_never_answers(target, monkeypatch):
    released = threading.Event()

    def hang(*args, **kwargs):
        released.wait(30)
        raise OSError("released")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    start = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer within 0.2 seconds"):
        download("http://example.invalid/file", target, sha(CONTENT), timeout=0.2)
    assert time.monotonic() - start < 5
    released.set()


def test_no_server_fails_within_seconds(target):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        download(f"http://127.0.0.1:{port}/file", target, sha(CONTENT), timeout=5.0)
    assert time.monotonic() - start < 3
    assert leftovers(target) == []


def test_full_disk_is_one_clear_line(web, target, monkeypatch):
    def full(response, file, *rest):
        file.write(response.read1(1000))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "_receive", full)
    with pytest.raises(CacheError, match=r"disk is full, .*file\.bin\.part.*make room"):
        fetch(web, target)
    assert not target.exists()


def test_interrupt_keeps_the_part_for_the_next_call(web, target, monkeypatch):
    @contextlib.contextmanager
    def interrupting(*args, **kwargs):
        done = 0

        def advance(steps):
            nonlocal done
            done += steps
            if done > 500_000:
                raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(module, "progress", interrupting)
    with pytest.raises(KeyboardInterrupt):
        fetch(web, target)
    kept = target.with_name("file.bin.part").stat().st_size
    assert 500_000 < kept < len(CONTENT)
    assert not target.exists()
    monkeypatch.undo()
    fetch(web, target)
    assert web.requests[-1] == ("file", f"bytes={kept}-")
    assert target.read_bytes() == CONTENT


def test_concurrent_threads_fetch_once(web, target):
    web.pages["file"] = web.page(CONTENT, delay=0.3)
    errors = []

    def work():
        try:
            download(web.url("file"), target, sha(CONTENT), timeout=5.0)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert errors == []
    assert target.read_bytes() == CONTENT
    assert web.requests == [("file", None)]


def _download_in_child(url, target, digest, queue):
    try:
        queue.put(str(download(url, target, digest, timeout=5.0)))
    except Exception as error:
        queue.put(repr(error))


def test_concurrent_processes_fetch_once(web, target):
    web.pages["file"] = web.page(CONTENT, delay=0.5)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    children = [
        context.Process(
            target=_download_in_child, args=(web.url("file"), target, sha(CONTENT), queue)
        )
        for _ in range(2)
    ]
    [child.start() for child in children]
    answers = [queue.get(timeout=60) for _ in children]
    [child.join() for child in children]
    assert answers == [str(target)] * 2
    assert target.read_bytes() == CONTENT
    assert web.requests == [("file", None)]
