"""Attempts to break in: by the token, by host names and origins, by paths, by markup."""

from __future__ import annotations

import base64
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from _servers import Answer, Server, digit_png

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ATTEMPTS", "WANTED", "Attempt", "attempt", "first", "refused"]

ATTEMPTS: list[Attempt] = []


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. server: which of the servers; run: returns what the attacker got, or None"""

    name: str
    tries: str
    expected: str
    server: str
    run: Callable[[Server], str | None]


def attempt(
    server: str, tries: str, expected: str
) -> Callable[[Callable[[Server], str | None]], Callable[[Server], str | None]]:
    """Register a function as an attempt, under its own name."""

    def add(run: Callable[[Server], str | None]) -> Callable[[Server], str | None]:
        ATTEMPTS.append(Attempt(run.__name__.replace("_", " "), tries, expected, server, run))
        return run

    return add


def first(wrong: list[str]) -> str | None:
    """Describe what an attempt of several steps got: the first finding, and how many more there are."""
    return None if not wrong else wrong[0] + (f" (and {len(wrong) - 1} more)" if wrong[1:] else "")


def refused(answer: Answer, *statuses: int) -> bool:
    """Return whether the answer's status is one of these."""
    return answer.status in statuses


WANTED = ("/", "/metrics", "/v1/models", "/v1/models/reader", "/v1/openapi.json", "/v1/trainings", "/v1/gallery",
          "/static/main.js", "/v1/lessons", "/v1/learning-digits")  # fmt: skip


# The token ---------------------------------------------------------------------------------------------------------


@attempt("guarded", "every route of the description, without the token", "401")
def no_token(server: Server) -> str | None:
    paths = server.ask("GET", "/v1/openapi.json", token=True).json()["paths"]
    wrong = []
    for path, operations in paths.items():
        for method in operations:
            answer = server.ask(method.upper(), path.replace("{name}", "reader"), body=b"{}")
            if path != "/healthz" and not refused(answer, 401):
                wrong.append(f"{method} {path}: {answer.status}")
    return first(wrong)


@attempt("guarded", "parts, neighbours and disguises of the token", "401")
def nearly_the_token(server: Server) -> str | None:
    token = server.token
    guesses = [
        token[:-1], token + "0", token.upper(), token[::-1], " ".join(token), token + "\0", f'"{token}"',
        f"{token},{token}",
        base64.b64encode(token.encode()).decode(), "", "*", "null", "undefined", "0" * len(token), "a" * 60_000,
    ]  # fmt: skip
    wrong = [
        each[:20]
        for each in guesses
        if not refused(server.ask("GET", "/v1/models", f"Authorization: Bearer {each}"), 401, 400, 0)
    ]
    for kind in ("Basic", "Digest", "Token", "Pupil", "Negotiate"):
        answer = server.ask("GET", "/v1/models", f"Authorization: {kind} {token}")
        wrong += [] if refused(answer, 401) else [kind]
    return first(wrong)


