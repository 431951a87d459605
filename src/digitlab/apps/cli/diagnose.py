"""`digitlab diagnose`."""

from __future__ import annotations

from pathlib import Path

from digitlab.apps.cli.console import advise, say, say_json
from digitlab.apps.cli.reading import as_onnx

__all__ = ["diagnose"]


def diagnose(
    model: str, photo: Path, /, *, label: int | None = None, out: Path | None = None, json: bool = False
) -> int:
    """Find out why a model misreads a photo of one digit, and write a page about it.

    What the model is shown is compared with what it was trained on: scale of the numbers, polarity, background, grey
    level, rows and columns, rotation, crop, 20×20 box, centre of mass, stroke width. Each difference is mended in turn.
    The outcome is one sentence; the page shows the images, JSON lies beside it.

    For example:
    digitlab diagnose model.onnx five.jpg
    digitlab diagnose reader five.jpg --label 5

    Args:
        model: A shipped name, a run folder or a file (.onnx, .keras, .h5).
        photo: A picture of one digit.
        label: The digit that it shows; else what the model answers when all is mended.
        out: The page to write; else PHOTO-diagnosis.html in the current folder.
        json: The diagnosis as one JSON object.
    """
    from digitlab.diagnosis import diagnose as find_out
    from digitlab.diagnosis import write_page

    found = find_out(as_onnx(model) or model, photo, label)
    page = out if out is not None else Path(f"{photo.stem}-diagnosis.html")
    write_page(found, page, photo=photo.name, model=Path(model).name)
    if json:
        say_json({"photo": str(photo), "model": model, **found.as_json(), "page": str(page)})
        return 0
    say(found.sentence)
    reader = "finds no digit" if found.reader is None else f"answers {found.reader}"
    advise(f"the shipped reader {reader}; look at {page}")
    for line in found.lines:
        advise(f"  {line}")
    return 0
