"""`digitlab report`."""

from __future__ import annotations

from typing import Any

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import reporting as jobs

__all__ = ["report"]


@options_of(jobs.report)
def report(*runs: str, json: bool = False, **options: Any) -> int:
    """Write a page about a run from its files, or one page that compares several.

    The page is one self-contained file that can be opened in a browser, printed, or sent to somebody.

    For example:
    digitlab report runs/2026-…-thesis-2conv
    digitlab report runs/2026-…-thesis-2conv runs/2026-…-final-cnn
    digitlab report runs/2026-…-final-cnn --figures slides

    Args:
        json: Where everything was written, as one JSON object.
    """
    with JobView() as view:
        written = jobs.report(*runs, **options, listener=view)
    if json:
        say_json({"report": str(written.page), "figures": [str(path) for path in written.figures]})
        return 0
    if written.figures:
        advise(f"{counted(len(written.figures), 'file')} in {options['figures']}")
    say(str(written.page))
    return 0
