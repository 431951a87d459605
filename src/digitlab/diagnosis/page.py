"""A diagnosis as one self-contained HTML page: no scripts, no external resources."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING

from PIL import Image

from digitlab.diagnosis.lines import preparing_lines
from digitlab.diagnosis.mending import DIFFERENCES
from digitlab.diagnosis.mistakes import examples, training_images
from digitlab.diagnosis.set_wording import causes_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.diagnosis.asking import Network
    from digitlab.diagnosis.mistakes import Costs
    from digitlab.diagnosis.photo import Diagnosis, Step
    from digitlab.diagnosis.whole_set import Misread, SetDiagnosis

__all__ = ["costs_figure", "costs_part", "page_of"]

_SCALE = 4  # pixels of the page per pixel of the image
_ON_MNIST = 5  # the digit that shows what the mistakes look like, if no photo determines it

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-top: 1.8rem; }
.outcome { font-size: 1.2rem; border-left: .3rem solid #d9730d; padding: .2rem 0 .2rem 1rem; }
.small { font-size: .9rem; opacity: .85; }
img { image-rendering: pixelated; border: 1px solid #888; vertical-align: middle; }
img.photo { image-rendering: auto; max-height: 112px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #8886; }
td.answer { white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.cause td:first-child, tr.cause td:nth-child(2) { font-weight: bold; } tr.same { opacity: .65; }
figure { display: inline-block; margin: 0 1rem .6rem 0; vertical-align: top; } figcaption { font-size: .9rem; }
pre { white-space: pre-wrap; padding: .6rem; border: 1px solid #8886; }
svg { display: block; max-width: 100%; height: auto; margin-top: 1.5rem; }
svg text { fill: currentColor; font: 13px system-ui, sans-serif; }
svg .bar { fill: #d9730d; } svg .plain { fill: #3b7dd8; } svg line { stroke: currentColor; stroke-dasharray: 3 3; }
"""


def page_of(
    network: Network,
    costs: Costs,
    *,
    model: str,
    photos: Sequence[Diagnosis] = (),
    whole: SetDiagnosis | None = None,
    data: str = "",
) -> str:
    """Return the page as HTML.

    Args:
        network: the network that was diagnosed.
        costs: of common mistakes, on MNIST.
        model: the network's name.
        photos: the diagnoses of pictures.
        whole: the diagnosis of a set.
        data: the set's name.
    """
    names = [each.photo for each in photos] + ([data] if data else [])
    title = html.escape(f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}, read by {model}")
    parts = [_photo(each, network, several=len(photos) > 1) for each in photos]
    parts += [] if whole is None else [_set(whole, data, headed=bool(photos))]
    lines = photos[0].lines if photos else preparing_lines(network, "five.jpg", model)
    digit = photos[0].truth if photos else _ON_MNIST
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: diagnosis</title><style>{_STYLE}</style></head>
<body>
<h1>{title}</h1>
{"".join(parts)}
<h2>Prepare an image correctly for this model</h2>
<pre>{html.escape(chr(10).join(lines))}</pre>
{costs_part(network, costs, digit)}
</body>
</html>
"""


def _photo(diagnosis: Diagnosis, network: Network, *, several: bool) -> str:
    rows = "\n".join(_row(step, diagnosis.causes or (diagnosis.cause,)) for step in diagnosis.steps)
    reader = "finds no digit in it" if diagnosis.reader is None else f"answers {diagnosis.reader}"
    heading = f"<h2>{html.escape(diagnosis.photo)}</h2>" if several else ""
    trained = training_images(network, diagnosis.truth)
    truth_source = {
        "label": "",
        "reader": f" It is taken for a {diagnosis.truth}, as the reader reads it; <code>--label</code> says otherwise.",
        "mended": f" It is taken for a {diagnosis.truth}, which this network answers when all is corrected; "
        "<code>--label</code> says otherwise.",
    }[diagnosis.known_by]
    prepared = (
        ""
        if diagnosis.prepared is None
        else f" Prepared by the lines below, this network answers {diagnosis.prepared}."
    )
    return f"""{heading}
