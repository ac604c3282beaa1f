"""Records: written whole, read strictly."""

import dataclasses
import json

import pytest

from common.records import RecordError, Result, read, read_all, same_images, write


def make_result(**changes):
    fields = {
        "row": "toy", "variant": "plain", "benchmark": "lfw-view2",
        "category": "image-restricted-no-outside-data", "paper_protocol": "restricted",
        "threshold_rule": "nine-folds",
        "metrics": {"accuracy": {"mean": 0.6, "standard_error": 0.01, "interval": [0.5, 0.7],
                                 "folds": [0.6] * 10},
                    "auc": 0.65, "eer": 0.4, "tar_at_far": {"0.1": 0.2, "0.01": 0.1, "0.001": 0.0}},
        "published": {"accuracy": 0.7, "source": "a paper"}, "lfw_variant": "original",
        "alignment": "none", "test_time": "none", "fallbacks": 0,
        "data": {"name": "lfw", "sha256": "0" * 64, "images": 10, "people": 4},
        "training": {"images": 9, "identities": 4, "hours": 0.1, "device": "2-core CPU"},
        "model": {"parameters": 12, "embedding_size": 3},
        "speed": {"faces_per_second": 5.0, "device": "2-core CPU"},
        "config": {}, "pairs": 20, "seed": 0, "seconds": 1.0, "tolerance": 0.001, "command": "x",
    }  # fmt: skip
    return Result(**{**fields, **changes})


def test_images_are_the_same_where_the_pairs_images_are():
    """Copies of LFW may lack what no pair names; who learns from its people's names sees that."""
    whole = {"name": "lfw", "sha256": "1" * 64, "pairs_sha256": "p", "images": 13, "people": 5}
    part = {**whole, "sha256": "2" * 64, "images": 10}
    other = {**part, "pairs_sha256": "q"}
    assert same_images(make_result(data=whole), make_result(data=part))
    assert not same_images(make_result(data=whole), make_result(data=other))
    assert same_images(make_result(), make_result())  # older records do not have it
    unsaid = [make_result(data={**one, "pairs_sha256": ""}) for one in (whole, part)]
    assert not same_images(*unsaid)
    assert not same_images(make_result(), make_result(data={**whole, "pairs_sha256": ""}))
    named = {"category": "unrestricted-no-outside-data"}
    training = {**make_result().training, "sha256": "1" * 64}
    learned = make_result(data=whole, training=training, **named)
    assert not same_images(learned, make_result(data=part, **named))
    assert same_images(learned, make_result(data=whole, **named))
    outside = {"category": "unrestricted-labeled-outside-data"}
    training = {**training, "sha256": "f" * 64}
    one, two = (make_result(data=data, training=training, **outside) for data in (whole, part))
    assert same_images(one, two)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    result = make_result()
    path = write(result, tmp_path / "deep" / "folder")
    assert path.name == "toy_plain_seed0.json"
    assert read(path) == result
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_fixed_keys_of_the_design_are_there(tmp_path):
    content = json.loads(write(make_result(), tmp_path).read_text())
    wanted = (
        "row variant benchmark category paper_protocol threshold_rule metrics published "
        "lfw_variant fallbacks training model speed config seed commit versions synthetic "
        "tolerance command"
    )
    assert set(wanted.split()) <= set(content)


def test_a_failed_write_leaves_the_old_record(tmp_path):
    path = write(make_result(), tmp_path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write(make_result(metrics={"accuracy": None, "auc": float("nan")}), tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "wanted an object"),
        ({"metrics": None}, "metrics is None, wanted dict"),
        ({"seed": "0"}, "seed is '0', wanted int"),
        ({"category": "image-free"}, "no LFW category 'image-free'"),
        ({"threshold_rule": "best"}, "threshold_rule is 'best'"),
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"metrics": {}}, "auc"),
        ({"surprise": 1}, "unknown fields: surprise"),
        ({"row": "other"}, "says it is other_plain_seed0.json"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, change, said):
    path = write(make_result(), tmp_path)
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text()) | change)
    path.write_text(change)
    with pytest.raises(RecordError, match=said) as error:
        read_all(tmp_path)
    assert path.name in str(error.value)


def test_a_missing_field_is_named(tmp_path):
    path = write(make_result(), tmp_path)
    content = json.loads(path.read_text())
    del content["pairs"], content["model"]
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="lacks model, pairs"):
        read(path)


def test_the_figure_is_the_accuracy_or_without_a_threshold_the_auc():
    result = make_result()
    assert result.figure == 0.6
    metrics = {**result.metrics, "accuracy": None}
    assert dataclasses.replace(result, metrics=metrics).figure == 0.65
