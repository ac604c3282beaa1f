"""DeepFace's training: killed and resumed, done and cached, and folders that do not fit."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from common.augment import AugmentConfig
from common.data.folders import FaceFolder, FolderError, read_folder
from common.records import commit, versions
from common.training import TrainingError
from deepface_jax.config import AlignConfig
from deepface_jax.network_config import Filters, NetworkConfig
from deepface_jax.train import SMALL_DATA
from experiments import deepface_training
from experiments.alignment.aligned_faces import AlignedSet
from experiments.training_faces import TrainingFaces, aligned_folder, validation_pairs

TINY = NetworkConfig(
    side=21, C1=Filters(4, 4), C3=Filters(3, 3), L4=Filters(8, 3), L5=Filters(4, 3, stride=2),
    L6=Filters(16, 2), F7=24, classes=3, init="he", centered=True,
)  # fmt: skip
CONFIG = replace(
    SMALL_DATA, epochs=2.0, batch=8, augment=AugmentConfig(mirror=True, shift=0.02, light=0.1)
)
STEPS = 7  # two epochs of 27 faces: 30, less one of each person


ROOT = Path(__file__).parents[2]


@pytest.fixture
def faces():
    return three_people()


def three_people():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 21, 21, 3), dtype=np.uint8)
    aligned = AlignedSet(images, np.zeros(30, int))
    folder = FaceFolder([Path(f"{k}.png") for k in range(30)], np.repeat(np.arange(3), 10),
                        ["a", "b", "c"], "0" * 64)  # fmt: skip
    return TrainingFaces(aligned, folder)


def train(faces, monkeypatch, cache, network=TINY, config=CONFIG, **options):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(cache))
    return deepface_training.train(faces, network, config, **options)


def parameters(trained):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(trained.weights)]


@pytest.fixture
def saves_each_step(monkeypatch):
    monkeypatch.setattr(deepface_training, "SAVE_SECONDS", 0.0)


def test_a_killed_run_goes_on_bit_for_bit(faces, monkeypatch, tmp_path, saves_each_step):
    whole = train(faces, monkeypatch, tmp_path / "whole")
    assert np.count_nonzero(whole.maximum) > 12  # in a dead network no face would change a weight
    assert whole.summary["steps"] == STEPS and whole.summary["images"] == 27
    assert whole.summary["commit"] == commit() and whole.summary["versions"] == versions()
    make_step, made = deepface_training.make_step, []

    def killed_at_four(*args, **options):
        step = make_step(*args, **options)

        def counted(state, batch):
            made.append(batch)
            if len(made) == 5:
                raise KeyboardInterrupt
            return step(state, batch)

        return counted

    monkeypatch.setattr(deepface_training, "make_step", killed_at_four)
    with pytest.raises(KeyboardInterrupt):
        train(faces, monkeypatch, tmp_path / "killed")
    resumed = train(faces, monkeypatch, tmp_path / "killed")
    assert len(made) == 5 + STEPS - 4  # four were kept, the fifth was lost
    for a, b in zip(parameters(whole), parameters(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(whole.maximum, resumed.maximum)

    def fail(*args, **options):
        raise AssertionError("a training that is done was begun again")

    monkeypatch.setattr(deepface_training, "fit", fail)
    again = train(faces, monkeypatch, tmp_path / "killed")
    np.testing.assert_array_equal(parameters(again)[0], parameters(whole)[0])
    images = faces.aligned.images
    np.testing.assert_array_equal(again.represent(images), whole.represent(images))
    assert again.represent(images).shape == (30, 24)
    with pytest.raises(AssertionError, match="begun again"):
        train(faces, monkeypatch, tmp_path / "killed", from_scratch=True)
    with pytest.raises(AssertionError, match="begun again"):  # another seed is another training
        train(faces, monkeypatch, tmp_path / "killed", seed=1)


LONG = replace(CONFIG, epochs=60.0)
CHILD = """
from experiments import deepface_training
from tests.experiments.test_deepface_training import LONG, TINY, three_people

