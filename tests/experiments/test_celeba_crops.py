"""Training crops from a copy of CelebA that the tests write themselves."""

import csv

import numpy as np
import pytest
from PIL import Image

from experiments.celeba_crops import (
    CelebaCrops,
    CelebaError,
    build,
    choose,
    cut_face,
    main,
    read_annotations,
)


@pytest.fixture
def celeba(tmp_path):
    """Four people with 1 to 4 pictures of 90 x 70 noise."""
    root, rng = tmp_path / "celeba", np.random.default_rng(0)
    (root / "Img" / "img_celeba").mkdir(parents=True)
    (root / "Anno").mkdir()
    people, points = [], ["10", "lefteye_x lefteye_y righteye_x ..."]
    for number, identity in enumerate([3, 8, 8, 2, 2, 2, 5, 5, 5, 5], start=1):
        name = f"{number:06d}.jpg"
        pixels = rng.integers(0, 256, (90, 70, 3), np.uint8)
        Image.fromarray(pixels).save(root / "Img" / "img_celeba" / name)
        people.append(f"{name} {identity}")
        points.append(f"{name} 25 30 45 31 35 42 27 52 43 53")
    (root / "Anno" / "identity_CelebA.txt").write_text("\n".join(people))
    (root / "Anno" / "list_landmarks_celeba.txt").write_text("\n".join(points))
    return root


def test_crops_and_split_are_written(celeba, tmp_path):
    out = tmp_path / "faces"
    assert build(CelebaCrops(celeba, out, people=3, validation=1)) == {"images": 9, "people": 3}
    with (out / "identities.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["identity"], r["images"]) for r in rows] == [
        ("00002", "3"), ("00005", "4"), ("00008", "2")
    ]  # fmt: skip
    assert sorted(r["split"] for r in rows) == ["train", "train", "validation"]
    assert sorted(p.name for p in (out / "00002").iterdir()) == [
        "000004.jpg", "000005.jpg", "000006.jpg"
    ]  # fmt: skip
    with Image.open(out / "00002" / "000004.jpg") as picture:
        assert picture.size == (112, 112)


def test_a_second_run_goes_on_where_the_first_was(celeba, tmp_path):
    out, options = tmp_path / "faces", CelebaCrops(celeba, tmp_path / "faces", 4, 1)
    build(options)
    (out / "00008" / "000002.jpg").unlink()
    kept = (out / "00003" / "000001.jpg").stat().st_mtime_ns
    build(options)
    assert (out / "00008" / "000002.jpg").exists()
    assert (out / "00003" / "000001.jpg").stat().st_mtime_ns == kept


def test_the_crop_is_the_square_of_the_face():
    """A picture whose pixels are their own position, cut where the square is known."""
    x, y = np.meshgrid(np.arange(220), np.arange(200))
    picture = np.stack([x, y, 0 * x], -1).astype(np.uint8)
    points = np.array([[80, 90], [120, 90], [100, 110], [85, 125], [115, 125.0]])
    side = 1.743 * 40 + 1.335 * 35
    crop = cut_face(picture, points).astype(float)
    middle = crop[55:57, 55:57].mean((0, 1))
    np.testing.assert_allclose(middle[:2], [100, 90 + 0.49 * 35], atol=1)
    np.testing.assert_allclose(np.ptp(crop[..., 0]), side - 1, atol=2)
    np.testing.assert_allclose(np.ptp(crop[..., 1]), side - 1, atol=2)


def test_a_face_at_the_border_replicates_the_edge():
    picture = np.full((40, 30, 3), 200, np.uint8)
    points = np.array([[2, 5], [20, 5], [11, 12], [4, 20], [18, 20.0]])
    assert (cut_face(picture, points) == 200).all()


def test_points_in_one_place_are_an_error():
    with pytest.raises(CelebaError, match="one place"):
        cut_face(np.zeros((9, 9, 3), np.uint8), np.full((5, 2), 3.0))


def test_damaged_and_missing_images_are_named_and_the_others_cut(celeba, tmp_path):
    (celeba / "Img" / "img_celeba" / "000004.jpg").write_bytes(b"not a picture")
    (celeba / "Img" / "img_celeba" / "000007.jpg").unlink()
    out = tmp_path / "faces"
    with pytest.raises(CelebaError, match=r"2 of 10 .*000004.jpg.*000007.jpg"):
        build(CelebaCrops(celeba, out, people=4, validation=1))
    assert len(list(out.rglob("*.jpg"))) == 8
    assert not (out / "identities.csv").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("identity_CelebA.txt", "000001.jpg", "line 1"),
        ("list_landmarks_celeba.txt", "10\nx\n000001.jpg 1 2 3", "line 3"),
        ("list_landmarks_celeba.txt", "1\nx\nother.jpg 1 2 3 4 5 6 7 8 9 10", "in common"),
    ],
)
def test_a_bad_annotation_file_is_named(celeba, name, text, said):
    (celeba / "Anno" / name).write_text(text)
    with pytest.raises(CelebaError, match=said):
        read_annotations(celeba)


def test_too_few_people_and_no_celeba_at_all(celeba, tmp_path, capsys):
    with pytest.raises(CelebaError, match="name 4 people"):
        choose(read_annotations(celeba), people=5, validation=1)
    assert main(CelebaCrops(tmp_path / "nowhere", tmp_path / "faces")) == 1
    assert "identity_CelebA.txt" in capsys.readouterr().err
