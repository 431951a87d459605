"""Frames through the WebSocket."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from digitlab.apps.web.config import Limits

Digits = list[tuple[bytes, int]]
Start = Callable[..., AbstractContextManager]


def open_live(server, path: str = "/v1/live", **more: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}{path}", open_timeout=20, compression=None, proxy=None, **more)


def test_each_frame_is_read(server, photo: bytes, digits: Digits) -> None:
    expected = "".join(str(label) for _, label in digits[:3])
    with open_live(server) as live:
        for number in range(6):
            live.send(photo)
            answer = json.loads(live.recv(timeout=20))
            assert (answer["frame"], answer["text"], answer["error"]) == (number, expected, None)
            assert (answer["width"], answer["height"], len(answer["digits"])) == (640, 480, 3)
        until = time.monotonic() + 10
        while answer["steady"] is None and time.monotonic() < until:  # by the clock: six frames may come at once
            live.send(photo)
            answer = json.loads(live.recv(timeout=20))
        assert (answer["steady"], answer["drawing"]) == (expected, False)
        assert answer["latency_ms"] >= answer["ms"] * 0.5


def test_frames_may_show_one_digit(server, digits: Digits) -> None:
    with open_live(server, "/v1/live?mode=digit") as live:
        for content, label in digits[:3]:
            live.send(content)
            answer = json.loads(live.recv(timeout=20))
            assert (answer["text"], answer["digits"][0]["digit"]) == (str(label), label)
            assert max(answer["probabilities"]) == answer["probabilities"][label]
            assert (answer["width"], answer["digits"][0]["box"]) == (28, [0, 0, 28, 28])
        live.send(b"no picture")
        assert "not a picture" in json.loads(live.recv(timeout=20))["error"]
    with open_live(server, "/v1/live?mode=other") as live:
        assert closed_with(live) == 1008


def test_a_connection_outlives_the_patience_with_headers(start: Start, digits: Digits) -> None:
    with start(limits=Limits(header_seconds=0.4)) as server, open_live(server, "/v1/live?mode=digit") as live:
        for content, label in digits[:3]:
            live.send(content)
            assert json.loads(live.recv(timeout=20))["text"] == str(label)
            time.sleep(0.6)


def test_the_newest_frame_wins(server, photo: bytes) -> None:
    with open_live(server) as live:
        for _ in range(60):
            live.send(photo)
        answers = [json.loads(live.recv(timeout=20))]
        while answers[-1]["frame"] < 59:
            answers.append(json.loads(live.recv(timeout=20)))
        frames = [answer["frame"] for answer in answers]
        assert frames == sorted(set(frames))
        assert len(frames) + answers[-1]["skipped"] == 60
        assert len(frames) < 60


def test_what_is_no_picture_is_said_and_the_next_is_read(server, photo: bytes) -> None:
    with open_live(server, "/v1/live?model=reader") as live:
        live.send(b"no picture")
        assert "not a picture" in json.loads(live.recv(timeout=20))["error"]
        live.send(photo)
        assert json.loads(live.recv(timeout=20))["error"] is None


def closed_with(live: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        live.recv(timeout=20)
    return closed.value.rcvd.code


def test_texts_unknown_models_and_huge_frames_end_it(server) -> None:
    with open_live(server) as live:
        live.send("text")
        assert closed_with(live) == 1008
    with open_live(server, "/v1/live?model=../reader") as live:
        assert closed_with(live) == 1008
    with open_live(server) as live:
        with contextlib.suppress(ConnectionClosed):  # the server may hang up while we still send
            live.send(bytes(Limits().frame_bytes + 1))
        assert closed_with(live) == 1009


def test_a_long_name_in_any_script_is_refused_with_a_reason(server) -> None:
    for name in ("é" * 60, "山" * 60):
        with open_live(server, f"/v1/live?model={quote(name)}") as live, pytest.raises(ConnectionClosed) as closed:
            live.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason[:20]) == (1008, f"there is no model '{name[0]}")


@pytest.mark.parametrize("kind", [ZeroDivisionError, RuntimeError, TimeoutError])
def test_a_mistake_of_ours_is_logged_and_the_others_read_on(
    server, kind: type[Exception], photo: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise kind

    with open_live(server) as other:
        with monkeypatch.context() as broken:
            broken.setattr("digitlab.apps.web.live._read_page", fail)
            with open_live(server) as live:
                live.send(photo)
                with pytest.raises(ConnectionClosed):
                    live.recv(timeout=20)
        assert "internal error in a WebSocket of /v1/live" in caplog.text
        assert kind.__name__ in caplog.text
        other.send(photo)
        assert json.loads(other.recv(timeout=20))["error"] is None


def test_a_camera_may_be_turned(server, photo: bytes, as_file: Callable[..., bytes]) -> None:
    lying = np.asarray(Image.open(io.BytesIO(photo)))
    upright = as_file(np.ascontiguousarray(np.rot90(lying)), "JPEG")
    with open_live(server) as live:
        for frame in (photo, photo, upright, upright, upright, photo, photo):
            live.send(frame)
            assert json.loads(live.recv(timeout=20))["error"] is None
            time.sleep(0.05)


def test_pages_of_others_are_refused(server) -> None:
    for origin in ("http://evil.example", f"http://127.0.0.1:{server.port + 1}", "null"):
        with pytest.raises(InvalidStatus) as refused:
            open_live(server, origin=origin)
        assert refused.value.response.status_code == 403
    with open_live(server, origin=f"http://127.0.0.1:{server.port}"):
        pass
    with pytest.raises(InvalidStatus):
        open_live(server, "/v1/other")


def test_the_token_is_asked_for(start: Start, photo: bytes) -> None:
    with start(token="correct-horse") as server:  # noqa: S106
        with pytest.raises(InvalidStatus):
            open_live(server)
        with open_live(server, additional_headers={"Authorization": "Bearer correct-horse"}) as live:
            live.send(photo)
            assert json.loads(live.recv(timeout=20))["digits"]


def test_clients_beyond_the_limit_are_sent_away_and_places_come_back(start: Start, photo: bytes) -> None:
    with start(limits=Limits(live_clients=2)) as server:
        with open_live(server) as first, open_live(server) as second:
            first.send(photo)
            second.send(photo)
            first.recv(timeout=20)
            second.recv(timeout=20)
            with open_live(server) as third:
                assert closed_with(third) == 1013
        time.sleep(0.3)
        with open_live(server) as live:
            live.send(photo)
            assert json.loads(live.recv(timeout=20))["digits"]


def test_the_server_ends_with_clients_there(start: Start, photo: bytes) -> None:
    with ExitStack() as clients:
        with start() as server:
            live = clients.enter_context(open_live(server))
            live.send(photo)
            live.recv(timeout=20)
        assert closed_with(live) == 1012


def test_a_frame_for_which_there_is_no_room_now_is_not_called_too_large(start: Start, photo: bytes) -> None:
    with start(limits=Limits(all_bytes=len(photo) - 1)) as server, open_live(server) as live:
        live.send(photo)
        with pytest.raises(ConnectionClosed) as closed:
            live.recv(timeout=20)
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "the server is busy; try again later")


def answers_of(live: ClientConnection) -> list[str | bytes]:
    return [live.recv(timeout=20) for _ in range(2000)]


def test_a_flood_of_frames_or_pings_is_cut_and_a_camera_is_not(server, digits: Digits) -> None:
    for flood in ("frames", "pings"):
        with open_live(server, "/v1/live?mode=digit") as live:
            with contextlib.suppress(ConnectionClosed, OSError):  # it may hang up while we still send
                for _ in range(2000):
                    if flood == "pings":
                        live.ping()
                    else:
                        live.send(b"x")
            with pytest.raises(ConnectionClosed) as closed:
                answers_of(live)
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1008
    with open_live(server, "/v1/live?mode=digit") as live:
        for _ in range(90):  # in less than a second
            live.send(digits[0][0])
        assert json.loads(live.recv(timeout=20))["text"] == str(digits[0][1])
