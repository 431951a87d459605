"""`digitlab bench`: speeds, as ratios, on this machine."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from digitlab.apps.cli.console import advise, say, say_json, table

app = App("bench", help="Measure speed on this machine.", help_format="plaintext", help_epilogue="")

__all__ = ["app"]


@app.command
def train(*, images: int = 25_600, rounds: int = 3, full: bool = False, json: bool = False) -> int:
    """Images a second of S0's network: digitlab's training against plain `keras.Model.fit` on TensorFlow in float32.

    Both in one run, in turn, so that a machine that slows down slows both; the ratio is the result. And what share of
    the processor's largest matrix product that is.

    For example:
    digitlab bench train
    digitlab bench train --full

    Args:
        images: Training images in a round.
        rounds: How often each is measured.
        full: Also S4's whole training both ways, and the seconds to 99 %: about a quarter of an hour.
        json: One JSON object.
    """
    advise("loading the network library …")
    from digitlab.bench.train import measure_training

    result = measure_training(images, rounds, advise)
    more: dict[str, Any] = {}
    if full:
        from digitlab.bench.to_accuracy import measure_notebook, measure_to_accuracy

        more = {"to_accuracy": measure_to_accuracy(10, advise), "notebook": measure_notebook(advise)}
    if json:
        say_json({**result.as_dict(), **{name: each.as_dict() for name, each in more.items()}})
        return 0
    say(result.machine)
    say(table(["training of thesis-2conv", "images/s, median", "least", "most"], result.rows()))
    say(f"ratio of the medians: {result.ratio:.2f}; rounds: {', '.join(f'{each:.2f}' for each in result.ratios)}")
    peak, shares = result.peak, result.shares
    say(f"a large product: {peak.float32:,.0f} GFLOP/s in float32, {peak.bfloat16:,.0f} in bfloat16")
    of_float32, of_bfloat16 = (f"{100 * shares[name]:.0f} %" for name in ("float32", "bfloat16"))
    say(f"the training makes {of_float32} of the one and {of_bfloat16} of the other")
    for each in more.values():
        say(each.sentence())
    return 0


@app.command
def data(*, quick: bool = False, json: bool = False) -> int:
    """Speed and memory of making, converting and training from sets of images, S0's way beside ours.

    S0's way: a Python loop, one image at a time, in one process; its script from LMDB to HDF5. Everything is measured
    several times in turns, and the median counts. About three minutes and 2 GB of room for temporary files.

    For example:
    digitlab bench data
    digitlab bench data --quick

    Args:
        quick: Half a minute, on so few images that the figures are rough.
        json: One JSON object.
    """
    advise("loading the network library …")
    from digitlab.bench.data import FULL, QUICK, measure_data

    result = measure_data(QUICK if quick else FULL, advise)
    if json:
        say_json(result.as_dict())
        return 0
    say(result.machine)
    header = ["", "unit", "S0's way", "digitlab", "times better", "asked"]
    say(table(header, [each.row() for each in result.comparisons]))
    return 0
