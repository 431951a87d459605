"""The listener for all jobs: each kind of event is shown by its own view."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from digitlab.apps.cli.console import advise, one_line
from digitlab.apps.cli.progress_view import ProgressView
from digitlab.apps.cli.waiting import Waiting
from digitlab.errors import counted
from digitlab.jobs.events import Counted, Note, SearchBegan, StudiesBegan, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

__all__ = ["JobView", "stopping_on_interrupt"]


class JobView:
    """Shows the events of a job: ``with JobView() as view: evaluate("reader", listener=view)``."""

    def __init__(self, stop: Callable[[], None] | None = None, then: str = "finishing the run folder") -> None:
        """``stop``: called at the first Ctrl-C during a training; ``then``: text about what is done before the end."""
        self._stop, self._then = stop, then
        self._view: Any = None  # the open view, a context manager
        self._asking: AbstractContextManager[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(kind, error, trace)

    def __call__(self, event: object) -> None:
        """Show one event."""
        match event:
            case Note(text):
                advise(one_line(text))
            case Work(text, expected, then):
                self._in(Waiting)(one_line(text), expected, then)
            case Counted(text=text, item=item):  # both may hold names of files
                self._in(ProgressView).show(replace(event, text=one_line(text), item=one_line(item)))
            case SearchBegan():
                self._begin_search(event)
            case StudiesBegan():
                self._begin_studies(event)
            case _:
                self._train(event)

    def _train(self, event: object) -> None:
        from digitlab.apps.cli.progress_view import TrainingView
        from digitlab.training.events import EpochEnded, Progressed, Stage, Started

        if isinstance(event, EpochEnded | Progressed | Stage | Started):
            self._in(TrainingView, self._then)(event)
        else:  # an event of the search or the studies that are running
            self._view(event)

    def _begin_search(self, event: SearchBegan) -> None:
        from digitlab.apps.cli.tuning_view import TuningView

        space, before = event.space, event.before
        if before < space.trials:
            there = f", {before} of them done already" if before else ""
            advise(
                f"{counted(space.trials, 'trial')} of up to "
                f"{counted(space.tuning.jobs, 'training')}{there}; the workers load TensorFlow …"
            )
        else:
            advise(f"all {before} trials are done already")
        self._open(TuningView(space, before), "writing the tables")

    def _begin_studies(self, event: StudiesBegan) -> None:
        from digitlab.apps.cli.console import in_time
        from digitlab.apps.cli.tuning_view import StudyView

        if event.missing:
            left = in_time(event.estimate.left)
            about = f"cells to do: {event.missing} of {event.cells}, about {left} on one processor"
            advise(f"{about}; the workers load TensorFlow …")
        elif not event.undecided:
            advise(f"every cell is in {event.store} already; `--out FOLDER` computes them anew, into your own folder")
        if event.undecided:
            advise(f"conclusions to decide: {event.undecided}, the cheapest first; Ctrl-C or --for ends it")
        elif event.undecided == 0:
            advise("every conclusion is decided")
        self._open(StudyView(event.estimate), "writing the tables")

    def _in(self, kind: Callable[[], Any], then: str | None = None) -> Any:
        """Return the view of this kind; it is opened unless it is open already."""
        if type(self._view) is not kind:
            self._open(kind(), then)
        return self._view

    def _open(self, view: Any, then: str | None) -> None:
        """Open a view in place of the last. ``then``: text about what follows Ctrl-C; None: Python handles Ctrl-C."""
        self._close()
        if self._stop is not None and then is not None:
            self._asking = stopping_on_interrupt(self._stop, then)
            self._asking.__enter__()
        self._view = view.__enter__()

    def _close(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        view, self._view = self._view, None
        asking, self._asking = self._asking, None
        if view is not None:
            view.__exit__(kind, error, trace)
        if asking is not None:
            asking.__exit__(None, None, None)


@contextmanager
def stopping_on_interrupt(stop: Callable[[], None], then: str = "finishing the run folder") -> Iterator[None]:
    """Call ``stop`` at the first Ctrl-C; Python handles a second. ``then``: text about what is done before the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(*_: object) -> None:
        stop()
        signal.signal(signal.SIGINT, before)
        advise(f"\nstopping after the current batches, then {then} (Ctrl-C again: at once) …")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
