import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.protocol import (
    Category,
    ImageName,
    NamedPair,
    Person,
    ProtocolError,
    check_view1,
    check_view2,
    images_of,
    read_pairs,
    read_people,
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="pairs.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


GOOD = "2\t2\nAnn\t1\t2\nBob\t3\t12\nAnn\t1\tBob\t2\nCy\t1\tDee\t4\n" + (
    "Eve_O'Hara\t1\t2\nFay\t3\t1\nEve_O'Hara\t1\tFay\t2\nGil\t1\tHo\t4\n"
)


def test_pairs_are_read_in_order(write):
    folds = read_pairs(write(GOOD))
    assert [len(fold) for fold in folds] == [4, 4]
    assert folds[0][1] == NamedPair(ImageName("Bob", 3), ImageName("Bob", 12), same=True)
    assert folds[0][2] == NamedPair(ImageName("Ann", 1), ImageName("Bob", 2), same=False)
    assert str(folds[1][0].second) == "Eve_O'Hara_0002"
    assert [pair.same for fold in folds for pair in fold] == [True, True, False, False] * 2


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, str.rstrip]
)
def test_line_endings_mark_and_missing_last_newline_do_not_matter(write, change):
    assert read_pairs(write(change(GOOD))) == read_pairs(write(GOOD))


@pytest.mark.parametrize(
    ("line", "replacement", "reason"),
    [
        (1, "two\t2", "'two' is not a positive number"),
        (1, "0\t2", "'0' is not a positive number"),
        (1, "1\t2\t3", "a header"),
        (1, "2\t²", "not a positive number"),
        (2, "Ann\t1", "2 fields; wanted `name i j`, same-person pair 1 of 2 of fold 1"),
        (2, "Ann\t1\t1", "paired with itself"),
        (2, "Ann\t0\t1", "'0' is not a positive number"),
        (2, "Ann\t-1\t1", "'-1' is not a positive number"),
        (3, "Bob\t3\tx", "'x' is not a positive number"),
        (3, "Bob 3 12", "1 fields"),
        (4, "Ann\t1\tAnn\t2", "one name twice"),
        (4, "Ann\t1\t2", "3 fields; wanted `name i name j`, different-people pair 1 of 2"),
        (5, "../Cy\t1\tDee\t4", "'../Cy' is not a person's name"),
        (5, "..\t1\tDee\t4", "'..' is not a person's name"),
        (5, "Cy\\x\t1\tDee\t4", "is not a person's name"),
        (5, "\t1\tDee\t4", "1 fields|not a person's name|3 fields"),
        (7, "", "fields"),
        (9, "Gil\t1\tHo\t4\nGil\t1\tHo\t5", "wanted the end of the file"),
    ],
)
def test_errors_say_line_and_reason(write, line, replacement, reason):
    lines = GOOD.splitlines()
    lines[line - 1] = replacement
    where = line + 1 if "end of the file" in reason else line
    with pytest.raises(ProtocolError, match=reason) as caught:
        read_pairs(write("\n".join(lines)))
    assert f"pairs.txt, line {where}:" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lines", range(9))
def test_file_that_ends_early(write, lines):
    with pytest.raises(ProtocolError, match=f"ends after line {lines}, wanted"):
        read_pairs(write("\n".join(GOOD.splitlines()[:lines])))


@pytest.mark.parametrize(
    "data", [GOOD.encode("utf-16"), b"2\t2\nJos\xe9\t1\t2\n", bytes(range(128, 256))]
)
def test_other_encodings(write, data):
    with pytest.raises(ProtocolError, match=r"pairs.txt: byte \d+ is not UTF-8"):
        read_pairs(write(data))


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_pairs_or_a_protocol_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any", numbered=True) / "pairs.txt"
    path.write_bytes(data)
    for read in (read_pairs, read_people):
        try:
            assert isinstance(read(path), list)
        except ProtocolError as error:
            assert "pairs.txt" in str(error)


NAMES = st.from_regex(r"[A-Z][a-z]{0,6}(_[A-Z][a-z'.-]{0,6}){0,3}", fullmatch=True)
NUMBERS = st.integers(1, 9999)


