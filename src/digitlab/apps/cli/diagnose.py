"""`digitlab diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, complain, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.jobs import diagnosis as jobs

if TYPE_CHECKING:
    from digitlab.jobs import DiagnosisResult

__all__ = ["diagnose"]


@options_of(jobs.diagnose)
def diagnose(*photos: Path, json: bool = False, **options: Any) -> int:
    """Find out why a model misreads pictures of digits, and write a page about it.

    What the model is shown is compared with what it was trained on: scale of the numbers, polarity, background, grey
    level, rows and columns, rotation, crop, 20×20 box, centre of mass, stroke width. Each difference is corrected in
    turn. The outcome is a sentence; the page, PHOTO-diagnosis.html unless --out names another, shows the images, and
    what such mistakes cost this model on MNIST. Exit code 2 when a picture does not show one digit; the others are
    diagnosed all the same.

    For example:
    digitlab diagnose model.onnx five.jpg
    digitlab diagnose reader five.jpg --label 5
    digitlab diagnose model.keras --data my-digits/

    Args:
        json: One JSON object per line, for each photo and for the set.
    """
    options["out"] = options.get("out") or Path(f"{_name(photos, options.get('data'))}-diagnosis.html")
    with JobView() as view:
        result = jobs.diagnose(options.pop("model"), *photos, **options, listener=view)
    for error in result.refused:
        complain(error)
    if json:
        _say_json(result)
    else:
        _say(result, several=len(photos) > 1)
        if result.page is not None:
            advise(f"look at {result.page}")
    return 2 if result.refused else 0


def _name(photos: tuple[Path, ...], data: str | None) -> str:
    """Return what the page's file is named after: the photo, the dataset, or "photos"."""
    if len(photos) == 1:
        return photos[0].stem
    return Path(data.partition("#")[0]).stem if data else "photos"


def _say(result: DiagnosisResult, *, several: bool) -> None:
    for photo in result.photos:
        say(f"{photo.photo}: {photo.sentence}" if several else photo.sentence)
        reader = "finds no digit" if photo.reader is None else f"answers {photo.reader}"
        taken = "" if photo.known_by == "label" else f"; it is taken for a {photo.truth}, --label says otherwise"
        advise(f"the shipped reader {reader}{taken}")
    if result.data is not None:
        say(result.data.sentence)
    if result.photos:
        advise("prepared correctly for this model:")
        for line in result.photos[0].lines:
            advise(f"  {line}")


def _say_json(result: DiagnosisResult) -> None:
    more = {"model": result.kept["model"], "page": str(result.page), "mnist": result.kept["mnist"]}
    for photo in result.photos:
        say_json({**photo.as_json(), **more})
    if result.data is not None:
        say_json({**result.kept["data"], **more})
