"""The LFW protocol: its two views, the ten folds, and what each category may learn from.

View 1 is for choosing (models, thresholds, sizes); View 2 is for reporting, once. Both are lists
of pairs of images; people.txt lists the people of View 2's folds for the unrestricted setting.

Source: Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", UMass TR 07-49, 2007;
  Huang, Learned-Miller, "Labeled Faces in the Wild: Updates and New Reporting Procedures", 2014.
"""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

FOLDS = 10
PAIRS_PER_FOLD = 300  # of each kind: the same person, different people
VIEW1_TRAIN_PAIRS, VIEW1_TEST_PAIRS = 1100, 500  # of each kind
VIEW2_IMAGES, VIEW2_PEOPLE = 7701, 4281


class Category(Enum):
    """The six categories of LFW's results page: what a method may have learned from.

    Each knows three things: whether a threshold may be chosen on training pairs, whether the
    training folds' identities may be used (or only same / different), and what outside data
    (images that are not LFW's training folds) may have served.
    """

    UNSUPERVISED = ("unsupervised", False, False, "none")
    IMAGE_RESTRICTED = ("image-restricted-no-outside-data", True, False, "none")
    UNRESTRICTED = ("unrestricted-no-outside-data", True, True, "none")
    IMAGE_RESTRICTED_LABEL_FREE = (
        "image-restricted-label-free-outside-data",
        True,
        False,
        "label-free",
    )
    UNRESTRICTED_LABEL_FREE = (
        "unrestricted-label-free-outside-data",
        True,
        True,
        "label-free",
    )
    UNRESTRICTED_LABELED = (
        "unrestricted-labeled-outside-data",
        True,
        True,
        "labeled",
    )

    def __init__(self, label: str, pair_labels: bool, identities: bool, outside_data: str) -> None:
        self.label = label
        """The name in records and tables."""
        self.pair_labels = pair_labels
        """Training pairs carry same / different, so a threshold may be fitted on them."""
        self.identities = identities
        """Training folds carry names, so any pairs may be formed within them."""
        self.outside_data = outside_data
        """`none`; `label-free` (no labels of people: alignment, landmarks); `labeled`."""

    @classmethod
    def of(cls, label: str) -> "Category":
        """The category of a record's `category` field.

        Raises:
          ValueError: no such category; the message lists all six.

        Example:
          >>> Category.of("unsupervised").pair_labels
          False
        """
        for category in cls:
            if category.label == label:
                return category
        known = ", ".join(category.label for category in cls)
        raise ValueError(f"no LFW category {label!r}; the six are: {known}")


class ProtocolError(ValueError):
    """A protocol file does not say what it should; the message names file, line and reason."""


class ImageName(NamedTuple):
    """A person's name and the number of the picture, as the protocol files write them."""

    person: str
    number: int

    def __str__(self) -> str:
        return f"{self.person}_{self.number:04d}"


class NamedPair(NamedTuple):
    """One line of a pairs file."""

    first: ImageName
    second: ImageName
    same: bool


class Person(NamedTuple):
    """One line of a people file: a name and how many pictures of that person there are."""

    name: str
    images: int


