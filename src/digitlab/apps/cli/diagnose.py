"""`digitlab diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView

if TYPE_CHECKING:
    from digitlab.jobs.diagnosis import DiagnosisResult

__all__ = ["diagnose"]


def diagnose(
    model: str,
    /,
    *photos: Path,
    data: str | None = None,
    label: int | None = None,
    split: str | None = None,
    images: int = 500,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Find out why a model misreads pictures of digits, and write a page about it.

    What the model is shown is compared with what it was trained on: scale of the numbers, polarity, background, grey
    level, rows and columns, rotation, crop, 20×20 box, centre of mass, stroke width. Each difference is mended in turn.
    The outcome is a sentence; the page shows the images, and what such mistakes cost this model on MNIST. JSON lies
    beside it. Ends with 2 when a picture does not show one digit; the others are diagnosed all the same.

    For example:
    digitlab diagnose model.onnx five.jpg
    digitlab diagnose reader five.jpg --label 5
    digitlab diagnose model.keras --data my-digits/

    Args:
        model: A shipped name, a run folder or a file of anybody (.onnx, .keras, .h5).
        photos: Pictures of one digit each.
        data: A set of pictures: a folder with the class in its names (or without), or a file of labelled images.
        label: The digit that the photos show; else what the shipped reader answers.
        split: Which part of the set: test, or the last there is, where this is left out.
        images: At most this number of pictures of the set, drawn at random.
        out: The page to write; else PHOTO-diagnosis.html in the current folder.
        json: One JSON object a line for each photo and for the set.
    """
    from digitlab.jobs import diagnose as find_out

    page = out if out is not None else Path(f"{_name(photos, data)}-diagnosis.html")
    with JobView() as view:
        found = find_out(model, *photos, label=label, data=data, split=split, images=images, out=page, listener=view)
    for error in found.refused:
        complain(error)
    if json:
        _say_json(found, model)
    else:
        _say(found, several=len(photos) > 1)
        advise(f"look at {page}")
    return 2 if found.refused else 0


def _name(photos: tuple[Path, ...], data: str | None) -> str:
    """What the page is named after."""
    if len(photos) == 1:
        return photos[0].stem
    return Path(data.partition("#")[0]).stem if data else "photos"


def _say(found: DiagnosisResult, *, several: bool) -> None:
    for each in found.photos:
        say(f"{each.photo}: {each.sentence}" if several else each.sentence)
        reader = "finds no digit" if each.reader is None else f"answers {each.reader}"
        taken = "" if each.known_by == "label" else f"; it is taken for a {each.truth}, --label says otherwise"
        advise(f"the shipped reader {reader}{taken}")
    if found.data is not None:
        say(found.data.sentence)
    if found.photos:
        advise("prepared rightly for this model:")
        for line in found.photos[0].lines:
            advise(f"  {line}")


def _say_json(found: DiagnosisResult, model: str) -> None:
    more: dict[str, Any] = {"model": model, "page": str(found.page), "mnist": found.kept["mnist"]}
    for each in found.photos:
        say_json({**each.as_json(), **more})
    if found.data is not None:
        say_json({**found.kept["data"], **more})