@attempt(
    "guarded", "how long the refusal of a token takes that begins right, against one that does not", "no difference"
)
def token_by_timing(server: Server) -> str | None:
    token = server.token
    guesses = {
        "first": ("0" if token[0] != "0" else "1") + token[1:],
        "last": token[:-1] + ("0" if token[-1] != "0" else "1"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in guesses}
    with server.connect() as connection:
        for turn in range(400):
            # The order alternates: the second request of a pair may be faster or slower merely for being second.
            for name, guess in list(guesses.items())[:: 1 if turn % 2 else -1]:
                request = (
                    f"GET /v1/models HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {guess}\r\n\r\n".encode()
                )
                start = time.perf_counter()
                connection.sendall(request)
                response = b""
                while b"\r\n\r\n" not in response or not response.endswith(b"}"):
                    response += connection.recv(65_536)
                seconds[name].append(time.perf_counter() - start)
                if b" 401 " not in response[:20]:
                    return f"a wrong token got {response[:40]!r}"
    pairs = [after - before for before, after in zip(seconds["first"], seconds["last"], strict=True)]
    slower = sum(each > 0 for each in pairs)
    deviation = abs(slower - len(pairs) / 2) / (
        len(pairs) ** 0.5 / 2
    )  # a sign test: outliers of a busy machine count once
    apart = abs(statistics.median(pairs))
    return (
        f"{1e6 * apart:.1f} µs apart, {deviation:.1f} standard deviations" if deviation > 4.5 and apart > 2e-6 else None
    )


@attempt("guarded", "the token as ?token= of anything but a page", "401")
def token_in_other_queries(server: Server) -> str | None:
    query = f"?token={server.token}"
    return first([path for path in WANTED if path != "/" and not refused(server.ask("GET", path + query), 401)])


@attempt("guarded", "cookies: the token itself, the digest of a wrong one, many, damaged, huge", "401")
def forged_cookies(server: Server) -> str | None:
    import hashlib

    digest = hashlib.sha256(b"digitlab cookie wrong").hexdigest()
    name = f"digitlab-{server.port}"
    forged = [
        f"{name}={server.token}", f"{name}={digest}", f"{name}=", name, f"={name}", f"{name}=None; {name}=True",
        "; ".join(f"{name}={number}" for number in range(2000)), f"{name}=\x01", f'$Version=1; {name}="x',
        "a" * 30_000, f"{name}={'0' * 64}", f"{name}[]=x", f"{name.upper()}=x", f"digitlab={server.token}",
    ]  # fmt: skip
    return first(
        [each[:30] for each in forged if not refused(server.ask("GET", "/v1/models", f"Cookie: {each}"), 401, 400)]
    )


@attempt("guarded", "the token in the log, the process list, or readable by other users", "nowhere")
def token_lying_about(server: Server) -> str | None:
    server.ask("GET", f"/?token={server.token}")
    server.ask("GET", f"/v1/models/{server.token}", token=True)
    server.ask("GET", f"/{server.token}?x={server.token}")
    time.sleep(0.3)
    wrong = [f"the log: {line}" for line in server.log if server.token in line]
    if (server.folder / "token.txt").stat().st_mode & 0o077:
        wrong.append("others may read the file with the token")
    with open(f"/proc/{server.process.pid}/cmdline", "rb") as arguments:  # noqa: PTH123
        wrong += ["the list of processes"] if server.token.encode() in arguments.read() else []
    return first(wrong)


@attempt(
    "guarded", "the cookie's attributes, and the token in what opening the page answers", "HttpOnly, SameSite, no token"
)
def cookie_that_leaks(server: Server) -> str | None:
    answer = server.ask("GET", f"/?token={server.token}")
    cookie = answer.headers.get("set-cookie", "")
    wrong = [] if answer.status == 303 else [str(answer.status)]
    wrong += [each for each in ("HttpOnly", "SameSite", "Path=/") if each not in cookie]
    wrong += ["the token"] if server.token in cookie + answer.text + answer.headers.get("location", "") else []
    return first(wrong)


@attempt("guarded", "to be sent on to a foreign page with the token, or headers of one's own", "only to /")
def open_redirect(server: Server) -> str | None:
    wrong = []
    for path in (
        f"//evil.example/?token={server.token}", f"/?token={server.token}&next=//evil.example",
        f"/\\evil.example?token={server.token}", f"/wall?token={server.token}&x=%0d%0aSet-Cookie:%20a=b",
        f"/?token={server.token}%0d%0aLocation:%20//evil.example", f"http://evil.example/?token={server.token}",
    ):  # fmt: skip
        answer = server.ask("GET", path)
        if (
            answer.headers.get("location", "/") not in ("/", "/wall")
            or "evil" in str(dict(answer.headers))
            or answer.headers.get("set-cookie", "").startswith("a=")
        ):
            wrong.append(f"{path}: {dict(answer.headers)}")
    return first(wrong)


@attempt("guarded", "other ways to write a path beside /healthz, which is open", "401, 404 or 400, and no model")
def paths_around_the_token(server: Server) -> str | None:
    wrong = []
    for path in (
        "/healthz/../v1/models", "/healthz/%2e%2e/v1/models", "/healthz%2f..%2fv1/models", "//v1/models",
        "/./v1/models",
        "/v1//models", "/v1/models/", "/healthz;/v1/models", "/healthz?/v1/models", "/healthz#/v1/models",
        "/HEALTHZ/../v1/models",
        "/v1/models%00/healthz", "/v1/models?healthz", "http://127.0.0.1/v1/models", "/\tv1/models", "/v1/models%20",
        "/%76%31/models",
        "/class/../v1/models", "/v1/pupil/../models", "/static/../v1/models", "*",
    ):  # fmt: skip
        answer = server.ask("GET", path)
        if answer.status == 200 and ("reader" in answer.text or b"models" not in answer.body):
            wrong.append(f"{path}: {answer.text[:60]}")
    return first(wrong)


@attempt("guarded", "headers by which proxies name another path, method or sender", "as without them")
def headers_of_proxies(server: Server) -> str | None:
    wrong = []
    for header in (
        "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz", "X-HTTP-Method-Override: OPTIONS",
        "X-Forwarded-For: 127.0.0.1",
        "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1;host=localhost", "X-Forwarded-Host: localhost",
        "X-Forwarded-User: admin",
        "X-Forwarded-Prefix: /healthz", "True-Client-IP: 127.0.0.1", "X-Forwarded-Proto: https",
    ):  # fmt: skip
        answer = server.ask("GET", "/v1/models", header)
        wrong += [] if answer.status == 401 else [f"{header}: {answer.status}"]
    opened = server.ask("GET", f"/?token={server.token}", "X-Forwarded-Proto: https")
    wrong += ["who sent X-Forwarded-Proto was believed"] if "Secure" in opened.headers.get("set-cookie", "") else []
    return first(wrong)


@attempt(
    "guarded", "HEAD, OPTIONS, TRACE, CONNECT and made-up methods, without the token", "401, 405 or 400, no body of use"
)
def other_methods(server: Server) -> str | None:
    wrong = []
    for method in (
        "HEAD",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "PUT",
        "PATCH",
        "get",
        "GETT",
        "M-SEARCH",
        "DEBUG",
    ):
        answer = server.ask(method, "/v1/models")
        if not refused(answer, 401, 403, 405, 400, 404, 0) or b'"reader"' in answer.body:
            wrong.append(f"{method}: {answer.status}")
    return first(wrong)


@attempt("guarded", "what /healthz, open to all, says of the server", "status, version, count and age alone")
def health_that_talks(server: Server) -> str | None:
    answer = server.ask("GET", "/healthz")
    return None if set(answer.json()) <= {"status", "version", "models", "uptime_seconds"} else answer.text


# Names and origins -------------------------------------------------------------------------------------------------

FOREIGN_HOSTS = (
    "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
    "evil.example#127.0.0.1", "evil.example/127.0.0.1", "evil.example\\@127.0.0.1", "[::1].evil.example",
    "127.0.0.1:80@evil.example",
    "2130706433", "0x7f000001", "127.1", "0", "0.0.0.1", "[::]", "[::ffff:8.8.8.8]", "localhost,evil.example",
    "localhost evil.example",
    "xn--lcalhost-54a.example", "", "[", "]", ":", "a" * 5000,
)  # fmt: skip


@attempt("open", "DNS rebinding: Host names of a foreign page that was turned to this machine", "421 or 400")
def foreign_hosts(server: Server) -> str | None:
    wrong = []
    for host in FOREIGN_HOSTS:
        answer = server.ask("GET", "/v1/models", host=host)
        wrong += [] if refused(answer, 421, 400) else [f"{host[:40]!r}: {answer.status}"]
    answer = server.ask("GET", "/v1/models", host="")
    return first(wrong + ([] if refused(answer, 421, 400) else ["none"]))


@attempt("guarded", "the same where the server has a name, and for the WebSocket and the page's files", "421 or 400")
def foreign_hosts_of_a_named_server(server: Server) -> str | None:
    wrong = []
    for host in (
        *FOREIGN_HOSTS[:8],
        "evil.digits.example.org",
        "digits.example.org.evil.example",
        "digits.example.orgx",
    ):
        for path in ("/", "/healthz", "/static/main.js"):
            answer = server.ask("GET", path, host=host, token=True)
            wrong += [] if refused(answer, 421, 400) else [f"{host} {path}: {answer.status}"]
    answer = server.ask("GET", "/v1/models", host="digits.example.org", token=True)
    return first(wrong + ([] if answer.status == 200 else [f"its own name: {answer.status}"]))


@attempt(
    "open", "two Host headers, of which one is ours; two Origins; a Host beside an absolute address", "400, 421 or 403"
)
def two_names_at_once(server: Server) -> str | None:
    wrong = []
    for headers in (["Host: evil.example", f"Host: {server.host}"], [f"Host: {server.host}", "Host: evil.example"]):
        answer = server.ask("GET", "/v1/models", *headers, host="")
        wrong += [] if refused(answer, 400, 421) else [f"{headers}: {answer.status}"]
    for origins in (("http://evil.example", f"http://{server.host}"), (f"http://{server.host}", "http://evil.example")):
        answer = server.ask("POST", "/v1/classify", *(f"Origin: {each}" for each in origins), body=digit_png())
        wrong += [] if refused(answer, 400, 403) else [f"{origins}: {answer.status}"]
    answer = server.ask("GET", "http://evil.example/v1/models")
    return first(wrong + (["an absolute address of another's"] if answer.status == 200 else []))


FOREIGN_ORIGINS = (
    "http://evil.example", "null", "file://", "http://127.0.0.1:1", "https://evil.example",
    "http://{host}.evil.example",
    "http://{host}@evil.example", "http://evil.example/http://{host}", "http://evil.example#{host}", "ftp://{host}",
    "{host}",
    "http://{host}:80", "http://[", "", "javascript://{host}", "http://{host} http://evil.example",
    "chrome-extension://x",
)  # fmt: skip


@attempt("open", "questions that a page of another makes in a visitor's browser (CSRF)", "403")
def foreign_origins(server: Server) -> str | None:
    wrong = []
    for origin in (each.replace("{host}", server.host) for each in FOREIGN_ORIGINS):
        for path in ("/v1/classify", "/v1/trainings"):
            answer = server.ask("POST", path, f"Origin: {origin}", "Content-Type: text/plain", body=b"{}")
            wrong += [] if answer.status == 403 else [f"{origin} {path}: {answer.status}"]
        answer = server.ask("DELETE", "/v1/trainings/trained-1", f"Origin: {origin}")
        wrong += [] if answer.status == 403 else [f"{origin} DELETE: {answer.status}"]
    for site in ("cross-site", "same-site"):
        answer = server.ask("POST", "/v1/trainings", f"Sec-Fetch-Site: {site}", body=b"{}")
        wrong += [] if answer.status == 403 else [f"{site} without an Origin: {answer.status}"]
    return first(wrong)


def _hand(server: Server, *headers: str, path: str = "/v1/live", host: str | None = None) -> Answer:
    return server.ask(
        "GET", path, "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Connection: Upgrade", *headers, host=host,
    )  # fmt: skip


@attempt("open", "a WebSocket that a page of another opens, or under a foreign name", "403, no 101")
def cross_site_websocket(server: Server) -> str | None:
    wrong = []
    for origin in (each.replace("{host}", server.host) for each in FOREIGN_ORIGINS):
        answer = _hand(server, f"Origin: {origin}")
        wrong += [f"{origin}: {answer.status}"] if answer.status in (101, 200) else []
    for host in FOREIGN_HOSTS[:10]:
        answer = _hand(server, f"Origin: http://{host}", host=host)
        wrong += [f"host {host}: {answer.status}"] if answer.status in (101, 200) else []
    answer = _hand(server, "Sec-Fetch-Site: cross-site")
    return first(wrong + (["without an Origin"] if answer.status == 101 else []))


@attempt(
    "guarded",
    "a WebSocket without the token; with it in the query, in the protocol; with a visitor's cookie, cross-site",
    "no 101",
)
def websocket_without_token(server: Server) -> str | None:
    cookie = server.ask("GET", f"/?token={server.token}").headers["set-cookie"].split(";")[0]
    tries = {
        "nothing": _hand(server),
        "query": _hand(server, path=f"/v1/live?token={server.token}"),
        "protocol": _hand(server, f"Sec-WebSocket-Protocol: {server.token}"),
        "cross-site with the cookie": _hand(server, f"Cookie: {cookie}", "Origin: http://evil.example"),
        "another port with the cookie": _hand(server, f"Cookie: {cookie}", "Origin: http://127.0.0.1:1"),
    }
    return first([f"{name}: {answer.status}" for name, answer in tries.items() if answer.status in (101, 200)])


@attempt("open", "to read answers from another page (CORS), to embed them, to run them as scripts", "nothing allows it")
def foreign_readers(server: Server) -> str | None:
    wrong = []
    for path in (*WANTED, "/nothing", "/healthz"):
        answer = server.ask("GET", path, "Origin: http://evil.example")
        preflight = server.ask("OPTIONS", path, "Origin: http://evil.example", "Access-Control-Request-Method: POST")
        allowed = [name for each in (answer, preflight) for name in each.headers if name.startswith("access-control")]
        wrong += [f"{path}: {allowed}"] if allowed else []
        policy = answer.headers.get("content-security-policy", "")
        is_protected = "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "unsafe" not in policy
        is_protected &= (
            answer.headers.get("x-content-type-options") == "nosniff"
            and answer.headers.get("x-frame-options") == "DENY"
        )
        is_protected &= answer.headers.get("cross-origin-resource-policy") == "same-origin"
        wrong += [] if is_protected else [f"{path}: {dict(answer.headers)}"]
    return first(wrong)
