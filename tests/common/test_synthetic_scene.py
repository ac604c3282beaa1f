import numpy as np
import pytest

from common.data.synthetic_head import head_model
from common.data.synthetic_people import random_identities, random_scenes
from common.data.synthetic_scene import frontal, render, rotation, take

SIZE = 100


def scenes(images=6, seed=0, people=None):
    rng = np.random.default_rng(seed)
    people = people or images
    return random_scenes(random_identities(people, rng), np.arange(images) % people, rng)


def plain(images, **changes):
    """One symmetric person, lit from the camera, before an even wall."""
    base = take(scenes(), np.zeros(images, int))
    texture = base.texture._replace(
        freckles=0 * base.texture.freckles, blotches=0 * base.texture.blotches
    )
    shape = base.shape.copy()
    shape[:, -1] = 0  # asymmetry
    return base._replace(
        shape=shape,
        texture=texture,
        pose=0 * base.pose,
        scale=np.full(images, 0.0029, np.float32),
        center=np.full((images, 2), 0.5, np.float32),
        light=np.tile(np.array([0, 0, -1], np.float32), (images, 1)),
        background=np.full_like(base.background, 0.4),
        noise=0 * base.noise,
    )._replace(**changes)


def poses(*rows):
    return np.array(rows, np.float32)


def test_landmarks_project_exactly():
    found = render(scenes(), SIZE)
    homogeneous = np.concatenate([found.landmarks_3d, np.ones((6, 68, 1))], axis=-1)
    expected = np.einsum("nij,nkj->nki", found.camera, homogeneous)
    np.testing.assert_allclose(found.landmarks, expected, rtol=0, atol=1e-9)


