"""Each row's network as identification takes it: its embeddings, alignment, thresholds, errors."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image

import deepface_jax.weights
import facenet_jax.weights
import sphereface_jax.weights
from common.augment import MODERATE
from common.images import resize
from deepface_jax.config import AlignConfig
from deepface_jax.fallback import Fallback
from deepface_jax.model import DeepFace
from deepface_jax.network_config import SMALL
from deepface_jax.train import SMALL_DATA
from experiments import identify, measure_thresholds
from experiments.alignment.face_canvas import PlacedCanvas
from experiments.face_sets import ALIGNMENTS, faces_aligned
from experiments.held_out import HeldOut
from experiments.measure_thresholds import Thresholds
from experiments.photos import photo_embedders
from experiments.photos.find_faces import FaceFinder
from sphereface_jax import model as sphereface
from sphereface_jax.config import NetworkConfig
from tests.facenet_jax.toy import NETWORK, WARM_UP, begin

POINTS = [{"wanted": 0.01, "squared_distance": 0.4, "false_accept_rate": 0.02,
           "true_accept_rate": 0.7}]  # fmt: skip
RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 256, (3, 152, 152, 3), dtype=np.uint8)
TRAINING = {"data": "toys", "images": 3, "identities": 2, "sha256": "0" * 64, "hours": 0.0,
            "device": "none", "lfw_overlap": "unknown", "notice": ""}  # fmt: skip
CARD = {"facenet": {"name": "toy", "training": TRAINING, "recipe": [{}]},
        "sphereface": {"name": "toy", "training": TRAINING, "recipe": {"m": 4}}}  # fmt: skip
"""What a card says besides."""
POINT = {"squared_distance": 1.0, "false_accept_rate": 0.1, "true_accept_rate": 0.9}


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """Untrained weights of each row; with what made them."""
    folder = tmp_path_factory.mktemp("toys")
    paths = {row: folder / f"{row}.npz" for row in ("facenet", "sphereface", "deepface-small")}
    facts = {"inputs": ["center-crop"], "thresholds": POINTS, "threshold": POINT}

    _, state = begin(WARM_UP)
    facenet_jax.weights.save_weights(state.result, NETWORK, facts, paths["facenet"])

    config = NetworkConfig(layers=4, side=32, width=1 / 8, embedding_size=6, batch_norm=True)
    network = sphereface.SphereFace(config, rngs=nnx.Rngs(1))
    _, params, rest = nnx.split(network, nnx.Param, ...)
    weights = sphereface_jax.weights.Weights(params, rest)
    sphereface_jax.weights.save_weights(weights, config, facts, paths["sphereface"])

    small = replace(SMALL, F7=16, classes=3)
    deep = DeepFace(small, rngs=nnx.Rngs(2))
    recipe = {**asdict(replace(SMALL_DATA, augment=MODERATE)), "clip": str(SMALL_DATA.clip)}
    own = {"name": "toy", "recipe": recipe, "align": asdict(AlignConfig(stage="2d")), "seed": 0,
           "thresholds": POINTS}  # fmt: skip
    maximum = RNG.uniform(0.5, 2, 16).astype(np.float32)
    deepface_jax.weights.save_weights(
        nnx.split(deep)[1], maximum, small, own, paths["deepface-small"]
    )
    return paths, network, deep, maximum


def rounded(network):
    """The network with its parameters in float16 and back, in evaluation."""
    graph, params, rest = nnx.split(network, nnx.Param, ...)
    params = jax.tree.map(lambda leaf: leaf.astype(np.float16).astype(np.float32), params)
    made = nnx.merge(graph, params, rest)
    made.eval()
    return made


def test_sphereface_puts_the_mirror_image_behind_the_face(toys):
    paths, network, _, _ = toys
    found = photo_embedders.load("sphereface", paths["sphereface"], batch=2)
    z = found.embed(FACES)
    assert z.shape == (3, 12) == (3, found.size) and found.align == ALIGNMENTS["center-crop"]
    plain = rounded(network)
    for row, face in enumerate(FACES):
        small = resize(face, 32, 32)[:, 2:30]  # 28 of 32 columns: 6/7, from the middle
        both = [
            np.asarray(plain(jnp.asarray(side[None], jnp.float32) / 255))[0]
            for side in (small, small[:, ::-1])
        ]
        wanted = np.concatenate(both)
        assert z[row] @ wanted / np.linalg.norm(wanted) == pytest.approx(1, abs=1e-4)
        assert np.linalg.norm(z[row]) == pytest.approx(1, abs=1e-5)


def test_deepface_divides_by_the_maxima(toys):
    paths, _, network, maximum = toys
    found = photo_embedders.load("deepface-small", paths["deepface-small"], batch=2)
    z = found.embed(FACES)
    assert z.shape == (3, 16) == (3, found.size) and found.align == AlignConfig(stage="2d")
    _, features, weights, kept, _ = deepface_jax.weights.load_weights(paths["deepface-small"])
    assert np.array_equal(kept, maximum)
    for row, face in enumerate(FACES):
        G = np.asarray(features(weights, resize(face, SMALL.side, SMALL.side)[None]))[0] / maximum
        assert z[row] == pytest.approx(G / max(np.linalg.norm(G), 1e-12), abs=1e-5)
        assert np.any(z[row])


def test_facenet_is_its_embedder(toys):
    path = toys[0]["facenet"]
    found = photo_embedders.load("facenet", path, batch=2)
    own = facenet_jax.Embedder.load(path)
    assert found.embed(FACES) == pytest.approx(own.embed(FACES), abs=1e-6)
    assert found.size == own.network.embedding_size and found.align == ALIGNMENTS["center-crop"]


@pytest.mark.parametrize("row", ["facenet", "sphereface", "deepface-small"])
def test_thresholds_are_those_of_the_file(toys, row):
    finder = FaceFinder(row, toys[0][row], false_accept_rate=0.01)
    assert finder.point._asdict() == POINTS[0]
    with pytest.raises(ValueError, match=r"rate of 0.001; there are thresholds for 0.01"):
        FaceFinder(row, toys[0][row])


@pytest.mark.parametrize("row", ["facenet", "sphereface", "deepface-small"])
def test_a_file_of_another_row_is_refused(toys, row, tmp_path, capsys):
    (tmp_path / "people" / "Ann").mkdir(parents=True)
    (tmp_path / "photo.jpg").write_bytes(b"")
    for other in {"facenet", "sphereface", "deepface-small"} - {row}:
        options = identify.Identify(
            tmp_path / "people", (tmp_path / "photo.jpg",), row=row, weights=toys[0][other]
        )
        assert identify.main(options) == 1
        said = capsys.readouterr().err
        assert said.startswith("error: ") and str(toys[0][other].stem) in said


def test_thresholds_that_were_never_measured(toys, tmp_path):
    path = tmp_path / "bare.npz"
    path.write_bytes(toys[0]["deepface-small"].read_bytes())
    facts = json.loads(toys[0]["deepface-small"].with_suffix(".json").read_text())
    del facts["thresholds"]
    path.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="bare.json has no threshold .* no rate at all"):
        FaceFinder("deepface-small", path)


def test_thresholds_are_measured_and_written_beside_the_weights(
    toys, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FACES_TRAIN_DIR", raising=False)
    rng, names = np.random.default_rng(5), [*"abcdef"]
    rows = []
    for person in names:
        (tmp_path / "people" / person).mkdir(parents=True)
        own = rng.integers(0, 256, (6, 6, 3))
        rows.append(f"{person},{'train' if person == 'a' else 'validation'}\n")
        for number in range(6):
            face = np.clip(own.repeat(8, 0).repeat(8, 1) + rng.normal(0, 30, (48, 48, 3)), 0, 255)
            Image.fromarray(face.astype(np.uint8)).save(
                tmp_path / "people" / person / f"{number}.png"
            )
    (tmp_path / "people" / "identities.csv").write_text("".join(["identity,split\n", *rows]))
    for row in ("facenet", "sphereface"):
        path = tmp_path / f"{row}.npz"
        path.write_bytes(toys[0][row].read_bytes())
        facts = json.loads(toys[0][row].with_suffix(".json").read_text())
        facts = {**facts, **CARD[row]}
        del facts["thresholds"]
        path.with_suffix(".json").write_text(json.dumps(facts))
        options = Thresholds(row, path, tmp_path / "people", folds=2, pairs=20)
        assert measure_thresholds.main(options) == 0, capsys.readouterr().err
        told = json.loads(path.with_suffix(".json").read_text())
        assert {key: told[key] for key in facts if key != "threshold"} == {
            key: facts[key] for key in facts if key != "threshold"
        }
        assert path.read_bytes() == toys[0][row].read_bytes()
        assert [p["wanted"] for p in told["thresholds"]] == [0.1, 0.01, 0.001]

        # By hand: the five held-out people, as the network's training faces were aligned.
        found = photo_embedders.load(row, path)
        others = faces_aligned(tmp_path / "people", "validation", {"own": found.align}, 152)
        held_out = HeldOut.of(others, "own", folds=2, pairs=20)
        z = np.concatenate([found.embed(face[None]) for face in others.images["own"]])
        assert len(z) == 30 and told["held_out"]["images"] == 30
        wanted = held_out.watch(z)["held-out accuracy"]
        assert told["held_out"]["accuracy"]["mean"] == pytest.approx(wanted, abs=1e-6)
        assert (
            f"{told['thresholds'][0]['squared_distance']:.3f}"
            in path.with_name("MODEL_CARD.md").read_text()
        )
    nobody = tmp_path / "nobody"
    (nobody / "x").mkdir(parents=True)
    assert measure_thresholds.main(Thresholds("sphereface", path, nobody)) == 1
    assert "error: " in capsys.readouterr().err


def test_every_row_that_ships_has_thresholds():
    for row in ("facenet", "sphereface", "deepface-small"):
        assert photo_embedders.load(row).at(0.001).wanted == 0.001


def test_turned_heads_are_seen_and_faces_without_an_embedding_are_not(toys):
    finder = FaceFinder("deepface-small", toys[0]["deepface-small"], false_accept_rate=0.01)
    status = np.array(
        [Fallback.NONE, Fallback.TWO_D_POSE, Fallback.CROP_OUTSIDE, Fallback.NONE,
         Fallback.TWO_D_CAMERA]
    )  # fmt: skip
    images = RNG.integers(0, 256, (5, 152, 152, 3), dtype=np.uint8)
    given = []

    def embed(faces):
        given.append(faces)
        z = np.eye(4, 16, dtype=np.float32)
        z[2] = 0  # the third of those four
        return z

    finder.embedder = replace(finder.embedder, embed=embed)
    finder.__dict__["_aligner"] = lambda pixels, squares: SimpleNamespace(
        images=images, status=status
    )
    canvases = [
        PlacedCanvas(np.zeros((250, 250, 3), np.uint8), np.array([float(n), 0.0]), 9.0)
        for n in range(5)
    ]
    one, other = finder.embed([canvases[:3], canvases[3:]])
    assert np.array_equal(given[0], images[[0, 1, 3, 4]])
    assert [face.center[0] for face in one.faces] == [0, 1] and one.doubtful == 1
    assert [face.center[0] for face in other.faces] == [4] and other.doubtful == 1
    assert one.faces[1].embedding[1] == 1 and other.faces[0].embedding[3] == 1
