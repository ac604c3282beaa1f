"""Fits against scikit-image and NumPy, the mesh against loops over all triangles, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from common import geometry
from common.geometry import (
    apply,
    compose,
    fit_affine,
    fit_similarity,
    interpolate,
    invert,
    pixel_grid,
    sample,
    triangle_at_pixels,
    triangle_map,
    warp,
    warp_piecewise_affine,
)

HEIGHT, WIDTH = 37, 52


def random_points(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=(*shape, 2)).astype(np.float32) * 20 + 50


def mesh(seed=0, inside=23):
    """Random points and a frame around the image, triangles clockwise."""
    rng = np.random.default_rng(seed)
    frame = [[-3, -4], [WIDTH + 3, -5], [WIDTH + 2, HEIGHT + 4], [-4, HEIGHT + 3]]
    points = np.concatenate([rng.random((inside, 2)) * [WIDTH, HEIGHT], frame]).astype(np.float32)
    triangles = Delaunay(points).simplices
    turned = np.asarray(geometry.signed_areas(jnp.asarray(points[triangles]))) < 0
    triangles[turned] = triangles[turned][:, ::-1]
    return points, triangles


def oracle(points, triangles):
    """Of every pixel: triangle, barycentric weights, and the least of them; float64, tries all."""
    pixels = np.concatenate([pixel_grid(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH, 1))], axis=-1)
    every = []
    for corners in points[triangles].astype(np.float64):
        matrix = np.column_stack([corners, np.ones(3)])
        turned_over = np.linalg.det(matrix) <= 0
        every.append(np.linalg.solve(matrix.T, pixels[..., None])[..., 0] - 1e9 * turned_over)
    weights = np.stack(every)  # triangles, height, width, 3
    number = weights.min(axis=-1).argmax(axis=0)
    weights = np.take_along_axis(weights, number[None, ..., None], axis=0)[0]
    return number, weights, weights.min(axis=-1)


def ramp(height, width):
    """An image whose values are its coordinates: bilinear sampling shows positions exactly."""
    return jnp.asarray(np.concatenate([pixel_grid(height, width), np.ones((height, width, 1))], -1))


def test_similarity_is_exact_on_similar_points():
    source = random_points(3, 7)
    angle, scale = np.array([0.3, -2.0, 3.0]), np.array([0.4, 1.0, 2.5])
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    wanted = np.stack([np.stack([c, -s, 0 * c + 4], -1), np.stack([s, c, 0 * c - 9], -1)], -2)
    found = fit_similarity(source, np.asarray(apply(wanted.astype(np.float32), source)))
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_similarity_is_the_least_squares_of_a_linear_system():
    source, target = random_points(7), random_points(7, seed=1)
    x, y = source.astype(np.float64).T
    one, zero = np.ones(7), np.zeros(7)
    design = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, tx, ty = np.linalg.lstsq(design, target.T.ravel(), rcond=None)[0]
    expected = [[a, -b, tx], [b, a, ty]]
    np.testing.assert_allclose(fit_similarity(source, target), expected, atol=1e-3)


def test_affine_is_the_least_squares_of_a_linear_system():
    source, target = random_points(2, 9), random_points(2, 9, seed=1)
    for found, a, b in zip(fit_affine(source, target), source, target, strict=True):
        design = np.column_stack([a, np.ones(9)]).astype(np.float64)
        expected = np.linalg.lstsq(design, b, rcond=None)[0].T
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_compose_and_invert():
    first, second = (fit_affine(random_points(5, 4, seed=i), random_points(5, 4)) for i in (1, 2))
    points = random_points(5, 6, seed=3)
    both = apply(compose(second, first), points)
    np.testing.assert_allclose(both, apply(second, apply(first, points)), atol=2e-3)
    back = apply(invert(fit_affine(points, points + 3)), points)
    np.testing.assert_allclose(back, points - 3, atol=1e-3)


def test_sample_is_bilinear_and_replicates_edges():
    rng = np.random.default_rng(0)
    image = rng.random((6, 9, 2)).astype(np.float32)
    x, y = np.array([2.25, -3.0, 8.0, 100.0, 0.0]), np.array([3.5, 2.0, 5.0, -7.0, 4.75])
    found = sample(jnp.asarray(image), jnp.stack([jnp.asarray(x), jnp.asarray(y)], -1))
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    for value, a, b in zip(found, x.clip(0, 8), y.clip(0, 5), strict=True):
        i, j = int(b), int(a)
        u, v = a - j, b - i
        cell = padded[i + 1 : i + 3, j + 1 : j + 3]
        expected = np.einsum("ijc,i,j->c", cell, [1 - v, v], [1 - u, u])
        np.testing.assert_allclose(value, expected, atol=1e-6)


def test_warp_moves_pixels_where_the_transform_says():
    image = ramp(30, 40)
    transform = jnp.array([[2.0, 0.0, 5.0], [0.0, 2.0, 3.0]])
    moved = np.asarray(warp(image, transform, 25, 33))
    np.testing.assert_allclose(moved[11, 17, :2], [(17 - 5) / 2, (11 - 3) / 2], atol=1e-5)
    assert moved.shape == (25, 33, 3)


def test_identity_warp_is_exact():
    image = np.random.default_rng(0).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    points, triangles = mesh()
    numbers = triangle_map(points, triangles, HEIGHT, WIDTH)
    still = warp_piecewise_affine(
        jnp.asarray(image), jnp.asarray(points), points, triangles, numbers
    )
    np.testing.assert_allclose(still, image, atol=2e-5)
    identity = jnp.array([[1.0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(warp(jnp.asarray(image), identity, HEIGHT, WIDTH), image)


@pytest.mark.parametrize("seed", range(4))
def test_triangles_at_pixels_are_those_of_a_search(seed):
    points, triangles = mesh(seed)
    found = np.asarray(triangle_at_pixels(points, triangles, HEIGHT, WIDTH))
    expected, _, least = oracle(points, triangles)
    differ = found != expected
    assert (least[differ] < 1e-5).all()  # on an edge, both are right
    assert differ.sum() < 3


def test_moved_vertices_and_turned_triangles_leave_no_hole():
    points, triangles = mesh(1)
    moved = points.copy()
    moved[:23] += np.random.default_rng(1).normal(size=(23, 2)) * 6  # folds the mesh over
    moved = moved.clip([-2, -2], [WIDTH + 1, HEIGHT + 1]).astype(np.float32)
    moved[23:] = points[23:]
    areas = np.asarray(geometry.signed_areas(jnp.asarray(moved[triangles])))
    assert (areas < 0).any()
    numbers = np.asarray(triangle_at_pixels(moved, triangles, HEIGHT, WIDTH))
    assert (numbers >= 0).all()
    assert (areas[numbers] > 0).all()  # none that is turned over
    assert np.isfinite(
        interpolate(moved, triangles, jnp.asarray(points), jnp.asarray(numbers))
    ).all()


def test_triangle_map_ends_on_every_side():
    points = np.array([[10, 5], [30, 8], [18, 30]], np.float32)
    numbers = triangle_map(points, np.array([[0, 1, 2]]), HEIGHT, WIDTH)
    _, _, least = oracle(points, np.array([[0, 1, 2]]))
    clear = np.abs(least) > 1e-3
    assert ((numbers == 0) == (least > 0))[clear].all()


def test_warp_is_affine_in_every_triangle_and_zero_outside():
    target, triangles = mesh(2)
    source = target + np.random.default_rng(3).normal(size=target.shape).astype(np.float32) * 2 + 20
    keep = np.arange(len(triangles) - 6)  # leaves a ragged edge
    numbers = triangle_map(target, triangles[keep], HEIGHT, WIDTH)
    warped = np.asarray(
        warp_piecewise_affine(
            ramp(90, 110), jnp.asarray(source), target, triangles[keep], jnp.asarray(numbers)
        )
    )
    number, weights, _ = oracle(target, triangles[keep])
    corners = source[triangles[keep][number]].astype(np.float64)
    expected = np.einsum("hwk,hwkc->hwc", weights, corners)
    inside = numbers >= 0
    assert 0.3 < inside.mean() < 1
    assert (warped[~inside] == 0).all()
    np.testing.assert_allclose(warped[inside][:, :2], expected[inside], atol=0.01)


def test_a_batch_is_its_images_one_by_one():
    points, triangles = mesh()
    moved = jnp.asarray(points + np.random.default_rng(0).normal(size=(3, *points.shape)) * 0.3)
    one = jax.jit(lambda p: triangle_at_pixels(p, triangles, HEIGHT, WIDTH))
    together = jax.vmap(one)(moved)
    for number in range(3):
        np.testing.assert_array_equal(together[number], one(moved[number]))


def test_gradients_are_those_of_finite_differences():
    points, triangles = mesh()
    rng = np.random.default_rng(0)
    smooth = np.cos(pixel_grid(60, 70) @ rng.random((2, 3)) / 9).astype(np.float32)
    numbers = jnp.asarray(triangle_map(points, triangles, HEIGHT, WIDTH))

    def value(source, target):
        moved = warp_piecewise_affine(jnp.asarray(smooth), source, target, triangles, numbers)
        return jnp.sum(moved**2)

    source = jnp.asarray(points) + 8.3
    gradients = jax.grad(value, argnums=(0, 1))(source, jnp.asarray(points))
    assert all(jnp.isfinite(gradient).all() for gradient in gradients)
    step = rng.normal(size=points.shape).astype(np.float32) * 0.02
    for argument in (0, 1):
        ends = [[source, jnp.asarray(points)] for _ in range(2)]
        ends[0][argument] += step
        ends[1][argument] -= step
        expected = float(value(*ends[0]) - value(*ends[1])) / 2
        assert float(jnp.sum(gradients[argument] * step)) == pytest.approx(expected, rel=0.03)
