"""Programs of the user's: their command line taken apart, started, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from typing import IO

__all__ = ["end_program", "start_program", "words_of"]

_KILLED_AFTER = 1.0  # seconds from asking a program to end to ending it


def words_of(command: str) -> list[str]:
    r"""The program and its arguments, as the system's shell would part them, without its other powers.

    On Windows a backslash parts folders, and only double quotes keep words together.

    Raises:
        ValueError: for a quote that does not end.

    >>> words_of("say 'it is {digit}'")
    ['say', 'it is {digit}']
    """
    if sys.platform != "win32":
        return shlex.split(command)
    words = shlex.shlex(command, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters, words.escape, words.quotes = True, "", "", '"'
    return list(words)


def start_program(words: list[str], stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it in a group of its own: Ctrl-C is for us, and `end_program` reaches its children.

    Raises:
        OSError, ValueError: when it cannot be started.
    """
    if sys.platform == "win32":
        group = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, creationflags=group)
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True)


def end_program(process: subprocess.Popen[bytes], grace: float) -> None:
    """End a process and its children, after so many seconds: asked first, then made to."""
    for wait, made in ((grace, False), (_KILLED_AFTER, True)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            if wait > 0.0:
                process.wait(wait)
        if process.poll() is None:
            with contextlib.suppress(OSError):  # it has ended meanwhile, or is not ours any more
                _signal_all(process, made=made)


def _signal_all(process: subprocess.Popen[bytes], *, made: bool) -> None:
    if sys.platform == "win32":
        if made:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        else:
            process.send_signal(signal.CTRL_BREAK_EVENT)
        return
    os.killpg(process.pid, signal.SIGKILL if made else signal.SIGTERM)
