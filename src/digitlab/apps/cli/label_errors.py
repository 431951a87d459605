"""`digitlab label-errors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["label_errors"]

_SHOWN = 10  # labels in the terminal
_WEAK = 0.95  # right out of fold; below, many an image is suspicious only because the networks are no good


def label_errors(
    data: str = "mnist",
    /,
    *,
    split: str | None = None,
    recipe: Path = Path("fast"),
    folds: int = 5,
    repeats: int = 1,
    epochs: int | None = None,
    seed: int | None = None,
    most: int = 50,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Find labels that may be wrong, by out-of-fold predictions: networks that did not train on an image predict it.

    The images of all splits are divided into folds; for each a network is trained on the others. Writes pictures of the
    most suspicious labels, a table of all for which another digit is more probable, and the out-of-fold predictions.
    For MNIST's test labels, says how many of the fifteen that people doubted are among the first.
    With the recipe fast and five folds, MNIST takes about a minute. Ctrl-C keeps the folds that are done.

    For example:
    digitlab label-errors mnist --split test
    digitlab label-errors scans.h5 --folds 10 --epochs 20 --out suspicious

    Args:
        data: A dataset of `digitlab data list`, or a file of labelled images in any format.
        split: List the labels of this split only; the networks learn from all.
        recipe: How to train: a shipped name (fast, reader), or a TOML file as for `digitlab train`.
        folds: Number of cross-validation folds. Each class needs at least as many images.
        repeats: Repeat the cross-validation with other folds this number of times, and average the predictions.
        epochs: Default: the recipe's; a set of some thousand images needs more than MNIST.
        seed: Default: the recipe's.
        most: Number of labels with pictures, 1 to 500.
        out: Write the files into this folder instead of a new one under runs/.
        json: The result as one JSON object.
    """
    from digitlab.jobs import label_errors as find_label_errors
    from digitlab.training import StopRequest

    stop = StopRequest()
    with JobView(stop) as view:
        found = find_label_errors(
            data, split=split, recipe=recipe, folds=folds, repeats=repeats, epochs=epochs, seed=seed, most=most,
            out=out, listener=view, stop=stop,
        )  # fmt: skip
    if found is None:
        advise("nothing is written")
        raise KeyboardInterrupt
    if json:
        say_json({"run": str(found.run.path), **found.kept})
        return 0
    _show(found.kept)
    advise(f"look at {found.run.label_errors_plot}")
    say(str(found.run.path))
    return 0


def _show(content: Mapping[str, Any]) -> None:
    say(f"{content['images']:,} images, out-of-fold accuracy {100 * content['accuracy']:.2f} %")
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
