"""The page on which the fields of a blank are marked, and the form's file that it writes."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from importlib import resources
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitlab.apps.cli import run
from digitlab.apps.web.access import Access
from digitlab.apps.web.config import Limits
from digitlab.apps.web.marking import make_marking
from digitlab.apps.web.server import listen, make_server
from digitlab.errors import UsageError
from digitlab.jobs.sheet_marking import begin_marking
from digitlab.sheets import read_form
from digitlab.sheets.marked_fields import marked_fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan of somebody's form: three boxes, one to be ticked, and enough print to be known by."""
    path = tmp_path_factory.mktemp("blank") / "blank.png"
    page = Image.new("RGB", (840, 1188), "white")
    pen = ImageDraw.Draw(page)
    for left in (100, 132, 164):
        pen.rectangle((left, 200, left + 32, 236), outline="black", width=2)
    pen.rectangle((100, 300, 122, 322), outline="black", width=2)
    rng = np.random.default_rng(0)
    for row in range(24):
        pen.text((90, 400 + 30 * row), " ".join(f"word {rng.integers(1000)}" for _ in range(8)), fill="black")
    page.save(path)
    return path


@pytest.fixture
def server(blank: Path, tmp_path: Path) -> Iterator[tuple[httpx.Client, Path, threading.Event]]:
    """A client of the page, the file that it writes, and whether it was ended."""
    out, ended, ready = tmp_path / "lab.toml", threading.Event(), threading.Event()
    marking = begin_marking(blank, out)
    listening, limits = listen("127.0.0.1", 0), Limits()
    application = make_marking(marking, Access("127.0.0.1", None), ended.set, limits)
    made = make_server(application, limits, ready.set)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        assert ready.wait(60)
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
            yield client, out, ended
    finally:
        made.should_exit = True
        thread.join(30)


def test_fields_are_found_named_and_written(server: tuple[httpx.Client, Path, threading.Event], blank: Path) -> None:
    client, out, ended = server
    page = client.get("/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/mark.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/blank.jpg").content[:2] == b"\xff\xd8"
    form = client.get("/form").json()
    assert [(each["kind"], each["shape"]) for each in form["fields"]] == [("boxes", "3"), ("tick", "")]
    assert (form["pixels"], form["known"]) == ([840, 1188], False)
    number, tick = form["fields"]
    number |= {"name": "weight", "label": 'Weight "net"', "check": "range:1-500"}
    line = {"name": "who", "kind": "line", "at": [[300, 200, 200, 36]]}
    grade = {"name": "grade", "kind": "choices", "shape": "a, b", "at": [[300, 300, 22, 22], [340, 300, 22, 22]]}
    date = {"name": "day", "kind": "pattern", "shape": "##.##", "at": [[300, 100, 160, 36]]}
    sent = {"title": "Lab", "fields": [number, tick, line, grade, date]}
    assert client.post("/form", json=sent).json() == {"fields": 5, "out": str(out)}
    made = read_form(out)
    assert [(each.name, each.kind, each.cells) for each in made.fields] == [
        ("weight", "boxes", 3), ("field2", "tick", 1), ("who", "line", 1), ("grade", "choice", 2), ("day", "boxes", 4),
    ]  # fmt: skip
    assert (made.fields[0].label, made.fields[0].check) == ('Weight "net"', "range:1-500")
    assert made.fields[2].line == pytest.approx(50.0)  # 200 of 840 pixels of 210 mm
    again = begin_marking(blank, out)
    assert (again.known, again.title) == (True, "Lab")
    assert again.fields == marked_fields_of(made)
    assert client.get("/form").json()["title"] == "Lab"  # a page that is loaded again
    assert client.post("/done", json={}).status_code == 200
    assert ended.wait(5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "two words"}, "lab.toml: line 10, name: is 'two words'"),
        ({"shape": "many"}, 'lab.toml: line 11, boxes: is \'many\'; expected a whole number from 1 to 30'),
        ({"check": "lun"}, "lab.toml: line 12, check: check is 'lun'"),
        ({"kind": "circle"}, "field 1: kind is 'circle'"),
        ({"at": [[1, 2, float("1e400"), 4]]}, "field 1: its place is"),
        ({"at": "x"}, "field 1: "),
        ({"name": ["a"]}, "field 1: name is"),
    ],
)  # fmt: skip
def test_what_is_no_form_is_said_and_not_written(
    server: tuple[httpx.Client, Path, threading.Event], change: dict[str, Any], said: str
) -> None:
    client, out, _ = server
    field = client.get("/form").json()["fields"][0] | change
    content = json.dumps({"title": "Lab", "fields": [field]})
    answer = client.post("/form", content=content)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert list(out.parent.iterdir()) == []


def test_other_requests_are_refused(server: tuple[httpx.Client, Path, threading.Event]) -> None:
    client, out, ended = server
    assert client.post("/form", content="[1").status_code == 400
    assert client.post("/form", json={"title": 1, "fields": []}).status_code == 400
    assert client.get("/../lab.toml").status_code == 404
    elsewhere = {"Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/form", json={"title": "", "fields": []}, headers=elsewhere).status_code == 403
    assert client.get("/form", headers={"Host": "elsewhere.example"}).status_code == 421
    assert not out.exists()
    assert not ended.is_set()


def test_a_form_of_another_blank_is_not_written_over(blank: Path, tmp_path: Path) -> None:
    out = tmp_path / "other.toml"
    assert run(["sheet", "example", str(out)]) == 0
    with pytest.raises(UsageError, match="is the form of no blank; expected that of"):
        begin_marking(blank, out)
    assert run(["sheet", "from", str(blank), "--out", str(tmp_path / "x.toml"), "--no-open"]) == 2


def test_the_command_serves_until_it_is_done(
    blank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import digitlab.apps.web.server as server_module

    def end_at_once(application: Any, limits: Any, ready: Any) -> Any:
        class Server:
            should_exit = False

            def run(self, sockets: Any) -> None:
                ready()
                for each in sockets:
                    with contextlib.suppress(OSError):
                        each.close()

        return Server()

    monkeypatch.setattr(server_module, "make_server", end_at_once)
    out = tmp_path / "lab.toml"
    assert run(["sheet", "from", str(blank), "--out", str(out), "--mark", "--no-open"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("http://127.0.0.1:")
    assert f"nothing was saved: {out} was not written" in told.err


def test_no_rule_of_its_styles_stands_inside_another() -> None:
    """Browsers older than 2023 skip such a rule, and what follows it."""
    styles = (resources.files("digitlab.apps.web") / "marking_page" / "mark.css").read_text("utf-8")
    assert re.findall(r"\{[^{}]*\{", re.sub(r"@media[^{]*\{", "", styles)) == []
