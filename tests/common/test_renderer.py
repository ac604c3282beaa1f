import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.data import renderer

HEIGHT, WIDTH = 23, 31

rasterize = jax.jit(renderer.rasterize, static_argnames=("height", "width", "groups"))


def random_mesh(seed, triangles=10):
    """Triangles of all sizes, through one another and over the image's edges."""
    rng = np.random.default_rng(seed)
    points = rng.uniform([-8, -8, 3], [WIDTH + 8, HEIGHT + 8, 40], (3 * triangles, 3))
    small = points[: 3 * triangles // 2].reshape(-1, 3, 3)
    small[:] = small[:, :1] + rng.uniform(-3, 3, small.shape)
    return points.astype(np.float32), rng.permutation(3 * triangles).reshape(-1, 3)


def slow_rasterize(points, triangles, height, width):
    """Every pixel asks every triangle; a 3 x 3 system gives the barycentric coordinates."""
    number = np.full((height, width), -1)
    weights = np.zeros((height, width, 3))
    depth = np.full((height, width), np.inf)
    for y in range(height):
        for x in range(width):
            for t, corners in enumerate(points[triangles].astype(np.float64)):
                system = np.vstack([corners[:, :2].T, np.ones(3)])
                if abs(np.linalg.det(system)) < 1e-9:
                    continue
                shares = np.linalg.solve(system, [x, y, 1])
                z = shares @ corners[:, 2]
                if shares.min() >= 0 and z < depth[y, x]:
                    number[y, x], weights[y, x], depth[y, x] = t, shares, z
    return number, weights, depth


def sort_by_size(points, triangles):
    corners = points[triangles][:, :, :2]
    return triangles[np.argsort((corners.max(axis=1) - corners.min(axis=1)).max(axis=1))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("counts", [(10,), (4, 6)])
def test_rasterize_equals_the_slow_one(seed, counts):
    points, triangles = random_mesh(seed)
    triangles = sort_by_size(points, triangles)
    groups = renderer.measure(points, triangles, counts)
    raster = rasterize(jnp.asarray(points), triangles, height=HEIGHT, width=WIDTH, groups=groups)
    number, weights, depth = slow_rasterize(points, triangles, HEIGHT, WIDTH)
    assert len(np.unique(number)) > 5  # the mesh shows enough to compare
    np.testing.assert_array_equal(raster.triangle, number)
    np.testing.assert_allclose(raster.weights, weights, atol=2e-4)
    np.testing.assert_allclose(raster.depth, depth, rtol=1e-4, atol=2e-2)


def test_windows_are_wide_enough_whatever_the_turn():
    points = np.array([[0.2, 0, 0], [3, 4, 0], [1, 2, 0], [0, 0, 11.5]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 1, 3]])
    groups = renderer.measure(points, triangles, (1, 1))
    assert groups == ((1, 6), (1, 16))  # edges of 4.9 and 12.5
    larger = points * np.array([3, 1, 1], np.float32)
    assert renderer.measure(np.stack([points, larger]), triangles, (1, 1)) == ((1, 12), (1, 16))


def test_a_closed_surface_has_no_holes():
    """A grid of shared edges through pixel centers: every pixel inside is covered."""
    lines = np.arange(0, 12, 1.5, dtype=np.float32)
    y, x = np.meshgrid(lines, lines, indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), 0 * x.ravel() + 1], axis=-1)
    a = (np.arange(7)[:, None] * 8 + np.arange(7)).ravel()
    triangles = np.concatenate([np.stack([a, a + 1, a + 9], 1), np.stack([a, a + 9, a + 8], 1)])
    groups = renderer.measure(points, triangles, (len(triangles),))
    raster = rasterize(jnp.asarray(points), triangles, height=11, width=10, groups=groups)
    assert np.all(np.asarray(raster.triangle) >= 0)


def test_interpolate_is_linear_over_the_image():
    points, triangles = random_mesh(5)
    groups = renderer.measure(points, triangles, (10,))
    raster = rasterize(jnp.asarray(points), triangles, height=HEIGHT, width=WIDTH, groups=groups)
    values = renderer.interpolate(raster, triangles, jnp.asarray(points[:, :2]))
    rows, columns = np.indices((HEIGHT, WIDTH))
    found = np.asarray(raster.triangle) >= 0
    np.testing.assert_allclose(values[found][:, 0], columns[found], atol=5e-3)
    np.testing.assert_allclose(values[found][:, 1], rows[found], atol=5e-3)
    assert not np.any(values[~found])


def test_vmap_and_jit_change_nothing():
    meshes = [random_mesh(seed)[0] for seed in (6, 7, 8)]
    triangles = random_mesh(6)[1]
    groups = renderer.measure(np.stack(meshes), triangles, (10,))

    def draw(points):
        return rasterize(points, triangles, height=HEIGHT, width=WIDTH, groups=groups)

    together = jax.jit(jax.vmap(draw))(jnp.stack(meshes))
    for number, points in enumerate(meshes):
        np.testing.assert_array_equal(together.triangle[number], draw(jnp.asarray(points)).triangle)


def test_normals_of_a_sphere_point_outward():
    from scipy.spatial import ConvexHull

    rng = np.random.default_rng(0)
    points = rng.standard_normal((400, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    triangles = ConvexHull(points).simplices
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    normals = renderer.vertex_normals(jnp.asarray(points, jnp.float32), triangles)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-5)
    assert np.einsum("ij,ij->i", normals, points).min() > 0.97


def test_lambert():
    normals = jnp.array([[0.0, 0.0, -2.0], [0.0, 0.0, 1.0], [0.0, -3.0, -3.0]])
    light = renderer.lambert(normals, jnp.array([0.0, 0.0, -1.0]), jnp.float32(0.2))
    np.testing.assert_allclose(light, [1.0, 0.2, 0.2 + 0.8 * np.sqrt(0.5)], rtol=1e-6)


def test_is_hidden():
    points = jnp.array([[-1.0, -1, 5], [40, -1, 5], [-1, 40, 5]])
    triangles = np.array([[0, 1, 2]])
    raster = rasterize(
        points,
        triangles,
        height=9,
        width=7,
        groups=renderer.measure(points, triangles, (1,)),
    )
    asked = jnp.array([[2.0, 8, 4], [2, 8, 5.5], [2, 8, 7], [2, 30, 7]])
    assert renderer.is_hidden(raster, asked, 1.0).tolist() == [False, False, True, False]
