"""What DeepFace's networks see: color as it is, or grey with its gradient by hand."""

import numpy as np

from common.images import to_grey
from experiments.network_inputs import gradient_channels, network_inputs


def faces(count=2, side=12):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_color_of_the_networks_size_is_not_copied():
    images = faces()
    assert network_inputs(images, 12) is images


def test_color_is_shrunk_by_averaging():
    images = faces()
    blocks = images.reshape(2, 6, 2, 6, 2, 3).astype(float).mean((2, 4))
    assert np.abs(network_inputs(images, 6) - blocks).max() <= 0.51


def test_gradient_by_loops():
    image = faces(1)[0]
    grey = to_grey(image).astype(float)
    made = gradient_channels(image).astype(float)
    np.testing.assert_array_equal(made[..., 0], to_grey(image))
    for row in range(1, 11):
        for column in range(1, 11):
            x = y = 0.0
            for step, weight in ((-1, 1), (0, 2), (1, 1)):
                x += weight * (grey[row + step, column + 1] - grey[row + step, column - 1])
                y += weight * (grey[row + 1, column + step] - grey[row - 1, column + step])
            magnitude, orientation = made[row, column, 1:]
            assert abs(magnitude - min(np.hypot(x, y) / 4, 255)) <= 0.51
            assert abs(orientation - (np.arctan2(y, x) / (2 * np.pi) + 0.5) * 255) <= 0.51


def test_gradient_is_of_the_shrunk_picture():
    images = faces()
    small = network_inputs(images, 6)
    expected = np.stack([gradient_channels(one) for one in small])
    np.testing.assert_array_equal(network_inputs(images, 6, "gradient"), expected)
