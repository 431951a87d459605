"""Attempts to reach files, other machines and shells by names in a request, and to have names rendered as markup."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from urllib.parse import quote

from _attempts import attempt, first, refused
from _servers import Answer, Server, digit_png

__all__: list[str] = []


# Paths -------------------------------------------------------------------------------------------------------------

PATHS = (
    "../../../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..\\..\\..\\windows\\win.ini",
    "C:\\windows\\win.ini",
    "\\\\127.0.0.1\\share", "/proc/self/environ", "/dev/zero", "reader.onnx", "./reader", "reader/../reader",
    "%2e%2e%2fetc%2fpasswd",
    "token.txt", "~/.ssh/id_rsa", "reader\0.png", "http://127.0.0.1:{canary}/", "$(id)", "`id`", "|id", "; id",
    "{{7*7}}", "${7*7}",
    "' OR 1=1 --", "%s%s%n", "__class__", "a" * 5000,
)  # fmt: skip
SECRETS = (b"root:", b"PATH=", b"[fonts]", b"uid=", b"49", b"site-packages", b"Traceback")


def _leak(answer: Answer, sent: str) -> str | None:
    body = answer.body.replace(sent.encode(), b"")
    if answer.status >= 500 and answer.status != 503:
        return str(answer.status)
    leaked = [
        each
        for each in SECRETS
        if each in body and (each != b"49" or (sent in ("{{7*7}}", "${7*7}") and answer.status == 200))
    ]
    return f"{leaked} in {answer.text[:100]}" if leaked else None


@attempt(
    "open",
    "paths, addresses and commands in every parameter of every route of the description",
    "4xx, nothing of a file, no call",
)
def path_in_every_parameter(server: Server) -> str | None:
    wrong: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as canary:
        called: list[str] = []
        threading.Thread(target=_listen, args=(canary, called), daemon=True).start()
        port = canary.getsockname()[1]
        before = {each.name for each in server.folder.iterdir()}
        for method, path, names, in_path in _parameters(server):
            for value in (each.replace("{canary}", str(port)) for each in PATHS):
                for name in names:
                    address = (
                        path.replace(f"{{{name}}}", quote(value, safe=""))
                        if name in in_path
                        else f"{path}?{name}={quote(value)}"
                    )
                    address = re.sub(r"\{\w+\}", "1", address)
                    answer = server.ask(method, address, body=digit_png() if method == "POST" else b"")
                    leak = _leak(answer, value)
                    wrong += [f"{method} {address[:80]}: {leak}"] if leak else []
        wrong += [f"somebody was called: {called[0]}"] if called else []
        wrong += ["files were made"] if {each.name for each in server.folder.iterdir()} != before else []
    return first(wrong)


def _listen(canary: socket.socket, called: list[str]) -> None:
    try:
        while True:
            connection, caller = canary.accept()
            called.append(str(caller))
            connection.close()
    except OSError:
        return


def _parameters(server: Server) -> list[tuple[str, str, list[str], set[str]]]:
    operations_found = []
    for path, operations in server.ask("GET", "/v1/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", ())
            if parameters and "trainings" not in path:
                operations_found.append((method.upper(), path, [each["name"] for each in parameters],
                              {each["name"] for each in parameters if each["in"] == "path"}))  # fmt: skip
    return operations_found


@attempt("open", "paths in every field of every JSON question", "4xx, nothing of a file")
def path_in_every_field(server: Server) -> str | None:
    description = server.ask("GET", "/v1/openapi.json").json()
    wrong = []
    for path, operations in description["paths"].items():
        schema = (
            operations.get("post", {})
            .get("requestBody", {})
            .get("content", {})
            .get("application/json", {})
            .get("schema", {})
        )
        name = schema.get("$ref", "").rpartition("/")[2]
        for field in description["components"]["schemas"].get(name, {}).get("properties", {}):
            for value in PATHS:
                answer = server.ask(
                    "POST", path, "Content-Type: application/json", body=json.dumps({field: value}).encode()
                )
                leak = _leak(answer, value) or ("taken" if answer.status < 400 else None)
                wrong += [f"{path} {field}={value[:30]}: {leak}"] if leak else []
    return first(wrong)


@attempt("open", "ways out of the folder of the page's files", "404 or 400")
def paths_out_of_static(server: Server) -> str | None:
    wrong = []
    for path in (
        "/static/../schemas.py", "/static/%2e%2e/schemas.py", "/static/..%2fschemas.py", "//etc/passwd",
        "/etc/passwd", "/static/%00",
        "/static/....//schemas.py", "/static/\\..\\schemas.py", "/../../etc/passwd", "/static/", "/static",
        "/static/%252e%252e/schemas.py",
        "/static/..;/schemas.py", "/static/main.js/../../schemas.py", "/static/main.js%00.png", "/static//etc/passwd",
        "/.git/config",
        "/static/..%c0%af..%c0%afetc/passwd", "/token.txt", "/.env", "/static/main.js~",
        "/static/class/../../schemas.py",
    ):  # fmt: skip
        answer = server.ask("GET", path)
        wrong += [] if refused(answer, 404, 400, 405) else [f"{path}: {answer.status}"]
    return first(wrong)


@attempt("open", "what answers to mistakes say of the machine: folders, users, versions of libraries", "none of it")
def errors_that_talk(server: Server) -> str | None:
    import getpass
    import pathlib

    telling = [
        str(server.folder),
        str(pathlib.Path(__file__).parents[2]),
        "site-packages",
        "Traceback",
        "uvicorn",
        "starlette",
        f"/home/{getpass.getuser()}",
    ]
    wrong = []
    for method, path, body in (
        ("GET", "/nothing", b""), ("POST", "/v1/read", b"%PDF-1.7 no"), ("POST", "/v1/read", b"x"),
        ("POST", "/v1/explain", b"{"), ("POST", "/v1/classify?model=x", b""), ("PUT", "/v1/read", b""),
        ("POST", "/v1/inspect", b"\x89PNG\r\n\x1a\n"), ("POST", "/v1/trainings", b'{"images": "x"}'),
        ("GET", "/v1/models/none", b""), ("POST", "/v1/picture", b"GIF89a" + bytes(40)),
    ):  # fmt: skip
        answer = server.ask(method, path, body=body)
        everything = answer.text + str(dict(answer.headers))
        wrong += [f"{each!r} in {everything[:120]}" for each in telling if each in everything]
    return first(wrong)


# Markup ------------------------------------------------------------------------------------------------------------

SINKS = re.compile(
    rb"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser|setHTML\w*|createContextualFragment)\b"
    rb"|\beval\(|new Function\(|javascript:|\bsetTimeout\(\s*[\"']"
)


@attempt("open", "a way in the page's scripts by which a name that is shown becomes markup or a script", "none")
def scripts_that_make_markup(server: Server) -> str | None:
    wrong, seen, waiting = [], set(), ["/static/main.js", "/", "/static/index.html"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = server.ask("GET", path)
        wrong += [f"{path}: {each[0]!r}" for each in SINKS.finditer(answer.body)]
        waiting += [f"/static/{name.decode()}" for name in re.findall(rb'"\./([\w/-]+\.js)"', answer.body)]
        inline = (
            re.search(rb"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=[\"']", answer.body)
            if answer.headers.get("content-type", "").startswith("text/html")
            else None
        )
        wrong += [f"{path}: {inline[0]!r}"] if inline else []
    return first(wrong) or (None if len(seen) > 20 else f"only {len(seen)} scripts were found")


@attempt(
    "open", "markup in whatever an answer repeats, as something that a browser would show as a page", "JSON, nosniff"
)
def markup_in_answers(server: Server) -> str | None:
    markup = "<script>alert(1)</script>"
    wrong = []
    named, digit = quote(markup), digit_png()
    for response in (
        server.ask("GET", f"/{named}"), server.ask("POST", f"/v1/classify?model={named}", body=digit),
        server.ask("POST", f"/v1/read?threshold={named}", body=digit), server.ask("GET", f"/v1/models/{named}"),
        server.ask("POST", "/v1/trainings", body=json.dumps({"architecture": markup}).encode()),
        server.ask("GET", f"/v1/trainings/{named}/events"), server.ask("POST", "/v1/read", f"Origin: {markup}"),
        server.ask("GET", "/", f"Referer: {markup}", f"User-Agent: {markup}"),
        server.ask("GET", "/v1/models", host=markup),
    ):  # fmt: skip
        kind = response.headers.get("content-type", "")
        if markup in response.text and not kind.startswith(("application/problem+json", "application/json")):
            wrong.append(f"{response.status} {kind}: {response.text[:80]}")
        if response.body and response.headers.get("x-content-type-options") != "nosniff":
            wrong.append(f"{response.status}: no nosniff, {response.text[:60]}")
    return first(wrong)


@attempt("open", "a picture that is a page as well, to be handed back as one (/v1/picture)", "a JPEG made anew")
def picture_and_page_at_once(server: Server) -> str | None:
    both = digit_png() + b"<html><script>alert(1)</script></html>"
    answer = server.ask("POST", "/v1/picture", body=both)
    return (
        None
        if answer.status == 422
        or (b"<script" not in answer.body and answer.headers.get("content-type") == "image/jpeg")
        else answer.text[:80]
    )


@attempt("open", "lines and colours of one's own in the access log", "one line each, printable ASCII")
def lines_in_the_log(server: Server) -> str | None:
    before = len(server.log)
    for path in (
        "/a%0a2026-01-01T00:00:00Z%20127.0.0.1%20GET%20/admin%20200",
        "/%1b%5b31mred",
        "/%e2%80%ae",
        "/%00%ff",
        "/" + "x" * 5000,
    ):
        server.ask("GET", path)
    time.sleep(0.3)
    lines = server.log[before:]
    wrong = [
        line
        for line in lines
        if not line.rstrip("\n").isascii() or not line.rstrip("\n").isprintable() or len(line) > 400
    ]
    return first(wrong) or (None if len(lines) >= 5 else f"only {len(lines)} lines of 5 requests")


@attempt("open", "labels of one's own in the metrics, and more of them than memory holds", "a few fixed routes")
def labels_in_the_metrics(server: Server) -> str | None:
    for number in range(200):
        server.ask("GET", f'/x{number}"}}%0aevil 1')
        server.ask(f"M{number}", "/v1/models")
    answer = server.ask("GET", "/metrics").text
    return "evil" if "evil" in answer or len(answer) > 40_000 or "M19" in answer else None
