"""Who is on your photos? Their faces, matched against a folder of people who agreed to it.

    python -m experiments.identify people photo.jpg another.jpg
    python -m experiments.identify people photo.jpg --output named --json answers.json
    python -m experiments.identify people --video clip.mp4 --every 10
    python -m experiments.identify people --camera 0

GALLERY holds a folder for each person, `<person>/<photo>.jpg`. Each face is found by OpenCV's Haar
cascade, aligned by our landmarks, embedded by FaceNet, or the row that `--row` names, and matched
with every photo of the gallery: the answer is the nearest person, or `unknown` where nobody is
nearer than the threshold for the false accept rate that was asked for (`--false-accept-rate`, of
the weights' own list). Weights are those that are shipped, or any that the row's training command
has exported (`--weights`, a .npz with its .json beside it).

The false accept rate beside each answer is of one comparison, measured on people who were not
trained on; against a gallery a stranger has as many chances to be given a name as it has people, or
more. docs/responsible_use.md says what this must not be used for.

The exit code is 1 where a photo cannot be read (it is reported; the others are answered).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Identify:
    """Match the faces on photos, a video or a camera's pictures with a gallery of people."""

    gallery: Annotated[Path, tyro.conf.Positional]
    """Folder with a folder for each person: `<person>/<photo>.jpg` (jpeg, png)."""
    photos: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Photos to look at: jpg, jpeg or png files."""
    video: Path | None = None
    """A video file, as a stream of photos."""
    camera: int | None = None
    """Number of a camera, from 0 on; Ctrl-C ends it."""
    every: int = 1
    """Of a video or camera, look at every so many-th frame."""
    frames: int | None = None
    """Of a video or camera, look at so many frames at most."""
    row: Literal["facenet", "sphereface", "deepface-small"] = "facenet"
    """Whose network."""
    weights: Path | None = None
    """.npz of another network of that row, with its .json beside it."""
    false_accept_rate: float = 0.001
    """Of one comparison; the file beside the weights has a threshold for each of a few."""
    search: Literal["haar", "centered", "whole"] = "haar"
    """Where faces are, on the gallery's photos and the others: found by OpenCV's Haar cascade;
    centered as LFW's are; or each photo is a loose square crop of one."""
    output: Path | None = None
    """Folder for annotated pictures, one a photo, one a frame with faces; none without it."""
    json: Path | None = None
    """File for the answers."""
    overwrite: bool = False
    """Replace what is there in the way of `--output` or `--json`."""


def main(options: Identify) -> int:
    """Answer, and say how sure that is; returns the exit code."""
    from experiments.photos.identify_photos import identify

    try:
        return identify(options)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Identify, description=__doc__)))
