"""What long work says while it lasts: on a terminal, and in a log."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from digitlab.apps.cli import console, progress_view, waiting
from digitlab.apps.cli.progress_view import TrainingView
from digitlab.apps.cli.waiting import Waiting
from digitlab.training import EpochEnded, Progressed, Stage, Started

Captured = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Called in the test: what pytest captures is put in place after the fixtures."""

    def open_terminal() -> Terminal:
        stderr = Terminal()
        monkeypatch.setattr("sys.stderr", stderr)
        shown = Console(file=stderr, force_terminal=True, width=120)
        monkeypatch.setattr("rich.console.Console", lambda **_: shown)
        return stderr

    return open_terminal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the view sees: its last number."""
    times = [0.0]
    monkeypatch.setattr(progress_view.time, "monotonic", lambda: times[-1])  # type: ignore[attr-defined]
    return times


def epochs(view: TrainingView, clock: list[float], *, seconds: float, count: int, of: int) -> None:
    """Ten batches an epoch, the first of which took 5 s more, to compile."""
    view(Started(1280, 0, of, 10, 99, "float32", "as asked"))
    for epoch in range(1, count + 1):
        for batch in range(1, 11):
            clock.append(clock[-1] + seconds / 10 + 5 * (epoch == batch == 1))
            view(Progressed(epoch, batch, 0.5, 0.9, 100))
        view(EpochEnded(epoch, 0.5, 0.9, None, None, seconds, 100, 0.1, 0.25, 0.95))


def test_a_log_says_at_each_epoch_how_long_the_rest_takes(clock: list[float], capsys: Captured) -> None:
    with TrainingView() as view:
        epochs(view, clock, seconds=20, count=3, of=10)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first.startswith("1,280 training images")
    assert len(lines) == 3
    assert lines[0].endswith("100 images/s, 3 min left")  # 180 s: the compilation is done once
    assert lines[2].endswith("100 images/s, 2 min left")  # 140 s
    assert "test loss 0.2500, accuracy 0.9500" in lines[0]


def test_the_time_left_is_of_all_members_or_folds(clock: list[float], capsys: Captured) -> None:
    with TrainingView() as view:
        for part in (1, 2):
            view(Stage(f"fold {part} of 5", part, 5))
            epochs(view, clock, seconds=20, count=3, of=3)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch 3/3")]
    assert lines[0].endswith("4 min left")  # four folds of a minute
    assert lines[1].endswith("3 min left")


def test_on_a_terminal_a_bar_says_what_is_done_and_left(clock: list[float], terminal: Callable[[], Terminal]) -> None:
    stderr = terminal()
    with TrainingView() as view:
        view(Started(1280, 0, 10, 10, 99, "float32", "as asked"))
        assert view._bar is not None
        view._bar.refresh()
        assert "compiling" in stderr.getvalue()
        epochs(view, clock, seconds=20, count=1, of=10)
        view._bar.refresh()
        assert "epoch 1/10" in stderr.getvalue()
        assert "3 min left" in stderr.getvalue().rpartition("epoch 1/10")[2]
        for done in range(3):
            clock.append(clock[-1] + 4)
            view(Stage("measuring on 19 copies of each test image", done=done, of=19))
        view._bar.refresh()
        assert "2 of 19" in stderr.getvalue()
        assert "68 s left" in stderr.getvalue().rpartition("2 of 19")[2]
    assert stderr.getvalue().count("measuring on 19 copies of each test image …") == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, fresh_cache: Path) -> Path:
    monkeypatch.setattr(waiting, "QUIET", 0.05)
    return fresh_cache


def await_text(text: str, written: Callable[[], str]) -> None:
    """Work as long as it takes until the text is there, however busy the machine."""
    while text not in written():
        time.sleep(0.02)


def test_short_work_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Captured, fresh_cache: Path) -> None:
    monkeypatch.setattr(waiting, "QUIET", 60.0)
    with Waiting() as step:
        step("drawing")
        step("writing")
    assert capsys.readouterr().err == ""
    assert not fresh_cache.exists()


def test_a_log_hears_of_long_work_once(monkeypatch: pytest.MonkeyPatch, capfd: Captured, impatient: Path) -> None:
    assert impatient
    heard: list[str] = []

    def written() -> str:
        heard.append(capfd.readouterr().err)
        return "".join(heard)

    with Waiting() as step:
        step("drawing")
        await_text("drawing", written)
        time.sleep(0.2)  # it could be said again
        monkeypatch.setattr(waiting, "QUIET", 60.0)
        step("writing")
    assert written() == "drawing …\n"


def test_a_terminal_shows_what_is_left_as_it_took_the_last_time(
    terminal: Callable[[], Terminal], impatient: Path
) -> None:
    stderr = terminal()
    assert impatient
    with Waiting() as step:
        step("drawing")
        await_text("drawing … ", stderr.getvalue)
    assert re.search(r"drawing … \d+ s", stderr.getvalue())
    assert "left" not in stderr.getvalue()
    waiting.write_text(waiting._kept("drawing"), "3000.0")  # type: ignore[attr-defined]
    with Waiting() as step:
        step("drawing")
        await_text("left", lambda: stderr.getvalue() if console._for_now else "")
        console.advise("a note")
    assert re.search(r"drawing … \d+ s, about 50 min left", stderr.getvalue())
    assert "\r\x1b[Ka note\n" in stderr.getvalue()
    assert stderr.getvalue().endswith("\r\x1b[K")


def test_work_that_fails_is_no_measure_of_the_next(terminal: Callable[[], Terminal], impatient: Path) -> None:
    stderr = terminal()

    def fail() -> None:
        with Waiting() as step:
            step("drawing")
            await_text("drawing", stderr.getvalue)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stderr.getvalue().endswith("\r\x1b[K")
    assert not (impatient / "durations").exists()
