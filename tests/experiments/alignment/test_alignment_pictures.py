"""Strips and mean faces: what is drawn, and whether a sharper mean has the greater number."""

import cv2
import numpy as np
import pytest
from PIL import Image

from deepface_jax.face_model import ANCHORS, generic_face
from experiments.alignment import alignment_pictures
from experiments.alignment.alignment_pictures import (
    face_region,
    mean_face,
    mean_faces,
    sharpness,
    strip,
)


def faces(count, seed=0, size=152):
    """Coarse noise: pictures with edges to blur."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 19, 19, 3), np.uint8)
    shown = [cv2.resize(face, (size, size)) for face in coarse]
    return np.array(shown, np.uint8).reshape(count, size, size, 3)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, as they are."""
    kept, save = [], alignment_pictures.save

    def keep(figure, path, *, synthetic):
        kept.append(figure)
        return save(figure, path, synthetic=synthetic)

    monkeypatch.setattr(alignment_pictures, "save", keep)
    return kept


def test_a_strip_has_a_row_a_stage_and_a_column_a_face(drawn, tmp_path):
    stages = [faces(3, 0, size=40), *(faces(3, seed, size=24) for seed in (1, 2, 3))]
    path = strip(*stages, tmp_path / "strip.png", synthetic=True)
    with Image.open(path) as picture:
        width, height = picture.size
    assert abs(width - (1.3 * 3 + 0.4) * 150) < 60 and abs(height - 5.6 * 150) < 60
    grid = np.array(drawn[0].axes).reshape(4, 3)
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["original", "center crop", "2D", "3D"]
    for line, stage in zip(grid, stages, strict=True):
        for axes, face in zip(line, stage, strict=True):
            np.testing.assert_array_equal(axes.images[0].get_array(), face)
            assert axes.get_aspect() == 1


def test_means_are_drawn_with_their_sharpness(drawn, tmp_path):
    aligned = {"first": faces(4, 1), "second": faces(4, 2), "third": faces(4, 3)}
    path = mean_faces(aligned, tmp_path / "means.png", synthetic=True)
    with Image.open(path) as picture:
        width, height = picture.size
    assert abs(width - 2.5 * 3 * 150) < 60 and abs(height - 3.3 * 150) < 60
    for axes, (name, stack) in zip(drawn[0].axes, aligned.items(), strict=True):
        mean = mean_face(stack)
        np.testing.assert_array_equal(axes.images[0].get_array(), mean)
        assert axes.get_title() == name
        assert axes.get_xlabel() == f"sharpness {sharpness(mean):.2f}"
    assert "Mean of 4 faces" in drawn[0].get_supxlabel()


def test_the_mean_face():
    stack = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), np.uint8)
    expected = np.zeros((4, 6, 3))
    for face in stack:
        expected += face.astype(float)
    np.testing.assert_allclose(mean_face(stack), expected / 5 / 255, atol=1e-12)


def test_the_face_region_is_the_hull_of_the_anchors():
    outline = generic_face().landmarks[ANCHORS, :2] * 54 + [75.5, 52]
    hull = cv2.convexHull(outline.astype(np.float32))
    region = face_region()
    for row in range(0, 152, 3):
        for column in range(0, 152, 3):
            distance = cv2.pointPolygonTest(hull, (float(column), float(row)), True)
            assert abs(distance) < 1e-3 or region[row, column] == (distance > 0)


def test_sharpness_is_the_mean_gradient_inside():
    mean = np.random.default_rng(0).random((152, 152, 3))
    luma = 255 * (0.299 * mean[..., 0] + 0.587 * mean[..., 1] + 0.114 * mean[..., 2])
    lengths = []
    for row, column in zip(*np.nonzero(face_region()), strict=True):
        down = (luma[row + 1, column] - luma[row - 1, column]) / 2
        across = (luma[row, column + 1] - luma[row, column - 1]) / 2
        lengths.append((down**2 + across**2) ** 0.5)
    assert sharpness(mean) == pytest.approx(np.mean(lengths))


def test_faces_on_one_another_have_the_sharper_mean():
    one = faces(1)[0]
    still = np.stack([one] * 5)
    shifted = np.stack([np.roll(one, step, axis=1) for step in (-6, -3, 0, 3, 6)])
    far = np.stack([np.roll(one, step, axis=1) for step in (-12, -6, 0, 6, 12)])
    numbers = [sharpness(mean_face(stack)) for stack in (still, shifted, far)]
    assert numbers[0] > 1.2 * numbers[1] > 1.2 * numbers[2]


@pytest.mark.parametrize("aligned", [{}, {"a": faces(0)}, {"a": faces(3), "b": faces(2)}])
def test_means_of_different_numbers_of_faces_are_not_compared(aligned, tmp_path):
    with pytest.raises(ValueError, match="the same faces"):
        mean_faces(aligned, tmp_path / "means.png", synthetic=True)
