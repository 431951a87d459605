"""A program chosen by the user, started for each new steady text."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.live.delivery import Health

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.live_reading import LiveReading

__all__ = ["DigitCommand", "end_program", "start_program", "words_of"]

_KILLED_AFTER = 1.0  # seconds from SIGTERM to SIGKILL


def words_of(command: str) -> list[str]:
    r"""Split a command into program and arguments as the system's shell does, without its other features.

    On Windows a backslash separates folders, and only double quotes group words.

    Raises:
        ValueError: for a missing closing quote.

    >>> words_of("say 'it is {digit}'")
    ['say', 'it is {digit}']
    """
    if sys.platform != "win32":
        return shlex.split(command)
    words = shlex.shlex(command, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters, words.escape, words.quotes = True, "", "", '"'
    return list(words)


def start_program(words: list[str], stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it in its own process group, so that Ctrl-C does not reach it, and `end_program` reaches its children.

    Raises:
        OSError, ValueError: when it cannot be started.
    """
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, creationflags=group)
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True)


def end_program(process: subprocess.Popen[bytes], grace: float) -> None:
    """End a process and its children after ``grace`` seconds, with SIGTERM, then with SIGKILL."""
    for wait, force in ((grace, False), (_KILLED_AFTER, True)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            if wait > 0.0:
                process.wait(wait)
        if process.poll() is None:
            with contextlib.suppress(OSError):  # it has ended meanwhile
                _signal_all(process, force=force)


def _signal_all(process: subprocess.Popen[bytes], *, force: bool) -> None:
    if sys.platform == "win32":
        if force:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        else:
            process.send_signal(signal.CTRL_BREAK_EVENT)
        return
    os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)


_STOPS_WITHIN = 2.0  # seconds that the thread has to notice the program's end
_MOST_WAITING = 100
_STDERR = 2  # the program's stdout goes there: ours may be read by another program


class DigitCommand:
    r"""Starts a program whenever the steady text changes, one at a time, without a shell.

    In its arguments ``{text}`` becomes the steady text, its lines separated by spaces, and ``{digit}`` all its digits
    without spaces, with "?" for a digit that was found but not classified; a text of only "?" starts nothing. Texts
    that become steady while it runs are queued, up to 100; beyond that the oldest are dropped, which is reported.

    >>> command = DigitCommand("echo 'it is {digit}'", print)
    >>> command.arguments("68\n85")
    ['echo', 'it is 6885']
    >>> command.close()
    """

    def __init__(self, command: str, say: Callable[[str], None], *, once: bool = False) -> None:
        """Parse the command; nothing is started yet.

        once: start it for each reported number instead, one after the other
        say: called with a message when the program cannot be started or fails, once for each reason

        Raises:
            UsageError: when it cannot be parsed, or there is no such program.
        """
        try:
            self._words = words_of(command)
        except ValueError as error:
            raise UsageError(f"--on-digit {command!r}: {error}; expected a program and its arguments") from error
        if not self._words or shutil.which(self._words[0]) is None:
            program = self._words[0] if self._words else ""
            raise UsageError(f"--on-digit {command!r}: there is no program {program!r}; no shell interprets this line")
        self._say = say
        self.health = Health("on-digit")
        self._said: set[str] = set()
        self._once = once
        self._waiting: deque[str] = deque()
        self._running: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="digitlab-on-digit", daemon=True)
        self._thread.start()

    def arguments(self, text: str) -> list[str]:
        """Return the program and its arguments for a steady text; nothing is substituted in the program's name."""
        digits = "".join(text.split())
        words = (word.replace("{text}", " ".join(text.split())).replace("{digit}", digits) for word in self._words[1:])
        return [self._words[0], *words]

    def tell(self, live: LiveReading) -> None:
        """Accept a reading; never blocks."""
        texts = [number.text for number in live.numbers] if self._once else [live.steady or ""] * live.telling
        with self._changed:
            for text in texts:
                if text.strip("?\n"):
                    self._waiting.append(text)
                    self._changed.notify_all()
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popleft()
                self._complain(f"is too slow: more than {_MOST_WAITING} texts wait, and the oldest are dropped")

    def close(self, grace: float = 0.0) -> None:
        """Stop: the current and the queued runs have `grace` seconds to finish; then running processes are ended."""
        until = time.monotonic() + grace
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and self._running is None, grace)
            self._closing = True
            self._waiting.clear()
            self._changed.notify_all()
            running = self._running
        if running is not None:
            end_program(running, max(0.0, until - time.monotonic()))
        self._thread.join(_STOPS_WITHIN)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                words = self.arguments(self._waiting.popleft())
                # Started under the lock, so that `close` sees it and can end it.
                self._running = self._started(words)
            if self._running is not None:
                code = self._running.wait()
                with self._changed:
                    self._running = None
                    self._changed.notify_all()
                    if code == 0:
                        self.health.works()
                    elif not self._closing:
                        self._complain(f"ended with {code}" if code > 0 else f"was ended by signal {-code}")

    def _started(self, words: list[str]) -> subprocess.Popen[bytes] | None:
        try:
            return start_program(words, _STDERR)
        except (OSError, ValueError) as error:
            self._complain(f"cannot be started ({error})")
            return None

    def _complain(self, what: str) -> None:
        self.health.failed(f"{self._words[0]} {what}", lost=1)
        if what not in self._said:
            self._said.add(what)
            self._say(f"--on-digit: {self._words[0]} {what}; it is started again for the next text")
