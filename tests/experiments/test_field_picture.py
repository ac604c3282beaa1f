"""Accuracy against training images: every row at its place, and no picture out of date."""

import dataclasses

from matplotlib.text import Text

from experiments import committed_pictures, field_picture
from experiments.paper_numbers import (
    CLASSICAL,
    DEEP,
    DEEPFACE,
    EIGENFACES,
    HUMAN,
    LATER,
    NO_IMAGES,
)
from experiments.rows import ROWS
from tests.experiments.test_report import complete

NAME, ROW = next(iter(ROWS.items()))
TRAINING = {"images": 6000, "identities": 10, "hours": 0.1, "device": "x"}


def test_every_row_stands_at_its_training_images():
    result = complete(NAME, ROW.headline, training=TRAINING, published=EIGENFACES.as_record())
    found = field_picture.points({ROW.title: result})
    (ours,) = [p for p in found if p.ours]
    assert (ours.name, ours.images, ours.accuracy) == (ROW.title, 6000, 0.6)
    published = {p.name: p for p in found if not p.ours}
    assert set(published) == {ROW.title, *DEEP, *LATER, *CLASSICAL} - {HUMAN}
    assert published[ROW.title].images == 6000  # nine folds of LFW, as our record counts them
    assert published["SD-MATCHES"].images == field_picture.NONE_AT
    for name, figure in {**DEEP, **LATER}.items():
        assert published[name].images == figure.training_count
        assert published[name].accuracy == figure.accuracy


def test_what_is_ours_alone_is_not_said_of_the_published_figure():
    row = ROWS["deepface-networks"]
    result = complete(
        "deepface-networks", row.headline, training=TRAINING,
        published=DEEPFACE["ensemble"].as_record(),
    )  # fmt: skip
    names = {p.name: p.ours for p in field_picture.points({row.title: result})}
    assert names[row.title] and not names["DeepFace's ensemble"]
    assert "two epochs" in row.title


def test_without_a_record_nobody_says_how_many_nine_folds_are():
    assert {p.name for p in field_picture.points({})} == {
        *DEEP, *LATER, *(name for name, p in CLASSICAL.items() if p.training_images == NO_IMAGES),
    }  # fmt: skip


def test_names_do_not_cover_one_another_or_leave_the_picture():
    result = complete(NAME, ROW.headline, training=TRAINING, published=EIGENFACES.as_record())
    figure = field_picture.field_figure(field_picture.points({ROW.title: result}))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the leading lines
    for number, box in enumerate(boxes):
        assert axes.get_window_extent().containsx(box.x0)
        assert not [other for other in boxes[:number] if box.padded(-2).overlaps(other.padded(-2))]


def test_pictures_are_redrawn_when_a_record_changes_and_only_then(tmp_path):
    result = complete(NAME, ROW.headline)
    names = ["roc.png", "accuracy_by_training_images.png", "facenet_studies.png",
             "deepface_table1.png", "deepface_alignment.png", "ideas.png"]  # fmt: skip

    def changed(result, check=False):
        found = committed_pictures.update([result], {}, tmp_path, check=check)
        return [path.name for path in found]

    assert changed(result, check=True) == names and not list(tmp_path.iterdir())
    assert changed(result) == names and changed(result) == []
    other = dataclasses.replace(result, roc={"far": [0.0, 1.0], "tar": [0.0, 1.0]})
    assert changed(other, check=True) == ["roc.png"]
    (tmp_path / "roc.png").write_bytes(b"no picture")
    assert changed(result) == ["roc.png"]
