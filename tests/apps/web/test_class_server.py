"""A class over HTTP: what pupils and the teacher may ask, thirty at once, and a pupil who means harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from classroom import NAMES, Lesson, strokes_of

pytest.importorskip("fastapi")

from digitlab.apps.web import trainings
from digitlab.apps.web.access import Access
from digitlab.apps.web.classroom import ClassLimits, Classroom
from digitlab.apps.web.classroom.serving import ClassServing
from digitlab.apps.web.config import Limits
from digitlab.apps.web.models import Models
from digitlab.errors import UsageError

TOKEN = "correct-horse"  # noqa: S105 - of a server for a test
TEACHER = {"Authorization": f"Bearer {TOKEN}"}
SEVEN = strokes_of(7, seed=1)[-1]


@dataclass
class Class:
    """A server with a class."""

    server: Any
    room: Classroom
    log: list[str]

    def client(self, **more: Any) -> httpx.Client:
        return self.server.client(**more)

    def pupil(self, name: str) -> httpx.Client:
        """A client that has joined."""
        with self.client() as asking:
            joined = asking.post("/v1/pupil", json={"code": self.room.code, "name": name})
            assert joined.status_code == 201, joined.text
        return self.client(headers={"Authorization": f"Pupil {joined.json()['key']}"})


@pytest.fixture
def open_class(start: Callable[..., Any], models: Models, tmp_path: Path) -> Iterator[Callable[..., Class]]:
    """A class on a server of its own, with other limits where they are given."""
    with contextlib.ExitStack() as stack:

        def begin(limits: ClassLimits | None = None) -> Class:
            room, log = Classroom(limits), []
            reader = models.get("reader").reader
            serving = ClassServing(
                room, reader, Limits(), data=tmp_path / "class.npz", addresses=["http://192.168.1.5:8321"]
            )
            server = stack.enter_context(start(token=TOKEN, class_=serving, log=log.append))
            return Class(server, room, log)

        yield begin


def shown(client: httpx.Client) -> dict[str, Any]:
    """The tile of the newest pupil, as soon as what is on it is read."""
    with client.stream("GET", "/v1/class/events", headers=TEACHER) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: [{"):
                tile = json.loads(line[6:])[-1]
                if tile["shown"] and tile["shown"]["read"]:
                    return tile
    raise AssertionError("the stream ended")


def test_from_joining_to_the_file_by_writer(open_class: Callable[..., Class], tmp_path: Path) -> None:
    from digitlab.jobs.practice import by_writer

    there = open_class()
    with there.client(headers=TEACHER) as teacher, there.pupil("Ana") as ana, there.pupil("<b>Emil</b>") as emil:
        assert teacher.post("/v1/class", json={"task": 7}).json()["task"] == 7
        assert ana.get("/v1/pupil").json() == {"name": "Ana", "label": 7, "drawings": []}
        assert emil.post("/v1/pupil/sketch", content=SEVEN).json() == {"number": 1}
        tile = shown(teacher)
        assert (tile["name"], tile["shown"]["answer"], tile["shown"]["handed_in"]) == ("<b>Emil</b>", 7, False)
        for pupil in (ana, emil):
            told = pupil.post("/v1/pupil/drawings?label=7", content=SEVEN)
            assert (told.status_code, told.json()["drawings"]) == (201, [{"number": 1, "label": 7, "answer": 7}])
        assert list(tmp_path.iterdir()) == [], "nothing is kept before the teacher says so"
        kept = teacher.post("/v1/class/keep").json()
        assert (kept["file"], kept["unkept"], kept["drawings"]) == ("class.npz", 0, 2)
        found = by_writer(tmp_path / "class.npz")
        assert {each.writer: each.right for each in found.scores} == {"Ana": 1, "<b>Emil</b>": 1}
        assert ana.delete("/v1/pupil/drawings/1").json()["drawings"] == []
        state = teacher.get("/v1/class").json()
        assert (state["unkept"], state["removed"]) == (0, 1), "the wall says what is still in the file"
        state = teacher.post("/v1/class/keep").json()
        assert (state["drawings"], state["removed"]) == (1, 0)
        with np.load(tmp_path / "class.npz", allow_pickle=False) as held:
            assert held["writers"].tolist() == ["<b>Emil</b>"]
        again = teacher.delete("/v1/class").json()
        assert (again["pupils"], again["drawings"], again["code"] != kept["code"]) == (0, 0, True)
        assert emil.get("/v1/pupil").status_code == 401
        with there.pupil("Zoé") as last:
            last.post("/v1/pupil/drawings?label=7", content=SEVEN)
        assert teacher.post("/v1/class/keep").json()["file"] == "class-2.npz", (
            "another class's file is not written over"
        )


def test_when_all_kept_drawings_are_removed_their_file_is_deleted(
    open_class: Callable[..., Class], tmp_path: Path
) -> None:
    there = open_class()
    with there.client(headers=TEACHER) as teacher, there.pupil("Ana") as ana:
        ana.post("/v1/pupil/drawings?label=0", content=SEVEN)
        teacher.post("/v1/class/keep")
        ana.delete("/v1/pupil/drawings/1")
        assert teacher.get("/v1/class").json()["removed"] == 1
        state = teacher.post("/v1/class/keep").json()
        assert (state["file"], state["drawings"], state["unkept"], state["removed"]) == (None, 0, 0, 0)
        assert list(tmp_path.iterdir()) == []
        assert teacher.post("/v1/class/keep").status_code == 422, "there is nothing to be kept, nor to be deleted"
        ana.post("/v1/pupil/drawings?label=1", content=SEVEN)
        assert teacher.post("/v1/class/keep").json()["file"] == "class.npz"
        teacher.delete("/v1/class")
        assert teacher.post("/v1/class/keep").status_code == 422
        assert (tmp_path / "class.npz").exists(), "the file of the class before stays"


def test_the_teacher_sees_and_removes(open_class: Callable[..., Class]) -> None:
    there = open_class()
    with there.client(headers=TEACHER) as teacher, there.pupil("Rude") as pupil:
        pupil.post("/v1/pupil/drawings?label=0", content=strokes_of(0, seed=1)[-1])
        found = teacher.get("/v1/class/pupils/1").json()
        assert (found["name"], found["drawings"][0]["answer"]) == ("Rude", 0)
        assert teacher.delete("/v1/class/pupils/1/name").json()["name"] == "Pupil 1"
        assert pupil.get("/v1/pupil").json()["name"] == "Pupil 1"
        assert teacher.delete("/v1/class/pupils/1/drawings/1").json()["drawings"] == []
        assert teacher.delete("/v1/class/pupils/1/drawings/1").status_code == 404
        assert teacher.delete("/v1/class/pupils/1").json()["pupils"] == 0
        assert pupil.post("/v1/pupil/sketch", content=SEVEN).status_code == 401
        state = teacher.get("/v1/class").json()
        assert [each["address"] for each in state["links"]] == ["http://192.168.1.5:8321/class"]
        assert state["links"][0]["link"].endswith(f"#{there.room.code}")


def test_a_file_that_could_not_be_written_is_not_named(open_class: Callable[..., Class], tmp_path: Path) -> None:
    there = open_class()
    with there.client(headers=TEACHER) as teacher, there.pupil("Ana") as ana:
        ana.post("/v1/pupil/drawings?label=0", content=SEVEN)
        tmp_path.rename(tmp_path.with_suffix(".gone"))
        tmp_path.write_text("a file where the folder was")
        refused = teacher.post("/v1/class/keep")
        assert refused.status_code == 422, refused.text
        state = teacher.get("/v1/class").json()
        assert (state["file"], state["unkept"]) == (None, 1)
        assert "no drawings have been kept yet" in teacher.post("/v1/class/training").text
        tmp_path.unlink()
        tmp_path.mkdir()
        state = teacher.post("/v1/class/keep").json()
        assert (state["file"], state["unkept"]) == ("class.npz", 0)


def test_an_address_or_a_name_of_a_phone_is_noted_nowhere(open_class: Callable[..., Class]) -> None:
    there = open_class()
    with there.pupil("Ana") as pupil:
        pupil.post("/v1/pupil/sketch", content=SEVEN, headers={"User-Agent": "Phone of Ana Maria"})
        pupil.get("/static/class/pupil.js")
        answer = pupil.get("/class")
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        with there.client(headers=TEACHER) as teacher:
            teacher.get("/v1/class")
    assert len(there.log) >= 5
    assert [line for line in there.log if "127.0.0.1" in line or "Ana" in line] == []


def test_without_a_class_there_is_none(client: httpx.Client) -> None:
    for path in ("/v1/class", "/v1/pupil", "/v1/pupil/events", "/v1/class/events"):
        assert client.get(path).status_code == 404
    with pytest.raises(UsageError, match="--token-file"):
        Access("127.0.0.1", None, pupils=True)


_STAND_IN = """
import json, shutil, sys
from digitlab.reading import resolve_model

