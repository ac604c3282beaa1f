import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.data.lfw import find_lfw
from common.data.lfw_benchmark import open_lfw
from common.protocol import read_pairs

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_own_cache(own_cache):
    """Nothing is written outside the test, and nothing is asked of the real mirror."""


def test_benchmark_says_what_the_files_say(root, fake_lfw, open_fake, image_file):
    bench = open_fake(root)
    names = list(bench.names)
    assert sorted(names) == sorted(f"{person}_{number:04d}" for person, number in fake_lfw.images)
    assert names != sorted(names)
    persons = [name.rsplit("_", 1)[0] for name in names]
    assert len(bench.images) == len(names) == 60
    for i, name in enumerate(names):
        data = image_file(root, name).read_bytes()
        assert np.array_equal(bench.images[i], np.array(Image.open(io.BytesIO(data))))
        for j in range(0, len(names), 7):
            assert (bench.identity[i] == bench.identity[j]) == (persons[i] == persons[j])
    for pairs, file in [
        (bench.view1_train, "pairsDevTrain.txt"),
        (bench.view1_test, "pairsDevTest.txt"),
        (bench.view2, "pairs.txt"),
    ]:
        told = [
            (names[a], names[b], same, fold)
            for a, b, same, fold in zip(
                pairs.first, pairs.second, pairs.same, pairs.fold, strict=True
            )
        ]
        written = [
            (str(pair.first), str(pair.second), pair.same, fold)
            for fold, folds in enumerate(read_pairs(root / file))
            for pair in folds
        ]
        assert told == written
    for person, fold, train in zip(
        persons, bench.people_fold, bench.view1_train_people, strict=True
    ):
        expected = [number for number, people in enumerate(fake_lfw.folds) if person in people]
        assert [fold] == (expected or [-1])
        assert train == person.startswith("Train_")
    origin = bench.provenance
    assert (origin.name, origin.variant, origin.images, origin.people) == ("lfw", "unknown", 60, 20)
    assert not origin.synthetic


def test_no_tensorflow_and_nothing_on_stdout(root, own_cache):
    code = f"""
        import sys
        from pathlib import Path
        from common.data.lfw import find_lfw
        from common.data.lfw_benchmark import open_lfw
        from common.data.read_images import read_images
        bench = open_lfw(find_lfw(Path({str(root)!r})), official=False)
        assert read_images(bench.images, lambda image: image[0]).shape == (60, 250, 3)
        assert "tensorflow" not in sys.modules
        """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_changed_file_never_gives_stale_faces(root, own_cache, open_fake, image_file):
    first = open_fake(root)
    number = list(first.names).index("Kim_Person-C_0002")
    path = image_file(root, "Kim_Person-C_0002")
    stamp = path.stat()
    path.write_bytes(image_file(root, "Bob_Person-A_0001").read_bytes())
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    second = open_fake(root)
    assert np.array_equal(
        second.images[number], second.images[list(first.names).index("Bob_Person-A_0001")]
    )
    assert not np.array_equal(first.images[number], second.images[number])
    assert first.provenance.sha256 != second.provenance.sha256
    assert len(list((own_cache / "prepared").glob("[!.]*"))) == 2


def test_grey_and_cmyk_images_are_converted(root, open_fake, image_file, small_jpeg):
    image_file(root, "Bob_Person-A_0001").write_bytes(small_jpeg(mode="L"))
    image_file(root, "Kim_Person-A_0001").write_bytes(small_jpeg(mode="CMYK"))
    bench = open_fake(root)
    for name in ("Bob_Person-A_0001", "Kim_Person-A_0001"):
        image = bench.images[list(bench.names).index(name)]
        assert (image.shape, image.dtype) == ((250, 250, 3), np.uint8)
    grey = bench.images[list(bench.names).index("Bob_Person-A_0001")]
    assert np.abs(grey.astype(int) - 77).max() <= 1


def test_read_only_data_folder(root, open_fake):
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert len(open_fake(root).images) == 60
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before
    for path in before:
        path.chmod(0o755)


@pytest.mark.lfw
@pytest.mark.slow
def test_real_lfw(lfw_dir):
    folder = find_lfw(lfw_dir, download=False)
    assert folder is not None
    bench = open_lfw(folder)
    assert len(bench.view2) == 6000
    assert len(bench.view2.images()) == 7701
    assert bench.provenance.variant == "original"
    persons = np.array([name.rsplit("_", 1)[0] for name in bench.names])
    for pairs in (bench.view1_train, bench.view1_test, bench.view2):
        assert np.array_equal(persons[pairs.first] == persons[pairs.second], pairs.same)
        assert np.array_equal(
            bench.identity[pairs.first] == bench.identity[pairs.second], pairs.same
        )
    assert np.array_equal(bench.people_fold[bench.view2.first], bench.view2.fold)
    assert np.array_equal(bench.people_fold[bench.view2.second], bench.view2.fold)
    assert bench.view1_train_people[bench.view1_train.images()].all()
    assert not bench.view1_train_people[bench.view1_test.images()].any()