deepface_training.SAVE_SECONDS = 0.0
deepface_training.train(three_people(), TINY, LONG)
"""


def test_a_run_killed_at_any_moment_goes_on_bit_for_bit(faces, monkeypatch, tmp_path, capsys):
    whole = train(faces, monkeypatch, tmp_path / "whole", config=LONG)
    assert np.count_nonzero(whole.maximum) > 12
    cache, said = tmp_path / "killed", tmp_path / "said"
    environment = {**os.environ, "CLASSIC_FACES_CACHE": str(cache), "PYTHONPATH": str(ROOT)}

    def saved():
        paths = cache.glob("deepface/*/checkpoints/*")
        return [int(path.name) for path in paths if path.name.isdigit()]

    with said.open("w") as file, subprocess.Popen(
        [sys.executable, "-c", CHILD], env=environment, cwd=ROOT, stdout=file, stderr=file
    ) as child:  # fmt: skip
        try:
            until = time.monotonic() + 300
            while not saved():
                assert child.poll() is None and time.monotonic() < until, said.read_text()
                time.sleep(0.005)
            time.sleep(delay := random.uniform(0, 0.5))
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL, said.read_text()
    assert not list(cache.glob("deepface/*/training.json")), "it was done before it was killed"
    kept = max(saved())
    resumed = train(faces, monkeypatch, cache, config=LONG)
    assert f"going on after step {kept:,} of" in capsys.readouterr().err
    for a, b in zip(parameters(whole), parameters(resumed), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=f"killed {delay} s after the first checkpoint")
    np.testing.assert_array_equal(whole.maximum, resumed.maximum)


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(
    faces, monkeypatch, tmp_path, saves_each_step
):
    make_step = deepface_training.make_step

    def spoiled(*args, **options):
        step, made = make_step(*args, **options), []

        def counted(state, batch):
            made.append(batch)
            state, loss = step(state, batch)
            return state, loss if len(made) < 4 else loss * np.nan

        return counted

    monkeypatch.setattr(deepface_training, "make_step", spoiled)
    with pytest.raises(TrainingError, match="step 4"):
        train(faces, monkeypatch, tmp_path)
    (checkpoints,) = tmp_path.glob("deepface/*/checkpoints")
    assert [path.name for path in checkpoints.iterdir() if path.is_dir()] == ["3"]


class FewAtATime(np.ndarray):
    """Faces on a disk, more than fit in memory."""

    limit = 4

    def __getitem__(self, key):
        found = super().__getitem__(key)
        if np.ndim(found) == 4 and len(found) > self.limit:
            raise MemoryError(f"{len(found)} faces at a time")
        return found


def test_only_a_part_of_the_faces_is_in_memory(faces, monkeypatch, tmp_path):
    whole = train(faces, monkeypatch, tmp_path / "whole")
    monkeypatch.setattr(deepface_training, "PART", FewAtATime.limit)
    few = AlignedSet(faces.aligned.images.view(FewAtATime), faces.aligned.status)
    parts = train(replace(faces, aligned=few), monkeypatch, tmp_path / "parts")
    np.testing.assert_array_equal(parts.maximum, whole.maximum)
    assert {**parts.summary, "hours": 0} == {**whole.summary, "hours": 0}
    images, numbers = faces.aligned.images, faces.training
    G = np.asarray(parts.features(parts.weights, images[numbers]))
    np.testing.assert_allclose(parts.maximum, G.max(axis=0), rtol=1e-5)
    assert parts.summary["zeros"] == round(float((G == 0).mean()), 4) > 0


def test_classes_must_be_the_people(faces, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="4 classes and the folder 3 people"):
        train(faces, monkeypatch, tmp_path, network=replace(TINY, classes=4))
    assert not list(tmp_path.glob("deepface/*"))


def test_devices_must_share_the_kernels_evenly(faces, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=f"{jax.device_count()} devices .* 3 parts"):
        train(faces, monkeypatch, tmp_path, kernel_parts=3)


def test_pictures_must_be_squares_of_one_size(tmp_path):
    for name, shape in (("a", (8, 8, 3)), ("b", (8, 9, 3))):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / name / "1.png")
    with pytest.raises(FolderError, match="9 x 8 pixels"):
        aligned_folder(read_folder(tmp_path, "train"), AlignConfig(stage="crop"))


def test_validation_pairs_are_shaped_as_view_2():
    rng = np.random.default_rng(0)
    label = rng.permutation(np.repeat(np.arange(30), rng.integers(4, 9, 30)))
    pairs = validation_pairs(label, folds=5, pairs=20)
    assert len(pairs) == 200
    np.testing.assert_array_equal(label[pairs.first] == label[pairs.second], pairs.same)
    people = []
    for fold in range(5):
        own = pairs[pairs.fold == fold]
        assert own.same.sum() == 20 and len(own) == 40
        assert len({frozenset(p) for p in zip(own.first, own.second, strict=True)}) == 40
        people.append(set(label[own.images()]))
    assert not any(a & b for k, a in enumerate(people) for b in people[:k])
    with pytest.raises(ValueError, match="wanted 2000"):
        validation_pairs(label, folds=5, pairs=2000)
