"""Where the pictures and answers of `experiments.identify` go, found out before any work."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from common.data.lfw_folder import first_five
from experiments.alignment.align_report import printable

if TYPE_CHECKING:
    from experiments.identify import Identify


class TargetError(ValueError):
    """The command would overwrite something, or has nothing to do; the message says what."""


def check_sources(options: "Identify") -> None:
    """Refuse what cannot be looked at; raises TargetError."""
    if not options.photos and options.video is None and options.camera is None:
        raise TargetError("nothing to look at; name photos, or --video FILE, or --camera NUMBER")
    if options.video is not None and options.camera is not None:
        raise TargetError("a video and a camera at once; name one of them")
    if options.every < 1 or (options.frames is not None and options.frames < 1):
        raise TargetError(
            f"every {options.every}, frames {options.frames}; wanted 1 or more of both"
        )
    missing = [str(path) for path in options.photos if not path.is_file()]
    if missing:
        raise TargetError(f"no such photos, or folders: {printable(first_five(missing))}")
    if options.video is not None and not options.video.is_file():
        raise TargetError(f"{printable(options.video)} is no file; wanted a video")


def stream_name(options: "Identify") -> str:
    """How a stream's pictures are called."""
    if options.video is not None:
        return options.video.stem
    return f"camera{options.camera}"


def picture_targets(options: "Identify") -> Mapping[Path, Path]:
    """The annotated picture of each photo; nothing without `--output`.

    Raises:
      TargetError: something is in the way, two photos would have one picture, or the pictures
        would come among the gallery's.
    """
    in_the_way = []
    if options.json is not None and options.json.exists():
        in_the_way.append(options.json)
    targets: dict[Path, Path] = {}
    if (folder := options.output) is not None:
        _check_folder(options, folder)
        targets = {photo: folder / f"{photo.stem}.jpg" for photo in options.photos}
        if len(set(targets.values())) < len(targets):
            names = sorted(path.name for path in targets.values())
            twice = sorted({name for name in names if names.count(name) > 1})
            raise TargetError(
                f"several photos would have one picture, {printable(first_five(twice))}; "
                "rename them, or look at them one after the other"
            )
        in_the_way += [path for path in targets.values() if path.exists()]
        if folder.is_dir() and (options.video is not None or options.camera is not None):
            mine = f"{stream_name(options)}_frame"
            in_the_way += [path for path in folder.iterdir() if path.name.startswith(mine)]
    if in_the_way and not options.overwrite:
        named = printable(first_five(sorted(str(path) for path in in_the_way)))
        raise TargetError(
            f"{len(in_the_way)} files are there already: {named}; nothing was done. Name another "
            "place, or say --overwrite"
        )
    return targets


def _check_folder(options: "Identify", folder: Path) -> None:
    place = folder.resolve()
    if place.is_relative_to(options.gallery.resolve()):
        raise TargetError(
            f"{printable(folder)} is in the gallery, where the pictures would be taken for "
            "photos of people; name another folder for the output"
        )
    if any(photo.resolve().parent == place for photo in options.photos):
        raise TargetError(
            f"{printable(folder)} is where the photos are; name another folder for the output"
        )
    if folder.exists() and not folder.is_dir():
        raise TargetError(f"{printable(folder)} is no folder; name another for the output")
