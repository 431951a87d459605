"""The page of all studies: published and measured values and verdicts, made from each study's `results.json`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError, UsageError
from digitlab.storage import write_text
from digitlab.studies.catalogue import study_names
from digitlab.studies.results import table_lines, verdict_lines
from digitlab.studies.sheet import verdicts_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["write_page"]

_HEAD = """\
# Reproduction of every published number

The conclusions of the documents, tested by training again: each square is a conclusion. Written by `digitlab study
page` from `{results}`; do not edit.

"""

_MEANING = """\
One section per study: the figures; then each conclusion with the answer and the size of the difference, in words; then
the numbers, published beside measured (mean ± standard deviation over the random seeds; the last column says how many).

**Yes**: it holds. **No**: the contrary is shown. **No difference that counts**: neither is better, and the difference
is shown to be less than 0.1 percentage points of accuracy (10 of 10,000 images) or 0.003 of a loss, unless the study
says otherwise. **Still open**: the measured difference could be due to chance; `digitlab study list` says what it would
cost to know. Conclusions are judged by 95 % confidence intervals over the study's planned number of seeds, and by
stricter intervals where seeds were added until a conclusion was decided (`--until-decided`).

`digitlab study run NAME` repeats a study; what its source does not say is chosen in the study's docstring, which
`digitlab study show NAME` prints.
`digitlab study run --all --until-decided --background --workers 1` uses one core, at low priority, and leaves the
others free: start it whenever the machine is idle, end it with Ctrl-C; the same command goes on where it ended.

S0 Pascual, *Study of Deep Learning Neural Networks with Keras*, 2017 · S1 Aboueloula, Benserhier, Zrira, *Recognizing
Digits using Neural Networks*, 2020 · S2 *CNN and Regularization Techniques with TensorFlow and Keras*, University of
Oviedo · S3 Kralj Novak, *Handwritten Digit Recognition using CNNs in Python with Keras*, 2019 · S4 Bertsch,
*Convolutional Neural Networks*, 2019.

"""


def write_page(results: Path, to: Path, costs: Mapping[tuple[str, str], str] | None = None) -> int:
    """Write the Markdown page ``to`` and its picture from the studies in ``results``; returns the number of studies.

    costs: by study and conclusion, the cost of deciding an open one, in words

    Raises:
        UsageError: when there is no study.
        RunError: when one cannot be read.
        StorageError: when the page cannot be written.
    """
    contents = [_read(results / name / "results.json") for name in study_names()]
    studies = [each for each in contents if each is not None]
    if not studies:
        raise UsageError(
            f"{results}: holds no results of studies; `digitlab study run NAME --out {results}` makes them"
        )
    shown = os.path.relpath(results, to.parent)
    head = _HEAD.format(results=f"{results.name}/")
    lines = [head + _sheet(studies, to.parent) + _MEANING + _overview(studies)]
    for each in studies:
        lines += _section(each, shown, costs or {})
    lines += ["## Machines", "", *(f"- {machine}" for machine in _machines(studies)), ""]
    write_text(to, "\n".join(lines))
    return len(studies)


def _sheet(studies: Sequence[dict[str, Any]], folder: Path) -> str:
    """Write all verdicts as one picture beside the page; returns the Markdown that shows it."""
    write_text(folder / "pictures" / "verdicts.svg", verdicts_svg(studies))
    caption = "A row for each study, a square for each conclusion: holds, does not hold, no difference, still open"
    return f"![{caption}](pictures/verdicts.svg)\n\n"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read ({error}); `digitlab study run {path.parent.name}` makes it") from error
    if not isinstance(content, dict) or "rows" not in content:
        raise RunError(f"{path}: not the results of a study; `digitlab study run {path.parent.name}` makes them")
    return content


def _overview(studies: Sequence[dict[str, Any]]) -> str:
    """One row per study: trainings, minutes, and the number of conclusions by verdict, in a collapsed section."""
    lines = [
        "<details><summary>Each study: trainings, minutes, verdicts</summary>",
        "",
        "| study | source | trainings | minutes | holds | does not hold | the same | not shown |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    totals = dict.fromkeys(("holds", "does not hold", "the same", "not shown"), 0)
    for each in studies:
        verdicts = [conclusion["verdict"] for conclusion in each["conclusions"]]
        counts = [verdicts.count(verdict) for verdict in totals]
        totals = {verdict: total + count for (verdict, total), count in zip(totals.items(), counts, strict=True)}
        trainings = f"{each['found']} of {each['planned']}"
        if each["found"] == each["planned"]:  # then with all added seeds, which the minutes include
            trainings = str(sum(row["repeats"] for row in each["rows"]))
        link = f"[{each['study']}](#{each['study']})"
        cells = [link, each["source"], trainings, f"{each['seconds'] / 60:.0f}", *counts]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["| | | | | " + " | ".join(f"**{total}**" for total in totals.values()) + " |", "", "</details>", ""]
    return "\n".join(lines)


def _section(study: dict[str, Any], results: str, costs: Mapping[tuple[str, str], str]) -> list[str]:
    """One study: the pictures, then each conclusion in plain words, then the numbers."""
    missing = study["planned"] - study["found"]
    remark = [f"{missing} of {study['planned']} trainings are still missing.", ""] if missing else []
    pictures = [
        f"![{study['study']}: {study['source']}]({results}/{study['study']}/{name})" for name in study["figures"]
    ]
    return [
        f"## {study['study']}",
        "",
        study["source"],
        "",
        *remark,
        *(line for picture in pictures for line in (picture, "")),
        *(_line(each, costs.get((study["study"], each["text"]), "")) for each in study["conclusions"]),
        *table_lines(study),
        "",
        "<details><summary>The numbers behind the verdicts, with their 95 % intervals</summary>",
        "",
        *verdict_lines(study),
        "",
        "</details>",
        "",
    ]


# By verdict: its mark, and the beginning of an answer.
_ANSWERS = {
    "holds": ("✓", "Yes"),
    "does not hold": ("✗", "No"),
    "the same": ("≈", "No difference that counts"),
    "not shown": ("?", "Still open"),
}


def _line(conclusion: dict[str, str], cost: str) -> str:
    """One conclusion as a paragraph in plain words."""
    mark, answer = _ANSWERS.get(conclusion["verdict"], ("–", conclusion["verdict"]))
    text, plain = conclusion["text"], conclusion.get("plain", "")
    paragraph = f"{mark} {text[:1].upper()}{text[1:].rstrip('.')}. **{answer}**{': ' + plain if plain else ''}."
    return f"{paragraph} *{cost}*\n" if cost else f"{paragraph}\n"


def _machines(studies: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(machine for each in studies for machine in each["machines"]))
