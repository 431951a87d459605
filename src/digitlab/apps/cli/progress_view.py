"""One piece of work after the other, as a bar on a terminal, as a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from digitlab.apps.cli.console import advise, in_time

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID
    from rich.text import Text

    from digitlab.jobs.events import Counted

__all__ = ["BarView", "ProgressView"]

_SECONDS = 5.0  # between two lines: a log wants to be read


class BarView:
    """A bar on stderr where that is a terminal, gone in the end; no bar elsewhere. What it shows, subclasses say."""

    def __init__(self, before: str, after: str) -> None:
        """``before`` and ``after`` the bar: formats of rich's text columns. The time left of each row comes last."""
        self._columns = before, after
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = _make_bar(*self._columns)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class ProgressView(BarView):
    """``start`` names a piece of work; the view itself is called with what is done and how much there is, if known."""

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.fields[count]}")
        self._text, self._unit = "", "images"
        self._told = 0.0

    def start(self, text: str, total: int | None = None, unit: str = "images") -> None:
        """A new piece of work; how much there is to do is told by the first call, if ever."""
        self._text, self._unit, self._told = text, unit, time.monotonic()
        if self._bar is None:
            advise(f"{text} …" if total is None else f"{text}: {total:,} {unit} …")
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=None, count="")

    def __call__(self, done: int, total: int | None, item: str = "") -> None:
        """Show how far it is, and what is worked on now."""
        count = f"{done:,} of {total:,} {self._unit}" if total is not None else f"{done:,} {self._unit}"
        if self._bar is not None and self._task is not None:
            text = f"{self._text}: {item}" if item else self._text
            self._bar.update(self._task, completed=done, total=total, count=count, description=text)
        elif done != total and time.monotonic() - self._told >= _SECONDS:
            self._told = time.monotonic()
            advise(f"{self._text}: {count}" + (f", next {item}" if item else ""))

    def show(self, event: Counted) -> None:
        """Show an event of a job."""
        if event.text != self._text:
            self.start(event.text, event.of, event.unit)
        self(event.done, event.of, event.item)


def _make_bar(before: str, after: str) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Left(ProgressColumn):
        """The time left; as long as that cannot be told, the time gone. A row may know its own (the field ``left``)."""

        def render(self, task: Task) -> Text:
            left = task.fields.get("left", task.time_remaining if task.total is not None else None)
            if left is not None:
                return Text(f"{in_time(left)} left" if left >= 1 else "")
            gone = task.elapsed or 0.0
            return Text(in_time(gone) if gone >= 1 else "")

    return Progress(
        TextColumn(before, markup=False),
        BarColumn(bar_width=24),
        TextColumn(after),
        Left(),
        console=Console(stderr=True),
        transient=True,
    )