@st.composite
def views(draw):
    count = draw(st.integers(1, 3))
    view = []
    for _ in range(draw(st.integers(1, 4))):
        fold = []
        for _ in range(count):
            numbers = draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True))
            name = draw(NAMES)
            fold.append(NamedPair(*(ImageName(name, i) for i in numbers), same=True))
        for _ in range(count):
            names = draw(st.lists(NAMES, min_size=2, max_size=2, unique=True))
            fold.append(NamedPair(*(ImageName(n, draw(NUMBERS)) for n in names), same=False))
        view.append(fold)
    return count, view


def pair_line(pair):
    if pair.same:
        return f"{pair.first.person}\t{pair.first.number}\t{pair.second.number}"
    return "\t".join(f"{image.person}\t{image.number}" for image in pair[:2])


@settings(deadline=None, max_examples=40)
@given(view=views(), damage=st.none() | st.tuples(st.integers(0, 10**6), st.characters()))
def test_what_is_written_is_read_and_damage_is_never_silent(tmp_path_factory, view, damage):
    count, folds = view
    header = str(count) if len(folds) == 1 else f"{len(folds)}\t{count}"
    lines = [header, *(pair_line(pair) for fold in folds for pair in fold)]
    path = tmp_path_factory.mktemp("view") / "pairs.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_pairs(path) == folds
    if damage:
        at = damage[0] % len(lines)
        del lines[at]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.raises(ProtocolError):
            read_pairs(path)


def test_people(write):
    folds = read_people(write("2\n2\nAnn\t1\nBob\t12\n1\nCy\t3\n", "people.txt"))
    assert folds == [[Person("Ann", 1), Person("Bob", 12)], [Person("Cy", 3)]]
    assert read_people(write("2\nAnn\t1\nBob\t12\n", "peopleDevTest.txt")) == folds[:1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x\n", "line 1: 'x' is not a positive number; wanted a count of folds"),
        ("1\n2\nAnn\t1\n", "ends after line 3, wanted `name images`, person 2 of 2 of fold 1"),
        ("1\n1\nAnn\n", "line 3: 1 fields"),
        ("1\n1\nAnn\tmany\n", "line 3: 'many' is not a positive number"),
        ("1\n1\nA/b\t1\n", "line 3: 'A/b' is not a person's name"),
        ("2\n1\nAnn\t1\n1\nAnn\t1\n", "line 5: this person is listed before"),
        ("1\n1\nAnn\t1\nBob\t1\n", "line 4: wanted the end of the file"),
    ],
)
def test_people_errors(write, text, reason):
    with pytest.raises(ProtocolError, match=f"^people.txt.*{re.escape(reason)}"):
        read_people(write(text, "people.txt"))


def official_view2():
    """Ten folds with the official counts: 7,701 images of 4,281 people."""
    rng, folds = np.random.default_rng(4), []
    people_left, images_left = 4281, 7701
    for fold in range(10):
        people = people_left // (10 - fold)
        images = images_left // (10 - fold)
        people_left, images_left = people_left - people, images_left - images
        names = [f"P{fold}_{i}" for i in range(people)]
        # 300 people with 2 images each, the rest with 1; the first with what is left.
        slots = [ImageName(name, 1) for name in names]
        slots += [ImageName(name, 2) for name in names[:300]]
        slots += [ImageName(names[0], 3 + i) for i in range(images - len(slots))]
        same = [NamedPair(ImageName(n, 1), ImageName(n, 2), same=True) for n in names[:300]]
        used = images_of([same])
        rest = [slot for slot in slots if slot not in used]
        others = [slot for slot in slots if slot.person not in {s.person for s in rest}]
        different = []
        for i in range(300):
            first = rest[i] if i < len(rest) else others[int(rng.integers(len(others) - 1))]
            second = others[-1 - i % 50]
            different.append(NamedPair(first, second, same=False))
        folds.append(same + different)
    return folds


