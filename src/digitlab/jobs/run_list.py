"""The runs in a folder as a table, sorted and filtered."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError, RunError, UsageError
from digitlab.runs import Run
from digitlab.shown import Shown, Tabular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["RunTable", "list_runs"]

_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d-\d{6})-(.+)$")  # a run folder's name
_CONDITION = re.compile(r"\s*([\w.-]+)\s*(<=|>=|!=|==|=|~|<|>)\s*(.*?)\s*")
_COLUMNS = ("name", "date", "kind", "architecture", "dataset", "epochs", "seed", "accuracy", "loss", "seconds")
_TEXTS = _COLUMNS[:5]
_NUMBERS = ("accuracy", "loss", "brier", "ece", "images")  # keys of metrics.json

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda actual, expected: actual < expected,
    ">": lambda actual, expected: actual > expected,
    "<=": lambda actual, expected: actual <= expected,
    ">=": lambda actual, expected: actual >= expected,
    "=": lambda actual, expected: actual == expected,
    "==": lambda actual, expected: actual == expected,
    "!=": lambda actual, expected: actual != expected,
    "~": lambda actual, expected: str(expected).lower() in str(actual).lower(),
}


@dataclass(frozen=True, slots=True)
class RunTable(Shown, Tabular):
    """Runs in a folder, one per row.

    rows: name, path, date, kind (training, transfer, evaluation, unfinished …), accuracy, accuracy_low, accuracy_high,
        loss and other metrics, seconds, and each setting of its config.toml; a row contains only what its run has
    found: number of runs in the folder, including those that the conditions exclude
    left_out: a sentence for each folder that could not be read
    """

    folder: Path
    rows: tuple[Mapping[str, Any], ...]
    found: int
    left_out: tuple[str, ...] = ()

    def as_texts(self) -> tuple[list[str], list[list[str]]]:
        """Return header and cells for display, texts before numbers; columns empty in all rows are left out."""
        names = self._columns()
        return [_HEADS.get(name, name) for name in names], [[_text(name, row) for name in names] for row in self.rows]

    @property
    def texts(self) -> int:
        """Number of those columns that are texts."""
        return sum(name in _TEXTS for name in self._columns())

    def _columns(self) -> list[str]:
        names = [name for name in _COLUMNS if any(row.get(name) is not None for row in self.rows)]
        one_kind = len({row["kind"] for row in self.rows}) == 1
        return [name for name in names if not (one_kind and name == "kind")]

    def as_columns(self) -> dict[str, list[Any]]:
        """Return all known values, by column name; None where a run has no value."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name) for row in self.rows] for name in names}

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        rows = [{name: str(value) if name == "path" else value for name, value in row.items()} for row in self.rows]
        return {"folder": str(self.folder), "found": self.found, "runs": rows, "left_out": list(self.left_out)}

    @property
    def comparable(self) -> tuple[Path, ...]:
        """Folders of the runs that have predictions, which `compare` can take."""
        return tuple(row["path"] for row in self.rows if Run(row["path"]).predictions.is_file())


_HEADS = {"accuracy": "accuracy %", "loss": "log loss"}


def list_runs(
    folder: Path = Path("runs"), *, where: list[str] | None = None, sort: str = "date", reverse: bool = False
) -> RunTable:
    """List the runs in a folder that meet all conditions.

    Args:
        folder: a folder of run folders.
        where: list only runs that meet this condition: NAME, one of = != < > <= >= ~ (contains), and a value. NAME is a
            metric, a setting, or name, date, kind, seconds. If given several times, all conditions must be met; a run
            without that metric or setting does not meet it.
        sort: the column to sort by; newest, most accurate, or lowest log loss first.
        reverse: reverse the order.

    Raises:
        RunError: if there is no such folder.
        UsageError: for a condition that cannot be parsed, or about a name that no run has.
    """
    if not folder.is_dir():
        what = "is a file, not a folder of runs" if folder.exists() else "there is no such folder of runs"
        raise RunError(f"{folder}: {what}; `digitlab train` makes runs/")
    conditions = [_condition(text) for text in where or ()]
    rows: list[dict[str, Any]] = []
    left_out = []
    for path in sorted(each for each in folder.iterdir() if each.is_dir()):
        try:
            row = _row_of(Run.open(path))
        except (DigitlabError, ValueError, IndexError, TypeError) as error:
            if any(path.glob("*.json")) or any(path.glob("*.toml")):  # any other folder is not a run of ours
                left_out.append(str(error) if isinstance(error, DigitlabError) else f"{path}: damaged ({error})")
        else:
            rows.append(row)
    known = dict.fromkeys([*_COLUMNS, *_NUMBERS, *(name for row in rows for name in row)])
    for name in (sort, *(name for name, _, _ in conditions)):
        if name not in known:
            raise UsageError(f"no run has {name!r}; expected one of {', '.join(known)}")
    selected = [row for row in rows if all(_meets(row, *each) for each in conditions)]
    return RunTable(folder, tuple(_sorted(selected, sort, reverse=reverse)), len(rows), tuple(left_out))


