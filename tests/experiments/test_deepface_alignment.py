"""The row of DeepFace's alignment: what its records say of faces that an aligner might return."""

from dataclasses import asdict

import numpy as np
import pytest
from rich.console import Console

from common.data.synthetic import synthetic_benchmark
from deepface_jax.config import AlignConfig
from experiments import deepface_alignment_lfw as row
from experiments.alignment.aligned_faces import AlignedSet
from experiments.faces import paired_images
from experiments.setting import Setting

SIDE, FALLBACKS = 32, {"3d": 5, "2d": 3, "crop": 0}
CHOICES = [(10, 0.3, 0.0), (10, 0.1, 0.01), (10, 0.1, 0.0)]
NAMES = ["3d", "3d-cells", "2d", "crop", "3d-no-residual", "3d-no-blending", "3d-no-covariance"]


@pytest.fixture(scope="module")
def faces():
    return synthetic_benchmark(people=60, images_per_person=4, pairs_per_fold=20, size=SIDE)


@pytest.fixture(scope="module")
def measured(faces, tmp_path_factory):
    """The row on faces that are not moved at all, with fallbacks that are known."""
    paired = paired_images(faces)
    others = np.setdiff1d(np.arange(len(faces.names)), paired)
    assert len(others)  # some images stand in no pair: their fallbacks are nobody's

    def aligned(benchmark, config):
        images = np.stack([benchmark.images[k] for k in range(len(benchmark.images))])
        status = np.zeros(len(images), np.int64)
        status[others] = 1
        status[paired[: FALLBACKS[config.stage]]] = 4
        return AlignedSet(images, status)

    def tried(setting, benchmark, spaces, name):
        best = CHOICES[1] if name == "3d" else CHOICES[2]  # each alignment would choose otherwise
        return {choice: 0.8 if choice == best else 0.7 for choice in CHOICES}

    setting = Setting(
        faces, (), tiny=False, runs=tmp_path_factory.mktemp("runs"), command="",
        console=Console(quiet=True),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row, "aligned_benchmark", aligned)
        patch.setattr(row, "_draw", lambda *_: None)
        patch.setattr(row, "_faces_per_second", lambda *_: 1.0)
        patch.setattr(row, "_try", tried)
        return {one.result.variant: one.result for one in row.run(setting)}


def test_each_switch_alone_is_a_variant(measured):
    assert list(measured) == NAMES
    whole = asdict(AlignConfig())
    for name, config in row.ALIGNMENTS.items():
        changed = {key for key, value in asdict(config).items() if value != whole[key]}
        assert changed == ({"3d": set(), "2d": {"stage"}, "crop": {"stage"}}.get(
            name, {name.removeprefix("3d-no-")}))  # fmt: skip
        assert measured[name].config["align"] == asdict(config)


def test_records_name_category_alignment_and_mirror_image(measured):
    for name, result in measured.items():
        assert result.category == "image-restricted-label-free-outside-data"
        assert result.alignment == row.ALIGNMENTS.get(name, AlignConfig()).stage
        assert result.threshold_rule == "model" and "mirror" in result.test_time
        assert bool(result.published) == (name == "3d")
    assert measured["3d"].published["accuracy"] == 0.914


def test_fallbacks_of_the_faces_that_stand_in_pairs_are_counted(measured):
    for name, result in measured.items():
        assert result.fallbacks == FALLBACKS[result.config["align"]["stage"]], name


def test_all_variants_use_what_view1_chose_with_3d_faces(measured):
    for name in row.ALIGNMENTS:
        config = measured[name].config
        used = tuple(config[key] for key in ("components", "shrinkage", "svm_cost"))
        assert used == CHOICES[1]
        assert config["view1_accuracy"] == (0.8 if name == "3d" else 0.7)
        assert config["view1_best"] == 0.8 and len(config["view1_tried"]) == len(CHOICES)
