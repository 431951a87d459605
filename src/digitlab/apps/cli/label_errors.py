"""`digitlab label-errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import labels as jobs
from digitlab.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["label_errors"]

_SHOWN = 10  # labels shown in the terminal
_WEAK = 0.95  # out-of-fold accuracy; below it, many images are suspicious only because the networks are poor


@options_of(jobs.label_errors)
def label_errors(*, json: bool = False, **options: Any) -> int:
    """Find labels that may be wrong by out-of-fold predictions.

    Each image is predicted by networks that were not trained on it.

    The images of all splits are divided into folds; for each a network is trained on the others. Writes pictures of the
    most suspicious labels, a table of all for which another digit is more probable, and the out-of-fold predictions.
    For MNIST's test labels, says how many of the fifteen that people doubted are among the first.
    With the recipe fast and five folds, MNIST takes about a minute. Ctrl-C keeps the folds that are done.

    For example:
    digitlab label-errors mnist --split test
    digitlab label-errors scans.h5 --folds 10 --epochs 20 --out suspicious

    Args:
        json: The result as one JSON object.
    """
    stop = StopRequest()
    with JobView(stop) as view:
        result = jobs.label_errors(**options, listener=view, stop=stop)
    if result is None:
        advise("nothing is written")
        raise KeyboardInterrupt
    if json:
        say_json({"run": str(result.run.path), **result.kept})
        return 0
    _show(result.kept)
    advise(f"look at {result.run.label_errors_plot}")
    say(str(result.run.path))
    return 0


def _show(content: Mapping[str, Any]) -> None:
    say(f"{counted(content['images'], 'image')}, out-of-fold accuracy {100 * content['accuracy']:.2f} %")
    of = "" if content["split"] == "all" else f" in the split {content['split']}"
    say(f"suspicious labels{of}, for which another digit is more probable: {content['suspicious']:,}")
    if content["doubtful_found"] is not None:
        counts = ", ".join(f"{found} among the first {first}" for first, found in content["doubtful_found"].items())
        say(f"of the 15 test labels that people doubted: {counts}")
    if content["accuracy"] < _WEAK:
        advise("the out-of-fold accuracy is low; with more --epochs or another --recipe the list gets better")
    rows = [
        [f"{each['split']} {each['row']}", each["given"], each["guess"], f"{each['score']:+.3f}"]
        for each in content["labels"][:_SHOWN]
    ]
    say(table(["image", "label", "predicted", "margin"], rows))
