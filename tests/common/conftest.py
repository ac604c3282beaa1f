"""Fixtures for the data tests: an own cache, a fake LFW, and a web server on the loopback."""

import io
import itertools
import os
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.data import cache
from common.data.lfw import find_lfw
from common.data.lfw_benchmark import open_lfw


@pytest.fixture(scope="session")  # so that it is read before `own_cache` hides it
def lfw_dir():
    """The real LFW, for tests marked lfw."""
    return Path(os.environ["LFW_DIR"])


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache of the test's own, and no LFW from outside."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "scikit_learn_data"))
    monkeypatch.delenv("LFW_DIR", raising=False)
    return folder


def face_jpeg(rng, size=(250, 250), mode="RGB"):
    channels = {"RGB": (3,), "L": (), "CMYK": (4,)}[mode]
    small = rng.integers(0, 256, (9, 7, *channels), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(small, mode).resize(size).save(out, "JPEG")
    return out.getvalue()


@dataclass
class FakeLfw:
    """Text of the protocol files and bytes of the images, to be written in any layout."""

    images: dict = field(default_factory=dict)  # (person, number) -> JPEG
    text: dict = field(default_factory=dict)  # file name -> content
    folds: list = field(default_factory=list)  # people of each fold

    def write(self, root, *, layout="tree", folder="lfw", files=None):
        """Write it below root; returns the folder of the images."""
        images = root / folder if folder else root
        for (person, number), data in self.images.items():
            place = images / person if layout == "tree" else images
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{person}_{number:04d}.jpg").write_bytes(data)
        for name in self.text if files is None else files:
            (root / name).write_text(self.text[name])
        return images


@pytest.fixture
def fake_lfw():
    """Three folds of four people, View 1 of four and four; three images each."""
    rng = np.random.default_rng(5)
    fake = FakeLfw()

    def people(stem):
        names = [f"{stem}_Person-{letter}" for letter in "ABCD"]
        for name, number in itertools.product(names, (1, 2, 3)):
            fake.images[name, number] = face_jpeg(rng)
        return names

    def pairs(names):
        same = [f"{name}\t1\t{2 + i % 2}\n" for i, name in enumerate(names[:3])]
        other = [f"{names[i]}\t{1 + i}\t{names[i + 1]}\t3\n" for i in range(3)]
        return "".join(same + other)

    def listing(names):
        return f"{len(names)}\n" + "".join(f"{name}\t3\n" for name in names)

    fake.folds = [people(stem) for stem in ("Zoe", "Bob", "Kim")]
    train, test = people("Train"), people("Eva")
    fake.text = {
        "pairs.txt": "3\t3\n" + "".join(map(pairs, fake.folds)),
        "pairsDevTrain.txt": "3\n" + pairs(train),
        "pairsDevTest.txt": "3\n" + pairs(test),
        "people.txt": "3\n" + "".join(map(listing, fake.folds)),
        "peopleDevTrain.txt": listing(train),
        "peopleDevTest.txt": listing(test),
    }
    return fake


@pytest.fixture
def root(fake_lfw, tmp_path):
    """A folder with the fake LFW."""
    fake_lfw.write(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def open_fake():
    """Opens the benchmark of such a folder."""

    def open_fake(root):
        folder = find_lfw(root, download=False)
        assert folder is not None
        return open_lfw(folder, official=False)

    return open_fake


@pytest.fixture
def image_file():
    """The path of an image of such a folder."""
    return lambda root, name: root / "lfw" / name.rsplit("_", 1)[0] / f"{name}.jpg"


@pytest.fixture
def small_jpeg():
    """A JPEG of one color."""

    def small_jpeg(size=(250, 250), mode="RGB"):
        out = io.BytesIO()
        Image.new(mode, size, 77).save(out, "JPEG")
        return out.getvalue()

    return small_jpeg


@pytest.fixture
def pack():
    """Packs a folder into an archive."""

    def pack(folder, archive):
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, folder.name)
        return archive

    return pack


@dataclass
class Page:
    """What the server has under a path, and how it misbehaves."""

    content: bytes
    breaks_at: list = field(default_factory=list)  # byte, of each request in turn, to hang up at
    stalls_at: int | None = None  # byte at which nothing more comes
    ranges: bool = True
    status: int = 200
    content_type: str = "application/octet-stream"
    delay: float = 0.0


class Server:
    """A web server on the loopback; `requests` holds the path and Range of every request."""

    def __init__(self):
        self.pages, self.requests, self.released = {}, [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}/{path}"

    def answer(self, handler):
        asked = handler.headers.get("Range")
        name = handler.path.lstrip("/")
        self.requests.append((name, asked))
        handler.close_connection = True
        page = self.pages.get(name)
        if page is None:
            handler.send_error(404)
            return
        time.sleep(page.delay)
        start, status, total = 0, page.status, len(page.content)
        if asked and page.ranges:
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            if start >= total:
                handler.send_error(416)
                return
        stop = page.breaks_at.pop(0) if page.breaks_at else total
        handler.send_response(status)
        handler.send_header("Content-Type", page.content_type)
        handler.send_header("Content-Length", str(total - start))
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        handler.end_headers()
        if page.stalls_at is not None:
            stop = min(stop, page.stalls_at)
        handler.wfile.write(page.content[start : max(stop, start)])
        handler.wfile.flush()
        if page.stalls_at is not None:
            self.released.wait(30)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def web():
    server = Server()
    server.page = Page
    yield server
    server.close()
