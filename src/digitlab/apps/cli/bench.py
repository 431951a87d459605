"""`digitlab bench`: speeds, as ratios, on this machine."""

from __future__ import annotations

from cyclopts import App

from digitlab.apps.cli.console import advise, say, say_json, table

app = App("bench", help="Measure speed on this machine.", help_format="plaintext", help_epilogue="")

__all__ = ["app"]


@app.command
def train(*, images: int = 25_600, rounds: int = 3, json: bool = False) -> int:
    """Images a second of S0's network: digitlab's training against plain `keras.Model.fit` on TensorFlow in float32.

    Both in one run, in turn, so that a machine that slows down slows both; the ratio is the result.

    For example:
    digitlab bench train

    Args:
        images: Training images in a round.
        rounds: How often each is measured.
        json: One JSON object.
    """
    advise("loading the network library …")
    from digitlab.bench.train import measure_training

    result = measure_training(images, rounds, advise)
    if json:
        say_json(result.as_dict())
        return 0
    say(result.machine)
    say(table(["training of thesis-2conv", "images/s, median", "least", "most"], result.rows()))
    say(f"ratio of the medians: {result.ratio:.2f}; rounds: {', '.join(f'{each:.2f}' for each in result.ratios)}")
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
