"""One piece of work after the other, as a bar on a terminal, as a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from digitlab.apps.cli.console import advise, in_time

if TYPE_CHECKING:
    from rich.progress import Progress, Task, TaskID
    from rich.text import Text

__all__ = ["BARS_OF", "BarView", "ProgressView"]

_SECONDS = 5.0  # between two lines: a log wants to be read

# Makes the bars in place of rich, which has none for a notebook: called with the formats before and after the bar.
BARS_OF: ContextVar[Callable[[str, str], Any] | None] = ContextVar("bars of a notebook", default=None)


class BarView:
    """A bar on stderr where that is a terminal, gone in the end; no bar elsewhere. What it shows, subclasses say."""

    def __init__(self, before: str, after: str) -> None:
        """``before`` and ``after`` the bar: formats of rich's text columns. The time left of each row comes last."""
        self._columns = before, after
        self._bar: Progress | Any = None  # or what has a Progress' methods
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        make = BARS_OF.get() or (_make_bar if sys.stderr.isatty() else None)
        if make is not None:
            self._bar = make(*self._columns)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class ProgressView(BarView):
    """``start`` names a piece of work; the view itself is called with the images done and their number, if known."""

    def __init__(self) -> None:
        super().__init__("{task.description}", "{task.fields[count]}")
        self._text = ""
        self._told = 0.0

    def start(self, text: str) -> None:
        """A new piece of work; how much there is to do is told by the first call, if ever."""
        self._text, self._told = text, time.monotonic()
        if self._bar is None:
            advise(f"{text} …")
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=None, count="")

    def __call__(self, done: int, total: int | None) -> None:
        """Show how far it is."""
        count = f"{done:,} of {total:,} images" if total is not None else f"{done:,} images"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, count=count)
        elif time.monotonic() - self._told >= _SECONDS:
            self._told = time.monotonic()
            advise(f"{self._text}: {count}")


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
