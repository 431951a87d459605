"""`digitlab bench read`, `numbers` and `sheets`: accuracy and speed of reading pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.options import options_of

if TYPE_CHECKING:
    from digitlab.bench.read_table import ReadBench

__all__ = ["numbers", "read", "sheets"]


@options_of()
def read(
    *,
    photos: Path | None = None,
    model: str | None = None,
    peers: bool = False,
    peer_python: str | None = None,
    every: int = 1,
    quick: bool = False,
    card: Path | None = None,
    json: bool = False,
) -> int:
    """Accuracy, speed and memory of reading pictures, each measure beside its target.

    A refused digit counts as an error. Exit code 1 when a target is missed. Takes about ten minutes with --peers.

    For example:
    digitlab bench read --photos photos/
    digitlab bench read --photos photos/ --peers --peer-python peers/bin/python
    digitlab bench read --quick

    Args:
        photos: Labelled pictures, one folder per set, with labels.csv (file,label,writer or file,text), dataset.csv
            (image,label) or cells as .npz; neg_… are pictures without a digit. Default: only speed, size and memory.
        model: A shipped name, a run folder or an .onnx file; default: the shipped reader.
        peers: Also measure RapidOCR and Tesseract on the same pictures, where they are installed.
        peer_python: The Python interpreter with RapidOCR, if it is not this one.
        every: Use only every N-th picture of the sets of single pictures: 4 takes a quarter of the time.
        quick: Rough speeds, in a few seconds.
        card: Update the tables of this model card (docs/models/reader.md), between its markers.
        json: One JSON object.
    """
    from digitlab.bench.peers import peers as installed_peers
    from digitlab.bench.read import measure_reading
    from digitlab.errors import UsageError

    if every < 1:
        raise UsageError(f"--every is {every}; expected 1 or more")
    settings: dict[str, Any] = {"model": model, "every": every, "quick": quick}
    if peers or peer_python is not None:
        with installed_peers(peer_python) as (others, missing):
            result = measure_reading(photos, advise, peers=others, missing=missing, **settings)
    else:
        result = measure_reading(photos, advise, **settings)
    if card is not None:
        from digitlab.bench.read_table import renew_card

        renew_card(card, result, model)
        advise(f"renewed {card}")
    if json:
        say_json(result.as_dict())
    else:
        _show_reading(result)
    return int(any(each.met is False for each in result.measures))


def _show_reading(result: ReadBench) -> None:
    say(f"{result.model} on {result.machine}")
    say(table(result.header(), result.rows()))
    if result.writers:
        say()
        say(table(["accuracy by writer", "", "of", "digitlab", *result.peers], result.writer_rows()))
    for cells in result.page_rows():
        name, size, milliseconds, text, *read = cells
        say()
        say(f"{name}, {size}, {milliseconds} ms: {text}")
        for reader, answer in zip(("digitlab", *result.peers), read, strict=True):
            say(f"  {'correct' if answer == text else answer or '(nothing)'}   {reader}")
    for line in result.missing:
        advise(line)


@options_of()
def numbers(
    *,
    count: int = 200,
    model: str | None = None,
    peers: bool = False,
    peer_python: str | None = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Whole numbers: ZIP codes, dates, phone and student numbers, amounts and clock times of MNIST's test images.

    A number is right if every digit is, with none missing or extra. Beside the error rate are the shares that can be
    answered when 1 % or 0.1 % of the answers may be wrong; then the same with what may be known: the number of digits,
    that it is a date, a list. Exit code 1 if the error is more than a fifth of a peer's. Takes one minute per thousand
    numbers, ten with --peers.

    For example:
    digitlab bench numbers
    digitlab bench numbers --count 50 --peers --peer-python peers/bin/python

    Args:
        count: Numbers of each of the six kinds.
        model: A shipped name, a run folder or an .onnx file; default: the shipped reader.
        peers: Also measure RapidOCR and Tesseract, where they are installed.
        peer_python: The Python interpreter with RapidOCR, if it is not this one.
        seed: Random seed of the numbers and their pictures.
        json: One JSON object.
    """
    from digitlab.bench.peers import peers as installed_peers
    from digitlab.bench.whole_numbers import measure_numbers
    from digitlab.errors import UsageError

    if not 1 <= count <= 10_000:
        raise UsageError(f"--count is {count}; expected 1 to 10,000")
    if peers or peer_python is not None:
        with installed_peers(peer_python) as (others, missing):
            result = measure_numbers(count, advise, model=model, peers=others, missing=missing, seed=seed)
    else:
        result = measure_numbers(count, advise, model=model, seed=seed)
    if json:
        say_json(result.as_dict())
    else:
        say(result.machine)
        say(table(result.header(), result.rows()))
        say(f"expected calibration error of the numbers' confidence: {result.calibration:.3f}, "
            f"with what is known {result.calibration_known:.3f}")  # fmt: skip
        for line in result.missing:
            advise(line)
    return int(result.met is False)


@options_of()
def sheets(
    *,
    count: int = 200,
    seed: int = 1,
    megapixels: int = 3,
    out: Path = Path("bench-sheets"),
    engine: Literal["local", "ray"] = "local",
    json: bool = False,
) -> int:
    """Accuracy and speed of forms: a stack with unrelated photos in it is drawn, read, and compared with its truth.

    The digits are MNIST's test images. Takes about two seconds per sheet and core; the folder keeps what was drawn and
    read, and the same command goes on there. Exit code 1 when a target is missed.

    For example:
    digitlab bench sheets
    digitlab bench sheets --count 1000
    digitlab bench sheets --count 10000 --engine ray

    Args:
        count: Number of sheets, 10 or more.
        seed: Random seed of the stack.
        megapixels: Size of the photos: 3, or 12 like a phone's.
        out: The folder for the stack and its table.
        engine: local: this machine; ray: a cluster that is started here.
        json: One JSON object.
    """
    from digitlab.apps.cli.job_view import JobView
    from digitlab.bench.sheets import measure_sheets

    with JobView() as view:
        result = measure_sheets(out, count=count, seed=seed, megapixels=megapixels, engine=engine, listener=view)
    if json:
        say_json(result.as_dict())
    else:
        say(result.machine)
        say(table(["", "measured", "target"], result.rows()))
    return int(not result.met)
