import json

import cv2
import pytest

from digitlab.apps.cli import run
from digitlab.bench.live import MEASURES, Endurance, Latency, LiveFigures, measure_steadiness
from digitlab.camera.synthetic import SyntheticPage


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A second and a half of a page that shows 42."""
    path = tmp_path_factory.mktemp("videos") / "page.avi"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (640, 480))
    assert writer.isOpened()
    with SyntheticPage("42", frames=45, realtime=False) as page:
        for frame in iter(page.read, None):
            writer.write(frame.image[:, :, ::-1])
    writer.release()
    return path


def test_many_frames_leave_nothing_behind():
    """The hour of `digitlab bench live`, short: ten digits that come and go."""
    found = MEASURES["endurance"](450)
    assert isinstance(found, Endurance)
    assert (found.frames, found.threads) == (450, 0)
    assert found.growth < 20.0
    assert 0.0 < found.oldest_ms < 5_000.0
    assert found.changes >= 8  # five digits, and nothing between them


def test_what_is_steady_in_a_video(video):
    found = measure_steadiness(video, "42", realtime=False)
    assert found.frames == 45
    assert found.share == 1.0
    assert found.others == ()
    assert measure_steadiness(video, "43", realtime=False).others == ("42",)


def test_the_command_says_so_and_answers_no_where_it_is_not(video, capsys):
    assert run(["bench", "live", "--video", str(video), "--expect", "43", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["every frame"]["others"] == ["42"]
    assert run(["bench", "live", "--video", str(video)]) == 2
    assert "need each other" in capsys.readouterr().err


def test_figures_stand_beside_what_is_asked():
    latency = Latency(3.0, 9.0, 20.0, 900, 0)
    figures = LiveFigures("a machine", latency, latency, Endurance(108_000, 300.0, 1.25, 0, 42.0, 720))
    rows = figures.rows()
    assert ["640×480, region, one core: median", "3.0 ms", "≤ 8 ms"] in rows
    assert ["  memory grew by", "1.2 MB", "≤ 5 MB"] in rows
