"""Display of image values: digits, a dataset, a prediction, a reading with its boxes; and of a model's layers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import counted
from digitlab.showing.sheet import Look, Sheet, Table, bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from digitlab.datasets import Dataset
    from digitlab.network.classifier import Classifier
    from digitlab.values import Digits, Prediction, Reading

__all__ = ["LOOKS"]

_SHOWN = 50  # digits of a grid: five rows of ten
_SIDE = 640  # pixels of the longest side of a photo: a notebook's column, and some hundred kilobytes
_COLOURS = 128  # of that photo: paper and ink need no more, and the file is half as large


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _digits_sheet(digits: Digits) -> Sheet:
    counts = np.bincount(digits.labels, minlength=10)
    rows = [[str(digit), f"{count:,}"] for digit, count in enumerate(counts)]
    return Sheet(f"{counted(len(digits), 'image')} of digits", (), [Table(["digit", "images"], rows)])


def _grid(digits: Digits) -> Figure:
    from digitlab.reports.figures import digits_figure

    return digits_figure(digits.images[:_SHOWN], [str(label) for label in digits.labels[:_SHOWN]])


def _digits_figures(digits: Digits) -> Mapping[str, Callable[[], Figure]]:
    return {"grid": lambda: _grid(digits)} if len(digits) else {}


def _digits_png(digits: Digits) -> bytes | None:
    return _png(_grid(digits)) if len(digits) else None


def _png(figure: Figure) -> bytes:
    from digitlab.reports.figures.style import png_content

    return png_content(figure)


def _dataset_sheet(dataset: Dataset) -> Sheet:
    form = "Sobel images" if dataset.form == "sobel" else "images, light ink on dark"
    return Sheet(dataset.name, [dataset.about, f"28×28 {form}; splits: {', '.join(dataset.splits)}"])


def _dataset_figures(dataset: Dataset) -> Mapping[str, Callable[[], Figure]]:
    """One grid per split, the test images first: those that no network was trained on."""
    order = sorted(dataset.splits, key=lambda split: split != "test")
    return {split: functools.partial(_first, dataset, split) for split in order}


def _first(dataset: Dataset, split: str) -> Figure:
    from digitlab.datasets import first_images

    return _grid(first_images(dataset, split, _SHOWN))


def _dataset_png(dataset: Dataset) -> bytes | None:
    return _png(next(iter(_dataset_figures(dataset).values()))())


def _prediction_sheet(prediction: Prediction) -> Sheet:
    title = "no digit" if prediction.digit is None else f"{prediction.digit}, {_percent(prediction.confidence)}"
    rows = [[str(digit), bar(share), _percent(share)] for digit, share in enumerate(prediction.probabilities)]
    lines = [] if prediction.note is None else [prediction.note]
    return Sheet(title, lines, [Table(["digit", "", "probability"], rows, left=2)])


def _reading_sheet(reading: Reading) -> Sheet:
    rows = [
        [each.character, _percent(each.confidence), ", ".join(map(str, each.box)), str(each.line + 1)]
        for each in reading.digits
    ]
    count = counted(len(reading.digits), "digit")
    answered = "" if reading.answered == len(reading.digits) else f", {reading.answered} of them answered"
    notes = [] if reading.note is None else [reading.note]
    table = Table(["digit", "confidence", "box: left, top, right, bottom", "line"], rows)
    return Sheet(f"{count}{answered}", [*reading.lines, *notes], [table] if rows else [])


def _reading_png(reading: Reading) -> bytes | None:
    """The picture with its boxes; None where the reading does not know its picture. A missing file raises."""
    if reading.picture is None:
        return None
    import cv2

    from digitlab.reading.drawing import draw_reading
    from digitlab.reading.picture_like import rgb_of

    picture, _ = rgb_of(reading.picture)
    scale = min(1.0, _SIDE / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return _png_of_pixels(draw_reading(picture, reading.scaled(scale)))


def _png_of_pixels(pixels: NDArray[np.uint8]) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    reduced = Image.fromarray(pixels).quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    reduced.save(out, "PNG", optimize=True)
    return out.getvalue()


def _reading_columns(reading: Reading) -> dict[str, list[Any]]:
    digits = reading.digits
    boxes = np.array([each.box for each in digits], int).reshape(-1, 4)
    return {
        "digit": [each.digit for each in digits],
        "confidence": [each.confidence for each in digits],
        "line": [each.line for each in digits],
        **dict(zip(("left", "top", "right", "bottom"), boxes.T.tolist(), strict=True)),
    }


def _model_sheet(model: Classifier) -> Sheet:
    from digitlab.network.layers import NetworkLayers

    layers, card = NetworkLayers(model.path).layers, model.card
    rows = [[each.name, each.operator, "×".join(map(str, each.shape)), f"{each.parameters:,}"] for each in layers]
    lines = [
        f"{sum(each.parameters for each in layers):,} parameters; takes uint8 (N, 28, 28), gives ten probabilities"
    ]
    if card is not None:
        lines.append(f"architecture {card.architecture}; preparation: {card.preparation}")
        accuracy = card.training.get("test_accuracy")
        lines += [f"test accuracy {100 * accuracy:.2f} %"] if isinstance(accuracy, float) else []
    name = model.path.name if card is None else card.name
    return Sheet(name, lines, [Table(["layer", "operator", "result", "parameters"], rows, left=2)])


LOOKS = {
    "Digits": Look(_digits_sheet, _digits_png, _digits_figures),
    "Dataset": Look(_dataset_sheet, _dataset_png, _dataset_figures),
    "Prediction": Look(_prediction_sheet),
    "Reading": Look(_reading_sheet, _reading_png, columns=_reading_columns),
    "Classifier": Look(_model_sheet),
}
