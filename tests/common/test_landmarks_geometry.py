"""Points, squares and errors of the landmarks: against loops, and against each other."""

import numpy as np
import pytest

from common.landmarks.errors import error_covariance, error_summary, normalized_errors
from common.landmarks.points import POINTS, REGIONS, eye_distance, mirror_index
from common.landmarks.squares import Squares, cut, squares_around, to_picture, to_square


def random_faces(count, seed=0):
    """Points that are anywhere, but with the right eye to the right of the left one."""
    points = np.random.default_rng(seed).uniform(20, 90, (count, POINTS, 2))
    points[:, 42:48, 0] += 120
    return points


def random_squares(count, seed=1):
    rng = np.random.default_rng(seed)
    return Squares(
        rng.uniform(20, 60, (count, 2)), rng.uniform(15, 90, count), rng.uniform(-3, 3, count)
    )


def test_mirror_index_is_its_own_inverse_and_keeps_regions():
    mirror = mirror_index()
    assert sorted(mirror) == list(range(POINTS))
    assert (mirror[mirror] == np.arange(POINTS)).all()
    for part in REGIONS.values():
        assert set(mirror[part]) == set(range(POINTS)[part])
    middle = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    assert set(np.flatnonzero(mirror == np.arange(POINTS))) == middle


def test_mirror_index_turns_a_symmetric_face_into_itself():
    from common.data.synthetic_features import landmark_chart

    points = landmark_chart()
    flipped = points[mirror_index()] * [-1, 1]
    np.testing.assert_allclose(flipped, points, atol=1e-9)


def test_regions_cover_all_points_once():
    assert sum((list(range(POINTS)[part]) for part in REGIONS.values()), []) == list(range(POINTS))


def test_eye_distance_is_between_the_means_of_six_points():
    points = random_faces(3)
    for face, distance in zip(points, eye_distance(points), strict=True):
        left = sum(face[k] for k in range(36, 42)) / 6
        right = sum(face[k] for k in range(42, 48)) / 6
        assert distance == pytest.approx(np.hypot(*(right - left)))


def test_picture_and_square_are_inverse():
    points, squares = random_faces(5), random_squares(5)
    np.testing.assert_allclose(to_picture(to_square(points, squares), squares), points)


def test_corners_of_a_turned_square():
    squares = Squares(np.array([[10.0, 20.0]]), np.array([8.0]), np.array([np.pi / 2]))
    # Turned clockwise by a quarter, its right edge is below.
    np.testing.assert_allclose(
        to_picture(np.array([[[0.5, 0.0], [0.0, 0.5]]]), squares)[0], [[10, 24], [6, 20]]
    )


def test_square_around_points_has_the_training_crops_frame():
    points = random_faces(4)
    squares = squares_around(points)
    for face, center, side in zip(points, squares.center, squares.side, strict=True):
        width, height = np.ptp(face[:, 0]), np.ptp(face[:, 1])
        assert side == pytest.approx(1.4 * max(width, height))
        assert center[0] == pytest.approx(face[:, 0].min() + width / 2)
        assert center[1] == pytest.approx(face[:, 1].min() + height / 2 - 0.08 * height)


def test_upright_square_turns_with_the_face():
    points = random_faces(2)
    level = squares_around(points, upright=True)
    inside = to_square(points, level)
    eyes = inside[:, 42:48].mean(1) - inside[:, 36:42].mean(1)
    np.testing.assert_allclose(eyes[:, 1], 0, atol=1e-12)
    assert (eyes[:, 0] > 0).all()
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = squares_around(points @ turn.T, upright=True)
    np.testing.assert_allclose(turned.side, level.side)
    np.testing.assert_allclose(turned.roll, level.roll + angle)
    np.testing.assert_allclose(turned.center, level.center @ turn.T)


