"""Progress of a job: on a terminal as the command line shows it, in a notebook as a bar, elsewhere not at all."""

from __future__ import annotations

import inspect
import logging
import re
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from digitlab.errors import naming_the_extra
from digitlab.jobs.events import Note
from digitlab.settings import argument_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from digitlab.jobs.events import Listener

__all__ = ["described_by", "following", "in_notebook"]

_Function = TypeVar("_Function", bound="Callable[..., Any]")

_EVERYWHERE = {
    "progress": "whether a bar shows how far it is; None: on a terminal and in a notebook.",
    "listener": "a function that is called with every event.",
    "stop": "a stop request: calling it (without arguments, e.g. from the listener) ends the job early.",
}


def described_by(job: Callable[..., Any]) -> Callable[[_Function], _Function]:
    """Complete a function's docstring with what the docstring of its job says of arguments, result and errors.

    Where the function's own docstring describes an argument, that takes precedence.
    """

    def decorate(function: _Function) -> _Function:
        about, examples = re.split(r"(?=^>>> )", inspect.getdoc(function) or "", maxsplit=1, flags=re.MULTILINE)
        names = inspect.signature(function).parameters
        texts = {**argument_texts(job), **_EVERYWHERE, **argument_texts(function)}
        arguments = "".join(
            textwrap.fill(f"{name}: {texts[name]}", 112, initial_indent="    ", subsequent_indent="        ") + "\n"
            for name in names
            if name in texts
        )
        found = re.search(r"^(Returns|Raises):\n.*", inspect.getdoc(job) or "", re.MULTILINE | re.DOTALL)
        ends = "" if found is None else found[0].partition("\n>>> ")[0].rstrip() + "\n"
        if "progress" in names and "MissingExtraError" not in ends:
            ends += "    MissingExtraError: without an extra that it needs.\n"
        head = about.partition("\nArgs:\n")[0].rstrip()
        function.__doc__ = f"{head}\n\nArgs:\n{arguments}\n{ends}\n{examples}"
        return function

    return decorate


@contextmanager
def following(
    name: str, progress: bool | None, listener: Listener | None, stop: Callable[[], None] | None = None
) -> Iterator[Listener]:
    """Show a job's events to whoever is watching, and pass them on to ``listener``.

    name: of the function, for the message about a missing extra
    progress: whether to show a bar; None: where stderr is a terminal, and in a notebook
    stop: called by the first Ctrl-C, or a notebook's button, while something is trained

    Raises:
        MissingExtraError: instead of Python's own error, if a library of an extra is missing.
    """
    logging.getLogger("tensorflow").addFilter(_no_retracing)  # the same filter is added only once
    with naming_the_extra(f"digitlab.{name}"), _view(progress, stop) as view:

        def hear(event: object) -> None:
            view(event)
            if listener is not None:
                listener(event)

        yield hear


def in_notebook() -> bool:
    """Return whether this runs in a kernel that shows HTML: Jupyter's, an editor's, Colab's."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _no_retracing(record: logging.LogRecord) -> bool:
    """Suppress TensorFlow's advice against many networks in one program, which is what a notebook is for."""
    return "retracing" not in record.getMessage()


def _view(progress: bool | None, stop: Callable[[], None] | None) -> Any:
    notebook = in_notebook()
    if progress is False or (progress is None and not (notebook or sys.stderr.isatty())):
        return _Quiet(logging.INFO if progress is False else logging.WARNING)
    if notebook:
        from digitlab.api.notebook import NotebookView

        return NotebookView(stop)
    from digitlab.apps.cli.job_view import JobView

    return JobView(stop)


class _Quiet:
    """Shows nothing. Notes for the user go to the log "digitlab", which Python shows from WARNING on."""

    def __init__(self, level: int) -> None:
        self._level = level

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: object) -> None:
        if isinstance(event, Note):
            logging.getLogger("digitlab").log(self._level, event.text)