sys.stdin.readline()
target = sys.stdin.readline().rstrip()
own = {"pupils": 1, "images": 4, "right": 3, "reader_right": 2} if sys.argv[1].endswith("class.npz") else None
shutil.copyfile(resolve_model(None), target)
print(json.dumps({"event": "done", "data": {"interrupted": False, "own": own}}), flush=True)
"""


def test_what_was_kept_is_trained_on(
    open_class: Callable[..., Class], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("keras")
    (tmp_path / "stand_in.py").write_text(_STAND_IN)
    monkeypatch.setattr(trainings, "_COMMAND", (sys.executable, str(tmp_path / "stand_in.py")))
    there = open_class()
    with there.client(headers=TEACHER) as teacher, there.pupil("Ana") as ana:
        assert teacher.post("/v1/class/training").status_code == 422, "nothing is kept yet"
        ana.post("/v1/pupil/drawings?label=0", content=SEVEN)
        teacher.post("/v1/class/keep")
        begun = teacher.post("/v1/class/training")
        assert begun.status_code == 201
        path, until = f"/v1/trainings/{begun.json()['id']}", time.monotonic() + 120
        while (state := teacher.get(path).json())["state"] not in ("done", "failed") and time.monotonic() < until:
            time.sleep(0.1)
        assert state["own"] == {"pupils": 1, "images": 4, "right": 3, "reader_right": 2}
        assert state["model"] in {each["name"] for each in teacher.get("/v1/models").json()["models"]}


# A pupil who means harm -----------------------------------------------------------------------------------------

NOT_FOR_PUPILS = (
    ("GET", "/"), ("GET", "/wall"), ("GET", "/static/index.html"), ("GET", "/static/class/wall.html"),
    ("GET", "/v1/class"), ("GET", "/v1/class/events"), ("POST", "/v1/class"), ("DELETE", "/v1/class"),
    ("POST", "/v1/class/keep"), ("POST", "/v1/class/training"), ("GET", "/v1/class/pupils/1"),
    ("DELETE", "/v1/class/pupils/1"), ("DELETE", "/v1/class/pupils/1/name"),
    ("DELETE", "/v1/class/pupils/1/drawings/1"), ("GET", "/v1/models"), ("POST", "/v1/read"),
    ("POST", "/v1/trainings"), ("GET", "/v1/trainings"), ("GET", "/metrics"), ("GET", "/v1/openapi.json"),
    ("GET", "/class/../v1/class"), ("GET", "/v1/pupil/../class"), ("GET", "/v1/pupil/%2e%2e/class"),
    ("GET", "/v1/pupil/..%2fclass"), ("GET", "/%2fv1/class"), ("GET", "/static/../v1/class"),
)  # fmt: skip


def test_a_pupils_key_opens_the_own_drawings_alone(open_class: Callable[..., Class]) -> None:
    there = open_class()
    with there.pupil("Ana") as ana, there.pupil("Eve") as eve:
        ana.post("/v1/pupil/drawings?label=0", content=SEVEN)
        key = eve.headers["Authorization"].partition(" ")[2]
        for scheme in ("Pupil", "Bearer"):
            for method, path in NOT_FOR_PUPILS:
                answer = eve.request(method, path, headers={"Authorization": f"{scheme} {key}"})
                assert answer.status_code in (401, 404, 405), (scheme, method, path, answer.status_code)
        for path in ("/?token=", "/wall?token="):
            assert eve.get(path + key).status_code == 401
            assert eve.get(path + there.room.code).status_code == 401
        assert eve.get("/v1/class", headers={"Cookie": f"digitlab-{there.server.port}={key}"}).status_code == 401
        assert eve.delete("/v1/pupil/drawings/1").status_code == 404, "Ana's is Ana's"
        assert [each.name for each in there.room.pupils] == ["Ana", "Eve"]
        assert len(there.room.pupils[0].drawings) == 1


def test_guesses_names_and_pictures_of_a_hostile_pupil(open_class: Callable[..., Class], as_file: Any) -> None:
    there = open_class(ClassLimits(guesses=(0.1, 40)))
    with there.pupil("Ana") as ana, there.pupil("Eve") as eve, there.client() as stranger:
        for name in ("ana", "ＡＮＡ", "Ana\u200b", "", "x" * 21, "\u202e", "x" * 100_000):
            answer = stranger.post("/v1/pupil", json={"code": there.room.code, "name": name})
            assert answer.status_code in (409, 413, 422), name[:20]
        statuses = [
            stranger.post("/v1/pupil", json={"code": f"AAAA-{each:04}", "name": "Mal"}).status_code
            for each in range(60)
        ]
        assert set(statuses) <= {403, 429}
        assert statuses.count(429) > 5
        for key in ("x", "' OR 1=1", "None", "1", "../1", "\xff" * 50):
            headers = {b"Authorization": f"Pupil {key}".encode("latin-1")}
            assert stranger.post("/v1/pupil/sketch", content=SEVEN, headers=headers).status_code == 401
        huge = as_file(np.zeros((3000, 3000), np.uint8))
        for content in (huge, SEVEN[:100], b"<svg onload=alert(1)>", b"GIF89a" + bytes(50)):
            assert eve.post("/v1/pupil/drawings?label=1", content=content).status_code in (409, 422, 429)
        thin = as_file(np.zeros((1, 76_800), np.uint8))
        assert eve.post("/v1/pupil/sketch", content=thin).status_code in (200, 422, 429)
        for content in (bytes(40_000), bytes(5_000_000), iter([bytes(20_000)] * 3)):
            assert eve.post("/v1/pupil/sketch", content=content).status_code == 413
        for label in ("9", "-1", "10", "x", "0 OR 1"):
            assert eve.post("/v1/pupil/drawings", params={"label": label}, content=SEVEN).status_code in (409, 422)
        assert eve.delete("/v1/pupil/drawings/0x1").status_code == 422
        assert ana.get("/v1/pupil").json()["name"] == "Ana"
        assert [(each.name, len(each.drawings)) for each in there.room.pupils] == [("Ana", 0), ("Eve", 0)]
        with there.client() as late:
            joined = late.post("/v1/pupil", json={"code": there.room.code, "name": "Ben"})
        assert joined.status_code == 201, "the right code is not held up by wrong ones"


def test_a_foreign_page_gets_nothing_from_the_class(open_class: Callable[..., Class]) -> None:
    there = open_class()
    with there.pupil("Ana") as ana, there.client(headers=TEACHER) as teacher:
        foreign = {"Origin": "http://evil.example"}
        for method, path in (("POST", "/v1/class/keep"), ("DELETE", "/v1/class"), ("POST", "/v1/class")):
            assert teacher.request(method, path, headers=foreign).status_code == 403
            assert teacher.request(method, path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert ana.post("/v1/pupil/sketch", content=SEVEN, headers=foreign).status_code == 403
        for path in ("/class", "/v1/pupil", "/wall"):
            assert ana.get(path, headers={"Host": "evil.example"}).status_code == 421
        hand = (
            f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:{there.server.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: {ana.headers['Authorization']}\r\n\r\n"
        )
        with there.server.connect() as line:
            line.sendall(hand.encode())
            assert line.recv(1000).split(b" ")[1] == b"403"


def test_a_flood_is_refused_and_does_not_hold_up_the_others(open_class: Callable[..., Class]) -> None:
    there = open_class(ClassLimits(sketches=(0.1, 16)))
    with there.pupil("Ana") as ana, there.pupil("Eve") as eve:
        flood = [eve.post("/v1/pupil/sketch", content=SEVEN) for _ in range(100)]
        refused = [each for each in flood if each.status_code == 429]
        assert len(refused) > 70
        assert refused[0].headers["retry-after"] == "1"
        assert ana.post("/v1/pupil/sketch", content=SEVEN).status_code == 200
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(eve.stream("GET", "/v1/pupil/events")) for _ in range(8)]
            for _ in range(2):
                ana.post("/v1/pupil/sketch", content=SEVEN)
                time.sleep(0.5)
            for stream in streams[:-1]:
                for _ in stream.iter_lines():  # a newer stream of the same pupil has ended it
                    pass


@pytest.mark.slow
def test_thirty_pupils_and_nothing_is_lost(open_class: Callable[..., Class], tmp_path: Path) -> None:
    """A short form of `python bench/classroom.py`, which draws for ten minutes."""
    there = open_class()
    # Seconds of the processor, of pupils and server together: what others do on this machine does not count.
    lesson = Lesson(there.server.address, TOKEN, there.room.code, seconds=5.0, clock=time.process_time)
    told = asyncio.run(lesson.run(30))
    assert (told.missing, told.lost) == (0, 0)
    assert told.handed_in >= 30
    assert told.refused == 0
    assert statistics.median(told.ages) <= 0.5
    assert statistics.quantiles(told.ages, n=10)[8] <= 1.0, "where a busy machine lets thirty send at the same moment"
    assert len(set(told.names)) == 30
    assert any("<script>" in name for name in told.names)
    with there.client(headers=TEACHER) as teacher:
        assert teacher.post("/v1/class/keep").json()["drawings"] == told.handed_in
    with np.load(tmp_path / "class.npz", allow_pickle=False) as held:
        assert len(held["labels"]) == told.handed_in
        assert set(held["writers"].tolist()) == set(told.names)
    assert len(NAMES) > 10
