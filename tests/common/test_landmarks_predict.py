"""Landmarks from the shipped weights: on synthetic faces, and whatever else may come."""

from functools import cache

import numpy as np
import pytest

from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import render
from common.landmarks.crops import Found, lfw_squares, search
from common.landmarks.errors import normalized_errors
from common.landmarks.points import eye_distance, mirror_index
from common.landmarks.predict import Landmarker, Outcome, whole
from common.landmarks.squares import Squares, squares_around, to_picture, to_square


@cache
def landmarker():
    return Landmarker.load(batch=8)


@cache
def faces():
    """Three synthetic people, nearly from the front, with their true points."""
    rng = np.random.default_rng(4)
    scenes = random_scenes(random_identities(3, rng), np.arange(3), rng)
    scenes = scenes._replace(pose=0.3 * scenes.pose)
    return render(scenes, 120)


def squares():
    return squares_around(faces().landmarks.astype(np.float64))


def apart(a, b):
    """Mean distance of the points, in distances between the eyes."""
    return (np.linalg.norm(a - b, axis=-1) / eye_distance(b)[:, None]).mean(1)


def test_synthetic_faces_are_found():
    found = landmarker()(faces().images, squares())
    assert (found.outcome == Outcome.FOUND).all()
    assert normalized_errors(found.points, faces().landmarks).mean() < 0.2
    nose, ears = found.depth[:, 30], found.depth[:, [0, 16]].mean(1)
    assert (nose < ears).all()
    np.testing.assert_allclose(found.depth.mean(1), 0, atol=1e-3)
    assert (ears - nose > 0.5 * eye_distance(found.points)).all()


def test_mirror_consistency():
    images, where = faces().images, squares()
    width = images.shape[2]
    center = where.center * [-1, 1] + [width - 1, 0]
    found = landmarker()(images, where).points
    flipped = landmarker()(np.ascontiguousarray(images[:, :, ::-1]), where._replace(center=center))
    back = (flipped.points * [-1, 1] + [width - 1, 0])[:, mirror_index()]
    assert apart(back, found).max() < 0.12


@pytest.mark.parametrize("degrees", [-20, 15])
def test_rotation_consistency(degrees):
    """A turned square shows a turned face; the points on the picture must stay where they are."""
    where = squares()
    found = landmarker()(faces().images, where).points
    turned = landmarker()(faces().images, where._replace(roll=where.roll + np.radians(degrees)))
    assert apart(turned.points, found).max() < 0.12


def test_scale_of_the_crop_does_not_matter():
    import cv2

    where = squares()
    found = landmarker()(faces().images, where)
    large = np.stack([cv2.resize(i, None, fx=3, fy=3) for i in faces().images])
    threefold = Squares(3 * where.center + 1, 3 * where.side, where.roll)
    found_large = landmarker()(large, threefold)
    assert apart((found_large.points - 1) / 3, found.points).max() < 0.05
    np.testing.assert_allclose(found_large.depth / 3, found.depth, atol=2)


def test_second_look_is_upright(monkeypatch):
    import cv2

    looked = []
    look = Landmarker._look

    def recorded(self, pixels, where):
        looked.append(where)
        return look(self, pixels, where)

    monkeypatch.setattr(Landmarker, "_look", recorded)
    image, where = faces().images[0], squares()
    x, y = where.center[0]
    turned = np.asarray(cv2.warpAffine(image, cv2.getRotationMatrix2D((x, y), -25, 1), (120, 120)))
    landmarker()([image, turned], Squares(*(column[[0, 0]] for column in where)))
    np.testing.assert_array_equal(looked[0].roll, 0)
    assert np.degrees(looked[1].roll[1] - looked[1].roll[0]) == pytest.approx(25, abs=6)


def test_pictures_of_unequal_sizes_floats_and_a_long_batch():
    images, where = faces().images, squares()
    expected = landmarker()(images, where).points
    taller = np.concatenate([images[0], images[0][:7]])
    order = [0, 1, 2] * 4
    pictures = [taller if k == 0 else images[k] for k in order]
    pictures[1] = images[1].astype(np.float32) / 255
    many = landmarker()(pictures, Squares(*(column[order] for column in where)))
    np.testing.assert_allclose(many.points, expected[order], atol=0.02)


def bad_pictures():
    image = faces().images[0].astype(np.float32) / 255
    with_nan = image.copy()
    with_nan[60, 60, 1] = np.nan
    return {
        "black": (np.zeros_like(image), Outcome.BLANK),
        "constant": (np.full_like(image, 0.7), Outcome.BLANK),
        "nan": (with_nan, Outcome.NOT_FINITE),
        "infinite": (np.full_like(image, np.inf), Outcome.NOT_FINITE),
        "one pixel": (image[:1, :1], Outcome.BLANK),
    }


@pytest.mark.parametrize("name", ["black", "constant", "nan", "infinite", "one pixel"])
def test_bad_picture_has_a_named_outcome_and_touches_no_other(name):
    picture, outcome = bad_pictures()[name]
    images, where = faces().images, squares()
    alone = landmarker()(images, where)
    batch = Squares(*(column[[0, 1, 0, 2]] for column in where))
    mixed = landmarker()([images[0], images[1], picture, images[2]], batch)
    assert Outcome(mixed.outcome[2]) is outcome
    for column, before in zip(mixed, alone, strict=True):
        assert np.isfinite(column).all()
        np.testing.assert_array_equal(column[[0, 1, 3]], before)


