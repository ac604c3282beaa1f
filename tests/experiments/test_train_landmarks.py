"""The training command, from a folder of random faces to weights and record."""

import csv
import json

import numpy as np
import pytest

from common.landmarks.network import NetworkConfig
from common.landmarks.train import TrainConfig
from common.landmarks.weights import load_network
from experiments import train_landmarks
from experiments.alignment.landmark_faces import FacesError, read_faces
from experiments.train_landmarks import TrainLandmarks

TINY = NetworkConfig(side=16, widths=(2, 3, 4, 5), blocks=(0, 1, 0, 1), squeezed=2, hidden=6)


@pytest.fixture
def folder(tmp_path):
    """Three people to train on, one held out, three images each."""
    import cv2

    rng = np.random.default_rng(0)
    identity, image = np.repeat(["007", "008", "011", "013"], 3), [f"{k:06d}" for k in range(12)]
    for person, name in zip(identity, image, strict=True):
        (tmp_path / person).mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (48, 48, 3), np.uint8)
        cv2.imwrite(str(tmp_path / person / f"{name}.jpg"), pixels)
    points = rng.integers(10 * 64, 38 * 64, (12, 68, 3)).astype(np.int16)
    points[:, 36:42, 0], points[:, 42:48, 0] = 12 * 64, 36 * 64
    np.savez(tmp_path / "landmarks.npz", identity=identity, image=image, points=points)
    with (tmp_path / "identities.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["identity", "images", "split"])
        rows.writerows([[p, 3, "train"] for p in ("007", "008", "013")])
        rows.writerow(["011", 3, "validation"])
    return tmp_path


def test_splits_share_no_person(folder):
    train, held_out = read_faces(folder, "train"), read_faces(folder, "validation")
    assert (len(train), train.people, len(held_out), held_out.people) == (9, 3, 3, 1)
    assert {path.parent.name for path in held_out.paths} == {"011"}
    image, points = held_out[1]
    assert image.shape == (48, 48, 3) and points.shape == (68, 3)
    np.testing.assert_allclose(points[36:48, 0], [11.7] * 6 + [35.7] * 6, atol=1e-5)
    stored = np.load(folder / "landmarks.npz")["points"][7]
    np.testing.assert_allclose(points[:, 2], stored[:, 2] / 64, atol=1e-5)


def test_command_trains_measures_and_goes_on(folder, capsys):
    options = TrainLandmarks(
        train_dir=folder,
        run=folder / "run",
        train=TrainConfig(steps=3, batch=4, warmup=1),
        network=TINY,
    )
    assert train_landmarks.main(options) == 0
    record = json.loads((folder / "run" / "errors.json").read_text())
    assert record["data"]["training"] == {"images": 9, "identities": 3}
    assert record["data"]["validation"] == {"images": 3, "identities": 1}
    assert 0 < record["as_handed"]["normalized_mean_error"]
    assert set(record["as_handed"]["by_region"]) == {"contour", "brows", "nose", "eyes", "mouth"}
    with np.load(folder / "run" / "error_covariance.npz", allow_pickle=False) as stored:
        covariance = stored["covariance"]
        assert stored["mean"].shape == (136,)
    assert covariance.shape == (136, 136)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-6)
    load_network(folder / "run" / "weights.npz", TINY)
    before = (folder / "run" / "weights.npz").read_bytes()
    capsys.readouterr()
    assert train_landmarks.main(options) == 0
    assert "going on after step 3" in capsys.readouterr().err
    assert (folder / "run" / "weights.npz").read_bytes() == before
    assert str(folder) not in (folder / "run" / "errors.json").read_text()


def test_no_folder_is_said(monkeypatch, capsys):
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    assert train_landmarks.main(TrainLandmarks()) == 2
    assert "FACES_TRAIN_DIR" in capsys.readouterr().err


def test_wrong_folder_is_said(tmp_path, capsys):
    assert train_landmarks.main(TrainLandmarks(train_dir=tmp_path)) == 1
    assert "identities.csv is missing" in capsys.readouterr().err


def test_damaged_folders_are_refused(folder):
    with pytest.raises(FacesError, match="split other"):
        read_faces(folder, "other")
    (folder / "007" / "000001.jpg").unlink()
    with pytest.raises(FacesError, match="1 images are missing.*000001"):
        read_faces(folder, "train")
    path = folder / "landmarks.npz"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(FacesError, match="damaged"):
        read_faces(folder, "train")
