"""Each state has words of its own, that can be read out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from digitlab.apps.desktop.status_text import condition, mode_of, source_name, what_is_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.snapshot import Snapshot


@pytest.mark.parametrize(("changes", "words", "kind"), [
    ({}, "Running", "good"),
    ({"frame": None, "problem": "mode thesis needs another model"}, "Cannot read", "warning"),
    ({"paused": True}, "Paused", "stopped"),
    ({"state": "connecting"}, "Connecting …", "waiting"),
    ({"state": "stalled", "age_ms": 3400.0}, "No picture for 3 s", "warning"),
    ({"state": "reconnecting"}, "Reconnecting …", "warning"),
    ({"state": "reconnecting", "captured": 0, "frame": None}, "Waiting for the camera …", "warning"),
    ({"state": "ended"}, "The end", "stopped"),
    ({"state": "ended", "problem": "there is no camera 7"}, "No picture", "warning"),
    ({"state": "a new one"}, "No picture", "warning"),
])  # fmt: skip
def test_words(snapshot: Callable[..., Snapshot], changes: dict[str, Any], words: str, kind: str) -> None:
    now = condition(snapshot(**changes))
    assert (now.words, now.kind) == (words, kind)
    assert now.is_good or now.sentence


def test_a_problem_is_said_as_one_sentence(snapshot: Callable[..., Snapshot]) -> None:
    now = condition(snapshot(state="reconnecting", problem="phone:4747\n refuses  the connection"))
    assert now.sentence == "phone:4747 refuses the connection."


def test_where_it_is_over_the_way_on_is_named(snapshot: Callable[..., Snapshot]) -> None:
    now = condition(snapshot(state="ended", problem="there is no camera 7"))
    assert "there is no camera 7. F5 retries" in now.sentence


def test_nothing_is_called_a_hundred_percent_that_is_not(
    snapshot: Callable[..., Snapshot], track: Callable[..., Any]
) -> None:
    from dataclasses import replace

    seven = track(7, (0, 0, 9, 9))
    nearly = replace(seven, probabilities=(0.9996, *(0.0,) * 9))
    assert what_is_read(snapshot(tracks=(nearly,))) == "mean confidence >99%"
    assert what_is_read(snapshot(tracks=(nearly, seven))) == "2 digits, lowest mean confidence 91%"


@pytest.mark.parametrize(("source", "name"), [
    ("0", "0"), ("/a@b/c.mp4", "/a@b/c.mp4"), ("http://phone:4747/video", "http://phone:4747/video"),
    ("rtsp://a:p@ss@10.0.0.7:554/x@y", "rtsp://10.0.0.7:554/x@y"), ("ice:cameraA:tcp -h x", "ice:cameraA:tcp -h x"),
    ("http://user@host", "http://host"),
])  # fmt: skip
def test_names_without_passwords(source: str, name: str) -> None:
    assert source_name(source) == name


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        ("0", "thesis"), ("/dev/video2", "thesis"), ("http://phone:80/video", "thesis"), ("RTSP://phone/a", "thesis"),
        ("ice:cameraA:tcp -h localhost -p 9999", "thesis"), ("ros:ws://robot:9090/image", "thesis"),
        ("page.mp4", "page"), ("./0", "page"), ("/films/a page.avi", "page"), ("pictures/", "page"),
        ("synthetic:6885/42", "page"),
    ],
)  # fmt: skip
def test_films_and_pictures_are_read_whole_and_cameras_as_the_last_time(source: str, mode: str) -> None:
    assert mode_of(source, "thesis") == mode
