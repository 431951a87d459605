"""A progress bar in a notebook: HTML that IPython updates in place, and that disappears at the end.

It uses no widgets: they need a package in the server as well as in the kernel, and a notebook saved with one shows a
message instead.
"""

from __future__ import annotations

import time
from html import escape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from digitlab.apps.cli.console import in_time
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.progress_view import BARS_OF
from digitlab.jobs.events import Note, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

__all__ = ["NotebookView"]

_SECONDS = 0.2  # between two redraws
_LINES = 4  # number of recent epochs shown below the bar


class NotebookView(JobView):
    """The views of the command line, with a panel in the notebook instead of the terminal."""

    def __init__(self, stop: Callable[[], None] | None = None) -> None:
        super().__init__(stop)
        self._panel = _Panel()
        self._token: Token[Any] | None = None

    def __enter__(self) -> Self:
        self._token = BARS_OF.set(self._panel.bars)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._token is not None:
            BARS_OF.reset(self._token)
        self._panel.clear()

    def __call__(self, event: object) -> None:
        """Show one event."""
        match event:
            case Note(text):
                _display(escape(text), text)
            case Work(text, _, _):
                self._close()
                self._panel.draw(f"{escape(text)} …", now=True)
            case _:
                super().__call__(event)


class _Panel:
    """A piece of the notebook's output that is redrawn."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0
        self._lines: list[str] = []

    def bars(self, before: str, after: str) -> _Bars:
        """Make bars in this panel; ``before`` and ``after``: formats of the text around them, for a task."""
        return _Bars(self, before, after)

    def line(self, text: str) -> None:
        """Add a line below the bar; the last few are shown."""
        self._lines = [*self._lines, text][-_LINES:]

    def draw(self, html: str, *, now: bool) -> None:
        if not now and time.monotonic() - self._drawn < _SECONDS:
            return
        self._drawn = time.monotonic()
        below = "".join(f"<div><small>{escape(line)}</small></div>" for line in self._lines)
        self._put(f"<div>{html}</div>{below}")

    def clear(self) -> None:
        if self._handle is not None:
            self._put("")

    def _put(self, html: str) -> None:
        if self._handle is None:
            self._handle = _display(html, "", handle=True)
        else:
            self._handle.update({"text/html": html, "text/plain": ""}, raw=True)


class _Bars:
    """The part of rich's ``Progress`` that views use, in a panel: one row at a time."""

    def __init__(self, panel: _Panel, before: str, after: str) -> None:
        self._panel, self._before, self._after = panel, before, after
        self._task: SimpleNamespace | None = None
        self.console = self

    def start(self) -> None:
        """Do nothing: nothing is shown before there is a row."""

    def stop(self) -> None:
        """Do nothing: the view clears the panel."""

    def print(self, text: str, **_: object) -> None:
        """Show a line that rich would print above the bars."""
        self._panel.line(text)

    def add_task(self, description: str, *, total: float | None = None, completed: float = 0, **fields: Any) -> int:
        """Show a row, replacing the previous one."""
        self._task = SimpleNamespace(
            description=description, total=total, completed=completed, fields=fields, began=time.monotonic()
        )
        self._draw(now=True)
        return 0

    def update(self, _: int, **changed: Any) -> None:
        """Change the row."""
        if self._task is None:
            return
        for name, value in changed.items():
            if name in ("description", "total", "completed"):
                setattr(self._task, name, value)
            else:
                self._task.fields[name] = value
        self._draw(now=self._task.completed == self._task.total)

    def remove_task(self, _: int) -> None:
        """Remove the row."""
        self._task = None

    def _draw(self, *, now: bool) -> None:
        task = self._task
        if task is None:
            return
        value = "" if task.total is None else f" value='{task.completed:g}' max='{task.total:g}'"
        before, after = (escape(form.format(task=task)) for form in (self._before, self._after))
        self._panel.draw(f"{before} <progress{value}></progress> {after} {escape(_left(task))}", now=now)


def _left(task: SimpleNamespace) -> str:
    """Return the remaining time, from the row or estimated from its pace; if neither is known, the elapsed time."""
    gone, left = time.monotonic() - task.began, task.fields.get("left")
    if left is None and task.total and task.completed:
        left = gone * (task.total - task.completed) / task.completed
    return f"{in_time(left)} left" if left is not None else in_time(gone)


def _display(html: str, text: str, *, handle: bool = False) -> Any:
    from IPython.display import display

    return display({"text/html": html, "text/plain": text}, raw=True, display_id=True if handle else None)
