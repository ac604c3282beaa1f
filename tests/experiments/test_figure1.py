"""Figure 1: the numbers on its panels are the stages' own, and the picture is whole."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from PIL import Image

from common.geometry import pixel_grid
from common.landmarks.crops import Found
from common.landmarks.predict import Outcome, Prediction
from deepface_jax.config import PAPER
from deepface_jax.face_model import ANCHORS, assemble, generic_face
from deepface_jax.frontalize import frontalize_batch
from deepface_jax.placement import reference
from experiments import figure1 as command
from experiments.alignment.figure1_panels import draw
from experiments.alignment.figure1_stages import (
    FigureError,
    nearest_triangle,
    new_view,
    on_head,
    stages,
)
from experiments.figure1 import Args, main, shrink

FACE = assemble(generic_face().landmarks)  # whatever Sigma is measured
SMALL = replace(PAPER, size=76, interocular=27.0, eyes_x=37.5, eyes_y=26.0)


def landmarks(yaw=0.0, pitch=0.0, noise=0.0, scale=26.0, middle=(60.0, 42.0)):
    y, p = np.radians([yaw, pitch])
    turn_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    turn_p = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    points = scale * FACE.landmarks @ (turn_p @ turn_y)[:2].T + middle
    own = np.random.default_rng(1).normal(size=(68, 2)) * noise
    return (points + own).astype(np.float32)


@cache
def turned_face():
    """Noise with the landmarks of a face that looks to the right: what is asked for, its stages."""
    picture = np.random.default_rng(0).integers(0, 256, (110, 124, 3), np.uint8)
    points = landmarks(44, -8, noise=0.4)
    image = jnp.asarray(picture, jnp.float32) / 255
    return (picture, image, jnp.asarray(points)), stages(picture, points, FACE, SMALL)


@cache
def frontalized(stage="3d"):
    (_, image, points), _ = turned_face()
    found = frontalize_batch(image[None], points[None], FACE, replace(SMALL, stage=stage))
    return jax.tree.map(lambda values: np.asarray(values)[0], found)


@cache
def figure():
    drawn = draw(turned_face()[1], FACE, SMALL)
    FigureCanvasAgg(drawn).draw()
    return drawn


def test_points_are_the_stages():
    (_, _, points), found = turned_face()
    linear, shift = np.split(np.asarray(frontalized().transform, np.float64), [2], axis=1)
    on_crop = np.array([linear @ point + shift[:, 0] for point in np.asarray(points)])
    np.testing.assert_allclose(found.fiducials, on_crop[ANCHORS], atol=1e-3)
    camera = np.asarray(frontalized().camera, np.float64)
    model = [camera @ np.append(point, 1) for point in reference(FACE, SMALL)]
    np.testing.assert_allclose(found.model, model, atol=1e-3)
    np.testing.assert_allclose(found.mesh[:67], found.fiducials, atol=1e-3)
    frame = FACE.follow == 0
    np.testing.assert_allclose(found.mesh[frame], found.model[frame], atol=1e-4)
    np.testing.assert_array_equal(found.frontal.target, frontalized().target)


def test_the_drawn_visibility_is_the_plans():
    found = turned_face()[1]
    camera = np.asarray(frontalized().camera, np.float64)
    look = np.cross(camera[0, :3], camera[1, :3])
    head = [
        number for number, corners in enumerate(FACE.triangles) if (FACE.follow[corners] > 0).all()
    ]
    np.testing.assert_array_equal(np.flatnonzero(on_head(FACE)), head)
    expected, corners, covered = [], [], 0
    for number in head:
        a, b, c = reference(FACE, SMALL)[FACE.triangles[number]].astype(np.float64)
        normal = np.cross(b - a, c - a)
        cosine = normal @ look / np.linalg.norm(normal) / np.linalg.norm(look)
        expected.append(cosine if frontalized().visible[number] else 0)
        covered += cosine > 0.01 and expected[-1] == 0
        corners.append(frontalized().target[FACE.triangles[number]])
    np.testing.assert_allclose(found.seen, expected, atol=1e-4)
    assert covered and 10 < (found.seen == 0).sum() < len(head) / 2

    (drawn,) = (c for c in figure().axes[4].collections if isinstance(c, PolyCollection))
    np.testing.assert_array_equal(drawn.get_array(), found.seen)
    outlines = [path.vertices[:3] for path in drawn.get_paths()]
    np.testing.assert_allclose(outlines, corners, atol=1e-4)
    low, high = drawn.get_clim()
    black, white = drawn.cmap(0.0), drawn.cmap(1.0)
    assert (low, black[:3], white[:3]) == (0, (0, 0, 0), (1, 1, 1)) and high <= 1


def test_pictures_are_the_stages():
    (picture, image, points), found = turned_face()
    flat, front = frontalized("2d").image, frontalized().image
    turned = new_view(image, points, FACE, SMALL, -30.0)
    assert found.yaw_degrees == -30
    shown = [figure().axes[panel].images[0].get_array() for panel in (0, 1, 2, 5, 6, 7)]
    for drawn, wanted in zip(shown, (image, flat, flat, flat, front, turned), strict=True):
        wanted = wanted if drawn.dtype != np.uint8 else picture
        np.testing.assert_allclose(drawn, wanted, atol=1e-4)


def test_the_full_method_is_drawn_whatever_the_switches_say():
    (picture, _, points), found = turned_face()
    off = replace(SMALL, stage="crop", residual=False, blending=False, covariance=False)
    again = stages(picture, np.asarray(points), FACE, off)
    np.testing.assert_array_equal(again.frontal.image, found.frontal.image)
    np.testing.assert_array_equal(again.crop, found.crop)


def test_panels_are_whole_and_not_distorted():
    axes = figure().axes
    assert [panel.get_title()[:3] for panel in axes] == [f"({letter})" for letter in "abcdefgh"]
    assert all(panel.get_aspect() == 1 for panel in axes)
    boxes = [panel.title.get_window_extent() for panel in axes]
    boxes += [panel.get_window_extent() for panel in axes]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure().bbox.width
        assert box.y1 <= 0.965 * figure().bbox.height  # a banner has room above
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
    for panel in axes[1:]:
        assert sorted(panel.get_xlim()) == sorted(panel.get_ylim()) == [-0.5, 75.5]


@pytest.mark.parametrize("points", [landmarks(85), landmarks() * np.nan])
def test_a_face_that_cannot_be_frontalized_is_an_error(points):
    with pytest.raises(FigureError, match="cannot be frontalized"):
        stages(turned_face()[0][0], points, FACE, SMALL)


# The new view


def placed():
    """Landmarks of a face that is already where the output wants it."""
    return landmarks(scale=27.0, middle=(37.5, 26.0))


def test_the_nearest_triangle():
    rng = np.random.default_rng(2)
    points, triangles = (
        rng.uniform(0, 11, (9, 3)),
        rng.permuted(np.tile(np.arange(9), (7, 1)), axis=1),
    )
    triangles = triangles[:, :3]
    expected = np.full((11, 11), -1)
    for row in range(11):
        for column in range(11):
            nearest = np.inf
            for number, (a, b, c) in enumerate(points[triangles]):
                matrix = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
                weights = np.linalg.solve(matrix, [column, row, 1])
                depth = weights @ [a[2], b[2], c[2]]
                if np.linalg.det(matrix) > 0 and (weights >= 0).all() and depth < nearest:
                    nearest, expected[row, column] = depth, number
    assert len(np.unique(expected)) > 3
    found = nearest_triangle(points.astype(np.float32), triangles, 11)
    np.testing.assert_array_equal(found, expected)


def test_a_new_view_from_the_front_is_the_frontal_face():
    image = np.random.default_rng(3).random((76, 76, 3)).astype(np.float32)
    same = np.asarray(new_view(image, placed(), FACE, SMALL, 0.0))
    outside = (same == 0).all(axis=-1)
    assert 0.1 < outside.mean() < 0.6 and not outside[20:60, 30:46].any()
    np.testing.assert_allclose(same[~outside], image[~outside], atol=2e-3)


def test_a_new_view_turns_the_head():
    """A picture whose pixels are their own places: each landmark is found where it turns to."""
    ramp = np.concatenate([pixel_grid(76, 76), np.ones((76, 76, 1), np.float32)], axis=-1)
    turned = np.asarray(new_view(ramp, placed(), FACE, SMALL, 25.0))
    cosine, sine = np.cos(np.radians(25)), np.sin(np.radians(25))
    shape = reference(FACE, SMALL)[FACE.follow > 0]
    x = cosine * shape[:, 0] - sine * shape[:, 2]
    shift = 37.5 - (x.min() + x.max()) / 2
    for point in (8, 27, 30, 33, 48, 51, 57):
        before = FACE.landmarks[point] * 27 + [37.5, 26, 0]
        after = cosine * before[0] - sine * before[2] + shift
        there = turned[round(before[1]), round(after)]
        assert there[2] == pytest.approx(1) and np.abs(there[:2] - before[:2]).max() < 2
    # The nose has come before the cheek on its side.
    assert (cosine * FACE.landmarks[30, 0] - sine * FACE.landmarks[30, 2]) > 0.1


def test_a_symmetric_face_turns_alike_to_both_sides():
    image = np.random.default_rng(3).random((76, 76, 3)).astype(np.float32)
    left = np.asarray(new_view(image, placed(), FACE, SMALL, -25.0))
    right = np.asarray(new_view(image[:, ::-1], placed(), FACE, SMALL, 25.0))[:, ::-1]
    assert np.mean(np.abs(left - right) < 1e-2) > 0.98  # but for pixels on an edge


def test_a_new_view_has_no_gap_along_the_midline():
    points = landmarks(10)
    points[17:22, 0] -= 2  # brows apart: so are the two copies of the forehead's middle
    points[22:27, 0] += 2
    white = np.ones((110, 124, 3), np.float32)
    shown = np.asarray(new_view(white, points, FACE, SMALL, -20.0))[..., 0] > 0.5
    for row in shown[shown.any(axis=1)]:
        assert np.count_nonzero(np.diff(row.astype(int))) <= 2


# The command


@pytest.fixture
def small_heads(monkeypatch):
    monkeypatch.setattr(command, "SYNTHETIC_SIZE", 96)
    monkeypatch.setattr(command, "generic_face", lambda: FACE)
    monkeypatch.setattr(command, "assemble", lambda landmarks: FACE)  # compiled once


def test_a_synthetic_figure_is_written(small_heads, tmp_path, capsys):
    assert main(Args((tmp_path / "new" / "figure.png",), synthetic=1)) == 0
    with Image.open(tmp_path / "new" / "figure.png") as drawn:
        width, height = drawn.size
        crimson = np.all(np.array(drawn.convert("RGB"))[:40] == (220, 20, 60), axis=-1)
    assert abs(width - 8.4 * 150) < 45 and abs(height - 5.0 * 150) < 45
    assert crimson.sum() > 100  # SYNTHETIC, across the top
    assert "figure.png" in capsys.readouterr().out


def test_a_synthetic_head_looks_to_the_right(small_heads):
    picture, points = command.synthetic_face(1)
    assert picture.shape == (96, 96, 3)
    eyes = (points[36:42].mean(axis=0) + points[42:48].mean(axis=0)) / 2
    assert points[30, 0] - eyes[0] > 0.1 * np.linalg.norm(points[45] - points[36])


def test_a_photo_is_searched_for_its_face(small_heads, tmp_path, monkeypatch, capsys):
    picture, points = command.synthetic_face(1)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    outcome = Outcome.FOUND

    class Known:
        @classmethod
        def load(cls, batch):
            return cls()

        def __call__(self, pictures, squares):
            np.testing.assert_array_equal(pictures[0], picture)
            zeros = np.zeros((1, 68), np.float32)
            found = points[None].astype(np.float32)
            return Prediction(found, zeros, np.array([int(outcome)]), zeros[:, 0])

    monkeypatch.setattr(command, "Landmarker", Known)
    asked = Args((tmp_path / "photo.png", tmp_path / "figure.png"))
    assert main(asked) == 0
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    assert any(found.value in capsys.readouterr().out for found in Found)
    outcome = Outcome.UNSTABLE
    assert main(asked) == 1
    assert "UNSTABLE" in capsys.readouterr().err


def test_a_large_face_is_shrunk():
    x, y = np.meshgrid(np.arange(250), np.arange(220))
    picture = np.stack([x, y, 0 * x], axis=-1).astype(np.uint8)
    points = landmarks(scale=150.0, middle=(120.0, 100.0))
    small, moved = shrink(picture, points)
    assert small.shape == (176, 200, 3)  # by 120 / 150
    row, column = np.round(moved[30, ::-1]).astype(int)
    np.testing.assert_allclose(small[row, column, :2], points[30], atol=1.5)
    assert shrink(picture, landmarks(scale=110.0))[0] is picture


@pytest.mark.parametrize(
    ("paths", "synthetic", "said"),
    [
        (("a.png", "b.png", "c.png"), None, "wanted PICTURE OUTPUT.png"),
        (("a.png", "b.png"), 3, "wanted OUTPUT.png"),
        ((), 3, "no path"),
        (("a.jpg", "b.jpg"), None, "wanted PICTURE OUTPUT.png"),
        (("missing.jpg", "b.png"), None, "missing.jpg"),
        (("text.jpg", "b.png"), None, "not a JPEG"),
        (("b.png",), -1, "seed is -1"),
    ],
)
def test_bad_calls_are_named(paths, synthetic, said, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("no picture")
    assert main(Args(tuple(tmp_path / path for path in paths), synthetic)) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "b.png").exists()
