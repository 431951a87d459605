"""A diagnosis as one self-contained HTML page, with the same as JSON beside it."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import TYPE_CHECKING

from PIL import Image

from digitlab.diagnosis.mending import DIFFERENCES
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.diagnosis.diagnosing import Answer, Diagnosis, Step

__all__ = ["write_page"]

_EXAMPLES = 6  # of MNIST's training images, of the digit in question
_SCALE = 4  # pixels of the page for one of the image

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.outcome { font-size: 1.2rem; }
img { image-rendering: pixelated; border: 1px solid #888; }
table { border-collapse: collapse; } th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #8886; }
tr.cause { font-weight: bold; } tr.same { opacity: .65; }
figure { display: inline-block; margin: 0 1rem 0 0; } pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886; }
"""


def write_page(found: Diagnosis, path: Path, *, photo: str, model: str) -> Path:
    """Write the page, and its content as JSON under the same name; returns the JSON's path.

    photo, model: what they are called on the page.

    Raises:
        StorageError: when a file cannot be written.
    """
    beside = path.with_suffix(".json")
    write_text(beside, json.dumps({"photo": photo, "model": model, **found.as_json()}, indent=1))
    write_text(path, _page(found, html.escape(photo), html.escape(model)))
    return beside


def _page(found: Diagnosis, photo: str, model: str) -> str:
    target = found.last.digit if found.label is None else found.label
    rows = "\n".join(_row(step, found.cause) for step in found.steps)
    reader = "finds no digit" if found.reader is None else f"answers {found.reader}"
    lines = html.escape("\n".join(found.lines))
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{photo}: diagnosis</title><style>{_STYLE}</style></head>
<body>
<h1>{photo}, read by {model}</h1>
<p class="outcome">{html.escape(found.sentence)}</p>
<h2>What the network was shown, and what it was trained on</h2>
{_figure(found.shown, f"shown: {found.first}")}
{_figure(found.mended, f"all mended: {found.last}")}
{_figures(_examples(target), f"MNIST's {target}")}
<h2>Each difference, mended in turn</h2>
<table>
<thead><tr><th>difference</th><th>measured</th><th>mended up to here</th><th>answer</th><th>this one alone</th>
<th>all but this one</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>The shipped reader {reader}.</p>
<h2>Prepare an image rightly for this model</h2>
<pre>{lines}</pre>
</body>
</html>
"""


def _row(step: Step, cause: str | None) -> str:
    name = html.escape(DIFFERENCES[step.name])
    if step.measured is None:
        return f'<tr class="same"><td>{name}</td><td>as in MNIST</td><td></td><td></td><td></td><td></td></tr>'
    kind = ' class="cause"' if step.name == cause else ""
    answers: Iterable[Answer] = (step.answer, step.alone, step.without)
    cells = "".join(f"<td>{answer}</td>" for answer in answers)
    return f"<tr{kind}><td>{name}</td><td>{html.escape(step.measured)}</td><td>{_image(step.image, 2)}</td>{cells}</tr>"


def _figure(image: NDArray[np.uint8], caption: str) -> str:
    return f"<figure>{_image(image, _SCALE)}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _figures(images: Iterable[NDArray[np.uint8]], caption: str) -> str:
    shown = " ".join(_image(image, _SCALE // 2) for image in images)
    return f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _image(image: NDArray[np.uint8], scale: int) -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    source = base64.b64encode(content.getvalue()).decode()
    side = scale * len(image)
    return f'<img width="{side}" height="{side}" alt="28×28 pixels" src="data:image/png;base64,{source}">'


def _examples(digit: int) -> NDArray[np.uint8]:
    from digitlab.datasets import load_dataset

    train = load_dataset("mnist").split("train")[:1000]
    examples: NDArray[np.uint8] = train.images[train.labels == digit][:_EXAMPLES]
    return examples
