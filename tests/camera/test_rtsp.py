"""OpenCV's FFmpeg against a real RTSP server, ours."""

import importlib.util
import time
from pathlib import Path

import pytest

from digitlab.camera import NewestFrame, RtspStream, SourceState
from digitlab.errors import SourceError


@pytest.fixture
def server():
    spec = importlib.util.spec_from_file_location("rtsp_server", Path(__file__).with_name("rtsp_server.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.RtspServer() as running:
        yield running


def test_a_stream_is_read_and_closed(server):
    with RtspStream(server.address) as source:
        frames = [source.read() for _ in range(5)]
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert all(frame.image.std() < 3 for frame in frames)
    assert frames[-1].image.mean() > frames[0].image.mean() + 10
    assert source.read() is None


def test_a_server_that_is_killed_and_comes_back_is_read_again(server):
    with NewestFrame(RtspStream(server.address), reconnect=True) as frames:
        assert frames.get(timeout=15) is not None
        server.switch_off()
        while frames.state is SourceState.RUNNING:
            frames.get(timeout=0.05)
        assert frames.problem.startswith(server.address)
        server.switch_on()
        back = time.monotonic()
        while frames.reconnects == 0:
            assert time.monotonic() < back + 10
            frames.get(timeout=0.05)


def test_closing_does_not_wait_for_a_stream_that_froze(server):
    with NewestFrame(RtspStream(server.address)) as frames:
        assert frames.get(timeout=15) is not None
        server.frozen = True
        time.sleep(0.3)
        before = time.monotonic()
    assert time.monotonic() - before < 2.5
    server.switch_off()  # and FFmpeg's read comes back


def test_nobody_there(server):
    server.switch_off()
    with pytest.raises(SourceError, match=rf"^{server.address}: sent no stream"), RtspStream(server.address):
        pass