def test_cut_of_the_whole_picture_is_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (14, 14, 3), np.uint8)
    whole = Squares(np.array([[6.5, 6.5]]), np.array([14.0]), np.zeros(1))
    np.testing.assert_array_equal(cut(picture, whole, 0, 14), picture)


def test_cut_by_a_quarter_turn_is_rot90():
    picture = np.random.default_rng(0).integers(0, 256, (14, 14, 3), np.uint8)
    square = Squares(np.array([[6.5, 6.5]]), np.array([14.0]), np.array([np.pi / 2]))
    # What the turned square shows as upright was lying on its side.
    np.testing.assert_allclose(cut(picture, square, 0, 14).astype(int), np.rot90(picture), atol=1)


def test_cut_averages_where_it_shrinks():
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    whole = Squares(np.array([[11.5, 11.5]]), np.array([24.0]), np.zeros(1))
    expected = picture.reshape(8, 3, 8, 3, 3).astype(float).mean((1, 3))
    assert np.abs(cut(picture, whole, 0, 8) - expected).max() <= 1


@pytest.mark.parametrize("roll", [0.0, 0.6])
def test_cut_puts_a_spot_where_to_square_says(roll):
    picture = np.zeros((60, 80, 3), np.uint8)
    spot = np.array([[[51.0, 27.0]]])
    picture[27, 51] = 255
    squares = Squares(
        np.array([[0.0, 0.0], [45.3, 24.8]]), np.array([9.0, 31.0]), np.array([0, roll])
    )
    weight = cut(picture, squares, 1, 64)[..., 0].astype(float)
    y, x = np.mgrid[:64, :64]
    seen = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    one = Squares(*(column[1:] for column in squares))
    expected = (to_square(spot, one)[0, 0] + 0.5) * 64 - 0.5
    np.testing.assert_allclose(seen, expected, atol=0.1)


def test_errors_against_a_loop():
    truth = random_faces(6)
    predicted = truth + np.random.default_rng(3).normal(0, 8, truth.shape)
    summary = error_summary(predicted, truth)
    errors = np.zeros((6, POINTS))
    for i in range(6):
        apart = truth[i, 42:48].mean(0) - truth[i, 36:42].mean(0)
        for k in range(POINTS):
            off = predicted[i, k] - truth[i, k]
            errors[i, k] = (off @ off) ** 0.5 / (apart @ apart) ** 0.5
    np.testing.assert_allclose(normalized_errors(predicted, truth), errors)
    assert summary["normalized_mean_error"] == pytest.approx(errors.mean())
    assert summary["by_region"]["mouth"] == pytest.approx(errors[:, 48:].mean())
    assert summary["failures"] == pytest.approx(sum(errors[i].mean() > 0.08 for i in range(6)) / 6)
    assert 0 < summary["failures"] < 1
    corners = np.linalg.norm(truth[:, 45] - truth[:, 36], axis=1)
    distances = np.linalg.norm(predicted - truth, axis=2)
    by_corners = summary["by_outer_eye_corners"]
    expected = distances / corners[:, None]
    assert by_corners["normalized_mean_error"] == pytest.approx(expected.mean())
    assert by_corners["failures"] == (expected.mean(1) > 0.08).mean()


def test_covariance_is_in_the_order_x0_y0_x1_y1():
    truth = random_faces(400)
    predicted = truth.copy()
    noise = np.random.default_rng(5).normal(0, 1, 400) * eye_distance(truth)
    predicted[:, 3, 1] += 0.1 * noise
    predicted[:, 9, 0] -= 0.2 * noise
    covariance = error_covariance(predicted, truth)
    assert covariance.shape == (136, 136)
    assert covariance[7, 7] == pytest.approx(0.01, rel=0.2)
    assert covariance[18, 18] == pytest.approx(0.04, rel=0.2)
    assert covariance[7, 18] == pytest.approx(-0.02, rel=0.2)
    covariance[np.ix_([7, 18], [7, 18])] = 0
    assert np.abs(covariance).max() < 1e-12
