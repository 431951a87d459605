"""Attempts of a hostile pupil in a class."""

from __future__ import annotations

import json
import threading
import time
import zlib
from typing import TYPE_CHECKING

from _attempts import attempt, first
from _servers import digit_png, png_of

if TYPE_CHECKING:
    from _servers import Answer, Server

__all__: list[str] = []

_counts = iter(range(10_000))


def _join(server: Server, name: str | None = None, code: str | None = None) -> Answer:
    code = server.ask("GET", "/v1/class", token=True).json()["code"] if code is None else code
    name = f"Pupil {next(_counts)}" if name is None else name
    return server.ask(
        "POST", "/v1/pupil", "Content-Type: application/json", body=json.dumps({"code": code, "name": name}).encode()
    )


def _key(server: Server, name: str | None = None) -> str:
    answer = _join(server, name)
    until = time.monotonic() + 30.0
    while answer.status == 429 and time.monotonic() < until:  # earlier attempts joined too often
        time.sleep(0.5)
        answer = _join(server, name)
    if answer.status != 201:
        raise RuntimeError(f"nobody could join: {answer.status} {answer.text[:100]}")
    return str(answer.json()["key"])


def _begin_anew(server: Server) -> None:
    server.ask("DELETE", "/v1/class", token=True)
    server.ask("POST", "/v1/class", "Content-Type: application/json", token=True, body=b'{"task": 1, "open": true}')


TEACHERS = (
    ("GET", "/"), ("GET", "/wall"), ("GET", "/static/index.html"), ("GET", "/static/class/wall.html"),
    ("GET", "/v1/class"),
    ("GET", "/v1/class/events"), ("POST", "/v1/class"), ("DELETE", "/v1/class"), ("POST", "/v1/class/keep"),
    ("POST", "/v1/class/training"),
    ("GET", "/v1/class/pupils/1"), ("DELETE", "/v1/class/pupils/1"), ("DELETE", "/v1/class/pupils/1/name"),
    ("DELETE", "/v1/class/pupils/1/drawings/1"), ("GET", "/v1/models"), ("POST", "/v1/read"),
    ("POST", "/v1/trainings"), ("GET", "/metrics"),
    ("GET", "/v1/openapi.json"), ("GET", "/class/../v1/class"), ("GET", "/v1/pupil/../class"),
    ("GET", "/v1/pupil/%2e%2e/class"),
    ("GET", "/v1/pupil/..%2fclass"), ("GET", "/%2fv1/class"), ("GET", "/static/../v1/class"),
    ("GET", "/class/..;/v1/class"),
    ("GET", "/v1/pupil/;/v1/class"), ("GET", "/class%2f..%2fwall"), ("GET", "/CLASS/../wall"),
    ("GET", "/static/class/wall.html%00.js"),
)  # fmt: skip


@attempt(
    "class",
    "everything that is the teacher's, with a pupil's key as Pupil, Bearer, cookie, query, or the code",
    "401, 404 or 405",
)
def pupil_as_teacher(server: Server) -> str | None:
    key, wrong = _key(server), []
    code = server.ask("GET", "/v1/class", token=True).json()["code"]
    for method, path in TEACHERS:
        for header in (
            f"Authorization: Pupil {key}",
            f"Authorization: Bearer {key}",
            f"Authorization: Bearer {code}",
            f"Cookie: digitlab-{server.port}={key}",
        ):
            answer = server.ask(method, path, header, body=b"{}" if method == "POST" else b"")
            wrong += (
                [] if answer.status in (401, 404, 405, 400) else [f"{method} {path} {header[:22]}: {answer.status}"]
            )
    for path in ("/?token=", "/wall?token="):
        wrong += [f"{path}: {secret}" for secret in (key, code, "") if server.ask("GET", path + secret).status != 401]
    return first(wrong)


@attempt(
    "class", "another pupil's drawings: to see them, remove them, listen to their events", "404, 401, and they stay"
)
def drawings_of_others(server: Server) -> str | None:
    _begin_anew(server)
    ana, eve = _key(server), _key(server)
    created = server.ask("POST", "/v1/pupil/drawings?label=1", f"Authorization: Pupil {ana}", body=digit_png())
    wrong = [] if created.status == 201 else [f"a drawing could not be handed in: {created.status} {created.text[:80]}"]
    for path in (
        "/v1/pupil/drawings/1",
        "/v1/pupil/drawings/1?pupil=1",
        "/v1/pupil/../pupil/drawings/1",
        "/v1/pupil/drawings/1.0",
        "/v1/pupil/drawings/01",
    ):
        answer = server.ask("DELETE", path, f"Authorization: Pupil {eve}")
        wrong += [] if answer.status in (404, 422, 401, 405) else [f"{path}: {answer.status}"]
    eve_state = server.ask("GET", "/v1/pupil?name=Ana&key=" + ana, f"Authorization: Pupil {eve}").json()
    wrong += ["she was shown another's"] if eve_state["drawings"] else []
    still = server.ask("GET", "/v1/pupil", f"Authorization: Pupil {ana}").json()["drawings"]
    return first(wrong + ([] if len(still) == 1 else ["Ana's drawing is gone"]))


