"""All verdicts on one sheet, as SVG: one row per study, one square per conclusion.

The SVG is written directly rather than by matplotlib: a tenth of the size, machine-readable text, a tooltip that
explains each square, and colours that follow the reader's light or dark mode.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["VERDICTS", "verdicts_svg"]

# The order used everywhere, with the path of each mark in a square of 18 by 18, for colour-blind readers too.
VERDICTS: Mapping[str, str] = {
    "holds": "M4.5 9.5 L7.7 12.7 L13.5 5.5",
    "does not hold": "M5 5 L13 13 M13 5 L5 13",
    "the same": "M4 7.5 q2.5 -3 5 0 t5 0 M4 12 q2.5 -3 5 0 t5 0",
    "not shown": "M6 6.8 a3 3 0 1 1 4.4 2.6 q-1.4 .8 -1.4 2 M9 14 L9 14.1",
}

_TITLES = {
    "S0": "S0 Pascual 2017, with Keras",
    "S1": "S1 Aboueloula and others 2020",
    "S2": "S2 University of Oviedo",
    "S3": "S3 Kralj Novak 2019",
    "S4": "S4 Bertsch 2019",
    "Own": "Our own questions",
}

_SQUARE, _STEP, _ROW, _NAMES, _LEAST, _WIDTH, _TOP = 18, 21, 23, 168, 240, 330, 62

_STYLE = """\
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1d2129}
.source{font-weight:600;fill:#5d6470}
path{fill:none;stroke:#fff;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.holds{fill:#00805d}.does-not-hold{fill:#d55e00}.the-same{fill:#0072b2}.not-shown{fill:#d4d8de}
.not-shown+path{stroke:#4a515c}
@media(prefers-color-scheme:dark){text{fill:#e6e8ec}.source{fill:#a2a9b5}.not-shown{fill:#4a515c}
.not-shown+path{stroke:#e6e8ec}}"""


def verdicts_svg(studies: Sequence[Mapping[str, Any]]) -> str:
    """Render the sheet in two columns.

    studies: contents of `results.json`, in the order of the rows
    """
    sources = [study["source"][:3].strip(" :,") for study in studies]
    headings = sum(origin != before for origin, before in zip(sources, ["", *sources], strict=False))
    half = _TOP + (len(studies) * _ROW + headings * (_ROW + 8)) / 2
    body: list[str] = []
    left, y, source, column_width, height = 0, _TOP, "", _WIDTH, _TOP
    for origin, study in zip(sources, studies, strict=True):
        if left == 0 and y > half:
            left, y, source = column_width, _TOP, ""
            column_width = _LEAST
        if origin != source:
            y += 8
            title = escape(_TITLES.get(origin, origin))
            body.append(f'<text class="source" x="{left + 6}" y="{y + 13}">{title}</text>')
            y += _ROW
        source = origin
        body.append(f'<text x="{left + _NAMES - 8}" y="{y + 13.5}" text-anchor="end">{escape(study["study"])}</text>')
        for index, conclusion in enumerate(study["conclusions"]):
            body.append(_square(left + _NAMES + _STEP * index, y, conclusion["verdict"], conclusion["text"]))
        column_width = max(column_width, _NAMES + _STEP * len(study["conclusions"]) + 6)
        y += _ROW
        height = max(height, y + 8)
    width = left + column_width
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="A row for each study, a square for each conclusion: holds, does not hold, the same, '
        f'not shown"><style>{_STYLE}</style>'
    )
    return "\n".join([head, *_legend(studies), *body, "</svg>", ""])


def _legend(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    verdicts = [conclusion["verdict"] for each in studies for conclusion in each["conclusions"]]
    words = {"holds": "holds", "does not hold": "does not hold", "the same": "no difference", "not shown": "still open"}
    parts = []
    for number, (verdict, label) in enumerate(words.items()):
        x, y = 6 + 160 * (number % 2), 8 + 25 * (number // 2)
        parts += [
            _square(x, y, verdict, ""),
            f'<text x="{x + 25}" y="{y + 13.5}">{label}: {verdicts.count(verdict)}</text>',
        ]
    return parts


def _square(x: int, y: int, verdict: str, words: str) -> str:
    name = verdict.replace(" ", "-") if verdict in VERDICTS else "not-shown"
    title = f"<title>{escape(verdict)}: {escape(words)}</title>" if words else ""
    return (
        f'<g transform="translate({x} {y})">{title}<rect class="{name}" width="{_SQUARE}" height="{_SQUARE}" rx="3"/>'
        f'<path d="{VERDICTS.get(verdict, VERDICTS["not shown"])}"/></g>'
    )