def test_official_counts_pass_and_each_departure_is_an_error():
    folds = official_view2()
    check_view2(folds)
    with pytest.raises(ProtocolError, match="folds: found 9, the official LFW files have 10"):
        check_view2(folds[:9])
    with pytest.raises(ProtocolError, match=r"pairs in fold 4: found \(300, 299\)"):
        check_view2([*folds[:3], folds[3][:-1], *folds[4:]])
    stranger = NamedPair(ImageName("P2_0", 1), ImageName("P2_0", 2), same=True)
    with pytest.raises(ProtocolError, match="P2_0 is in fold 3 and in fold 7"):
        check_view2([*folds[:6], [stranger, *folds[6][1:]], *folds[7:]])
    # The pair of a person with one image, and of an image that other pairs name as well.
    single, shared = folds[0][300].first, folds[0][300].second

    def with_pair(first, second):
        pair = NamedPair(first, second, same=False)
        return [[*folds[0][:300], pair, *folds[0][301:]], *folds[1:]]

    check_view2(with_pair(single, shared))
    with pytest.raises(ProtocolError, match="images: found 7702, the official .* have 7701"):
        check_view2(with_pair(single, ImageName(shared.person, 9999)))
    with pytest.raises(ProtocolError, match="people: found 4280, the official .* have 4281"):
        check_view2(with_pair(ImageName("P0_0", 9999), shared))


def view1(stem, count):
    same = [
        NamedPair(ImageName(f"{stem}{i}", 1), ImageName(f"{stem}{i}", 2), True)
        for i in range(count)
    ]
    different = [
        NamedPair(ImageName(f"{stem}{i}", 1), ImageName(f"{stem}x{i}", 1), False)
        for i in range(count)
    ]
    return same + different


def test_view1_counts():
    check_view1(view1("A", 1100), view1("B", 500))
    with pytest.raises(ProtocolError, match=r"View 1 test: found \(499, 499\)"):
        check_view1(view1("A", 1100), view1("B", 499))
    with pytest.raises(ProtocolError, match="A0 is in View 1 train and in View 1 test"):
        check_view1(view1("A", 1100), view1("A", 500))


def test_categories():
    labels = {category.label for category in Category}
    assert len(labels) == 6
    assert all(Category.of(category.label) is category for category in Category)
    with pytest.raises(
        ValueError, match="no LFW category 'restricted'; the six are: unsupervised, "
    ):
        Category.of("restricted")
    assert [c.label for c in Category if not c.pair_labels] == ["unsupervised"]
    assert {c.label for c in Category if c.identities} == {
        label for label in labels if label.startswith("unrestricted")
    }
    assert all(
        ("no-outside" in c.label or not c.pair_labels) == (c.outside_data == "none")
        for c in Category
    )


@pytest.mark.lfw
def test_real_files(lfw_dir):
    folds = read_pairs(lfw_dir / "pairs.txt")
    check_view2(folds)
    (train,), (test,) = (
        read_pairs(lfw_dir / name) for name in ("pairsDevTrain.txt", "pairsDevTest.txt")
    )
    check_view1(train, test)
    assert [len(fold) for fold in folds] == [600] * 10
    assert (len(train), len(test)) == (2200, 1000)
    everything = images_of([*folds, train, test])
    assert (len(images_of(folds)), len(everything)) == (7701, 9056)
    assert len({image.person for image in images_of(folds)}) == 4281
    for a in range(10):
        for b in range(a):
            in_a, in_b = ({i.person for i in images_of([folds[k]])} for k in (a, b))
            assert not in_a & in_b
    people = read_people(lfw_dir / "people.txt")
    assert len(people) == 10
    assert sum(len(fold) for fold in people) == 5749
    assert sum(person.images for fold in people for person in fold) == 13233
    for fold, listed in zip(folds, people, strict=True):
        assert {i.person for i in images_of([fold])} <= {person.name for person in listed}
    (dev_train,) = read_people(lfw_dir / "peopleDevTrain.txt")
    (dev_test,) = read_people(lfw_dir / "peopleDevTest.txt")
    assert (len(dev_train), len(dev_test)) == (4038, 1711)
    assert not {p.name for p in dev_train} & {p.name for p in dev_test}
