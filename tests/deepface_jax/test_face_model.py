"""The generic face and its mesh: symmetric, whole, and facing the right way."""

import json
from dataclasses import replace

import numpy as np
import pytest

from deepface_jax.config import PAPER
from deepface_jax.face_model import (
    ANCHORS,
    LEFT_OUT,
    MIRROR_68,
    assemble,
    default_covariance,
    generic_face,
    independent,
    to_head_coordinates,
)
from deepface_jax.placement import anchors, center_crop, reference, six_fiducials
from experiments.mean_shape import main, procrustes_mean

LANDMARKS = generic_face().landmarks


def double_areas(face):
    a, b, c = (face.points[face.triangles[:, k], :2] for k in range(3))
    b, c = b - a, c - a
    return b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]


def test_there_are_67_anchors_and_the_left_out_one_tells_nothing():
    assert len(ANCHORS) == 67 and LEFT_OUT not in ANCHORS
    a, b = LANDMARKS[27], LANDMARKS[30]
    share = (LANDMARKS[28, 1] - a[1]) / (b[1] - a[1])
    np.testing.assert_allclose(LANDMARKS[28], a + share * (b - a), atol=0.02)


def test_mirror_is_an_involution_that_flips_x():
    face = generic_face()
    np.testing.assert_array_equal(face.mirror[face.mirror], np.arange(len(face.points)))
    np.testing.assert_allclose(face.points[face.mirror], face.points * [-1, 1, 1], atol=1e-9)
    np.testing.assert_array_equal(MIRROR_68[MIRROR_68], np.arange(68))
    midline = np.flatnonzero(face.points[:, 0] == 0)
    assert (face.mirror[midline] != midline).all()  # the midline is doubled


def test_head_coordinates():
    eyes = LANDMARKS[36:42].mean(0), LANDMARKS[42:48].mean(0)
    np.testing.assert_allclose(eyes, [[-0.5, 0, 0], [0.5, 0, 0]], atol=1e-4)
    assert LANDMARKS[:, 2].argmin() == 30  # the nose's tip is nearest to the viewer
    assert LANDMARKS[:, 1].argmax() == 8  # and the chin lowest
    moved = to_head_coordinates(LANDMARKS * 31 + [5, -8, 2])
    np.testing.assert_allclose(moved, LANDMARKS, atol=1e-9)


