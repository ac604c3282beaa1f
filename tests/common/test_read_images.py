import time

import numpy as np
import pytest

from common.data import read_images
from common.images import decode_image, to_grey


@pytest.fixture(autouse=True)
def in_own_cache(own_cache):
    """Nothing is written outside the test, and nothing is asked of the real mirror."""


def test_read_images_keeps_the_order(root, open_fake, image_file):
    bench = open_fake(root)
    grey = read_images.read_images(bench.images, to_grey, threads=3)
    assert (grey.shape, grey.dtype) == ((60, 250, 250), np.uint8)
    for i, name in enumerate(bench.names):
        data = image_file(root, name).read_bytes()
        assert np.array_equal(grey[i], to_grey(decode_image(data, name)))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_read_images_any_transform(threads):
    rng = np.random.default_rng(2)
    source = rng.integers(0, 256, (37, 5, 4, 3), np.uint8)

    def mean_color(image):
        time.sleep(rng.random() / 500)  # so that threads overtake each other
        return image.mean((0, 1), dtype=np.float32)

    out = read_images.read_images(source, mean_color, threads=threads)
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [image.mean((0, 1), dtype=np.float32) for image in source])


def test_read_images_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="no images"):
        read_images.read_images(np.zeros((0, 5, 4, 3), np.uint8), lambda image: image)
    source = np.arange(4, dtype=np.uint8)[:, None, None, None].repeat(6, 1).repeat(3, 3)
    with pytest.raises(ValueError, match=r"image 2 gave uint8 \(2, 1, 3\), image 0 gave uint8"):
        read_images.read_images(source, lambda image: image[: 6 if image.max() < 2 else 2])


def test_read_images_passes_the_error_of_an_image_on(small_jpeg):
    class Source:
        def __len__(self):
            return 9

        def __getitem__(self, index):
            return decode_image(b"" if index == 6 else small_jpeg(), f"face {index}")

    with pytest.raises(ValueError, match="face 6 is empty"):
        read_images.read_images(Source(), to_grey)