<p class="outcome">{_text(diagnosis.sentence)}</p>
<p>The shipped reader {reader}.{prepared}{truth_source}</p>
<h3>What the network was shown, and what it was trained on</h3>
<figure>{_image(diagnosis.picture, 1, "the photo", "photo")}<figcaption>the photo</figcaption></figure>
{_figure(diagnosis.shown, f"made 28×28: {diagnosis.first}")}
{_figure(diagnosis.mended, f"all corrected: {diagnosis.last}")}
{_figures(trained, f"what it was trained on: MNIST's {diagnosis.truth}{_otherwise(network)}")}
<h3>Each difference, corrected in turn</h3>
<div class="wide"><table>
<thead><tr><th>difference</th><th>measured</th><th>corrected up to here</th><th>answer</th><th>this one alone</th>
<th>all but this one</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
"""


def _otherwise(network: Network) -> str:
    forms = (["dark on light"] if network.inverted else []) + (["transposed"] if network.transposed else [])
    return f", {' and '.join(forms)}" if forms else ""


def _row(step: Step, causes: Sequence[str | None]) -> str:
    name = html.escape(DIFFERENCES[step.name])
    if step.measured is None:
        return f'<tr class="same"><td>{name}</td><td>as in MNIST</td><td></td><td></td><td></td><td></td></tr>'
    kind = ' class="cause"' if step.name in causes else ""
    cells = "".join(f'<td class="answer">{answer}</td>' for answer in (step.answer, step.alone, step.without))
    image = _image(step.image, 2, f"with {step.name} corrected")
    return f"<tr{kind}><td>{name}</td><td>{html.escape(step.measured)}</td><td>{image}</td>{cells}</tr>"


def _set(diagnosis: SetDiagnosis, data: str, *, headed: bool) -> str:
    measure = "accuracy" if diagnosis.labelled else "agreement with the shipped reader"
    rows = "\n".join(
        f"<tr><td>{html.escape(DIFFERENCES[each.name])}</td>{_number(each.images)}<td>{html.escape(each.measured)}</td>"
        + "".join(_percent(share) for share in (each.until, each.alone, each.without))
        + "</tr>"
        for each in diagnosis.differences
    )
    errors = "\n".join(
        f"<tr><td>{html.escape(causes_in_words(causes))}</td>{_number(count)}</tr>"
        for causes, count in diagnosis.explained
    )
    looked = (
        f"{diagnosis.images:,} of {diagnosis.of:,} pictures were looked at" if diagnosis.images < diagnosis.of else ""
    )
    left = f"{diagnosis.no_ink} show nothing and are left out" if diagnosis.no_ink else ""
    refused = f"{len(diagnosis.refused)} could not be read" if diagnosis.refused else ""
    counts = "; ".join(each for each in (looked, left, refused) if each)
    return f"""{f"<h2>{html.escape(data)}</h2>" if headed else ""}
<p class="outcome">{_text(diagnosis.sentence)}</p>
<p class="small">{counts}{"." if counts else ""}</p>
<h3>Each difference from MNIST, and the {measure} when it is corrected</h3>
<p class="small">As given {100 * diagnosis.given:.1f} %, all corrected {100 * diagnosis.mended:.1f} %, prepared by the
lines of Python {100 * diagnosis.prepared:.1f} %.</p>
<div class="wide"><table>
<thead><tr><th>difference</th><th>pictures</th><th>measured, of one</th><th>corrected up to here</th>
<th>this one alone</th><th>all but this one</th></tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
<h3>What has to be corrected for the misread ones</h3>
<table><thead><tr><th>corrected</th><th>errors</th></tr></thead><tbody>
{errors}
</tbody></table>
<p>{"".join(_misread(each) for each in diagnosis.misread)}</p>
"""


def _misread(misread: Misread) -> str:
    causes = causes_in_words(misread.causes) if misread.causes else "still wrong"
    pair = f"{_image(misread.shown, 2, 'as given')} → {_image(misread.mended, 2, 'corrected')}"
    return f"<figure>{pair}<figcaption>{misread.first} → {misread.last}<br>{html.escape(causes)}</figcaption></figure>"


def costs_part(network: Network, costs: Costs, digit: int) -> str:
    """Return the part on what common mistakes cost this model: a table and a figure."""
    shown = examples(network, costs, digit)
    rows = [
        f"<tr><td>{_image(shown[each.name], 1, each.words)}</td><td>{html.escape(each.words)}</td>"
        f'{_percent(each.accuracy)}<td class="number">{_signed(100 * (each.accuracy - costs.accuracy))}</td></tr>'
        for each in costs.mistakes
    ]
    plain = (
        f"<tr><td>{_image(shown[''], 1, 'as MNIST has it')}</td><td>none</td>{_percent(costs.accuracy)}<td></td></tr>"
    )
    trained = _otherwise(network)
    note = f" Its training images are MNIST's{trained}: so are these." if trained else ""
    return f"""<h2>What such mistakes cost this model</h2>