@attempt("class", "keys: guessed, empty, of a pupil who was removed, of a class that is over, odd bytes", "401")
def keys_that_are_none(server: Server) -> str | None:
    _begin_anew(server)
    old = _key(server)
    server.ask("DELETE", "/v1/class", token=True)
    wrong = []
    for key in (
        old,
        "",
        "x",
        "1",
        "None",
        "null",
        "' OR 1=1 --",
        "../1",
        "\0",
        "a" * 50_000,
        old[:-1],
        old.swapcase(),
        f"{old} {old}",
    ):
        for method, path in (
            ("GET", "/v1/pupil"),
            ("POST", "/v1/pupil/sketch"),
            ("DELETE", "/v1/pupil/drawings/1"),
            ("GET", "/v1/pupil/events"),
        ):
            answer = server.ask(method, path, f"Authorization: Pupil {key}")
            wrong += [] if answer.status in (401, 400, 0) else [f"{method} {path} {key[:12]!r}: {answer.status}"]
    _begin_anew(server)
    return first(wrong)


@attempt(
    "class",
    "to guess the class's code, as fast as the server answers, from many connections",
    "403, then 429; the right code is let in",
)
def guessing_the_code(server: Server) -> str | None:
    _begin_anew(server)
    statuses: list[int] = []

    def guess(number: int) -> None:
        statuses.extend(_join(server, f"Mal {number}", code=f"AA{number:02}-{each:04}").status for each in range(25))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    right = _join(server, "Ben").status
    for thread in threads:
        thread.join()
    wrong = [] if set(statuses) <= {403, 429} else [f"{set(statuses)}"]
    wrong += [] if statuses.count(403) < 150 else [f"{statuses.count(403)} of {len(statuses)} guesses were looked at"]
    code = server.ask("GET", "/v1/class", token=True).json()["code"]
    wrong += [] if len(code.replace("-", "")) >= 6 else [f"the code {code} is short"]
    return first(wrong + ([] if right == 201 else [f"the right code got {right}"]))


NAMES = (
    "<script>alert(1)</script>", "<b>x</b>", '"><img src=x>', "javascript:alert(1)", "{{7*7}}", "${7*7}",
    "=cmd|'/C'!A0", "@SUM(1)", "%s%n",
    "'; DROP TABLE", "../../etc", "&lt;i&gt;", "</title><p>", "a\u0301\u0301\u0301\u0301\u0301", "<svg/onload=x>",
)  # fmt: skip


@attempt(
    "class",
    "names that are markup, formulas, paths or templates, on the wall and in the file",
    "shown as typed, kept as text",
)
def names_that_are_markup(server: Server) -> str | None:
    import numpy as np

    _begin_anew(server)
    wrong = []
    for name in NAMES:
        answer = _join(server, name[:20])
        if answer.status == 201:
            key = answer.json()["key"]
            server.ask("POST", "/v1/pupil/drawings?label=1", f"Authorization: Pupil {key}", body=digit_png())
    listened = server.raw(
        f"GET /v1/class/events HTTP/1.1\r\nHost: {server.host}\r\n"
        f"Authorization: Bearer {server.token}\r\n\r\n".encode(),
        1.5,
    )
    wrong += [] if b"text/event-stream" in listened and b"nosniff" in listened else [f"events: {listened[:80]!r}"]
    saved = server.ask("POST", "/v1/class/keep", token=True)
    names = {each.name for each in server.folder.iterdir()}
    unexpected = {
        each for each in names if each != "token.txt" and not (each.startswith("class-") and each.endswith(".npz"))
    }
    wrong += [f"files: {unexpected}"] if unexpected else []
    if saved.status == 200:
        with np.load(server.folder / saved.json()["file"], allow_pickle=False) as arrays:
            wrong += [] if arrays["writers"].dtype.kind == "U" else [f"writers are {arrays['writers'].dtype}"]
    else:
        wrong.append(f"keeping: {saved.status} {saved.text[:80]}")
    return first(wrong)


