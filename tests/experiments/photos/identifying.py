"""What the tests of identification share: faces that are bands of color, and a command on them.

A band of 20 columns is a face: its red is the angle, in degrees, of an embedding on the circle, so
squared distances are 2 - 2 cos(angle - angle). Green 255 makes it a place that only looks like one,
blue 255 a band of background.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import facenet_jax
from deepface_jax.config import AlignConfig
from experiments.alignment.face_canvas import PlacedCanvas
from experiments.identify import Identify, main
from experiments.photos.find_faces import Face, FaceFinder, Seen
from experiments.photos.photo_embedders import PhotoEmbedder

BAND, HEIGHT = 20, 30
THRESHOLD, RATE = 0.5, 0.01
POINT = {"squared_distance": THRESHOLD, "false_accept_rate": RATE, "true_accept_rate": 0.75}
STRICT = {"squared_distance": 0.01, "false_accept_rate": 1e-4, "true_accept_rate": 0.25}
FACTS = {"thresholds": [{"wanted": 0.001, **POINT}, {"wanted": 0.0001, **STRICT}]}
NOTHING, DOUBTFUL = (0, 0, 255), (0, 255, 0)


def distance(a, b):
    return 2 - 2 * np.cos(np.radians(a - b))


class BandFinder(FaceFinder):
    """Finds bands; notes the angles that it embedded."""

    embedded: list[int] = []

    def __init__(self, row="facenet", weights=None, where="haar", false_accept_rate=0.001):
        self.method = f"{row}{weights or ''}{where}"
        self.embedder = PhotoEmbedder(
            lambda faces: faces, 2, AlignConfig(), FACTS, Path("toy.npz"), facenet_jax
        )
        self.point = self.embedder.at(false_accept_rate)

    def look(self, photo):
        bands = [photo[:, x : x + BAND] for x in range(0, photo.shape[1], BAND)]
        return [
            PlacedCanvas(
                np.full((250, 250, 3), band[0, 0]), np.array([BAND * k + 9.5, 14.5]), float(BAND)
            )
            for k, band in enumerate(bands)
            if band[0, 0, 2] < 128
        ]

    def embed(self, photos):
        seen = []
        for photo in photos:
            faces = []
            for canvas in photo:
                angle = int(canvas.pixels[0, 0, 0])
                if canvas.pixels[0, 0, 1] < 128:
                    self.embedded.append(angle)
                    z = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))], np.float32)
                    faces.append(Face(canvas.center, canvas.side, z))
            seen.append(Seen(faces, len(photo) - len(faces)))
        return seen


def picture(*bands):
    """Angles, NOTHING or DOUBTFUL, from left to right."""
    colors = [(band, 0, 0) if isinstance(band, int) else band for band in bands]
    return np.array(colors, np.uint8)[None].repeat(HEIGHT, 0).repeat(BAND, 1)


def save(path, *bands):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(*bands)).save(path, "PNG")
    return path


def run(gallery, *photos, **options):
    return main(Identify(gallery, photos, **options))
