"""`digitlab bench`: measure speed on this machine, as ratios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from digitlab.apps.cli.bench_reading import numbers, read, sheets
from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.options import options_of
from digitlab.apps.cli.waiting import loading

if TYPE_CHECKING:
    from digitlab.bench.train import TrainingSpeed

app = App("bench", help="Measure speed on this machine.", help_format="plaintext", help_epilogue="")

app.command(read)
app.command(numbers)
app.command(sheets)

__all__ = ["app"]


@app.command
@options_of()
def train(
    *, images: int = 25_600, rounds: int = 3, network: str = "thesis-2conv", full: bool = False, json: bool = False
) -> int:
    """Training speed on the network of the thesis: digitlab against plain `keras.Model.fit` on TensorFlow in float32.

    Both are measured alternately in one run, so that a slower machine affects both; the result is their ratio, and the
    share of the processor's peak performance.

    For example:
    digitlab bench train
    digitlab bench train --network notebook-cnn --rounds 8
    digitlab bench train --full

    Args:
        images: Training images per round.
        rounds: Number of rounds.
        network: An architecture of `digitlab train`, e.g. notebook-cnn for S4.
        full: Also train a whole Keras notebook both ways, and time the way to 99 % accuracy: about 15 minutes.
        json: One JSON object.
    """
    with loading():
        from digitlab.bench.train import measure_training

    result = measure_training(images, rounds, advise, network)
    more: dict[str, Any] = {}
    if full:
        from digitlab.bench.to_accuracy import measure_notebook, measure_to_accuracy

        more = {"to_accuracy": measure_to_accuracy(10, advise), "notebook": measure_notebook(advise)}
    if json:
        say_json({**result.as_dict(), **{name: measurement.as_dict() for name, measurement in more.items()}})
        return 0
    say(result.machine)
    say(table([f"training of {network}", "images/s, median", "minimum", "maximum", "busy cores"], result.rows()))
    say(f"ratio of the medians: {result.ratio:.2f}; rounds: {', '.join(f'{each:.2f}' for each in result.ratios)}")
    say(_at_work(result))
    say(f"ratio to plain Keras' fastest round: {result.least_ratio:.2f}; `fit` may leave a core idle for a whole call")
    peak, shares = result.peak, result.shares
    say(f"a large matrix product: {peak.float32:,.0f} GFLOP/s in float32, {peak.bfloat16:,.0f} in bfloat16")
    of_float32, of_bfloat16 = (f"{100 * shares[name]:.0f} %" for name in ("float32", "bfloat16"))
    say(f"the training reaches {of_float32} of the first and {of_bfloat16} of the second")
    for measurement in more.values():
        say(measurement.sentence())
    return 0


def _at_work(result: TrainingSpeed) -> str:
    """Describe the speed ratio over the rounds in which neither way left a core idle, and the rounds left out."""
    idle = [number for number in range(1, len(result.plain) + 1) if number not in result.whole]
    left_out = ", ".join(f"{number} ({result.plain_cores[number - 1]:.1f} cores)" for number in idle)
    shown = f"; left out, since `fit` left a core idle: {left_out}" if idle else ""
    if result.ratio_at_work is None:
        return f"no round in which both used all cores{shown}"
    return f"ratio of the rounds in which both used all cores: {result.ratio_at_work:.2f}{shown}"


@app.command
@options_of()
def data(*, quick: bool = False, json: bool = False) -> int:
    """Speed and memory of building, converting and training from image files, compared with the scripts of the thesis.

    Those are a Python loop, one image at a time, in one process; and a script from LMDB to HDF5. Everything is measured
    several times, alternately; the medians are shown. Takes about three minutes and 2 GB of disk for temporary files.

    For example:
    digitlab bench data
    digitlab bench data --quick

    Args:
        quick: Take half a minute: few images, rough figures.
        json: One JSON object.
    """
    with loading():
        from digitlab.bench.data import FULL, QUICK, measure_data

    result = measure_data(QUICK if quick else FULL, advise)
    if json:
        say_json(result.as_dict())
        return 0
    say(result.machine)
    header = ["", "unit", "thesis", "digitlab", "times better", "target"]
    say(table(header, [each.row() for each in result.comparisons]))
    return 0


@app.command
@options_of()
def live(*, quick: bool = False, video: Path | None = None, expect: str | None = None, json: bool = False) -> int:
    """Latency, endurance and steadiness of live reading.

    One digit at 640×480 on one core; ten digits at 1280×720; and 108,000 frames, an hour of a camera, as fast as they
    are read: memory growth, leftover threads, age of the oldest frame that a window would have shown. Takes about ten
    minutes. With --video, only the steadiness of its text is measured, at its own rate and frame by frame.

    For example:
    digitlab bench live
    digitlab bench live --quick
    digitlab bench live --video paper.mp4 --expect 6885

    Args:
        quick: Take half a minute, with 3,000 frames instead of an hour's.
        video: A video of a page of digits.
        expect: The digits that the video shows from its first second on.
        json: One JSON object.
    """
    from dataclasses import asdict

    from digitlab.bench.live import measure_live, measure_steadiness
    from digitlab.errors import UsageError

    if (video is None) != (expect is None):
        raise UsageError("--video and --expect need each other; expected a video and the digits that it shows")
    if video is None or expect is None:
        figures = measure_live(quick=quick, on_progress=advise)
        if json:
            say_json(asdict(figures))
        else:
            say(figures.machine)
            say(table(["", "measured", "target"], figures.rows()))
        return 0
    paces = {"at its own pace": True, "every frame": False}  # keys of the JSON
    results = {name: measure_steadiness(video, expect, realtime=realtime) for name, realtime in paces.items()}
    if json:
        say_json({name: asdict(result) for name, result in results.items()})
    for name, result in {} if json else results.items():
        others = ", ".join(repr(text) for text in result.others) or "nothing"
        say(f"{name}: {result.frames} frames, {expect!r} steady in {100 * result.share:.1f} % after the first second; "
            f"steady as well: {others}")  # fmt: skip
    return 0 if all(result.share >= 0.8 and not result.others for result in results.values()) else 1


@app.command
@options_of()
def steadiness(
    *,
    digits: int = 1000,
    mode: str = "page",
    kinds: list[str] | None = None,
    processes: int = 1,
    out: Path = Path("bench-steadiness"),
    quick: bool = False,
    json: bool = False,
) -> int:
    """How soon and how correctly a text is steady at 3, 5, 10, 15, 30 and 60 frames/s, on synthetic sequences.

    Digits are drawn, joined, erased and replaced; paper is pushed in; the light is switched; fingers pass; a camera
    moves over a page and back. Frames come at uneven intervals, and 3 % are lost. 1,000 digits take about 70 minutes of
    one core. The folder keeps the counts: after Ctrl-C the same command goes on there, as does one with more --digits.

    For example:
    digitlab bench steadiness
    digitlab bench steadiness --digits 1000 --processes 2
    digitlab bench steadiness --quick

    Args:
        digits: Minimum number of digits and numbers to draw; the kinds of sequence take turns.
        mode: page or region.
        kinds: Only these kinds: canvas, paper, air, corrected, joined, pushed, lights, walk.
        processes: Number of sequences to run in parallel; each takes one core and 400 MB.
        out: The folder of the counts.
        quick: One sequence of each kind, in two minutes.
        json: One JSON object, with the counts of each kind.
    """
    from digitlab.apps.cli.job_view import JobView
    from digitlab.bench.steadiness import KINDS, RATES, measure_made_sequences
    from digitlab.errors import UsageError

    chosen = tuple(kinds) if kinds else KINDS
    if mode not in ("page", "region"):
        raise UsageError(f"--mode is {mode!r}; expected page or region")
    if digits < 1:
        raise UsageError(f"--digits is {digits}; expected 1 or more")
    if not 1 <= processes <= 64:
        raise UsageError(f"--processes is {processes}; expected 1 to 64")
    if unknown := [kind for kind in chosen if kind not in KINDS]:
        raise UsageError(f"--kinds {unknown[0]}: there is no such kind; expected some of {', '.join(KINDS)}")
    with JobView() as view:
        result = measure_made_sequences(
            out, digits=1 if quick else digits, mode=mode, kinds=chosen, processes=processes, listener=view
        )
    if json:
        say_json(result.as_dict())
        return 0
    say(f"{result.machine}; {result.sequences} sequences")
    if any(each.told for each in result.rates):
        say(table(list(result.HEADER), result.rows()))
        say()
        say(table(["seconds to steady: median, 95 %", *(f"{rate}/s" for rate in RATES)], result.kind_rows()))
    if walks := result.walk_rows():
        say()
        say(table(list(result.WALKS), walks))
    return 0


@app.command
@options_of()
def web(*, seconds: float = 10.0, clients: int = 200, requests: int = 10_000, json: bool = False) -> int:
    """Throughput, latency and memory of `digitlab serve`.

    A server is started, and another process sends requests: digits as fast as possible and at a fixed rate, live frames
    of many clients, and a mixture of valid and invalid requests. Takes about a minute. Exit code 1 when a response was
    a server error (5xx).

    For example:
    digitlab bench web
    digitlab bench web --seconds 3 --clients 50 --requests 1000

    Args:
        seconds: Duration of each measurement.
        clients: Live clients, with five frames per second each.
        requests: Mixed requests, during which memory is measured.
        json: One JSON object.
    """
    import importlib

    from digitlab.bench.web import measure_web

    importlib.import_module("uvicorn")  # a missing extra is reported here rather than by the server
    figures = measure_web(seconds, clients, requests, advise)
    if json:
        say_json(figures.as_dict())
    else:
        say(figures.machine)
        say(table(["", "measured", "target"], figures.rows()))
    return 1 if figures.server_errors else 0