def test_triangles_tile_the_frame_once_and_mirror():
    face = generic_face()
    areas = double_areas(face)
    assert (areas > 0).all()  # clockwise, none turned over
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    assert areas.sum() / 2 == pytest.approx(np.prod(high - low))
    half = len(face.triangles) // 2
    np.testing.assert_array_equal(
        np.sort(face.mirror[face.triangles[:half]], axis=1), np.sort(face.triangles[half:], axis=1)
    )
    skin = np.sort(face.mirror[face.skin[: len(face.skin) // 2]], axis=1)
    np.testing.assert_array_equal(skin, np.sort(face.skin[len(face.skin) // 2 :], axis=1))


def test_the_mesh_covers_the_output():
    points = reference(generic_face(), PAPER)[:, :2]
    assert (points.min(axis=0) < 0).all() and (points.max(axis=0) > PAPER.size - 1).all()
    contour = points[: len(ANCHORS)]
    assert (contour > 0).all() and (contour < PAPER.size - 1).all()


def test_carry_keeps_to_its_half_and_sums_to_one():
    face = generic_face()
    np.testing.assert_allclose(face.carry.sum(axis=1), 1)
    np.testing.assert_array_equal(face.carry[: len(face.anchor)], np.eye(len(face.anchor)))
    x = face.points[:, 0]
    across = (x[:, None] * x[: len(face.anchor)] < 0) & (face.carry > 0)
    assert not across.any()


def test_covariance_leaves_out_the_point():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(136, 140))
    whole = root @ root.T
    face = assemble(LANDMARKS, whole)
    assert face.covariance.shape == (134, 134)
    assert face.covariance[2 * 28, 2 * 28 + 1] == whole[2 * 29, 2 * 29 + 1]
    assert default_covariance()[0, 0] > default_covariance()[2 * 40, 2 * 40]
    with pytest.raises(ValueError, match="not positive definite"):
        assemble(LANDMARKS, whole - 400 * np.eye(136))


def test_six_fiducials_lie_on_their_anchors():
    placed = anchors(generic_face(), PAPER)
    np.testing.assert_allclose(
        placed[0] + placed[1], [2 * PAPER.eyes_x, 2 * PAPER.eyes_y], atol=0.01
    )
    assert placed[1, 0] - placed[0, 0] == pytest.approx(PAPER.interocular, abs=0.01)
    points = np.random.default_rng(0).random((2, 68, 2))
    found = six_fiducials(points)
    np.testing.assert_allclose(found[:, 2], points[:, 30])
    np.testing.assert_allclose(found[:, 5], (points[:, 51] + points[:, 57]) / 2)
    np.testing.assert_allclose(found[:, 1], points[:, 42:48].mean(axis=1), rtol=1e-6)


def test_center_crop_of_lfw_is_the_detectors_box():
    transform = center_crop(250, 250, PAPER)
    np.testing.assert_allclose(transform @ [124.5, 124.5, 1], [75.5, 75.5], rtol=1e-5)
    assert transform[0, 0] == pytest.approx(152 / (250 / 2.2))
    wide = center_crop(100, 180, replace(PAPER, center_share=0.5))
    np.testing.assert_allclose(wide @ [89.5, 49.5, 1], [75.5, 75.5], rtol=1e-5)


def test_procrustes_mean_finds_the_shape_again():
    rng = np.random.default_rng(0)
    shapes = []
    for _ in range(40):
        q, _ = np.linalg.qr(np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
        q *= np.sign(np.diag(q))
        noisy = LANDMARKS + 0.003 * rng.normal(size=LANDMARKS.shape)
        shapes.append(rng.uniform(5, 40) * noisy @ q + rng.normal(size=3) * 50)
    found = procrustes_mean(np.array(shapes), np.ones(40))
    turned = found - LANDMARKS
    assert np.abs(turned[:, 0]).max() < 0.01  # the mean pitch is random; the shape is not
    u, _, vt = np.linalg.svd((found - found.mean(0)).T @ (LANDMARKS - LANDMARKS.mean(0)))
    np.testing.assert_allclose(
        (found - found.mean(0)) @ u @ vt, LANDMARKS - LANDMARKS.mean(0), atol=0.01
    )


def test_mean_shape_uses_training_people_only(tmp_path):
    from experiments.mean_shape import Args

    points = np.round(np.stack([LANDMARKS * 30 + 50] * 3) * 64).astype(np.int16)
    points[2] = points[2] * [1, 2, 1]  # a validation person of another shape
    np.savez(
        tmp_path / "landmarks.npz", identity=np.array(["1", "2", "3"]), image=["a"] * 3,
        points=points, scale=np.ones(3, np.float32),
    )  # fmt: skip
    (tmp_path / "identities.csv").write_text(
        "identity,images,split\n1,1,train\n2,1,train\n3,1,validation\n"
    )
    main(Args(tmp_path, tmp_path / "face.json"))
    written = json.loads((tmp_path / "face.json").read_text())
    np.testing.assert_allclose(written["landmarks"], LANDMARKS, atol=2e-3)
    assert "2 people" in written["about"]
    with pytest.raises(SystemExit, match="is not there"):
        main(Args(tmp_path / "nowhere", tmp_path / "face.json"))


def test_measured_sigma_links_no_two_fiducials_and_has_two_equal_sides():
    rng = np.random.default_rng(4)
    errors = rng.normal(size=(300, 136)) @ rng.normal(size=(136, 136))
    measured = np.cov(errors, rowvar=False)
    sigma = independent(measured)
    for i in range(68):
        for j in range(68):
            block = sigma[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            if i != j:
                np.testing.assert_array_equal(block, 0)
                continue
            m = MIRROR_68[i]
            own = np.cov(errors[:, 2 * i], errors[:, 2 * i + 1])
            other = np.cov(-errors[:, 2 * m], errors[:, 2 * m + 1])
            np.testing.assert_allclose(block, (own + other) / 2)


def test_the_shipped_sigma_trusts_the_contour_least():
    variance = np.diag(generic_face().covariance).reshape(67, 2).sum(axis=1)
    assert variance[:17].mean() > 1.5 * variance[17:].mean()
