"""The work of `experiments.identify`: open the gallery, look, answer, draw."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from common.data.lfw_folder import first_five
from common.data.progress import note
from experiments.alignment.align_report import printable
from experiments.alignment.face_canvas import read_photo
from experiments.photos.annotate import annotated, write_jpeg
from experiments.photos.answers import Answer, Recognizer
from experiments.photos.find_faces import FaceFinder, Seen
from experiments.photos.frames import Frame, frames
from experiments.photos.gallery import Gallery, no_face, open_gallery
from experiments.photos.identify_targets import check_sources, picture_targets, stream_name
from facenet_jax.validation import OperatingPoint

if TYPE_CHECKING:
    from experiments.identify import Identify


def identify(options: "Identify") -> int:
    """Answer for every face of the command; returns the exit code.

    Raises:
      ValueError: nothing to look at, a gallery without faces, weights that are not there, a video
        that cannot be read, or something that would be overwritten.
      OSError: a disk is full, or something cannot be read or written.
    """
    check_sources(options)
    targets = picture_targets(options)
    finder = FaceFinder(options.row, options.weights, options.search, options.false_accept_rate)
    gallery = open_gallery(options.gallery, finder)
    recognizer = Recognizer(gallery, finder.point)
    _introduce(gallery, recognizer)
    for place in (options.output, options.json and options.json.parent):
        if place is not None:
            place.mkdir(parents=True, exist_ok=True)
    told: list[dict[str, Any]] = []
    bad = []
    for path in options.photos:
        try:
            photo = read_photo(path.read_bytes(), str(path))
        except ValueError as error:
            bad.append(str(error))
            continue
        except OSError as error:
            bad.append(f"{path} cannot be read ({error.strerror})")
            continue
        (seen,) = finder.embed([finder.look(photo)])
        answers = recognizer(seen.faces)
        _say(printable(path), seen, answers, recognizer)
        told.append({"photo": printable(path), "faces": _as_json(answers)})
        if path in targets:
            write_jpeg(targets[path], annotated(photo, answers))
    told += _stream(options, finder, recognizer)
    if options.json is not None:
        whole = {"threshold": _threshold(finder.point), "seen": told}
        options.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    if bad:
        note(f"error: {len(bad)} photos cannot be read: {printable(first_five(bad))}")
    return 1 if bad else 0


def _stream(
    options: "Identify", finder: FaceFinder, recognizer: Recognizer
) -> Iterator[dict[str, Any]]:
    """Answer for every face of a video or a camera, as it comes."""
    source = options.video if options.video is not None else options.camera
    if source is None:
        return
    name, looked, with_faces = stream_name(options), 0, 0
    try:
        for frame in frames(source, every=options.every, most=options.frames):
            (seen,) = finder.embed([finder.look(frame.pixels)])
            looked += 1
            if not seen.faces:
                continue
            with_faces += 1
            answers = recognizer(seen.faces)
            _say(_place(name, frame), seen, answers, recognizer)
            if options.output is not None:
                path = options.output / f"{name}_frame{frame.number:06d}.jpg"
                write_jpeg(path, annotated(frame.pixels, answers))
            yield {
                "stream": printable(name), "frame": frame.number,
                "seconds": round(frame.seconds, 3), "faces": _as_json(answers),
            }  # fmt: skip
    except KeyboardInterrupt:
        if options.camera is None:
            raise
    print(f"{printable(name)}: {looked:,} frames looked at, {with_faces:,} of them with faces")


def _place(name: str, frame: Frame) -> str:
    return f"{printable(name)}, frame {frame.number} ({frame.seconds:.2f} s)"


def _say(place: str, seen: Seen, answers: list[Answer], recognizer: Recognizer) -> None:
    """Print a line a face."""
    if not answers:
        print(f"{place}: {no_face(seen.doubtful)}", flush=True)
    for number, answer in enumerate(answers, start=1):
        which = f", face {number} of {len(answers)}" if len(answers) > 1 else ""
        print(f"{place}{which}: {recognizer.said(answer)}", flush=True)


def _introduce(gallery: Gallery, recognizer: Recognizer) -> None:
    """Say what the gallery is, and what the threshold is worth against it."""
    photos, people = len(gallery.photos), gallery.people
    print(
        f"gallery: {_count(photos, 'photo')} of {_count(people, 'person', 'people')}; "
        f"{gallery.embedded:,} embedded now; searched by {recognizer.nearest.searched_by}; "
        f"index {printable(gallery.index)}"
    )
    if gallery.left_out:
        said = first_five([f"{name}: {why}" for name, why in gallery.left_out.items()])
        note(f"left out: {_count(len(gallery.left_out), 'photo')}: {printable(said)}")
    if gallery.several:
        said = first_five(gallery.several)
        note(f"several faces, the largest taken: {len(gallery.several)}: {printable(said)}")
    if gallery.without:
        said = first_five(gallery.without)
        note(f"nobody will be recognized as: {printable(said)}; no photo of theirs has a face")
    if photos == people:
        note("each person has one photo; in another light or pose they may come out as unknown")
    point = recognizer.point
    low, high = recognizer.false_name_rates
    print(
        f"threshold: squared distance {point.squared_distance:.3f}. Of pairs of two people "
        f"{point.false_accept_rate:.2g} are nearer, of pairs of one person "
        f"{point.true_accept_rate:.2g} (measured on people who were not trained on)"
    )
    print(
        f"a stranger is given a name with a chance of {low:.2g}, 1 - (1 - rate)^{people}, if the "
        f"people are independent; up to {high:.2g} with {_count(photos, 'photo')} to err on"
    )


def _threshold(point: OperatingPoint) -> dict[str, float]:
    return {
        "squared_distance": point.squared_distance,
        "false_accept_rate": point.false_accept_rate,
        "true_accept_rate": point.true_accept_rate,
    }


def _as_json(answers: list[Answer]) -> list[dict[str, Any]]:
    return [
        {
            "name": answer.name if answer.name is None else printable(answer.name),
            "squared_distance": round(answer.squared_distance, 6),
            "nearest": printable(answer.nearest),
            "center": [round(float(place), 1) for place in answer.face.center],
            "side": round(answer.face.side, 1),
        }
        for answer in answers
    ]


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
