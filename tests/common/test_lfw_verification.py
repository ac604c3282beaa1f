import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds

from common.data import lfw_verification, prepared
from common.data.cache import CacheError
from common.data.lfw import find_lfw
from common.data.lfw_content import read_content
from common.data.lfw_folder import LfwError
from common.data.lfw_verification import LfwVerification

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_own_cache(own_cache):
    """Nothing is written outside the test."""


def visible(folder):
    return sorted(path.name for path in folder.glob("[!.]*")) if folder.exists() else []


def assert_clean(own_cache):
    """No prepared copy, and nothing half-made."""
    left = [path.name for path in (own_cache / "prepared").glob("*")]
    assert [name for name in left if not name.endswith(".lock")] == []


def test_records_are_reached_by_index(root):
    folder = find_lfw(root)
    content = read_content(folder, official=False)
    copy = prepared.prepare(content)
    images = LfwVerification(config="images", data_dir=copy).as_data_source(
        "images", decoders={"image": tfds.decode.SkipDecoding()}
    )
    names = list(content.images)
    people = sorted({name.person for name in names})
    for i in (59, 0, 31):
        record = images[i]
        assert record["image"] == content.images[names[i]].read_bytes()
        assert (record["person"].decode(), record["number"]) == names[i]
        assert people[record["identity"]] == names[i].person
    pair = LfwVerification(config="pairs", data_dir=copy).as_data_source("view2")[10]
    assert (pair["fold"], bool(pair["same"])) == (1, False) == (10 // 6, 10 % 6 < 3)
    people_records = LfwVerification(config="people", data_dir=copy).as_data_source("view2")
    assert [name.decode() for name in people_records[2]["names"]] == list(content.view2_people[2])


def test_second_start_reads_the_prepared_copy(root, own_cache, monkeypatch, open_fake):
    first = open_fake(root)

    def never(*args, **kwargs):
        raise AssertionError("prepared again")

    monkeypatch.setattr(prepared, "_write", never)
    monkeypatch.setattr(lfw_verification, "decode_image", never)
    second = open_fake(root)
    assert np.array_equal(first.images[7], second.images[7])
    assert first.names == second.names
    assert len(visible(own_cache / "prepared")) == 1


def test_bad_images_are_all_counted_and_named(root, own_cache, open_fake, image_file, small_jpeg):
    whole = image_file(root, "Zoe_Person-A_0001").read_bytes()
    bad = {
        "Zoe_Person-A_0001": (b"", "is empty"),
        "Bob_Person-B_0002": (whole[: len(whole) // 2], "cannot be decoded"),
        "Kim_Person-C_0003": (b"I am a text file\n" * 40, "not a JPEG or PNG"),
        "Eva_Person-D_0001": (small_jpeg((1, 1)), "1 x 1 pixels, wanted 250 x 250"),
        "Train_Person-A_0002": (small_jpeg((250, 249)), "250 x 249 pixels"),
    }
    for name, (data, _) in bad.items():
        image_file(root, name).write_bytes(data)
    with pytest.raises(LfwError) as caught:
        open_fake(root)
    message = str(caught.value)
    assert message.startswith("5 of 60 images are bad: ")
    assert "\n" not in message
    for name, (_, reason) in bad.items():
        part = message[message.index(f"{name}.jpg") :]
        assert reason in part[: part.find(".jpg", 30)]
    assert_clean(own_cache)
    image_file(root, "Bob_Person-A_0003").write_bytes(b"")
    with pytest.raises(LfwError, match=r"^6 of 60 .*, \.\.\.$"):
        open_fake(root)
    for name in [*bad, "Bob_Person-A_0003"]:
        image_file(root, name).write_bytes(whole)
    assert len(open_fake(root).images) == 60


def test_image_that_changes_while_it_is_read(root, own_cache, image_file, small_jpeg):
    content = read_content(find_lfw(root), official=False)
    image_file(root, "Bob_Person-A_0001").write_bytes(small_jpeg())
    with pytest.raises(LfwError, match=r"Bob_Person-A_0001.jpg changed while it was read"):
        prepared.prepare(content)
    assert_clean(own_cache)


@pytest.mark.parametrize("at", ["images", "pairs", "people"])
def test_interrupt_leaves_a_clean_next_start(root, own_cache, monkeypatch, at, open_fake):
    generate = LfwVerification._split_generators

    def interrupting(self, dl_manager):
        def until(records):
            for index, record in enumerate(records):
                if index == 2:
                    raise KeyboardInterrupt
                yield record

        splits = generate(self, dl_manager)
        stop = self.builder_config.name == at
        return {name: until(r) if stop else r for name, r in splits.items()}

    with monkeypatch.context() as patch:
        patch.setattr(LfwVerification, "_split_generators", interrupting)
        with pytest.raises(KeyboardInterrupt):
            open_fake(root)
    assert_clean(own_cache)
    assert len(open_fake(root).view2) == 18


def test_kill_in_the_middle_leaves_a_clean_next_start(root, own_cache, open_fake):
    code = f"""
        import sys, time
        from pathlib import Path
        from common.data import lfw_verification
        from common.data.lfw import find_lfw
        from common.data.lfw_benchmark import open_lfw

        def slow(*args, **kwargs):
            print("decoding", flush=True)
            time.sleep(60)

        lfw_verification.decode_image = slow
        open_lfw(find_lfw(Path({str(root)!r})), official=False)
        """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    # The child sends its own output into a buffer while it prepares: look for its folder.
    deadline = time.monotonic() + 60
    while not list((own_cache / "prepared").glob(".*.partial-*/**/*incomplete*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert list((own_cache / "prepared").glob(".*.partial-*")) != []
    assert len(open_fake(root).images) == 60
    assert list((own_cache / "prepared").glob(".*.partial-*")) == []


def test_full_disk(root, own_cache, monkeypatch, open_fake):
    full = OSError(28, "No space left on device")

    def refuse(*args):
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "_write", refuse)
        with pytest.raises(CacheError, match="disk is full.*make room, or set CLASSIC_FACES_CACHE"):
            open_fake(root)
    assert_clean(own_cache)
    with monkeypatch.context() as patch:

        def fail(*args, **kwargs):
            raise RuntimeError("Failed to finalize: write() failed: No space left on device")

        patch.setattr(LfwVerification, "download_and_prepare", fail)
        with pytest.raises(CacheError, match="disk is full"):
            open_fake(root)
    assert_clean(own_cache)
    with monkeypatch.context() as patch:
        usage = SimpleNamespace(total=1 << 40, used=0, free=5 << 20)
        patch.setattr(prepared.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(
            CacheError, match="too full to prepare LFW: .* 5 MB are free; make room"
        ):
            open_fake(root)
    assert_clean(own_cache)
    assert len(open_fake(root).images) == 60


def test_concurrent_starts_prepare_once(root, own_cache, monkeypatch):
    write, written, lock = prepared._write, [], threading.Lock()

    def counted(content, folder):
        with lock:
            written.append(folder)
        write(content, folder)

    monkeypatch.setattr(prepared, "_write", counted)
    content, copies = read_content(find_lfw(root), official=False), []
    threads = [
        threading.Thread(target=lambda: copies.append(prepared.prepare(content))) for _ in range(3)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(written) == 1
    assert len(copies) == 3 and len(set(copies)) == 1


def test_builder_without_content_says_so(tmp_path):
    with pytest.raises(LfwError, match="no content to prepare one from"):
        LfwVerification(config="pairs", data_dir=tmp_path).download_and_prepare()
