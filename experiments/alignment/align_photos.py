"""Read, find, align and write the faces of many photos, a batch at a time.

Each photo has a key: its content, where the face was looked for, the configuration, the format of
the output, and the code and weights that align. What the report has under the same key is not done
again.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import UInt8

from common import images
from common.data.lfw_folder import first_five
from common.data.locking import locked
from common.data.progress import note, progress
from common.landmarks import crops
from common.landmarks.crops import lfw_squares
from common.landmarks.predict import Landmarker, Outcome
from deepface_jax.aligner import AlignedFaces, Aligner
from deepface_jax.fallback import Fallback
from experiments.alignment import face_canvas
from experiments.alignment.align_report import UNREADABLE, Report, Row, print_counts, printable
from experiments.alignment.align_sources import AlignError, Photo, find_photos, output_names
from experiments.alignment.aligned_faces import alignment_digest
from experiments.alignment.contact_sheet import Pair, contact_sheet
from experiments.alignment.face_canvas import FaceCanvas, Where

if TYPE_CHECKING:
    from experiments.align import Align

BATCH = 16
"""Faces aligned at once, however few there are: so no photo depends on how many came with it."""
JPEG_QUALITY = 95
REPORT, SHEET = "report.csv", "contact_sheet.jpg"
SHOWN = 64
"""How many faces the contact sheet shows."""

ALIGNED = "aligned"
_WORDS = {
    Fallback.NONE: ALIGNED,
    Fallback.TWO_D_POSE: "turned too far",
    Fallback.TWO_D_CAMERA: "no camera fits",
    Fallback.CROP_OUTSIDE: "landmarks outside",
    Fallback.CROP_LANDMARKS: "no landmarks",
    Fallback.CROP_PIXELS: "pixels not finite",
}
_WHY_NO_LANDMARKS = {Outcome.BLANK: ": blank", Outcome.UNSTABLE: ": two looks disagree"}


class Job(NamedTuple):
    """One photo, and where its aligned face goes."""

    photo: Photo
    target: Path


class Looked(NamedTuple):
    """What was seen of a photo."""

    job: Job
    key: str
    canvas: FaceCanvas | None
    """None where there is nothing to align."""
    problem: str
    """Why the file is unreadable; empty where all is well."""


def align_photos(options: "Align") -> int:
    """Align all photos of a command; returns the exit code.

    Raises:
      ValueError: there is nothing to align, or the output cannot be used.
      OSError: a folder cannot be read.
    """
    output = options.output.expanduser().absolute()
    photos, others = find_photos(options.input, output)
    names = output_names(photos, f".{options.format}", [REPORT, SHEET])
    jobs = [Job(photo, output / name) for photo, name in zip(photos, names, strict=True)]
    if others:
        named = printable(first_five(others))
        note(f"passing over {len(others)} files that are not jpg or png: {named}")
    try:
        output.mkdir(parents=True, exist_ok=True)
        with locked(output / REPORT), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")  # damaged files are reported
            run = _Run(options, jobs, Report(output / REPORT))
            run.align()
            run.draw(output / SHEET)
    except OSError as error:
        # A lock's errors speak of the cache, where locks mostly are; what is behind one does not.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        where = cause.filename or options.output
        raise AlignError(f"{where} cannot be written ({cause.strerror or cause})") from error
    return run.say(options.output)


class _Run:
    """All photos of one command."""

    def __init__(self, options: "Align", jobs: Sequence[Job], report: Report):
        self.config = options.config
        self.where: Where = options.where
        self.jobs, self.report = jobs, report
        self.canvases: dict[str, UInt8[np.ndarray, "250 250 3"]] = {}  # of the contact sheet
        self.shown = {job.photo.name for job in jobs[:SHOWN]}
        self.made, self.refused = 0, 0
        asked = json.dumps([asdict(self.config), self.where, options.format])
        parts = [alignment_digest(), asked.encode()]
        parts += [Path(str(one.__file__)).read_bytes() for one in (crops, images, face_canvas)]
        self.method = hashlib.sha256(b"\0".join(parts)).digest()

    @cached_property
    def aligner(self) -> Aligner:
        landmarker = Landmarker.load(batch=BATCH)
        return Aligner(landmarker, config=self.config, batch=BATCH)

    def align(self) -> None:
        """Align what is not done yet."""
        self.report.rewrite(list(self.report.rows.values()))  # a torn last line is gone with it
        waiting: list[Looked] = []
        with progress("Aligning faces", len(self.jobs)) as advance, ThreadPoolExecutor(2) as pool:
            for start in range(0, len(self.jobs), BATCH):
                for looked in pool.map(self.look, self.jobs[start : start + BATCH]):
                    if looked.canvas is not None:
                        waiting.append(looked)
                        continue
                    if looked.problem:
                        self.refuse(looked)
                    advance(1)
                while len(waiting) >= BATCH:
                    self.finish(waiting[:BATCH])
                    del waiting[:BATCH]
                    advance(BATCH)
            if waiting:
                self.finish(waiting)
                advance(len(waiting))
        mine = {job.photo.name for job in self.jobs}
        others = [row for row in self.report.rows.values() if row.image not in mine]
        self.report.rewrite([*self.rows(), *others])

    def look(self, job: Job) -> Looked:
        """Read a photo and find its face, unless that is done; called from several threads."""
        name, key = job.photo.name, ""  # without a key, where not even the bytes can be had
        try:
            data = job.photo.path.read_bytes()
            key = hashlib.sha256(self.method + data).hexdigest()
            before = self.report.rows.get(name)
            if before and before.key == key and job.target.exists():
                return Looked(job, key, None, "")
            photo = face_canvas.read_photo(data, name)
        except ValueError as error:
            return Looked(job, key, None, str(error))
        except OSError as error:
            return Looked(job, key, None, f"{name} cannot be read ({error.strerror})")
        return Looked(job, key, face_canvas.face_canvas(photo, self.where), "")

    def finish(self, some: Sequence[Looked]) -> None:
        """Align a batch, write its faces, then report them."""
        canvases = [looked.canvas for looked in some if looked.canvas is not None]
        aligned = self.aligner(np.stack([one.pixels for one in canvases]), lfw_squares(len(some)))
        rows = []
        for number, (looked, canvas) in enumerate(zip(some, canvases, strict=True)):
            _write(looked.job.target, aligned.images[number])
            rows.append(self.row(looked, canvas, aligned, number))
            if looked.job.photo.name in self.shown:
                self.canvases[looked.job.photo.name] = canvas.pixels
        self.report.add(rows)
        self.made += len(rows)

    def row(self, looked: Looked, canvas: FaceCanvas, aligned: AlignedFaces, number: int) -> Row:
        fallback = Fallback(int(aligned.status[number]))
        outcome = _WORDS[fallback]
        if fallback == Fallback.CROP_LANDMARKS:
            outcome += _WHY_NO_LANDMARKS.get(Outcome(int(aligned.outcome[number])), "")
        disagreement = float(aligned.disagreement[number])
        return Row(
            image=looked.job.photo.name,
            outcome=outcome,
            stage=fallback.stage if fallback else self.config.stage,
            faces="" if canvas.faces is None else str(canvas.faces),
            note="" if canvas.found is None else canvas.found.value,
            disagreement="" if np.isnan(disagreement) else f"{disagreement:.3f}",
            key=looked.key,
        )

    def refuse(self, looked: Looked) -> None:
        """Report an unreadable file; what an earlier content gave is no longer its face."""
        name = looked.job.photo.name
        if name in self.report.rows:
            looked.job.target.unlink(missing_ok=True)
        self.report.add([Row(name, UNREADABLE, "", "", looked.problem, "", looked.key)])
        self.refused += 1

    def rows(self) -> list[Row]:
        """The report of this command's photos, in their order."""
        return [self.report.rows[job.photo.name] for job in self.jobs]

    def draw(self, path: Path) -> None:
        """Write the contact sheet of the first faces."""
        if path.exists() and not self.made + self.refused:
            return
        pairs = []
        for job, row in zip(self.jobs[:SHOWN], self.rows(), strict=False):
            if row.outcome == UNREADABLE:
                continue
            canvas = self.canvases.get(row.image)
            if canvas is None:  # aligned by an earlier run
                photo = face_canvas.read_photo(job.photo.path.read_bytes(), row.image)
                canvas = face_canvas.face_canvas(photo, self.where).pixels
            face = images.decode_image(job.target.read_bytes(), str(job.target))
            caption = "" if row.outcome == ALIGNED else f"{row.stage}: {row.outcome}"
            pairs.append(Pair(canvas, face, caption))
        if pairs:
            _write(path, contact_sheet(pairs))

    def say(self, output: Path) -> int:
        """Print what became of the photos; returns the exit code."""
        print_counts(self.rows())
        before = len(self.jobs) - self.made - self.refused
        print(f"{self.made:,} done now, {before:,} before; the faces are in {printable(output)}")
        bad = [row.note for row in self.rows() if row.outcome == UNREADABLE]
        if bad:
            said = printable(first_five(bad))
            note(f"error: {len(bad)} of {len(self.jobs)} files are unreadable: {said}")
        return 1 if bad else 0


def _write(path: Path, pixels: UInt8[np.ndarray, "height width 3"]) -> None:
    """Write a picture, whole or not at all; its name says how."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    _, data = cv2.imencode(path.suffix, pixels[..., ::-1], quality)
    part = path.with_name(".part")
    part.write_bytes(data.tobytes())
    os.replace(part, path)
