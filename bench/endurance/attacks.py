"""Attacks on the server, tried one by one; each attempt says what it tries and what it expects.

    python bench/endurance/attacks.py                # every attempt, a minute or two
    python bench/endurance/attacks.py --list         # the table, without trying

Three servers are attacked, each started as a user would: one for this machine alone ("open"), one with a token that
others can reach by a host name ("guarded"), and a class ("class"), whose pupils are hostile. Only 0 successful
attempts are good enough. The attempts are in `_attempts*.py` and `_bombs.py`.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from typing import TYPE_CHECKING

import _attempts
import _attempts_class
import _attempts_http
import _attempts_paths
import _bombs
from _attempts import ATTEMPTS, Attempt
from _servers import Server, served
from results import Row, arguments, finish, time_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ATTEMPTS", "SERVERS", "attack", "servers"]

FILES = (_attempts, _attempts_paths, _attempts_http, _bombs, _attempts_class)  # each registers its attempts
SERVERS: dict[str, tuple[str, ...]] = {
    "open": ("--access-log",),
    "guarded": ("--host", "0.0.0.0", "--allowed-host", "digits.example.org", "--access-log"),  # noqa: S104
    "class": ("--class", "--access-log"),
}


@contextlib.contextmanager
def servers(names: Sequence[str] = tuple(SERVERS)) -> Iterator[dict[str, Server]]:
    """Start the servers under attack, and yield them by name."""
    with contextlib.ExitStack() as running:
        yield {name: running.enter_context(served(*SERVERS[name], token=name != "open")) for name in names}


def attack(attempt: Attempt, targets: dict[str, Server]) -> str | None:
    """Run the attempt; return what the attacker got, or None. A dead server or an internal error counts, too."""
    server = targets[attempt.server]
    before = len(server.log)
    try:
        finding = attempt.run(server)
    except Exception as error:  # noqa: BLE001 - an attempt that fails was not refused as expected
        finding = f"{type(error).__name__}: {error}"
    if finding is None:
        trace = next((line for line in server.log[before:] if "Traceback" in line or "internal error" in line), None)
        finding = f"the server's log: {trace.strip()}" if trace else None
    if finding is None and server.ask("GET", "/healthz").status != 200:
        finding = "the server does not answer any more"
    return finding


def run(row: Row, seed: int, over: Callable[[], bool], only: str = "") -> None:
    """Run every attempt whose name contains ``only``, in random order: none may depend on another."""
    order = [each for each in ATTEMPTS if only in each.name]
    random.Random(seed).shuffle(order)  # noqa: S311 - no secret
    with servers() as targets:
        for attempt in order:
            if over():
                row.skipped = f"the time was over; {len(order) - row.tried} were not tried"
                break
            start = time.monotonic()
            finding = attack(attempt, targets)
            seconds = round(time.monotonic() - start, 2)
            description = f"{attempt.name} ({attempt.tries}; expected: {attempt.expected})"
            row.add(None if finding is None else f"{description}: {finding[:300]}")
            row.measured[attempt.name] = seconds
            print(
                f"{row.tried:3d}. {seconds:6.2f} s  {attempt.name}{': ' + finding[:200] if finding else ''}", flush=True
            )


def main() -> int:
    parser = arguments(__doc__, count=len(ATTEMPTS))
    parser.add_argument("--list", action="store_true", help="the table of the attempts, as Markdown")
    parser.add_argument("--only", default="", help="attempts whose name holds this")
    options = parser.parse_args()
    if options.list:
        print("attempt | what it tries | what is expected\n---|---|---")
        for each in ATTEMPTS:
            print(f"{each.name} | {each.tries} | {each.expected}")
        return 0
    row = Row(f"{len(ATTEMPTS)} attempts of an attacker", "0 of ≥ 40 get through")
    run(row, options.seed, time_left(options.minutes), options.only)
    return finish("attacks", [row], options)


if __name__ == "__main__":
    sys.exit(main())
