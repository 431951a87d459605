"""The results of a study in readable form (table, verdicts, figures), and the same as JSON."""

from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING, Any

from digitlab.storage import write_text
from digitlab.studies.measures import MEASURES, duration

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from pathlib import Path

    from digitlab.studies.outcome import Outcome
    from digitlab.studies.study import Study

__all__ = [
    "QUICK", "as_dict", "as_markdown", "figure_names", "machines_of", "plain_table", "rows_of", "table_lines",
    "verdict_lines", "write_results",
]  # fmt: skip

QUICK = (
    "Quick run: at most two epochs on a twentieth of the images. It shows that the study runs; it says nothing about "
    "the published numbers."
)


def write_results(outcome: Outcome, folder: Path) -> None:
    """Write `results.json`, `table.md` and `figure.png` (`figure-2.png` and so on where a study has several).

    Raises:
        StorageError: when they cannot be written.
    """
    from digitlab.reports.figures.saving import save_figure

    content = as_dict(outcome)
    write_text(folder / "results.json", json.dumps(content, indent=1, allow_nan=False) + "\n")
    write_text(folder / "table.md", as_markdown(content))
    for name, draw in zip(figure_names(outcome.study), outcome.study.figures, strict=True):
        figure = draw(outcome)
        if outcome.quick:
            figure.text(0.995, 0.005, "a quick run", ha="right", va="bottom", fontsize=9, color="#b00020")
        save_figure(figure, folder / name)


def figure_names(study: Study) -> list[str]:
    """The file names of a study's figures."""
    return ["figure.png" if number == 1 else f"figure-{number}.png" for number in range(1, 1 + len(study.figures))]


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The content of `results.json`: rows, verdicts, machines."""
    study = outcome.study
    return {
        "study": study.name,
        "source": study.source,
        "about": study.about,
        "quick": outcome.quick,
        "repeated": study.task.repeated,
        "planned": outcome.planned,
        "found": outcome.found,
        "figures": figure_names(study),
        "columns": {name: MEASURES[name].title for name in study.columns},
        "rows": rows_of(outcome),
        "conclusions": _conclusions(outcome),
        "seconds": round(sum(duration(each["result"]) for by in outcome.records.values() for each in by.values())),
        "machines": machines_of(outcome),
    }


def rows_of(outcome: Outcome) -> list[dict[str, Any]]:
    """One row per cell: for each column the values by repeat, their mean and deviation, and the published value."""
    rows = []
    for cell in outcome.cells:
        published = outcome.published[cell.key].numbers if cell.key in outcome.published else {}
        columns = {}
        for name in outcome.study.columns:
            values = list(outcome.values(cell.key, name).values())
            columns[name] = {
                "values": [float(f"{value:.8g}") for value in values],
                "mean": statistics.fmean(values) if values else None,
                "deviation": statistics.stdev(values) if len(values) > 1 else None,
                "published": published.get(name),
            }
        repeats = len(outcome.records[cell.key])
        rows.append({"label": cell.label, "changes": _plain(cell.changes), "repeats": repeats, "columns": columns})
    return rows


def _plain(changes: Any) -> Any:
    return json.loads(json.dumps(dict(changes)))


def _conclusions(outcome: Outcome) -> list[dict[str, str]]:
    rows = []
    for conclusion in outcome.study.conclusions:
        verdict, evidence, plain = conclusion.check(outcome)
        judged = "not judged" if outcome.quick else verdict
        text = conclusion.statement(outcome)
        rows.append({"text": text, "verdict": judged, "plain": plain, "evidence": evidence})
    return rows


def machines_of(outcome: Outcome) -> list[str]:
    """The machines on which the cells were trained, with library versions, each once."""
    records = [record for by_repeat in outcome.records.values() for record in by_repeat.values()]
    return list(dict.fromkeys(_machine(record["environment"]) for record in records))


def _machine(environment: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in environment.get("versions", {}).items())
    return f"{environment.get('processor', 'unknown')}, {environment.get('cores', '?')} cores; {versions}"


def as_markdown(content: dict[str, Any]) -> str:
    """The content of `table.md`: table and verdicts."""
    remark = [QUICK, ""] if content["quick"] else []
    missing = content["planned"] - content["found"]
    if missing:
        remark += [f"{missing} of {content['planned']} trainings are still missing.", ""]
    return "\n".join(
        [
            f"# {content['study']}",
            "",
            content["source"],
            "",
            *remark,
            *table_lines(content),
            "",
            *verdict_lines(content),
            "",
            *(f"Made on {machine}." for machine in content["machines"]),
            "",
        ]
    )


def plain_table(content: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows as text: the published value beside the measured mean ± deviation."""
    shown = [name for name in content["columns"] if _any_number(content, name)]
    columns = {name: [row["columns"][name] for row in content["rows"]] for name in shown}
    has_published = {name: any(each["published"] is not None for each in columns[name]) for name in shown}
    head = [""]
    for name in shown:
        title = content["columns"][name]
        head += [f"{title}, published", "measured"] if has_published[name] else [title]
    rows = []
    for row in content["rows"]:
        cells = [row["label"]]
        for name in shown:
            column = row["columns"][name]
            cells += [_number(column["published"])] if has_published[name] else []
            cells.append(_spread(name, column["mean"], column["deviation"]))
        rows.append([*cells, str(row["repeats"])])
    return [*head, f"{content['repeated']}s"], rows


def table_lines(content: dict[str, Any]) -> list[str]:
    """The table in Markdown."""
    head, rows = plain_table(content)
    return [_line(head), _line(["---"] + ["---:"] * (len(head) - 1)), *map(_line, rows)]


def verdict_lines(content: dict[str, Any]) -> list[str]:
    """The conclusions in Markdown."""
    return [f"- **{each['verdict']}**: {each['text']}. *{each['evidence']}*" for each in content["conclusions"]]


def _any_number(content: dict[str, Any], name: str) -> bool:
    numbers: Sequence[Hashable] = [
        row["columns"][name][kind] for row in content["rows"] for kind in ("mean", "published")
    ]
    return any(number is not None for number in numbers)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    """Format a published number as it was printed, not rounded to the measure's digits."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"


def _spread(name: str, mean: float | None, deviation: float | None) -> str:
    measure = MEASURES[name]
    if mean is None or not math.isfinite(mean):
        return "–"
    return measure.format(mean) + (f" ± {measure.format(deviation)}" if deviation else "")
