import numpy as np

from common.data.synthetic_features import EXPRESSIONS, MOUTH, SHAPES, landmark_chart
from common.data.synthetic_head import head_model

# iBUG's order seen in a mirror: point k of a mirrored face is point MIRROR[k] of the face.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
)


def landmarks(vertices):
    model = head_model()
    return np.einsum("pk,pkc->pc", model.landmark_weights, vertices[model.landmark_vertices])


def test_the_mean_head_is_symmetric():
    model = head_model()
    np.testing.assert_allclose(model.mean[model.mirror], model.mean * [-1, 1, 1], atol=1e-9)
    mirrored = np.sort(model.mirror[model.triangles], axis=1)
    assert set(map(tuple, mirrored)) == set(map(tuple, np.sort(model.triangles, axis=1)))
    found = landmarks(model.mean)
    np.testing.assert_allclose(found[MIRROR], found * [-1, 1, 1], atol=1e-9)


def test_only_asymmetry_is_asymmetric():
    model = head_model()
    fields = dict(zip([*SHAPES, *EXPRESSIONS], [*model.shape, *model.expression], strict=True))
    for name, field in fields.items():
        symmetric = np.allclose(field[model.mirror], field * [-1, 1, 1], atol=1e-9)
        assert symmetric == (name != "asymmetry"), name
        assert 0.5 < np.abs(field[np.abs(model.chart[:, 1]) < 113]).max() < 25, name


def test_landmarks_lie_where_the_chart_says():
    model = head_model()
    chart = np.einsum("pk,pkc->pc", model.landmark_weights, model.chart[model.landmark_vertices])
    np.testing.assert_allclose(chart, landmark_chart(), atol=1e-9)
    assert model.landmark_weights.min() >= -1e-9
    np.testing.assert_allclose(model.landmark_weights.sum(axis=1), 1)
    triangles = set(map(tuple, np.sort(model.triangles, axis=1)))
    assert all(tuple(corners) in triangles for corners in np.sort(model.landmark_vertices, 1))


def test_landmarks_have_a_faces_proportions():
    """In millimeters, on the mean head; anatomy's usual ranges."""
    points = landmarks(head_model().mean)
    right_eye, left_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    assert 58 < left_eye[0] - right_eye[0] < 68
    assert 100 < points[8, 1] - right_eye[1] < 120  # eyes to chin
    assert 45 < points[54, 0] - points[48, 0] < 55  # mouth
    assert np.argmin(points[:, 2]) == 30  # the nose's tip is nearest
    assert np.all(np.diff(points[:17, 0]) > 0)  # from the subject's right, the image's left
    assert np.argmax(points[:17, 1]) == 8
    assert points[27, 1] < points[33, 1] < points[51, 1] < points[57, 1] < points[8, 1]


def test_triangles_point_outward():
    model = head_model()
    a, b, c = (model.mean[model.triangles[:, corner]] for corner in range(3))
    normal, middle = np.cross(b - a, c - a), (a + b + c) / 3
    skull = middle[:, 1] < -30
    assert np.all(np.einsum("ij,ij->i", normal, middle)[skull] >= -1e-6)
    assert sum(model.group_counts) == len(model.triangles)


def test_the_mouth_opens():
    model = head_model()
    opened = landmarks(model.mean + model.expression[list(EXPRESSIONS).index("mouth open")])
    shut = landmarks(model.mean)
    np.testing.assert_allclose(shut[66, 1] - shut[62, 1], MOUTH[1] - MOUTH[0], atol=0.1)
    assert opened[66, 1] - opened[62, 1] > 15
    assert opened[8, 1] - shut[8, 1] > 12
    np.testing.assert_allclose(opened[:48][17:], shut[:48][17:], atol=0.5)  # brows, nose, eyes


def test_the_smile_lifts_and_widens_the_mouth():
    model = head_model()
    smiling = landmarks(model.mean + model.expression[list(EXPRESSIONS).index("smile")])
    shut = landmarks(model.mean)
    assert np.all(smiling[[48, 54], 1] < shut[[48, 54], 1] - 2)
    assert smiling[54, 0] - smiling[48, 0] > shut[54, 0] - shut[48, 0] + 4
