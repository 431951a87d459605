"""Network faults between camera, server and browser: delay, loss, half-open connections, resets, refusals.

    python bench/endurance/network.py                # every fault twelve times, half an hour
    python bench/endurance/network.py --count 6 --minutes 2

A camera on this computer shows another digit every two seconds, so that each reading tells how old its picture is.
Between it and `digitlab live` is a proxy that fails (`_links.py`): the digit read must have been shown by the camera
within the age that is reported, plus the two seconds of `--stale`. Likewise between clients and `digitlab serve`: an
answer must belong to its request. Where we are root and `ip` is available, the link of a separate network namespace is
interrupted, and where the kernel has netem, packets are lost, delayed and reordered.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _attempts_http import frame, shaken
from _cameras import Reading, jpeg
from _links import FaultyLink, namespace
from _servers import Server, answer_in, digit_png, served
from results import Row, arguments, finish, time_left

from faulty_camera import FaultyCamera

if TYPE_CHECKING:
    from collections.abc import Callable

    from _links import LinkFault

STALE = 2.0  # seconds: `--stale`, and so the maximum age of a reading that is not marked as stale
MARGIN = 1.5  # seconds: from showing to sending, through the proxy, on a busy machine
BACK_WITHIN = 3.0
FAULTS: tuple[LinkFault, ...] = ("half-open", "loss", "cut", "delay", "refused", "one way")
DIGITS = "538"


class ChangingCamera:
    """A camera that shows another digit every two seconds, and records when it showed which."""

    def __init__(self, every: float = 2.0) -> None:
        self.camera = FaultyCamera(rate=10.0, pictures=[jpeg("5")] * 32)
        self.shown: list[tuple[float, str]] = []
        self._pictures = {digit: jpeg(digit) for digit in DIGITS}
        self._every, self._over = every, threading.Event()
        self._thread = threading.Thread(target=self._change, daemon=True)

    def __enter__(self) -> ChangingCamera:
        self.camera.switch_on()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self.camera.switch_off()

    def _change(self) -> None:
        number = 0
        while True:
            digit = DIGITS[number % len(DIGITS)]
            self.camera.show(self._pictures[digit])
            self.shown.append((time.monotonic(), digit))
            number += 1
            if self._over.wait(self._every):
                return

    def showed(self, digit: str, since: float) -> bool:
        """Return whether the camera showed this digit at any time since then."""
        shown = list(self.shown)
        ends = [*(moment for moment, _ in shown[1:]), float("inf")]
        return any(each == digit and end >= since for (_, each), end in zip(shown, ends, strict=True))


def _old(camera: ChangingCamera, lines: list[tuple[float, dict[str, Any]]]) -> str | None:
    """Find the first reading of a digit that was not shown within its age plus the allowance for stale pictures."""
    for arrived, line in lines:
        text, age = line.get("text"), line.get("age", 0.0)
        if text and text in DIGITS and not camera.showed(text, arrived - age - STALE - MARGIN):
            return f"{text} was read {age} s after its picture came, and was shown long before"
    return None


def camera_faults(row: Row, count: int, seconds: float, over: Callable[[], bool]) -> None:
    """Cause each fault in turn for some seconds between an MJPEG camera and `digitlab live`."""
    recoveries: list[float] = []
    with ChangingCamera() as camera, FaultyLink(camera.camera.port) as link, contextlib.ExitStack() as closing:
        reading = Reading(f"http://127.0.0.1:{link.port}/video", "--mode", "region")
        closing.callback(reading.close)
        reading.wait_for(lambda line: line.get("text") in tuple(DIGITS), 90)
        for number in range(count):
            if over():
                break
            fault = FAULTS[number % len(FAULTS)]
            link.fault = fault
            if fault in ("cut", "refused"):
                link.cut()
            time.sleep(seconds)
            during = _drained(reading.lines)
            link.fault = "none"
            healed = time.monotonic()
            try:
                after = reading.wait_for(lambda line: line.get("text") in tuple(DIGITS) and line["age"] < STALE, 20)
            except TimeoutError as error:
                row.add(f"{fault}: {error}")
                continue
            recoveries.append(after[-1][0] - healed)
            later = reading.wait_for(lambda line: line.get("text") in tuple(DIGITS), 20)
            wrong = _old(camera, [*during, *after, *later])
            notices = [line for _, line in during if "state" in line or line.get("steady", "") is None]
            if wrong is None and fault in ("half-open", "one way", "refused") and seconds > 3.5 and not notices:
                wrong = "nothing was said of the silence"
            if wrong is None and recoveries[-1] > BACK_WITHIN:
                wrong = f"read again after {recoveries[-1]:.2f} s"
            row.add(None if wrong is None else f"{fault} for {seconds:g} s: {wrong}")
    if recoveries:
        row.measured = {
            "back_most_s": round(max(recoveries), 2),
            "back_median_s": round(sorted(recoveries)[len(recoveries) // 2], 2),
        }


def _drained(lines: queue.Queue[tuple[float, dict[str, Any]]]) -> list[tuple[float, dict[str, Any]]]:
    drained = []
    with contextlib.suppress(queue.Empty):
        while True:
            drained.append(lines.get_nowait())
    return drained


def answers_through(row: Row, count: int, over: Callable[[], bool]) -> None:
    """Ask `digitlab serve` for digits through a faulty link: the answer must be right, or missing."""
    one, nothing = digit_png(), b"no picture"
    with served() as server, FaultyLink(server.port) as link:
        proxied = Server(link.port, server.process, server.folder)
        expected = server.ask("POST", "/v1/classify", body=one).json()["digit"]
        for number in range(count):
            if over():
                break
            link.fault = ("loss", "delay", "cut", "none")[number % 4]
            body, wanted = (one, 200) if number % 3 else (nothing, 422)
            try:
                answer = proxied.ask("POST", "/v1/classify", body=body, host=server.host)
            except OSError:
                row.add(None if link.fault == "cut" else f"{link.fault}: no connection")
                continue
            right = answer.status == wanted and (wanted == 422 or answer.json()["digit"] == expected)
            row.add(
                None
                if right or (answer.status == 0 and link.fault == "cut")
                else f"{link.fault}: {answer.status} {answer.text[:80]}"
            )
        link.fault = "none"
        row.add(_live_client(server, link))


def _live_client(server: Server, link: FaultyLink) -> str | None:
    """Run a live client whose link goes silent and recovers: answers name their frames, in order; its slot is freed."""
    request = frame(2, digit_png())
    numbers: list[int] = []
    with Server(link.port, server.process, server.folder).connect(10) as connection:
        connection.sendall(shaken(server))
        if answer_in(connection.recv(4096)).status != 101:
            return "no WebSocket through the proxy"
        for pause in (0.0, 0.0, 1.0, 0.0):
            link.fault = "delay" if pause else "none"
            connection.sendall(request)
            numbers.append(json.loads(_message(connection))["frame"])
        link.fault = "half-open"
        with contextlib.suppress(OSError):
            connection.sendall(request)
        connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            if received := connection.recv(4096):  # nothing: the server has closed it
                return f"through a dead line came {received[:40]!r}"
    link.fault = "none"
    link.cut()
    until = time.monotonic() + 10
    while "digitlab_live_clients 0" not in server.ask("GET", "/metrics").text:
        if time.monotonic() > until:
            return "the place of a live client whose line was cut is still taken after 10 s"
        time.sleep(0.2)
    return None if numbers == [0, 1, 2, 3] else f"answers were about the frames {numbers}"


def _message(connection: Any) -> bytes:
    """Receive the payload of the next frame from the server; servers do not mask them."""
    header = connection.recv(2)
    size = header[1] & 0x7F
    if size == 126:
        size = int.from_bytes(connection.recv(2), "big")
    content = b""
    while len(content) < size:
        content += connection.recv(size - len(content))
    return content


def pulled_line(row: Row, times: int, seconds: float, over: Callable[[], bool]) -> None:
    """Interrupt the link of a `digitlab live` in a network namespace; with netem, also lose and reorder packets."""
    with namespace() as network:
        if network is None:
            row.skipped = "needs root and `ip` (Debian: iproute2)"
            return
        row.measured["netem"] = network.netem
        with (
            ChangingCamera() as camera,
            FaultyLink(camera.camera.port, network.own) as link,
            contextlib.ExitStack() as closing,
        ):
            reading = Reading(f"http://{network.own}:{link.port}/video", "--mode", "region", inside=network.inside(()))
            closing.callback(reading.close)
            reading.wait_for(lambda line: line.get("text") in tuple(DIGITS), 90)
            for _ in range(times):
                if over():
                    break
                network.pull()
                time.sleep(seconds)
                during = _drained(reading.lines)
                network.plug()
                healed = time.monotonic()
                try:
                    after = reading.wait_for(lambda line: line.get("text") in tuple(DIGITS) and line["age"] < STALE, 30)
                except TimeoutError as error:
                    row.add(str(error))
                    continue
                row.measured.setdefault("back_s", []).append(round(after[-1][0] - healed, 2))
                reported = any("state" in line for _, line in during) or seconds < 3.5
                row.add(_old(camera, [*during, *after]) or (None if reported else "nothing was said of the silence"))
            for how in _DISTURBED if network.netem else ():
                network.disturb(*how)
                time.sleep(seconds)
                row.add(_old(camera, _drained(reading.lines)))
                network.disturb()


_DISTURBED = (
    ("loss", "20%"), ("delay", "300ms", "200ms"), ("delay", "50ms", "reorder", "25%", "50%"),
    ("duplicate", "10%", "corrupt", "1%"),
)  # fmt: skip


def main() -> int:
    parser = arguments(__doc__, count=72)
    parser.add_argument("--fault-seconds", type=float, default=6.0, help="how long each fault lasts (default 6)")
    options = parser.parse_args()
    over = time_left(options.minutes)
    camera = Row(
        "faults between an MJPEG camera and `digitlab live`",
        "steady or said so; nothing stale shown as new; back in ≤ 3 s",
    )
    answers = Row("faults between clients and `digitlab serve`", "the answer to the question, or none")
    pulled = Row("a network namespace whose line is pulled", "said so; nothing stale shown as new")
    pulled_line(pulled, max(1, options.count // 12), options.fault_seconds, over)
    answers_through(answers, 3 * options.count, over)
    camera_faults(camera, options.count, options.fault_seconds, over)
    return finish("network", [camera, answers, pulled], options)


if __name__ == "__main__":
    sys.exit(main())
