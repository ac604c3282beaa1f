"""How many faces a second a linear representation embeds."""

import time

import numpy as np

from eigenfaces.model import FaceSpace, project

BATCH, REPEATS = 512, 5


def projection_speed(pixels: int, components: int) -> float:
    """Faces per second from pixels to weights, in batches of 512, by the median of five.

    The time depends on the sizes alone, so random faces and a random space serve.
    """
    rng = np.random.default_rng(0)
    faces = rng.random((BATCH, pixels), np.float32)
    space = FaceSpace(
        mean=faces[0],
        eigenfaces=rng.random((components, pixels), np.float32),
        eigenvalues=np.ones(components, np.float32),
    )
    np.asarray(project(space, faces))  # compiles
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        np.asarray(project(space, faces))
        seconds.append(time.perf_counter() - start)
    return BATCH / float(np.median(seconds))
