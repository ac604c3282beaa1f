import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from common.images import ImageError, crop, decode_image, resize, to_float, to_grey

RNG = np.random.default_rng(8)


def encoded(pixels, format="JPEG", mode=None, **options):
    out = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(out, format, **options)
    return out.getvalue()


def smooth(height, width):
    small = RNG.integers(0, 256, (3, 4, 3), np.uint8)
    return np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))


def test_png_is_exact_and_jpeg_is_near():
    pixels = smooth(31, 46)
    assert np.array_equal(decode_image(encoded(pixels, "PNG"), "a.png"), pixels)
    jpeg = decode_image(encoded(pixels, quality=95, subsampling=0), "a.jpg", height=31, width=46)
    assert jpeg.shape == (31, 46, 3)
    assert np.abs(jpeg.astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "LA"])
def test_other_modes_become_rgb(mode):
    pixels = np.full((20, 33, 3), 90, np.uint8)
    data = encoded(pixels, "JPEG" if mode in {"L", "CMYK"} else "PNG", mode)
    decoded = decode_image(data, "x", height=20, width=33)
    assert (decoded.shape, decoded.dtype) == ((20, 33, 3), np.uint8)
    assert np.abs(decoded.astype(int) - 90).max() <= 3


def test_grey_jpeg_has_three_equal_channels():
    decoded = decode_image(encoded(smooth(20, 33), mode="L"), "grey.jpg")
    assert (decoded[..., 0] == decoded[..., 1]).all() and (decoded[..., 1] == decoded[..., 2]).all()
    assert decoded.std() > 1


WHOLE = encoded(RNG.integers(0, 256, (40, 50, 3), np.uint8), quality=90)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"face\.jpg is empty \(0 bytes\)"),
        (b"hello, I am a text file\n" * 30, r"face\.jpg is not a JPEG or PNG image"),
        (b"\xff\xd8\xff", r"face\.jpg"),
        (encoded(smooth(9, 8), "BMP"), "is not a JPEG or PNG"),
        (encoded(smooth(9, 8), "GIF"), "is not a JPEG or PNG"),
        (encoded(smooth(1, 1)), "1 x 1 pixels, wanted 50 x 40"),
        (encoded(smooth(50, 40)), "40 x 50 pixels, wanted 50 x 40"),
    ],
)
def test_bad_files_are_named(data, reason):
    with pytest.raises(ImageError, match=reason) as caught:
        decode_image(data, "face.jpg", height=40, width=50)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [20, 200, 700, 0.3, 0.6, 0.9, 0.97])
def test_truncated_jpeg_is_an_error_not_a_half_grey_face(kept):
    length = kept if isinstance(kept, int) else int(kept * len(WHOLE))
    with pytest.raises(ImageError, match="face.jpg"):
        decode_image(WHOLE[:length], "face.jpg")


def test_truncated_png():
    data = encoded(RNG.integers(0, 256, (40, 50, 3), np.uint8), "PNG")
    with pytest.raises(ImageError, match=r"face.png cannot be decoded \("):
        decode_image(data[: len(data) // 2], "face.png")


def test_decompression_bomb(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 999)  # half of the picture's
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(WHOLE, "bomb.jpg")


def test_one_wanted_side_is_enough():
    assert decode_image(WHOLE, "a", height=40).shape == (40, 50, 3)
    with pytest.raises(ImageError, match="50 x 40 pixels, wanted 51 x None|wanted 51 x"):
        decode_image(WHOLE, "a", width=51)


def test_threads_decode_the_same():
    with ThreadPoolExecutor(4) as pool:
        decoded = list(pool.map(lambda _: decode_image(WHOLE, "a"), range(40)))
    assert all(np.array_equal(decoded[0], other) for other in decoded)


def test_to_float_is_exact_at_every_value():
    values = np.arange(256, dtype=np.uint8)[:, None]
    out = to_float(values)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.arange(256)[:, None] / 255, rtol=1e-7)
    assert (out[0], out[255]) == (0, 1)


def test_to_grey_is_rounded_luma():
    rgb = RNG.integers(0, 256, (5, 7, 11, 3), np.uint8)
    exact = rgb.astype(float) @ [0.299, 0.587, 0.114]
    assert to_grey(rgb).shape == (5, 7, 11)
    assert np.abs(to_grey(rgb) - exact).max() <= 0.501
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    assert np.array_equal(to_grey(grey), np.arange(256))


@pytest.mark.parametrize("shape", [(9, 13), (9, 13, 3)])
def test_crop(shape):
    pixels = RNG.integers(0, 256, shape, np.uint8)
    window = crop(pixels, (2, 7), (3, 13))
    for row in range(5):
        for column in range(10):
            assert np.array_equal(window[row, column], pixels[row + 2, column + 3])
    for rows, columns in [
        ((-1, 4), (0, 3)),
        ((0, 10), (0, 3)),
        ((4, 4), (0, 3)),
        ((0, 4), (5, 14)),
    ]:
        with pytest.raises(ValueError, match="not inside a picture of 9 rows and 13 columns"):
            crop(pixels, rows, columns)


def test_resize_shrinks_by_area_and_enlarges_smoothly():
    pixels = RNG.integers(0, 256, (12, 20, 3), np.uint8)
    blocks = pixels.reshape(4, 3, 5, 4, 3).mean((1, 3))
    assert np.abs(resize(pixels, 4, 5) - blocks).max() <= 0.51
    assert resize(pixels[..., 0], 30, 41).shape == (30, 41)
    ramp = np.repeat(np.linspace(0, 240, 7).astype(np.uint8)[None], 3, axis=0)
    larger = resize(ramp, 9, 70)
    assert (np.diff(larger.astype(int), axis=1) >= 0).all()
    assert len(np.unique(larger)) > 20
