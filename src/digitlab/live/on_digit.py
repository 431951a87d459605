"""A program of the user's, started for each steady text."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.live.programs import end_program, start_program, words_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from digitlab.live.session import LiveReading

__all__ = ["DigitCommand"]

_HEARD_WITHIN = 2.0  # seconds until the thread has heard that the program was ended
_STDERR = 2  # what the program prints goes there: our stdout may be read by another program


class DigitCommand:
    r"""Starts a program whenever another text is steady, one at a time, without a shell.

    In its arguments ``{text}`` becomes the steady text, its lines parted by spaces, and ``{digit}`` all its digits
    without a gap, "?" among them for those that were found but not answered; a text of only such starts nothing. While
    the program runs, newer texts wait, and the newest replaces the others.

    >>> command = DigitCommand("echo 'it is {digit}'", print)
    >>> command.arguments("68\n85")
    ['echo', 'it is 6885']
    >>> command.close()
    """

    def __init__(self, command: str, say: Callable[[str], None]) -> None:
        """Take the command apart; nothing is started yet.

        say: told once, when the program cannot be started or fails

        Raises:
            UsageError: when it cannot be taken apart, or there is no such program.
        """
        try:
            self._words = words_of(command)
        except ValueError as error:
            raise UsageError(f"--on-digit {command!r}: {error}; expected a program and its arguments") from error
        if not self._words or shutil.which(self._words[0]) is None:
            program = self._words[0] if self._words else ""
            raise UsageError(f"--on-digit {command!r}: there is no program {program!r}; no shell looks at this line")
        self._say = say
        self._failed = False
        self._next: str | None = None
        self._running: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="digitlab-on-digit", daemon=True)
        self._thread.start()

    def arguments(self, text: str) -> list[str]:
        """The program and its arguments for a steady text; the program's own name stays as it is."""
        digits = "".join(text.split())
        words = (word.replace("{text}", " ".join(text.split())).replace("{digit}", digits) for word in self._words[1:])
        return [self._words[0], *words]

    def tell(self, live: LiveReading) -> None:
        """Take a reading; never waits."""
        if live.changed and live.steady and live.steady.strip("?\n"):
            with self._changed:
                self._next = live.steady
                self._changed.notify_all()

    def close(self, grace: float = 0.0) -> None:
        """End: what runs or waits may finish for `grace` seconds, and is then killed with all that it started."""
        until = time.monotonic() + grace
        with self._changed:
            self._changed.wait_for(lambda: self._next is None and self._running is None, grace)
            self._closing = True
            self._next = None
            self._changed.notify_all()
            running = self._running
        if running is not None:
            end_program(running, max(0.0, until - time.monotonic()))
        self._thread.join(_HEARD_WITHIN)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._closing)
                if self._closing or self._next is None:
                    return
                words = self.arguments(self._next)
                self._next = None
                # Started under the lock: whoever closes then sees it and can end it.
                self._running = self._started(words)
            if self._running is not None:
                code = self._running.wait()
                with self._changed:
                    self._running = None
                    self._changed.notify_all()
                    if code != 0 and not self._closing:
                        self._complain(f"ended with {code}" if code > 0 else f"was ended by signal {-code}")

    def _started(self, words: list[str]) -> subprocess.Popen[bytes] | None:
        try:
            return start_program(words, _STDERR)
        except (OSError, ValueError) as error:
            self._complain(f"cannot be started ({error})")
            return None

    def _complain(self, what: str) -> None:
        if not self._failed:
            self._failed = True
            self._say(f"--on-digit: {self._words[0]} {what}; this is said once")
