"""Align faces as DeepFace's network wants them: 152 x 152, frontalized.

    python -m experiments.align photo.jpg aligned
    python -m experiments.align photos aligned --stage 2d
    python -m experiments.align lfw aligned

INPUT is a photo, a folder tree of photos (jpg, jpeg, png), or `lfw`. OUTPUT gets the aligned faces
in the same tree, `report.csv` with a row a photo, and `contact_sheet.jpg` with the first of them. A
face that cannot be frontalized is aligned in 2D, or cropped: the report says which and why. A run
that was interrupted goes on; a photo is done again when it or the method has changed.

The exit code is 1 where a file is no whole picture (it is reported; all others are aligned).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from deepface_jax.config import AlignConfig


@dataclass(frozen=True)
class Align:
    """Align faces: a photo, a folder tree of photos, or Labeled Faces in the Wild."""

    input: Annotated[str, tyro.conf.Positional]
    """A photo, a folder, or `lfw`: the copy that LFW_DIR names, or else is found or downloaded."""
    output: Annotated[Path, tyro.conf.Positional]
    """Folder for the aligned faces; made if it is not there."""
    stage: Literal["crop", "2d", "3d"] = "3d"
    """Center crop only, 2D alignment only, or frontalization."""
    residual: bool = True
    """Keep each face's own shape."""
    blending: bool = True
    """Replace what is hidden by its mirror image."""
    covariance: bool = True
    """Weigh the fiducials by Sigma."""
    search: Literal["auto", "haar", "centered", "whole"] = "auto"
    """Where the face is: found by OpenCV's Haar cascade; centered as LFW's are; or the photo is a
    loose square crop of it. `auto`: centered for `lfw`, else haar."""
    faces: Literal["largest"] = "largest"
    """Which of several faces to align."""
    format: Literal["png", "jpg"] = "png"
    """Of the aligned faces; JPEG's quality is 95."""

    @property
    def config(self) -> AlignConfig:
        """The alignment that the switches ask for."""
        return AlignConfig(
            stage=self.stage,
            residual=self.residual,
            blending=self.blending,
            covariance=self.covariance,
        )

    @property
    def where(self) -> Literal["haar", "centered", "whole"]:
        """Where to look for the faces."""
        if self.search == "auto":
            return "centered" if self.input == "lfw" else "haar"
        return self.search


def main(options: Align) -> int:
    """Align all photos and say what became of them; returns the exit code."""
    from experiments.alignment.align_photos import align_photos

    try:
        return align_photos(options)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Align, description=__doc__)))
