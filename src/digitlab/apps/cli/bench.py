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
