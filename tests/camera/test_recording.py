import json

import numpy as np
import pytest

from digitlab.camera import FrameRecorder, Recording, VideoFile
from digitlab.errors import SourceError, StorageError
from digitlab.values import Frame


@pytest.fixture
def recorded(tmp_path, greys):
    """A recording of frames at uneven times, one of them of another size."""
    folder = tmp_path / "kept"
    times = [0.0, 0.05, 0.06, 0.1, 0.2]
    with FrameRecorder(folder) as recorder:
        for number, time in enumerate(times):
            image = greys[number] if number != 3 else np.full((20, 30, 3), 24, np.uint8)
            recorder.add(Frame(image, captured=1000.0 + time, number=3 * number))
        assert recorder.frames == len(times)
    return folder


def played(folder, **how):
    with Recording(folder, **how) as source:
        return list(iter(source.read, None)), source


def test_a_recording_plays_as_it_was_recorded(recorded):
    frames, source = played(recorded, realtime=True)
    assert [round(float(frame.image.mean()) / 8) for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.image.shape for frame in frames[2:4]] == [(48, 64, 3), (20, 30, 3)]
    passed = np.array([frame.captured for frame in frames]) - frames[0].captured
    assert (passed >= np.array([0.0, 0.05, 0.06, 0.1, 0.2]) - 1e-3).all()
    assert source.length == 5
    assert source.rate == pytest.approx(1 / 0.045)


def test_a_recording_can_be_played_fast_and_again(recorded):
    source = Recording(recorded, realtime=False)
    for _ in range(2):
        with source:
            assert len(list(iter(source.read, None))) == 5


def test_players_of_videos_can_show_it(recorded):
    with VideoFile(recorded / "frames.mjpeg", realtime=False) as source:
        assert source.read().image.shape == (48, 64, 3)


def test_nothing_is_written_over(recorded):
    with pytest.raises(StorageError, match="choose another"):
        FrameRecorder(recorded)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        FrameRecorder(tmp_path / "file" / "below")


def test_a_power_cut_costs_the_last_frame_only(recorded, caplog):
    times = recorded / "frames.jsonl"
    times.write_text(times.read_text()[:-20])
    assert len(played(recorded, realtime=False)[0]) == 4
    assert "truncated" in caplog.text


def test_pictures_that_are_missing_are_named(recorded):
    pictures = recorded / "frames.mjpeg"
    pictures.write_bytes(pictures.read_bytes()[:-100])
    with pytest.raises(SourceError, match="frame 4 cannot be decoded"):
        played(recorded, realtime=False)
    pictures.unlink()
    with pytest.raises(SourceError, match=r"frames\.mjpeg"):
        played(recorded)


@pytest.mark.parametrize(
    "change",
    [
        {"time": -1.0},
        {"time": "x"},
        {"time": float("nan")},
        {"start": -1},
        {"start": 1.5},
        {"length": 0},
        {"length": 10**12},
        {"time": None},
        {"time": 10**400},
    ],
)
def test_lines_that_cannot_be_are_named(recorded, change):
    times = recorded / "frames.jsonl"
    lines = times.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | change)
    times.write_text("\n".join(lines))
    with pytest.raises(SourceError, match=r"frames\.jsonl, line 2: .* is not a frame"):
        played(recorded)


@pytest.mark.parametrize("text", ["", "[1, 2]\n", "\xff", "[" * 100_000])
def test_no_frame_at_all(recorded, text):
    (recorded / "frames.jsonl").write_bytes(text.encode("latin-1"))
    with pytest.raises(SourceError, match=r"frames\.jsonl"):
        played(recorded)


def test_other_keys_are_left_alone(recorded):
    times = recorded / "frames.jsonl"
    times.write_text(
        "".join(json.dumps(json.loads(line) | {"text": "42"}) + "\n" for line in times.read_text().splitlines())
    )
    assert len(played(recorded, realtime=False)[0]) == 5


@pytest.mark.parametrize("there", ["frames.jsonl", "frames.mjpeg"])
def test_half_a_recording_is_left_as_it_was(there, tmp_path):
    (tmp_path / there).write_text("")
    with pytest.raises(StorageError, match="exists; choose another name"):
        FrameRecorder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [there]
