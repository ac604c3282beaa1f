"""The paper's four cases, each on an image made to be that case."""

import numpy as np
import pytest

from eigenfaces.model import FaceSpace
from eigenfaces.recognition import Case, FaceClasses, face_classes, recognize

# Three eigenfaces along pixel axes 0 to 2, mean 10: distances can be read off the images.
SPACE = FaceSpace(
    np.full(5, 10, np.float32), np.eye(3, 5, dtype=np.float32), np.ones(3, np.float32)
)
CLASSES = FaceClasses(np.array([40, 7]), np.array([[1.0, 0.0, 0.0], [0.0, 8.0, 0.0]], np.float32))


def image(weights: list[float], away: float) -> list[float]:
    """A face of these weights, moved away from face space by this distance."""
    return [10 + w for w in weights] + [10 + 0.6 * away, 10 - 0.8 * away]


def test_four_cases() -> None:
    images = np.array(
        [
            image([1.0, 0.5, 0.0], away=0.5),
            image([1.0, 3.0, 0.0], away=0.5),
            image([0.0, 8.0, 0.25], away=4.0),
            image([9.0, 0.0, 9.0], away=4.0),
        ],
        np.float32,
    )
    found = recognize(SPACE, CLASSES, images, class_threshold=1.0, face_threshold=2.0)
    assert [Case(case) for case in found.case] == [
        Case.KNOWN_FACE,
        Case.UNKNOWN_FACE,
        Case.LOOKS_LIKE_A_CLASS,
        Case.NOT_A_FACE,
    ]
    assert [int(case) for case in found.case] == [1, 2, 3, 4]  # the paper's numbers
    assert found.label.tolist() == [40, 40, 7, 40]
    np.testing.assert_allclose(found.class_distance, [0.5, 3, 0.25, np.hypot(8, 9)], rtol=1e-5)
    np.testing.assert_allclose(found.face_distance, [0.5, 0.5, 4, 4], rtol=1e-5)


def test_a_distance_equal_to_the_threshold_is_near() -> None:
    images = np.array([image([1.0, 2.0, 0.0], away=0.0)], np.float32)
    for threshold, case in ((2.0, Case.KNOWN_FACE), (1.999, Case.UNKNOWN_FACE)):
        found = recognize(SPACE, CLASSES, images, class_threshold=threshold, face_threshold=0.0)
        assert found.case[0] == case


def test_classes_are_the_means_of_their_images() -> None:
    rng = np.random.default_rng(0)
    weights, labels = rng.normal(size=(9, 4)).astype(np.float32), rng.integers(3, 6, 9)
    classes = face_classes(weights, labels)
    assert classes.labels.tolist() == sorted(set(labels.tolist()))
    for label, mean in zip(classes.labels, classes.weights, strict=True):
        np.testing.assert_allclose(mean, weights[labels == label].mean(axis=0), rtol=1e-5)


def test_clear_errors() -> None:
    with pytest.raises(ValueError, match="never negative"):
        recognize(
            SPACE, CLASSES, np.ones((1, 5), np.float32), class_threshold=-1.0, face_threshold=1.0
        )
    with pytest.raises(ValueError, match="no images"):
        face_classes(np.zeros((0, 4), np.float32), np.zeros(0, int))