<p>On {costs.images:,} of MNIST's test images, each mistake made by code.{note}</p>
<div class="wide"><table>
<thead><tr><th></th><th>mistake</th><th>accuracy</th><th>points</th></tr></thead>
<tbody>
{plain}
{"".join(rows)}
</tbody>
</table></div>
{costs_figure(costs)}
"""


def _text(sentence: str) -> str:
    """Escape a sentence, with percentages that are not broken at the end of a line."""
    return html.escape(sentence).replace(" %", "\u00a0%")


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")


def _number(count: int) -> str:
    return f'<td class="number">{count:,}</td>'


def _percent(share: float) -> str:
    return f'<td class="number">{100 * share:.1f} %</td>'


def _figure(image: NDArray[np.uint8], caption: str) -> str:
    return f"<figure>{_image(image, _SCALE, caption)}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _figures(images: Iterable[NDArray[np.uint8]], caption: str) -> str:
    shown = " ".join(_image(image, _SCALE // 2, caption) for image in images)
    return f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _image(image: NDArray[np.uint8], scale: int, words: str, kind: str = "") -> str:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    source = base64.b64encode(content.getvalue()).decode()
    height, width = image.shape
    size = f'class="{kind}"' if kind else f'width="{scale * width}" height="{scale * height}"'
    return f'<img {size} alt="{html.escape(words)}" src="data:image/png;base64,{source}">'


_LABELS, _BARS, _ROW, _AFTER = 300, 360, 22, 60  # pixels


def costs_figure(costs: Costs) -> str:
    """Return an <svg> element: a bar for each mistake, most costly first, and a line at the accuracy without any."""
    rows = sorted(costs.mistakes, key=lambda each: each.accuracy)
    height = _ROW * (len(rows) + 1) + 10
    at = _LABELS + _BARS * costs.accuracy
    worst = rows[0]
    words = (
        f"Accuracy of each mistake as bars, from {worst.words}, {100 * worst.accuracy:.0f} %, to {rows[-1].words}, "
        f"{100 * rows[-1].accuracy:.0f} %; without mistakes {100 * costs.accuracy:.0f} %"
    )
    bars = [_bar(row, each.words, each.accuracy, "bar") for row, each in enumerate(rows)]
    bars.append(_bar(len(rows), "none: as MNIST has them", costs.accuracy, "plain"))
    return (
        f'<svg viewBox="0 0 {_LABELS + _BARS + _AFTER} {height}" width="{_LABELS + _BARS + _AFTER}" height="{height}" '
        f'role="img" aria-label="{html.escape(words)}">'
        f'{"".join(bars)}<line x1="{at:.1f}" y1="0" x2="{at:.1f}" y2="{height}"/></svg>'
    )


def _bar(row: int, words: str, share: float, kind: str) -> str:
    top = row * _ROW + 4
    width = max(_BARS * share, 1)
    return (
        f'<text x="{_LABELS - 8}" y="{top + 13}" text-anchor="end">{html.escape(words)}</text>'
        f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_ROW - 6}"/>'
        f'<text x="{_LABELS + _BARS + 8}" y="{top + 13}">{100 * share:.1f} %</text>'
    )
