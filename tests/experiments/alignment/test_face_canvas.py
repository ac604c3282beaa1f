"""Canvases of photos of any size: upright, and the face where LFW has it."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from common.landmarks import crops
from common.landmarks.crops import LFW_CENTER, LFW_SIDE, Found
from experiments.alignment.face_canvas import face_canvas, face_canvases, read_photo


def chart(height, width):
    """A photo that tells where its pixels are: x in red and y in green, in its 250ths."""
    y, x = np.mgrid[:height, :width]
    shares = [250 * (x + 0.5) / width, 250 * (y + 0.5) / height, 0 * x]
    return np.stack(shares, -1).astype(np.uint8)


@pytest.fixture
def box(monkeypatch):
    """Has the cascade find boxes; notes the size of what it searched."""
    searched = []

    def box(*boxes):
        class Cascade:
            def detectMultiScale(self, grey, **_):
                searched.append(grey.shape)
                return np.array(boxes)

        monkeypatch.setattr(crops, "_cascade", Cascade)
        return searched

    return box


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("JPEG", "L")])
def test_a_photo_is_turned_as_its_camera_noted(orientation, form, mode):
    small = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    exif, out = Image.Exif(), io.BytesIO()
    if orientation:
        exif[0x0112] = orientation
    picture = Image.fromarray(small).resize((60, 40)).convert(mode)
    picture.save(out, form, exif=exif)
    with Image.open(io.BytesIO(out.getvalue())) as stored:
        expected = np.array(ImageOps.exif_transpose(stored).convert("RGB"))
    np.testing.assert_array_equal(read_photo(out.getvalue(), "photo"), expected)


def test_a_damaged_photo_is_named():
    with pytest.raises(ValueError, match="photo is not a JPEG or PNG"):
        read_photo(b"no picture", "photo")


def test_an_image_of_lfws_size_is_its_own_canvas():
    image = np.random.default_rng(0).integers(0, 256, (250, 250, 3), np.uint8)
    canvas = face_canvas(image, "centered")
    np.testing.assert_array_equal(canvas.pixels, image)
    assert canvas.found is None and canvas.faces is None


def test_centered_takes_the_middle_square_of_any_photo():
    canvas = face_canvas(chart(300, 500), "centered").pixels
    corners = canvas[[2, -3], [2, -3], :2].astype(float)
    share = (np.array([2, 247]) + 0.5) / 250
    np.testing.assert_allclose(corners[:, 0], 250 * (0.2 + 0.6 * share), atol=1.5)
    np.testing.assert_allclose(corners[:, 1], 250 * share, atol=1.5)


def place_on_canvas(x, y, center, side):
    """Where LFW's rule has a point of a photo, on a canvas around the face's square."""
    return 250 * (np.array(LFW_CENTER) + LFW_SIDE * (np.array([x, y]) - center) / side) - 0.5


def test_whole_puts_the_photo_where_the_face_is():
    photo = chart(112, 112)
    canvas = face_canvas(photo, "whole").pixels
    for x, y in [(10, 20), (56, 56), (100, 90)]:
        column, row = place_on_canvas(x, y, (55.5, 55.5), 112).round().astype(int)
        np.testing.assert_allclose(canvas[row, column, :2], photo[y, x, :2], atol=2.5)
    assert canvas[0, 125, 1] == photo[0, 0, 1] and canvas[125, 0, 0] == photo[0, 0, 0]  # edges


@pytest.mark.parametrize(("height", "width"), [(200, 150), (900, 1300), (2600, 1200)])
def test_a_found_face_lies_where_lfw_has_it(box, height, width):
    scale = max(1, max(height, width) / 1000)  # of the photo that is searched
    left, top, side = 0.3 * width / scale, 0.35 * height / scale, 0.25 * width / scale
    left, top, side = round(left), round(top), round(side)
    searched = box([left, top, side, side])
    photo = chart(height, width)
    canvas = face_canvas(photo, "haar")
    assert (canvas.found, canvas.faces) == (Found.ONE, 1)
    assert max(searched[0]) <= 1000
    middle = np.array([left + (side - 1) / 2, top + (side - 1) / 2 + crops.CASCADE_LOWERED * side])
    center, square = scale * (middle + 0.5) - 0.5, scale * crops.CASCADE_SIDE * side
    for across, down in [(0, 0), (-0.4, 0.3), (0.4, -0.4)]:
        x, y = (center + square * np.array([across, down])).round().astype(int)
        column, row = place_on_canvas(x, y, center, square).round().astype(int)
        np.testing.assert_allclose(canvas.pixels[row, column, :2], photo[y, x, :2], atol=2.5)


def test_a_photo_of_more_pixels_gives_the_same_canvas_to_a_fiftieth_of_a_pixel(box):
    """A tenfold photo is shrunk for the search and for the cut; both must count from edges."""
    coarse = np.random.default_rng(1).integers(0, 256, (15, 20, 3), np.uint8)
    photo = np.array(Image.fromarray(coarse).resize((400, 300)))
    box([40, 60, 80, 80])
    plain = face_canvas(photo, "haar").pixels.astype(float)
    box([100, 150, 200, 200])
    large = face_canvas(photo.repeat(10, 0).repeat(10, 1), "haar").pixels
    slopes = np.stack([np.gradient(plain, axis=axis).ravel() for axis in (0, 1)], 1)
    shift = np.linalg.lstsq(slopes, (large - plain).ravel(), rcond=None)[0]
    np.testing.assert_allclose(shift, 0, atol=0.02)


def test_the_largest_of_several_faces_is_taken(box):
    box([10, 10, 30, 30], [100, 60, 60, 60])
    photo = chart(200, 300)
    canvas = face_canvas(photo, "haar")
    assert (canvas.found, canvas.faces) == (Found.LARGEST, 2)
    center = 129.5, 89.5 + 60 * crops.CASCADE_LOWERED
    column, row = (250 * np.array(LFW_CENTER)).astype(int)
    seen = canvas.pixels[row, column, :2]
    np.testing.assert_allclose(seen, [250 * center[0] / 300, 250 * center[1] / 200], atol=2.5)


@pytest.mark.parametrize("where", ["haar", "centered", "whole"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (33000, 2), (20, 20), (40, 2000)])
def test_photos_of_odd_shapes(where, shape):
    canvas = face_canvas(chart(*shape), where)
    assert canvas.pixels.shape == (250, 250, 3)
    if where == "haar":
        assert canvas.found == Found.NONE and canvas.faces == 0


def test_large_photos_are_averaged_and_not_sampled():
    checks = np.indices((3000, 3000)).sum(0) % 2 * 255
    photo = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
    for where in ("centered", "whole"):
        inside = face_canvas(photo, where).pixels[80:170, 80:170]
        assert np.abs(inside.astype(int) - 127).max() <= 2


@pytest.mark.parametrize("shape", [(300, 400), (3000, 4000)])
def test_all_faces_have_their_canvases_the_largest_first(box, shape):
    boxes = [[10, 20, 30, 30], [100, 60, 60, 60], [250, 150, 45, 45]]
    scale = shape[1] / 400
    shrunk = min(1, 1000 / shape[1])
    searched = [[round(scale * shrunk * part) for part in one] for one in boxes]
    box(*searched)
    photo = chart(*shape)
    found = face_canvases(photo, "haar")
    np.testing.assert_array_equal(found[0].pixels, face_canvas(photo, "haar").pixels)
    for one, (left, top, side, _) in zip(found, np.array(searched)[[1, 2, 0]], strict=True):
        side, left, top = (part / shrunk for part in (side, left, top))
        lowered = top + (0.5 + crops.CASCADE_LOWERED) * side - 0.5
        np.testing.assert_allclose(one.center, [left + side / 2 - 0.5, lowered], atol=2)
        assert one.side == pytest.approx(crops.CASCADE_SIDE * side, abs=1e-6)
        column, row = (250 * np.array(LFW_CENTER)).astype(int)
        x, y = one.center.round().astype(int)
        np.testing.assert_allclose(one.pixels[row, column, :2], photo[y, x, :2], atol=2.5)


def test_no_face_has_no_canvas_and_other_places_one():
    assert face_canvases(chart(60, 90), "haar") == []
    for where, center, side in (("whole", (44.5, 29.5), 90.0), ("centered", None, 60 * LFW_SIDE)):
        (one,) = face_canvases(chart(60, 90), where)
        np.testing.assert_array_equal(one.pixels, face_canvas(chart(60, 90), where).pixels)
        if center is None:
            center = np.array([15, 0]) + 60 * np.array(LFW_CENTER) - 0.5
        np.testing.assert_allclose(one.center, center)
        assert one.side == pytest.approx(side)