def test_camera_is_the_scenes():
    wanted = scenes(seed=1)
    found = render(wanted, SIZE)
    for number, (yaw, pitch, roll) in enumerate(np.radians(wanted.pose.astype(np.float64))):
        # Each factor as the textbook turns a vector about an axis: x right, y down, z away.
        about_y = np.array(
            [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
        )
        about_x = np.array(
            [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
        )
        about_z = np.array(
            [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        )
        turned = wanted.scale[number] * SIZE * (about_z @ about_x @ about_y)[:2]
        np.testing.assert_allclose(found.camera[number, :, :3], turned, atol=1e-6)
        center = wanted.center[number] * SIZE - 0.5
        np.testing.assert_allclose(found.camera[number, :, 3], center, atol=1e-4)


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [((30, 0, 0), 0, 1), ((0, 20, 0), 1, -1)],
    ids=["yaw turns the nose right", "pitch lifts it"],
)
def test_signs_of_the_pose(pose, axis, sign):
    nose = np.asarray(rotation(np.array(pose, np.float32))) @ [0, 0, -1]
    assert sign * nose[axis] > 0.3


def test_roll_turns_clockwise():
    crown = np.asarray(rotation(np.array([0, 0, 20], np.float32))) @ [0, -1, 0]
    assert crown[0] > 0.3


def test_the_iris_is_painted_where_the_landmarks_say():
    """Dark in the middle of each eye's six landmarks, and white toward its corners."""
    shown = plain(3, pose=poses((0, 0, 0), (30, 10, 5), (-30, -10, -10)))
    found = render(shown, 250)
    for image, points in zip(found.images, found.landmarks, strict=True):
        for eye in (points[36:42], points[42:48]):
            x, y = np.round(eye.mean(axis=0)).astype(int)
            patch = image[y - 3 : y + 4, x - 4 : x + 5].sum(axis=-1).astype(int)
            row, column = np.unravel_index(patch.argmin(), patch.shape)
            assert abs(row - 3) <= 2 and abs(column - 4) <= 2
            for corner in (eye[0], eye[3]):
                x, y = np.round(0.3 * eye.mean(axis=0) + 0.7 * corner).astype(int)
                assert image[y - 1 : y + 2, x].sum(axis=-1).max() > 2 * np.median(patch[2:5, 3:6])


def test_the_far_side_is_not_visible():
    turned = render(plain(3, pose=poses((60, 0, 0), (-60, 0, 0), (0, 0, 0))), 250)
    image_left, image_right = np.arange(0, 6), np.arange(11, 17)
    # The nose points to the image's right: the subject's left cheek is on the far side.
    assert turned.visible[0, image_left].all() and not turned.visible[0, image_right].any()
    assert turned.visible[1, image_right].all() and not turned.visible[1, image_left].any()
    assert turned.visible[2, 17:].all()  # brows, nose, eyes and mouth, from the front


def test_hidden_by_the_nose():
    """Beyond the nose, points that face the camera: only the z-buffer can know."""
    model, shown = head_model(), plain(2, pose=poses((60, 30, 0), (-60, 30, 0)))
    shown = shown._replace(expression=0 * shown.expression)
    found = render(shown, 250)
    turns = [np.asarray(rotation(pose), np.float64) for pose in shown.pose]
    hidden_and_facing = 0
    for number, turn in enumerate(turns):
        head = model.mean + np.tensordot(shown.shape[number], model.shape, 1)
        seen = shown.scale[number] * 250 * head @ turn.T + [124.5, 124.5, 0]
        for point in range(17, 68):
            x, y, z = np.append(found.landmarks[number, point], found.depth[number, point])
            nearer = z - min(depths_at(seen[model.triangles], x, y))
            corners = head[model.landmark_vertices[point]]
            normal = turn @ np.cross(corners[1] - corners[0], corners[2] - corners[0])
            facing = -normal[2] / np.linalg.norm(normal)
            if nearer > 8:
                assert not found.visible[number, point]
                hidden_and_facing += facing > 0.1
            elif nearer < 0.01 and facing > 0.4:
                assert found.visible[number, point]
    assert hidden_and_facing >= 6


def depths_at(corners, x, y):
    """z of every triangle that covers (x, y): half planes, and the plane's equation."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    sides = [
        (q[:, 0] - p[:, 0]) * (y - p[:, 1]) - (q[:, 1] - p[:, 1]) * (x - p[:, 0])
        for p, q in ((a, b), (b, c), (c, a))
    ]
    covers = (np.min(sides, axis=0) >= -1e-3) | (np.max(sides, axis=0) <= 1e-3)
    normal = np.cross(b - a, c - a)
    covers &= np.abs(normal[:, 2]) > 1e-3
    normal, a = normal[covers], a[covers]
    return a[:, 2] - ((x - a[:, 0]) * normal[:, 0] + (y - a[:, 1]) * normal[:, 1]) / normal[:, 2]


def test_landmarks_off_the_image_are_not_visible():
    moved = render(plain(1, center=np.array([[0.0, 0.5]], np.float32)), SIZE)
    assert not moved.visible[0, moved.landmarks[0, :, 0] < -0.5].any()
    assert moved.visible[0, moved.landmarks[0, :, 0] > 0].any()


def test_mirrored_pose_is_the_mirrored_image():
    yaws = (10, 25, 45)
    one = render(plain(3, pose=poses(*((yaw, 8, 0) for yaw in yaws))), SIZE)
    other = render(plain(3, pose=poses(*((-yaw, 8, 0) for yaw in yaws))), SIZE)
    difference = np.abs(one.images.astype(int) - other.images[:, :, ::-1].astype(int))
    assert difference.max() <= 1
    assert np.abs(one.images.astype(int) - other.images).mean() > 2


def test_frontal_keeps_all_but_the_pose():
    wanted = plain(2, pose=poses((40, 10, 5), (-30, -10, 0)))
    straight = frontal(wanted)
    assert not straight.pose.any()
    posed, facing = render(wanted, 250), render(straight, 250)
    np.testing.assert_allclose(posed.landmarks_3d, facing.landmarks_3d, atol=1e-4)
    # The skin keeps its color: compare it at smooth points that both images show.
    for number in range(2):
        for point in (8, 27, 28, 33):
            if not (posed.visible[number, point] and facing.visible[number, point]):
                continue
            colors = []
            for found in (posed, facing):
                x, y = np.round(found.landmarks[number, point]).astype(int)
                patch = found.images[number, y - 1 : y + 2, x - 1 : x + 2]
                colors.append(patch.reshape(-1, 3).mean(axis=0))
            np.testing.assert_allclose(colors[0], colors[1], atol=26)


def test_light_follows_its_direction():
    left = plain(1, light=np.array([[-0.8, 0, -0.6]], np.float32))
    image = render(left, SIZE).images[0].astype(float).mean(axis=-1)
    assert image[50:60, 34:46].mean() > image[50:60, 54:66].mean() + 20


def test_same_scenes_same_pixels_and_people_differ():
    one, again = render(scenes(seed=3), SIZE).images, render(scenes(seed=3), SIZE).images
    np.testing.assert_array_equal(one, again)
    assert np.abs(one.astype(int) - render(scenes(seed=4), SIZE).images).mean() > 5
    shown = plain(2)
    shape = scenes().shape[[1, 2]]
    people = render(shown._replace(shape=shape), SIZE)
    assert np.abs(people.landmarks[0] - people.landmarks[1]).mean() > 0.3


def test_batches_do_not_show():
    """More images than a batch holds: each is as it is alone."""
    many, chosen = scenes(19, seed=5, people=5), np.array([0, 7, 8, 18])
    together, some = render(many, SIZE), render(take(many, chosen), SIZE)
    for name, values in together._asdict().items():
        assert len(values) == 19
        np.testing.assert_array_equal(values[chosen], getattr(some, name))


def test_supersampling_keeps_the_places():
    shown = plain(1)
    coarse, fine = (render(shown, SIZE, samples=samples) for samples in (1, 2))
    np.testing.assert_allclose(coarse.landmarks, fine.landmarks, atol=1e-4)
    average = [found.images[0].astype(float).mean(axis=-1) for found in (coarse, fine)]
    shifts = {
        (dy, dx): np.abs(average[0] - np.roll(average[1], (dy, dx), (0, 1)))[5:-5, 5:-5].mean()
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    }
    assert min(shifts, key=lambda shift: shifts[shift]) == (0, 0)


def test_too_small():
    with pytest.raises(ValueError, match="at least 16 x 16 pixels, not 8 x 8"):
        render(scenes(1), 8)


def test_depth_is_that_of_the_camera():
    """Less is nearer: turned to the right, the subject's right cheek comes forward."""
    depth = render(plain(1, pose=poses((40, 0, 0))), SIZE).depth[0]
    assert depth[2] < depth[14]
    assert np.argmin(render(plain(1), SIZE).depth[0]) == 30
    assert head_model().mean[:, 2].min() < 0
