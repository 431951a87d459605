"""Each state has words of its own, that can be read out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from digitlab.apps.desktop.status_text import (
    condition,
    how_old,
    mode_of,
    percent_of,
    shown_digit,
    shown_probabilities,
    source_name,
    what_is_read,
)
from digitlab.values import ReadDigit, Reading

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
    ({"state": "ended", "problem": "cannot write it", "only_warning": True}, "The end", "stopped"),
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


def test_the_bars_show_the_confidence_that_is_said_beside_them(
    snapshot: Callable[..., Snapshot], track: Callable[..., Any]
) -> None:
    """A frame in which a digit is doubted for once changes neither the mean nor the bars."""
    from dataclasses import replace

    this_frame = (0.0, 0.42, *(0.0,) * 5, 0.58, 0.0, 0.0)
    own = replace(track(7, (5, 5, 30, 40)), score=0.96)
    other = replace(track(1, (50, 5, 70, 40), 2), probabilities=(0.0, 0.99, *(0.0,) * 7, 0.01), score=0.8)
    one = snapshot(mode="page", tracks=(own,), probabilities=this_frame)
    assert what_is_read(one) == f"mean confidence {percent_of(max(shown_probabilities(one)))}" == "mean confidence 87%"
    digits = tuple(ReadDigit(each.digit, each.confidence, each.box, 0) for each in (own, other))
    two = snapshot(
        mode="page", tracks=(own, other), probabilities=this_frame, steady="71", reading=Reading(digits, 1.0)
    )
    assert shown_digit(two) == digits[0]
    assert shown_probabilities(two) == shown_probabilities(one), "of the digit that is shown, not of the least sure"
    unsure = snapshot(mode="page", tracks=(replace(own, digit=None),), probabilities=this_frame, steady=None)
    assert shown_probabilities(unsure) == this_frame


def test_which_of_many_sure_digits_is_shown_does_not_change_with_every_frame(snapshot: Callable[..., Any]) -> None:
    boxes = [(10 * place, 0, 10 * place + 8, 12) for place in range(3)]
    for confidences in ((0.991, 0.994, 0.9), (0.993, 0.992, 0.9)):
        digits = tuple(
            ReadDigit(place, confidence, box, 0)
            for place, (confidence, box) in enumerate(zip(confidences, boxes, strict=True))
        )
        shown = shown_digit(snapshot(mode="page", reading=Reading(digits, 1.0)))
        assert shown is not None
        assert shown.digit == 0


@pytest.mark.parametrize(("seconds", "words"), [
    (0.0, "old: this was less than a second ago"), (0.99, "old: this was less than a second ago"),
    (1.2, "old: this was a second ago"), (1.6, "old: this was 2 seconds ago"), (89.0, "old: this was 89 seconds ago"),
    (120.0, "old: this was 2 minutes ago"),
])  # fmt: skip
def test_how_old_is_said_in_words_that_fit(snapshot: Callable[..., Snapshot], seconds: float, words: str) -> None:
    assert how_old(snapshot(stale=True, last=("7", seconds))) == words


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
