"""Behind a proxy: the names it is asked for, what it says of who asks, and the examples for nginx and systemd."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from digitlab.apps.cli import make_app
from digitlab.apps.web.access import Access

Digits = list[tuple[bytes, int]]
Start = Callable[..., AbstractContextManager]

ROOT = Path(__file__).parents[3]
NGINX = ROOT / "examples" / "deploy" / "digitlab.conf"
UNITS = sorted((ROOT / "examples" / "deploy").glob("*.service"))
NAME, TOKEN = "digits.example.org", "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_it_answers_under_allowed_names_and_no_others(start: Start) -> None:
    with start(token=TOKEN, allowed=["Digits.Example.org", "[2001:db8::1]"]) as server, server.client() as client:
        for host, status in {
            NAME: 200, f"{NAME}:8321": 200, f"{NAME}.": 200, "localhost:1": 200, "[2001:db8::1]:80": 200,
            f"evil.{NAME}": 421, f"{NAME}.evil.example": 421, "evil.example": 421, "": 421, "192.168.0.1": 421,
        }.items():  # fmt: skip
            assert client.get("/v1/models", headers={**BEARER, "Host": host}).status_code == status, host
    with start(host="0.0.0.0", token=TOKEN, allowed=[NAME]) as server, server.client() as client:  # noqa: S104
        assert client.get("/v1/models", headers={**BEARER, "Host": NAME}).status_code == 200
        assert client.get("/v1/models", headers={**BEARER, "Host": "evil.example"}).status_code == 421


def test_who_comes_through_a_proxy_is_no_longer_on_this_machine_alone() -> None:
    assert not Access("127.0.0.1", None, no_token=True, allowed_hosts=[NAME]).trusts_its_callers
    assert Access("127.0.0.1", TOKEN, allowed_hosts=[NAME]).trusts_its_callers


@pytest.mark.parametrize(("proxies", "who", "secure"), [(["127.0.0.0/8"], "192.0.2.7", True), ([], "127.0.0.1", False)])
def test_forwarded_headers_count_from_a_trusted_proxy_alone(
    start: Start, proxies: list[str], who: str, secure: bool
) -> None:
    lines: list[str] = []
    forwarded = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7", "X-Forwarded-Proto": "https"}
    with start(token=TOKEN, proxies=proxies, log=lines.append) as server, server.client() as client:
        answer = client.get(f"/?token={TOKEN}", headers=forwarded)
        assert ("; Secure" in answer.headers["set-cookie"]) is secure
    assert lines[0].split()[1:5] == [who, "GET", "/", "303"]


def test_nobody_writes_lines_of_their_own_into_the_log(start: Start) -> None:
    lines: list[str] = []
    forwarded = {"X-Forwarded-For": "1.2.3.4 GET /admin 200"}
    with start(proxies=["127.0.0.1"], log=lines.append) as server, server.client() as client:
        client.get("/a%0A2026-01-01T00:00:00Z%201.2.3.4%20GET%20/%20200%201.0%20ms%1B[2J", headers=forwarded)
    assert len(lines) == 1
    assert lines[0].isascii()
    assert lines[0].isprintable()
    assert len(lines[0].split()) == 7


@pytest.fixture
def behind_nginx(
    start: Start, needs_program: Callable[..., str], tmp_path: Path
) -> Iterator[tuple[int, list[str], Path]]:
    """A server behind nginx with the example's text: nginx's port, the server's log, the folder of nginx's logs."""
    nginx = needs_program("nginx", "/usr/sbin/nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lines: list[str] = []
    with start(token=TOKEN, allowed=[NAME], proxies=["127.0.0.1"], log=lines.append) as server:
        text = NGINX.read_text().replace("    listen [::]:80;\n", "")
        for old, new in (
            ("listen 80;", f"listen 127.0.0.1:{port};"),
            ("127.0.0.1:8321", f"127.0.0.1:{server.port}"),
            ("/var/log/nginx", str(tmp_path)),
        ):
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "digitlab.conf").write_text(text)
        folders = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy"))
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/start.log; events {{}}\n"
            f"http {{ {folders} include {tmp_path}/digitlab.conf; }}\n"
        )
        process = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        try:
            for _ in range(100):
                if process.poll() is None and not socket.socket().connect_ex(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            assert process.poll() is None, (tmp_path / "start.log").read_text()
            yield port, lines, tmp_path
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the sockets that ask whether nginx is there
def test_the_text_for_nginx_works_as_it_stands(
    behind_nginx: tuple[int, list[str], Path], photo: bytes, digits: Digits
) -> None:
    port, lines, folder = behind_nginx
    host = f"{NAME}:{port}"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Host": host}, timeout=60) as client:
        assert client.get("/").status_code == 401
        opened = client.get(f"/?token={TOKEN}", headers={"X-Forwarded-For": "203.0.113.9"})
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert client.get("/", headers=BEARER).status_code == 200
        own = {**BEARER, "Origin": f"http://{host}"}
        large = photo + bytes(5_000_000)  # as a phone's; JPEG ends where it ends
        assert len(client.post("/v1/read", content=large, headers=own).json()["digits"]) == 3
        foreign = {**BEARER, "Origin": "http://evil.example"}
        assert client.post("/v1/classify", content=digits[0][0], headers=foreign).status_code == 403
        assert client.get("/v1/models", headers={**BEARER, "Host": "evil.example"}).status_code == 421
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        connect(f"ws://{host}/v1/live", sock=connection, additional_headers=own, compression=None) as live,
    ):
        live.send(photo)
        assert len(json.loads(live.recv(timeout=20))["digits"]) == 3
    time.sleep(0.3)
    assert ["127.0.0.1", "GET", "/", "303"] in [line.split()[1:5] for line in lines]  # and not who one claims to be
    assert ["127.0.0.1", "WS", "/v1/live", "101"] in [line.split()[1:5] for line in lines]
    logs = (folder / "digitlab.log").read_text()
    assert "GET / 303" in logs
    assert TOKEN not in logs + (folder / "digitlab-error.log").read_text() + "\n".join(lines)


def test_the_documentation_shows_the_same_text() -> None:
    shown = textwrap.indent(NGINX.read_text(), "    ")
    assert shown.strip() in (ROOT / "docs" / "web.md").read_text()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_units_start_what_there_is_and_hold_no_secret(unit: Path) -> None:
    lines = [line.partition("=") for line in unit.read_text().splitlines() if "=" in line and line[0] != "#"]
    command = next(value for name, _, value in lines if name == "ExecStart")
    _, verb, *options = shlex.split(command)
    make_app(verb).parse_args([verb, *options], exit_on_error=False, print_error=False)
    assert "EnvironmentFile" in [name for name, _, _ in lines]
    assert not [
        value for name, _, value in lines if name == "Environment" and ("TOKEN" in value or "PASSWORD" in value)
    ]
    assert not any(word.startswith("--token") for word in options)
    assert "@" not in command or ":" not in command.rpartition("@")[0].rpartition("//")[2]  # no password of a broker
