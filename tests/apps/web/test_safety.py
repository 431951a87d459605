"""What the server does about those who do not mean well, or ask too much."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import httpx
import numpy as np
import pytest

from digitlab.apps.web.access import Access
from digitlab.apps.web.config import Limits
from digitlab.apps.web.problems import ProblemError
from digitlab.errors import UsageError

Digits = list[tuple[bytes, int]]
Start = Callable[..., AbstractContextManager]
PROBLEM = "application/problem+json"
PICTURES = ("/v1/classify", "/v1/read", "/v1/inspect", "/v1/filters", "/v1/diagnose")


def ask(server, text: str) -> bytes:
    """What a bare connection gets for this, until the other side ends it."""
    with server.connect() as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


HOSTILE = {
    "nothing": b"",
    "words": b"this is no picture",
    "a gif": b"GIF89a" + bytes(100),
    "a pdf": b"%PDF-1.7" + bytes(100),
    "an svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a zip": b"PK\x03\x04" + bytes(100),
    "only a signature": b"\x89PNG\r\n\x1a\n",
    "no pixels": bomb(28, 28),
    "huge sides": bomb(2**31 - 1, 2**31 - 1),
    "wide": bomb(100_000, 100_000),
    "a bomb": bomb(20_000, 20_000, zlib.compress(bytes(10_000_000), 9)),
    "no width": bomb(0, 28),
    "a bomb of text": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))
    + chunk(b"IDAT", zlib.compress(bytes(72)))
    + chunk(b"IEND", b""),
    "a damaged jpeg": b"\xff\xd8\xff\xe0" + bytes(200),
    "a tiff that points to itself": b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(100),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pictures_are_refused_in_one_line(client: httpx.Client, name: str) -> None:
    for path in PICTURES:
        began = time.perf_counter()
        answer = client.post(path, content=HOSTILE[name])
        if name == "a bomb of text":  # a picture of nothing, whose text may be passed over
            assert answer.status_code in (200, 422)
        else:
            assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
            assert "\n" not in answer.json()["detail"]
        assert time.perf_counter() - began < 5


def test_pictures_cut_off_anywhere_never_harm(client: httpx.Client, photo: bytes, digits: Digits) -> None:
    for content in (photo, digits[0][0]):
        for part in range(1, 8):
            answer = client.post("/v1/read", content=content[: len(content) * part // 8])
            assert answer.status_code in (200, 422)


def test_pictures_of_too_many_pixels_are_refused(start: Start, as_file: Callable[..., bytes]) -> None:
    with start(limits=Limits(pixels=10_000)) as server, server.client() as client:
        for path in PICTURES:
            stroke = np.full((101, 100), 255, np.uint8)
            stroke[20:80, 45:55] = 0  # a diagnosis wants a digit
            assert client.post(path, content=as_file(stroke)).status_code == 422
            assert client.post(path, content=as_file(stroke[:100])).status_code == 200


def test_bodies_have_a_limit_announced_or_not(start: Start) -> None:
    with start(limits=Limits(body_bytes=50_000)) as server, server.client() as client:
        assert client.post("/v1/read", content=bytes(50_001)).status_code == 413
        assert client.post("/v1/read", content=iter([bytes(30_000)] * 3)).status_code == 413
        told = ask(server, "POST /v1/read HTTP/1.1\nHost: localhost\nContent-Length: 99999999999\n\n")
        assert told.startswith(b"HTTP/1.1 413")  # without waiting for it
        assert client.post("/v1/read", content=b"x", headers={"Content-Encoding": "gzip"}).status_code == 415


def test_forms_that_are_none_are_refused(client: httpx.Client) -> None:
    kind = "multipart/form-data"
    for given, body in (
        (kind, b"--x\r\n"),
        (f"{kind}; boundary=x", b"no form"),
        (f"{kind}; boundary=x", b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n"),
        (f"{kind}; boundary=x", b"--x\r\n" * 1000),
        (f"{kind}; boundary={'y' * 10_000}", b"--y"),
        (f"{kind}; boundary=x", b"--x\r\nA: b\r\n\r\n1\r\n" * 100 + b"--x--"),
    ):
        answer = client.post("/v1/read", content=body, headers={"Content-Type": given})
        assert answer.status_code in (400, 422), body[:20]
        assert answer.headers["content-type"] == PROBLEM


def test_no_path_reaches_a_file(client: httpx.Client, server) -> None:
    for path in (
        "/static/../schemas.py", "/static/%2e%2e/schemas.py", "/static/..%2fschemas.py", "//etc/passwd", "/etc/passwd",
        "/static/%00", "/static/....//schemas.py", "/static/\\..\\schemas.py", "/../../etc/passwd", "/static/",
    ):  # fmt: skip
        told = ask(server, f"GET {path} HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n\n")
        assert told.split(b" ", 2)[1] in (b"404", b"400"), path
        assert b"root:" not in told
        assert b"import" not in told
    for name in ("../reader", "/etc/passwd", "reader.onnx", "C:\\x", "\0", "a" * 5000):
        assert client.post("/v1/classify", params={"model": name}, content=b"x").status_code in (404, 422)


def test_a_foreign_name_or_page_gets_nothing(client: httpx.Client, digits: Digits, server) -> None:
    content = digits[0][0]
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "192.168.0.1"):
        answer = client.get("/v1/models", headers={"Host": host})
        assert answer.status_code == 421, host
    for host in (f"localhost:{server.port}", "127.0.0.1", f"[::1]:{server.port}", "127.0.0.2:1"):
        assert client.get("/v1/models", headers={"Host": host}).status_code == 200
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{server.port + 1}", "file://", "http://[", ""):
        answer = client.post("/v1/classify", content=content, headers={"Origin": origin})
        assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM), origin
    own = {"Origin": server.address}
    assert client.post("/v1/classify", content=content, headers=own).status_code == 200
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/v1/classify", content=content, headers=cross).status_code == 403


def test_headers_that_others_might_understand_otherwise_are_refused(client: httpx.Client, server) -> None:
    own = f"127.0.0.1:{server.port}"
    for headers, status in (
        ([("Host", "evil.example"), ("Host", own)], 400),
        ([("Host", own), ("Origin", f"http://{own}"), ("Origin", "null")], 400),
        ([("Host", own), ("X-Long", "a" * 70_000)], 431),
        ([("Host", own), *(("X", "y") for _ in range(300))], 431),
    ):  # fmt: skip
        lines = "".join(f"{name}: {value}\n" for name, value in headers)
        told = ask(server, f"GET /v1/models HTTP/1.1\n{lines}Connection: close\n\n")
        assert told.split(b" ", 2)[1] == str(status).encode(), told[:60]
        assert b"application/problem+json" in told
    for host in ("evil.example\\@127.0.0.1", "evil.example@localhost", "localhost/x", "localhost#x"):
        assert client.get("/v1/models", headers={"Host": host}).status_code == 421, host
    foreign = ask(server, f"GET http://evil.example/v1/models HTTP/1.1\nHost: {own}\nConnection: close\n\n")
    assert foreign.startswith(b"HTTP/1.1 421")
    ours = ask(server, f"GET http://{own}/healthz HTTP/1.1\nHost: evil.example\nConnection: close\n\n")
    assert ours.startswith(b"HTTP/1.1 200")


def test_a_body_that_takes_long_to_unpack_holds_nobody_up(client: httpx.Client, server) -> None:
    began = time.process_time()
    answer = client.post("/v1/classify", content=b"data:image/png," + b"%41" * 5_000_000)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert "base64" in answer.json()["detail"]
    assert time.process_time() - began < 2.0
    few = b"data:image/png," + b"".join(b"%%%02x" % byte for byte in bomb(28, 28)) * 500
    assert len(few) > 65_536
    assert client.post("/v1/read", content=few).status_code == 422  # unpacked in a thread, and no picture


def test_the_page_may_load_nothing_but_ours(client: httpx.Client) -> None:
    for path in ("/", "/nothing", "/healthz"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


def test_without_the_token_nothing_is_answered(start: Start, digits: Digits) -> None:
    with start(token="correct-horse") as server, server.client() as client:  # noqa: S106
        assert client.get("/healthz").status_code == 200
        for path in ("/", "/metrics", "/v1/models", "/v1/openapi.json"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        for wrong in ("Bearer wrong-horse", "Bearer", "Basic correct-horse", "Bearer correct-horsé"):
            assert client.get("/v1/models", headers={"Authorization": wrong.encode()}).status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        bearer = {"Authorization": "Bearer correct-horse"}
        assert client.post("/v1/classify", content=digits[0][0], headers=bearer).json()["digit"] == digits[0][1]
        opened = client.get("/?token=correct-horse")
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite" in cookie
        assert "correct-horse" not in cookie
        assert client.get("/v1/models").status_code == 200  # the client has the cookie now


def test_other_cookies_of_the_same_host_do_no_harm() -> None:
    """Browsers send all cookies of 127.0.0.1 to each of its ports."""
    host, other = {b"host": b"127.0.0.1:8321"}, {b"host": b"127.0.0.1:8322"}
    access, second = Access("127.0.0.1", "correct-horse"), Access("127.0.0.1", "battery-staple")
    own, foreign = (
        (each.cookie_for(where, b"token=" + (each.token or "").encode()) or "").partition(";")[0].encode()
        for each, where in ((access, host), (second, other))
    )
    assert own.partition(b"=")[0] != foreign.partition(b"=")[0], "a second server does not take the first one's place"
    for beside in (b'prefs={"theme": "dark"}', b"flag", b"list[0]=1", "käse=ä".encode(), b"path=/", b"=", foreign):
        for cookies in (own, beside + b"; " + own, own + b";" + beside):
            access.check("GET", "/v1/models", {**host, b"cookie": cookies})
        with pytest.raises(ProblemError, match="Bearer"):
            access.check("GET", "/v1/models", {**host, b"cookie": beside})


def test_other_addresses_want_a_decision() -> None:
    for host in ("0.0.0.0", "192.168.1.5", "::", "example.org"):  # noqa: S104
        with pytest.raises(UsageError, match="--token"):
            Access(host, None)
        assert Access(host, "correct-horse").trusts_its_callers
        assert not Access(host, None, no_token=True).trusts_its_callers
    for host in ("127.0.0.1", "localhost", "::1", "127.8.9.1"):
        assert Access(host, None).trusts_its_callers
    for wrong in ("short", "with space in it", "with\nnewline", "ünicode-token"):
        with pytest.raises(UsageError, match="token"):
            Access("127.0.0.1", wrong)
    with pytest.raises(UsageError, match="both given"):
        Access("0.0.0.0", "correct-horse", no_token=True)  # noqa: S104


def test_training_needs_trust(start: Start) -> None:
    with start(host="0.0.0.0", open_=True) as server, server.client() as client:  # noqa: S104
        told = client.get("/v1/trainings").json()
        assert not told["allowed"]
        assert "token" in told["reason"]
        assert client.post("/v1/trainings", json={}).status_code == 403
        assert client.delete("/v1/trainings/trained-1").status_code == 403


def test_slow_senders_are_cut_and_others_do_not_wait(start: Start, digits: Digits) -> None:
    with start(limits=Limits(header_seconds=0.6, body_seconds=0.6)) as server, server.client() as client:
        slow = [server.connect() for _ in range(40)]
        for number, connection in enumerate(slow):
            began = (
                "",
                "GET / HTTP/1.1\r\nHost: x\r\nA",
                "POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n",
            )
            connection.sendall(began[number % 3].encode())
        start_ = time.perf_counter()
        answers = []
        while time.perf_counter() - start_ < 1.5:
            for connection in slow:  # a byte now and then
                try:
                    connection.send(b"a")
                except OSError:
                    continue
            answers.append(client.post("/v1/classify", content=digits[0][0]).status_code)
            time.sleep(0.1)
        assert set(answers) == {200}
        for connection in slow:
            connection.settimeout(5)
            try:
                told = connection.recv(4096)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                told = b""
            assert told == b"" or told.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400")), told
            connection.close()


def test_endless_headers_are_cut(server) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 10_000:
                connection.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")
                sent += 1
        assert sent < 10_000


def test_who_does_not_take_an_answer_is_cut(start: Start) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(start(limits=Limits(send_seconds=0.5)))
        client = stack.enter_context(server.client())
        connection = stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        asked = b"GET /v1/models/reader HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(asked * 30)  # some ten megabytes
        time.sleep(2.0)
        connection.settimeout(10)
        taken = 0
        try:
            while part := connection.recv(1 << 20):
                taken += len(part)
        except ConnectionError:
            pass
        assert taken < 8_000_000
        assert client.get("/healthz").status_code == 200


def test_overload_is_refused_quickly_and_passes(start: Start, photo: bytes) -> None:
    with start(limits=Limits(pictures=2)) as server, server.client() as client:

        def ask_once(_: int) -> tuple[int, float, str | None]:
            with server.client() as own:
                began = time.perf_counter()
                answer = own.post("/v1/read", content=photo)
                return answer.status_code, time.perf_counter() - began, answer.headers.get("retry-after")

        with concurrent.futures.ThreadPoolExecutor(24) as threads:
            answers = list(threads.map(ask_once, range(48)))
        statuses = {status for status, _, _ in answers}
        assert statuses == {200, 503}
        assert all(wait == "1" for status, _, wait in answers if status == 503)
        time.sleep(0.3)
        assert client.post("/v1/read", content=photo).status_code == 200


def test_bytes_held_at_once_have_a_limit(start: Start) -> None:
    with start(limits=Limits(all_bytes=100_000, body_seconds=5)) as server, server.client() as client:
        holding = server.connect()
        holding.sendall(b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n" + bytes(80_000))
        time.sleep(0.3)
        answer = client.post("/v1/read", content=bytes(30_000))
        assert answer.status_code == 503
        holding.close()
        time.sleep(0.3)
        assert client.post("/v1/read", content=bytes(30_000)).status_code == 422


def test_memory_stays_flat_over_many_mixed_requests(server, digits: Digits, photo: bytes) -> None:
    def memory(client: httpx.Client) -> int:
        line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith("process_resident"))
        return int(float(line.split()[1]))

    def some(count: int) -> None:
        with server.client() as client:
            for number in range(count):
                kind = number % 20
                if kind == 0:
                    client.post("/v1/read", content=photo)
                elif kind == 1:
                    client.post("/v1/inspect", content=digits[number % 40][0])
                elif kind == 2:
                    client.post("/v1/read", content=HOSTILE["a bomb"])
                elif kind == 3:
                    client.get("/nothing")
                else:
                    client.post("/v1/classify", content=digits[number % 40][0])

    with server.client() as client:
        some(400)
        before = memory(client)
        some(600)
        assert memory(client) - before < 25_000_000
