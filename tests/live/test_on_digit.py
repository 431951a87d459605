import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from digitlab.errors import UsageError
from digitlab.live import LiveReading
from digitlab.live.numbers import Number
from digitlab.live.on_digit import DigitCommand, end_program, words_of
from digitlab.values import Reading


def reading(text, *, changed=True):
    return LiveReading(
        0, time.monotonic(), 0.0, 1.0, Reading((), 1.0), text, changed=changed, telling=changed and bool(text)
    )


@pytest.fixture
def said():
    return []


def is_running(number):
    """Whether there is such a process, and it is no zombie that only waits to be counted."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def python(code, *arguments):
    return shlex.join([sys.executable, "-c", code, *arguments])


def test_a_program_is_told_the_digit(tmp_path, said, eventually):
    log = tmp_path / "log"
    code = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + chr(10))"
    command = DigitCommand(python(code, str(log), "{digit}", "read {text}!"), said.append)
    command.tell(reading("7"))
    eventually(lambda: log.exists() and log.read_text() == "7 read 7!\n")
    command.tell(reading("68\n85"))
    eventually(lambda: log.read_text().endswith("6885 read 68 85!\n"))
    for quiet in (reading(""), reading(None), reading("4", changed=False)):
        command.tell(quiet)
    command.close(grace=5.0)
    assert log.read_text().count("\n") == 2
    assert said == []


def test_no_shell_looks_at_it(tmp_path, said):
    command = DigitCommand(f"echo {{digit}} > {tmp_path / 'file'} ; touch {tmp_path / 'other'}", said.append)
    assert command.arguments("5")[:3] == ["echo", "5", ">"]
    command.tell(reading("5"))
    command.close(grace=5.0)
    assert list(tmp_path.glob("*")) == []


def test_never_more_than_one_at_a_time_and_none_is_lost(tmp_path, said, eventually):
    code = (
        "import sys, os, time; d = sys.argv[1]; assert not os.path.exists(d + '/busy')\n"
        "open(d + '/busy', 'w').close()\n"
        "while not os.path.exists(d + '/go'): time.sleep(0.01)\n"
        "os.remove(d + '/busy'); open(d + '/log', 'a').write(sys.argv[2])"
    )
    command = DigitCommand(python(code, str(tmp_path), "{digit}"), said.append)
    command.tell(reading("1"))
    eventually((tmp_path / "busy").exists)
    for text in "2345":
        command.tell(reading(text))
    (tmp_path / "go").touch()
    command.close(grace=20.0)
    assert (tmp_path / "log").read_text() == "12345"
    assert said == []


def test_what_is_only_withdrawn_and_back_is_not_told_again(tmp_path, said):
    log = tmp_path / "log"
    command = DigitCommand(python("import sys; open(sys.argv[1], 'a').write(sys.argv[2])", str(log), "{digit}"), print)
    command.tell(reading("7"))
    back = LiveReading(0, time.monotonic(), 0.0, 1.0, Reading((), 1.0), "7", changed=True, telling=False)
    command.tell(back)
    command.close(grace=20.0)
    assert log.read_text() == "7"


def test_numbers_are_told_one_by_one_where_each_is_told_once(tmp_path, said):
    log = tmp_path / "log"
    code = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + ' ')"
    command = DigitCommand(python(code, str(log), "{digit}"), said.append, once=True)
    numbers = (Number(1, "68", (0, 0, 9, 9), 0.9), Number(2, "3", (0, 0, 9, 9), 0.9))
    whole = LiveReading(0, time.monotonic(), 0.0, 1.0, Reading((), 1.0), "683", changed=True, telling=True)
    command.tell(whole)  # the text of the whole view is not what is told
    command.tell(replace(whole, numbers=numbers))
    command.close(grace=20.0)
    assert log.read_text() == "68 3 "
    assert said == []


def test_it_is_killed_on_exit_with_its_children(tmp_path, said, eventually):
    pids = tmp_path / "pid"
    code = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(pids)!r}, 'w').write(str(child.pid)); child.wait()"
    )
    command = DigitCommand(python(code, "{digit}"), said.append)
    command.tell(reading("1"))
    eventually(lambda: pids.exists() and pids.read_text())
    begun = time.monotonic()
    command.close()
    assert time.monotonic() - begun < 5.0
    eventually(lambda: not is_running(int(pids.read_text())))
    assert said == []


def test_one_that_ignores_us_is_killed_all_the_same(tmp_path, said, eventually):
    pids = tmp_path / "pid"
    code = (
        f"import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(pids)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    command = DigitCommand(python(code), said.append)
    command.tell(reading("1"))
    eventually(lambda: pids.exists() and pids.read_text())
    command.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)


def test_a_failure_is_said_once(said, eventually):
    command = DigitCommand(python("raise SystemExit(3)"), said.append)
    command.tell(reading("1"))
    eventually(lambda: said)
    command.tell(reading("2"))
    command.close(grace=5.0)
    assert len(said) == 1
    assert "ended with 3" in said[0]


@pytest.mark.parametrize("command", ["", "   ", "no-such-program-here {digit}", "echo 'unclosed"])
def test_what_cannot_be_started_is_refused_before(command, said):
    with pytest.raises(UsageError, match="on-digit"):
        DigitCommand(command, said.append)


@pytest.fixture
def on_windows(monkeypatch):
    """Its branches, with what only it has; returns what it would have run."""
    ran = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(subprocess, "run", lambda words, **_: ran.append(words))
    monkeypatch.delattr(os, "killpg")
    return ran


def test_windows_paths_keep_their_backslashes(on_windows):
    line = r'"C:\Program Files\say.exe" {digit} "it is {text}" D:\a #7'
    assert words_of(line) == [r"C:\Program Files\say.exe", "{digit}", "it is {text}", r"D:\a", "#7"]
    with pytest.raises(ValueError, match="quotation"):
        words_of('say "it is')


def test_on_windows_a_program_is_asked_and_then_ended_with_its_children(on_windows):
    class Program:
        pid = 4711
        asked: ClassVar[list[int]] = []

        def poll(self):
            return None

        def wait(self, seconds):
            raise subprocess.TimeoutExpired("say", seconds)

        def send_signal(self, number):
            self.asked.append(number)

    end_program(Program(), 0.0)  # type: ignore[arg-type]
    assert Program.asked == [1]
    assert on_windows == [["taskkill", "/T", "/F", "/PID", "4711"]]