class _Lines:
    """The lines of a protocol file, counted, so that every error can say where."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ProtocolError(
                f"{path.name}: byte {error.start} is not UTF-8; the protocol files are plain text, "
                "download this one again"
            ) from None
        self.rows = text.rstrip().splitlines()
        self.at = 0

    def next(self, wanted: str) -> list[str]:
        """The words of the next line; `wanted` describes it, should the file have ended."""
        if self.at >= len(self.rows):
            raise ProtocolError(f"{self.path.name}: ends after line {self.at}, wanted {wanted}")
        self.at += 1
        return self.rows[self.at - 1].strip().split("\t")

    def numbers(self, counts: Sequence[int], wanted: str) -> list[int]:
        words = self.next(wanted)
        if len(words) not in counts:
            raise self.error(f"wanted {wanted}")
        return [self.positive(word, wanted) for word in words]

    def positive(self, word: str, wanted: str) -> int:
        if not (word.isascii() and word.isdigit() and int(word) > 0):
            raise self.error(f"{word!r} is not a positive number; wanted {wanted}")
        return int(word)

    def person(self, word: str) -> str:
        if not word or word in {".", ".."} or any(c in "/\\\0" or c.isspace() for c in word):
            raise self.error(f"{word!r} is not a person's name (letters, joined by _)")
        return word

    def error(self, reason: str) -> ProtocolError:
        return ProtocolError(
            f"{self.path.name}, line {self.at}: {reason}; the line is {self.rows[self.at - 1]!r}"
        )

    def end(self) -> None:
        if self.at < len(self.rows):
            self.at += 1
            raise self.error(f"wanted the end of the file after line {self.at - 1}")


def read_pairs(path: Path) -> list[list[NamedPair]]:
    """Read pairs.txt (ten folds) or pairsDevTrain.txt / pairsDevTest.txt (one).

    The first line is `folds<TAB>n`, or `n` for one fold; each fold is n lines `name i j` (the
    same person) and then n lines `name i name j` (different people).

    Args:
      path: of the file.

    Returns:
      The folds in the file's order.

    Raises:
      ProtocolError: a line is not what it should be; says line and reason.
    """
    lines = _Lines(path)
    header = lines.numbers([1, 2], "a header: `folds<TAB>pairs of each kind`, or the latter alone")
    folds, count = (1, header[0]) if len(header) == 1 else (header[0], header[1])
    view = []
    for fold in range(folds):
        where = f"of fold {fold + 1}"
        same = [_same_pair(lines, f"pair {i + 1} of {count} {where}") for i in range(count)]
        different = [
            _different_pair(lines, f"pair {i + 1} of {count} {where}") for i in range(count)
        ]
        view.append(same + different)
    lines.end()
    return view


def _same_pair(lines: _Lines, where: str) -> NamedPair:
    wanted = f"`name i j`, same-person {where}"
    words = lines.next(wanted)
    if len(words) != 3:
        raise lines.error(f"{len(words)} fields; wanted {wanted}")
    person = lines.person(words[0])
    first, second = (lines.positive(word, wanted) for word in words[1:])
    if first == second:
        raise lines.error("an image is paired with itself")
    return NamedPair(ImageName(person, first), ImageName(person, second), same=True)


def _different_pair(lines: _Lines, where: str) -> NamedPair:
    wanted = f"`name i name j`, different-people {where}"
    words = lines.next(wanted)
    if len(words) != 4:
        raise lines.error(f"{len(words)} fields; wanted {wanted}")
    first = ImageName(lines.person(words[0]), lines.positive(words[1], wanted))
    second = ImageName(lines.person(words[2]), lines.positive(words[3], wanted))
    if first.person == second.person:
        raise lines.error("one name twice in a pair of different people")
    return NamedPair(first, second, same=False)


def read_people(path: Path) -> list[list[Person]]:
    """Read people.txt (ten folds) or peopleDevTrain.txt / peopleDevTest.txt (one).

    Args:
      path: of the file.

    Returns:
      The folds in the file's order, each a list of people.

    Raises:
      ProtocolError: a line is not what it should be, or a person is listed twice.
    """
    lines = _Lines(path)
    tenfold = path.name == "people.txt"
    folds = lines.numbers([1], "a count of folds")[0] if tenfold else 1
    view, seen = [], set()
    for fold in range(folds):
        count = lines.numbers([1], f"the count of people in fold {fold + 1}")[0]
        people = []
        for i in range(count):
            wanted = f"`name images`, person {i + 1} of {count} of fold {fold + 1}"
            words = lines.next(wanted)
            if len(words) != 2:
                raise lines.error(f"{len(words)} fields; wanted {wanted}")
            name = lines.person(words[0])
            if name in seen:
                raise lines.error("this person is listed before")
            seen.add(name)
            people.append(Person(name, lines.positive(words[1], wanted)))
        view.append(people)
    lines.end()
    return view


def images_of(folds: Sequence[Sequence[NamedPair]]) -> set[ImageName]:
    """All images that the pairs of all folds name."""
    return {name for fold in folds for pair in fold for name in (pair.first, pair.second)}


def check_view2(folds: Sequence[Sequence[NamedPair]]) -> None:
    """Assert that these are the official ten folds, by their counts.

    Raises:
      ProtocolError: another number of folds, pairs, images or people; or a person in two folds.
    """
    kinds = [(sum(p.same for p in fold), sum(not p.same for p in fold)) for fold in folds]
    _expect("folds", len(folds), FOLDS)
    for number, kind in enumerate(kinds, start=1):
        _expect(f"(same, different) pairs in fold {number}", kind, (PAIRS_PER_FOLD,) * 2)
    people = [{name.person for name in images_of([fold])} for fold in folds]
    for a in range(len(folds)):
        for b in range(a + 1, len(folds)):
            shared = sorted(people[a] & people[b])
            if shared:
                raise ProtocolError(
                    f"{shared[0]} is in fold {a + 1} and in fold {b + 1}: the folds of View 2 "
                    "share no person"
                )
    _expect("images", len(images_of(folds)), VIEW2_IMAGES)
    _expect("people", len(set().union(*people)), VIEW2_PEOPLE)


def check_view1(train: Sequence[NamedPair], test: Sequence[NamedPair]) -> None:
    """Assert that these are View 1's official pairs, by their counts.

    Raises:
      ProtocolError: another number of pairs, or a person in both sets.
    """
    for name, pairs, wanted in (
        ("train", train, VIEW1_TRAIN_PAIRS),
        ("test", test, VIEW1_TEST_PAIRS),
    ):
        found = (sum(p.same for p in pairs), sum(not p.same for p in pairs))
        _expect(f"(same, different) pairs in View 1 {name}", found, (wanted, wanted))
    shared = {n.person for n in images_of([train])} & {n.person for n in images_of([test])}
    if shared:
        raise ProtocolError(f"{min(shared)} is in View 1 train and in View 1 test")


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise ProtocolError(f"{what}: found {found}, the official LFW files have {wanted}")