def _condition(text: str) -> tuple[str, str, str]:
    match = _CONDITION.fullmatch(text)
    if match is None or not match[3]:
        raise UsageError(
            f"--where is {text!r}; expected NAME, one of = != < > <= >= ~, and a value, e.g. 'accuracy > 0.99'"
        )
    return match[1], match[2], match[3]


def _meets(row: Mapping[str, Any], name: str, sign: str, expected: str) -> bool:
    actual = row.get(name)
    if actual is None:
        return False
    if isinstance(actual, bool) or sign == "~":
        return _OPERATORS[sign](str(actual).lower(), expected.lower())
    if isinstance(actual, int | float):
        number = _number(expected)
        if number is None:
            raise UsageError(
                f"--where {name} {sign} {expected}: {name} is a number; expected a number to compare it with"
            )
        return _OPERATORS[sign](actual, number)
    return _OPERATORS[sign](str(actual), expected)


def _number(text: str) -> float | None:
    """Parse a number as people write it; 99.5% is a share."""
    share = text.endswith("%")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    return value / 100 if share else value


def _sorted(rows: Sequence[dict[str, Any]], by: str, *, reverse: bool) -> list[dict[str, Any]]:
    """Sort newest, most accurate or lowest loss first; by other columns, smallest first. Missing values come last."""
    highest_first = by in ("date", "accuracy")
    present = [row for row in rows if row.get(by) is not None]
    numbers = all(isinstance(row[by], int | float) for row in present)
    present.sort(key=lambda row: row[by] if numbers else str(row[by]), reverse=highest_first != reverse)
    return [*present, *(row for row in rows if row.get(by) is None)]


def _row_of(run: Run) -> dict[str, Any]:
    stamped = _STAMP.match(run.path.name)
    config = run.read_config()
    measured = run.read_json(run.metrics) if run.metrics.is_file() else {}
    epochs = run.read_table(run.history)
    created = stamped[1] if stamped else f"{datetime.fromtimestamp(run.path.stat().st_mtime):%Y-%m-%d-%H%M%S}"
    numbers = {name: measured[name] for name in _NUMBERS if isinstance(measured.get(name), int | float)}
    interval = measured.get("accuracy_interval")
    low, high = interval if isinstance(interval, list) and len(interval) == 2 else (None, None)
    seconds = sum(value for value in epochs.get("seconds", []) if math.isfinite(value))
    row = {
        "name": stamped[2] if stamped else run.path.name,
        "path": run.path,
        "date": f"{created[:10]} {created[11:13]}:{created[13:15]}",
        "kind": _kind(run, config),
        **_settings(config),
        "epochs": len(epochs.get("epoch", [])) or None,
        **numbers,
        "accuracy_low": low,
        "accuracy_high": high,
        "seconds": round(seconds, 1) if epochs else None,
    }
    if not config:
        row["dataset"] = measured.get("data")
    return {name: value for name, value in row.items() if value is not None}


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with a single value. The minimised loss is renamed, because "loss" is the measured one."""
    plain = {name: value for name, value in config.items() if not isinstance(value, dict | list)}
    plain.pop("name", None)
    minimised = plain.pop("loss", None)
    return {**plain, **({} if minimised is None else {"minimised": minimised})}


def _kind(run: Run, config: Mapping[str, Any]) -> str:
    for path, kind in ((run.rate_range, "range test"), (run.cross_validation, "folds"), (run.label_errors, "labels")):
        if path.is_file():
            return kind
    if not config:
        return "evaluation"
    if not run.metrics.is_file():
        return "unfinished"
    return "transfer" if "how" in config else "training"


def _text(name: str, row: Mapping[str, Any]) -> str:
    value = row.get(name)
    if value is None:
        return "–"
    if name == "accuracy":
        return f"{100 * value:.2f}"
    return f"{value:.4f}" if name == "loss" else f"{value:.1f}" if name == "seconds" else str(value)