def test_average_face_stands_in_where_there_is_nothing_to_see():
    black_and_white = np.zeros((2, 100, 100, 3), np.uint8)
    black_and_white[1] = 255
    found = landmarker()(black_and_white)
    np.testing.assert_array_equal(found.points[0], found.points[1])
    inside = to_square(found.points.astype(float), whole(black_and_white))[0]
    assert inside.min() > -0.6 and inside.max() < 0.6
    assert inside[8, 1] > inside[30, 1] > inside[27, 1]  # chin below nose below brows
    assert inside[45, 0] > inside[36, 0]


def test_faces_of_20_pixels():
    import cv2

    where = squares()
    small = np.stack(
        [cv2.resize(i, (20, 20), interpolation=cv2.INTER_AREA) for i in faces().images]
    )
    at = Squares((where.center + 0.5) / 6 - 0.5, where.side / 6, where.roll)
    found = landmarker()(small, at)
    assert np.isfinite(found.points).all()
    error = normalized_errors(6 * (found.points + 0.5) - 0.5, faces().landmarks)
    assert error.mean() < 0.3


def test_face_cut_by_the_border_has_points_outside():
    images, where = faces().images, squares()
    left = int(where.center[0, 0])
    half = np.ascontiguousarray(images[0][:, left:])
    at = Squares(where.center[:1] - [left, 0], where.side[:1], where.roll[:1])
    found = landmarker()([half], at)
    assert np.isfinite(found.points).all() and found.points[0, :, 0].min() < 0


@pytest.mark.parametrize(
    "square",
    [
        ([np.nan, 60.0], 50.0, 0.0),
        ([60.0, 60.0], 0.0, 0.0),
        ([60.0, 60.0], -3.0, 0.0),
        ([60.0, 60.0], np.inf, 0.0),
        ([60.0, 60.0], 50.0, np.nan),
        ([1e12, 60.0], 50.0, 0.0),
    ],
)
def test_squares_that_are_none(square):
    center, side, roll = (np.array([value], float) for value in square)
    found = landmarker()(faces().images[:1], Squares(center, side, roll))
    assert found.outcome[0] == Outcome.NOT_FINITE
    assert all(np.isfinite(column).all() for column in found)


def test_square_far_outside_sees_nothing():
    far = Squares(np.array([[5000.0, -4000.0]]), np.array([60.0]), np.zeros(1))
    found = landmarker()(faces().images[:1], far)
    assert found.outcome[0] in (Outcome.BLANK, Outcome.UNSTABLE)
    assert np.isfinite(found.points).all()


def test_noise_is_not_called_a_face():
    noise = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    found = landmarker()(noise)
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.disagreement).all()


def test_wrong_arguments_are_named():
    image = faces().images[:1]
    with pytest.raises(ValueError, match="2 squares"):
        landmarker()(image, lfw_squares(2))
    with pytest.raises(ValueError, match="picture 0 has shape"):
        landmarker()([image[0][..., 0]])


def test_no_pictures_give_no_rows():
    found = landmarker()([])
    assert found.points.shape == (0, 68, 2) and found.outcome.shape == (0,)


def test_lfw_squares_scale_with_the_image():
    small, large = lfw_squares(2, 100), lfw_squares(2, 250)
    np.testing.assert_allclose((small.center + 0.5) * 2.5, large.center + 0.5)
    np.testing.assert_allclose(small.side * 2.5, large.side)


def test_search_names_what_it_found():
    blank = search(np.zeros((50, 80, 3), np.uint8))
    assert (blank.found, blank.faces) == (Found.NONE, 0)
    np.testing.assert_allclose(blank.square.center, [[39.5, 24.5]])
    assert blank.square.side[0] == 50
    tiny = search(np.zeros((3, 2, 3), np.uint8))
    assert tiny.found is Found.NONE


def test_search_takes_the_largest_of_the_boxes(monkeypatch):
    class Boxes:
        def __init__(self, boxes):
            self.boxes = boxes

        def detectMultiScale(self, *_, **__):
            return np.array(self.boxes)

    from common.landmarks import crops

    picture = np.zeros((90, 120, 3), np.uint8)
    boxes = [[5, 6, 20, 20], [50, 10, 40, 40], [9, 9, 30, 30]]
    monkeypatch.setattr(crops, "_cascade", lambda: Boxes(boxes))
    several = search(picture)
    assert (several.found, several.faces) == (Found.LARGEST, 3)
    monkeypatch.setattr(crops, "_cascade", lambda: Boxes(boxes[1:2]))
    one = search(picture)
    assert (one.found, one.faces) == (Found.ONE, 1)
    for found in (one, several):
        assert found.square.center[0, 0] == pytest.approx(69.5)
        corners = to_picture(np.array([[[-0.5, -0.5], [0.5, 0.5]]]), found.square)[0]
        assert np.ptp(corners[:, 0]) == pytest.approx(crops.CASCADE_SIDE * 40)
