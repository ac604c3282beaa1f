"""A video as a stream of photos."""

import cv2
import numpy as np
import pytest

from experiments.photos import identify_photos
from experiments.photos.frames import FrameError, frames
from tests.experiments.photos.identifying import NOTHING, BandFinder, picture, run, save

RATE = 5.0
SIZE = (30, 40)  # of the pictures that are counted


def video(path, pictures):
    height, width = pictures[0].shape[:2]
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), code, RATE, (width, height))
    assert writer.isOpened()
    for one in pictures:
        writer.write(np.ascontiguousarray(one[..., ::-1]))
    writer.release()
    return path


@pytest.fixture
def clip(tmp_path):
    """Eleven frames, each with its number, times 20, in red."""
    return video(
        tmp_path / "clip.avi",
        [np.full((*SIZE, 3), (20 * number, 60, 120), np.uint8) for number in range(11)],
    )


@pytest.mark.parametrize(("every", "most"), [(1, None), (3, None), (3, 2), (20, None), (2, 50)])
def test_every_so_many_frames(clip, every, most):
    given = list(frames(clip, every=every, most=most))
    wanted = list(range(0, 11, every))[:most]
    assert [frame.number for frame in given] == wanted
    for frame in given:
        assert frame.pixels.shape == (*SIZE, 3)
        mean = frame.pixels.mean((0, 1))
        np.testing.assert_allclose(mean, (20 * frame.number, 60, 120), atol=6)
        assert frame.seconds == pytest.approx(frame.number / RATE)


def test_what_is_no_video_is_named(tmp_path):
    with pytest.raises(FrameError, match="no.avi is no file"):
        list(frames(tmp_path / "no.avi"))
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(FrameError, match=r"text\.avi (cannot be opened|has no frame)"):
        list(frames(tmp_path / "text.avi"))


def test_a_camera_is_named_by_its_number(monkeypatch):
    asked = []

    class Camera:
        left = 4

        def __init__(self, source):
            asked.append(source)

        def isOpened(self):
            return asked[-1] == 2

        def get(self, what):
            return 0.0

        def grab(self):
            self.left -= 1
            return self.left >= 0

        def retrieve(self):
            return True, np.full((4, 6, 3), (1, 2, 3), np.uint8)

        def release(self):
            asked.append("released")

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    given = list(frames(2, every=2))
    assert [frame.number for frame in given] == [0, 2]
    assert given[0].pixels[0, 0].tolist() == [3, 2, 1]
    assert 0 <= given[0].seconds <= given[1].seconds
    with pytest.raises(FrameError, match="camera 7 cannot be opened"):
        list(frames(7))
    assert asked == [2, "released", 7, "released"]


def test_the_command_answers_frame_by_frame(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CLASSIC_FACES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(identify_photos, "FaceFinder", BandFinder)
    people = tmp_path / "people"
    save(people / "Ann" / "a.png", 10)
    save(people / "Ben" / "b.png", 120)
    empty, ann, both = (NOTHING, NOTHING), (14, NOTHING), (116, 200)
    clip = video(tmp_path / "clip.avi", [picture(*one) for one in (empty, ann, both, ann, both)])
    out = tmp_path / "out"
    assert run(people, video=clip, every=2, output=out) == 0
    lines = capsys.readouterr().out.splitlines()[3:]
    assert "clip, frame 2 (0.40 s), face 1 of 2: Ben," in lines[0]
    assert "clip, frame 2 (0.40 s), face 2 of 2: unknown," in lines[1]
    assert len(lines) == 5 and lines[-1] == "clip: 3 frames looked at, 2 of them with faces"
    assert sorted(p.name for p in out.iterdir()) == ["clip_frame000002.jpg", "clip_frame000004.jpg"]
    assert run(people, video=clip, every=1, output=out) == 1
    assert "2 files are there already" in capsys.readouterr().err
    assert run(people, video=clip, frames=2) == 0
    assert "2 frames looked at, 1 of them" in capsys.readouterr().out
