import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from digitlab.camera import VideoFile
from digitlab.errors import StorageError, UsageError
from digitlab.examples import paper_video
from digitlab.examples.paper_video import Shown, main, make_video

SMALL: dict[str, Any] = {"size": (160, 120), "fps": 20, "seconds_each": 0.3}


def frames(path):
    with VideoFile(path, realtime=False) as source:
        return np.array([frame.image for frame in iter(source.read, None)])


def test_the_truth_is_returned_and_written_beside_the_video(tmp_path):
    shown = make_video(tmp_path / "v.mp4", numbers=["20", "7"], seed=3, **SMALL)
    assert shown == [Shown(0, 6, "20"), Shown(6, 12, "7")]
    truth = json.loads((tmp_path / "v.json").read_text())
    assert truth == {
        "video": "v.mp4",
        "fps": 20,
        "size": [160, 120],
        "seed": 3,
        "shown": [{"first": 0, "end": 6, "text": "20"}, {"first": 6, "end": 12, "text": "7"}],
    }
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["v.json", "v.mp4"]


def test_the_picture_changes_where_the_truth_says(tmp_path):
    shown = make_video(tmp_path / "v.mp4", numbers=["20", "7"], **SMALL)
    pictures = frames(tmp_path / "v.mp4").astype(int)
    assert pictures.shape == (12, 120, 160, 3)
    change = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    assert change.argmax() + 1 == shown[1].first
    assert (change > 0).all()  # the hand never rests


def test_the_same_seed_gives_the_same_video(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_video(tmp_path / f"{name}.mp4", numbers=["4096"], seed=seed, **SMALL)
    a, b, c = (frames(tmp_path / f"{name}.mp4") for name in "abc")
    assert_array_equal(a, b)
    assert (a != c).any()


def test_a_number_shown_twice_is_written_twice(tmp_path):
    make_video(tmp_path / "v.mp4", numbers=["8", "8"], **SMALL)
    pictures = frames(tmp_path / "v.mp4").astype(int)
    assert np.abs(pictures[5] - pictures[6]).mean() > 2 * np.abs(pictures[4] - pictures[5]).mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numbers": []}, "no number"),
        ({"numbers": ["12", "x"]}, "'x' is not a number"),
        ({"size": (161, 120)}, "even"),
        ({"seconds_each": 0.0}, "0 seconds"),
        ({"seconds_each": float("nan")}, "seconds"),
        ({"fps": 0}, "frames per second"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_arguments_that_make_no_video_leave_no_file(tmp_path, change, message):
    with pytest.raises(UsageError, match=message):
        make_video(tmp_path / "v.mp4", **{"numbers": ["1"], **SMALL, **change})
    assert not list(tmp_path.iterdir())


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.mp4"):
        make_video(tmp_path / "v.json", numbers=["1"])


def test_a_video_that_was_not_stored_whole_is_no_video(tmp_path, monkeypatch):
    class Forgetful:
        real = paper_video.cv2.VideoWriter  # type: ignore[attr-defined]
        fourcc = staticmethod(real.fourcc)

        def __init__(self, *arguments):
            self.real = self.real(*arguments)

        def write(self, image):
            """Lose the frame without a word, as OpenCV does on a full disk."""

        def __getattr__(self, name):
            return getattr(self.real, name)

    monkeypatch.setattr(paper_video.cv2, "VideoWriter", Forgetful)  # type: ignore[attr-defined]
    with pytest.raises(StorageError, match="0 of 6 frames"):
        make_video(tmp_path / "v.mp4", numbers=["1"], **SMALL)
    assert not list(tmp_path.iterdir())


def test_the_command_says_where_and_what(tmp_path, capsys):
    path = tmp_path / "v.mp4"
    assert main([str(path), "--numbers", "42", "7", "--seconds", "0.1"]) == 0
    assert capsys.readouterr().out == f"{path}\nframes 0 to 2: 42\nframes 3 to 5: 7\n"


def test_the_command_refuses_on_stderr(tmp_path, capsys):
    assert main([str(tmp_path / "v.mp4"), "--numbers", "x"]) == 2
    assert capsys.readouterr().err.startswith("'x' is not a number")


def test_it_is_a_program():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "digitlab.examples.paper_video", "--help"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "handwritten numbers on paper" in " ".join(done.stdout.split())