@attempt(
    "class",
    "names that nobody sees, that look like another's, that turn what stands around, that are long",
    "409 or 422, or made plain",
)
def names_that_deceive(server: Server) -> str | None:
    _begin_anew(server)
    _key(server, "Ana")
    wrong = []
    for name in (
        "ana",
        "ANA",
        "ＡＮＡ",
        "Ana\u200b",
        " Ana ",
        "A\u00adna",
        "An\u2060a",
        "Ana\u3164",
        "",
        " ",
        "\u202e",
        "\u115f",
        "x" * 21,
        "x" * 100_000,
        "\0",
    ):
        answer = _join(server, name)
        wrong += [] if answer.status in (409, 413, 422) else [f"{name[:12]!r}: {answer.status}"]
    for name in ("a\u202eb", "c\x1b[31md", "e\nf"):
        answer = _join(server, name)
        shown = answer.json()["state"]["name"] if answer.status == 201 else "x"
        wrong += [] if shown.isprintable() else [repr(shown)]
    return first(wrong)


@attempt(
    "class",
    "to fill the class, draw without end, hand in what is no drawing, or another task's",
    "409, 413, 422 or 429",
)
def filling_the_class(server: Server) -> str | None:
    _begin_anew(server)
    key, wrong = _key(server), []
    pupil = f"Authorization: Pupil {key}"
    statuses = [_join(server).status for _ in range(80)]
    wrong += (
        [] if set(statuses) <= {201, 409, 429} and statuses.count(201) <= 60 else [f"joins: {sorted(set(statuses))}"]
    )
    for content in (
        png_of(3000, 3000, zlib.compress(bytes(9_003_000))),
        b"<svg onload=alert(1)>",
        b"GIF89a" + bytes(50),
        digit_png()[:60],
    ):
        answer = server.ask("POST", "/v1/pupil/drawings?label=1", pupil, body=content)
        wrong += [] if answer.status in (409, 413, 422, 429) else [f"{content[:8]!r}: {answer.status}"]
    for label in ("9", "-1", "10", "x", "1%20OR%201", "1&label=9", ""):
        answer = server.ask("POST", f"/v1/pupil/drawings?label={label}", pupil, body=digit_png())
        wrong += [] if answer.status in (409, 422, 429) else [f"label {label}: {answer.status}"]
    answer = server.ask("POST", "/v1/pupil/sketch", pupil, body=bytes(40_000))
    wrong += [] if answer.status == 413 else [f"40 kB: {answer.status}"]
    flood = [server.ask("POST", "/v1/pupil/sketch", pupil, body=digit_png()).status for _ in range(60)]
    wrong += [] if set(flood) <= {200, 429} else [f"sketches: {sorted(set(flood))}"]
    _begin_anew(server)
    return first(wrong)


@attempt(
    "class",
    "a pupil's browser, or a foreign page in the teacher's, that sends what is the teacher's (CSRF)",
    "403, 421",
)
def foreign_pages_in_a_class(server: Server) -> str | None:
    wrong = []
    for method, path in (
        ("POST", "/v1/class/keep"),
        ("DELETE", "/v1/class"),
        ("POST", "/v1/class"),
        ("POST", "/v1/class/training"),
    ):
        for header in ("Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"):
            answer = server.ask(method, path, header, token=True, body=b"{}" if method == "POST" else b"")
            wrong += [] if answer.status == 403 else [f"{method} {path} {header}: {answer.status}"]
    for path in ("/class", "/v1/pupil", "/wall", "/static/class/pupil.js"):
        answer = server.ask("GET", path, host="evil.example", token=True)
        wrong += [] if answer.status == 421 else [f"{path}: {answer.status}"]
    return first(wrong)


@attempt("class", "pupils' addresses and names in the log, or what a pupil may learn of the others", "neither")
def what_a_class_tells(server: Server) -> str | None:
    _begin_anew(server)
    key = _key(server, "Zenobia")
    other = _key(server, "Yolanda")
    answer = server.ask("GET", "/v1/pupil", f"Authorization: Pupil {other}", "User-Agent: Phone of Yolanda").text
    events = server.raw(
        f"GET /v1/pupil/events HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Pupil {key}\r\n\r\n".encode(), 1.0
    )
    wrong = ["another's name"] if "Zenobia" in answer or b"Yolanda" in events else []
    lines = "".join(server.log)
    wrong += [
        f"the log has {each}" for each in ("127.0.0.1", "Zenobia", "Yolanda", key, other, "Phone of") if each in lines
    ]
    return first(wrong)
