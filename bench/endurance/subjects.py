"""The commands that `kills.py` kills: how each is started and continued, when it has begun, and what its result is."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from killing import ended, start
from wholeness import digest_of, weights_of, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["SUBJECTS", "Subject", "often", "prepare", "warm"]

NETWORK = ["--architecture", "conv-family", "--option", "filters=[4]", "--batch-size", "64"]
TRAININGS = {
    "plain": ["--epochs", "3"],
    "augmented": ["--epochs", "3", "--optimiser", "adam", "--schedule", "cosine", "--augmentation", "handwriting"],
    "early-stopping": ["--epochs", "6", "--optimiser", "adam", "--learning-rate", "0.02", "--validation", "0.2",
                       "--patience", "1"],
    "distractors": ["--epochs", "3", "--distractors", "0.5", "--validation", "0.1"],
    "ensemble": ["--epochs", "2", "--members", "2"],
    "folds": ["--epochs", "2", "--folds", "3"],
}  # fmt: skip
SPACE = """\
architecture = "conv-family"
dataset = "../small.npz"
batch_size = 64
epochs = 2
[options]
filters = [4]
[tune]
sampler = "random"
trials = 3
folds = 2
[space]
learning_rate = [0.1, 0.5, 1.0]
"""
STUDY = '''\
"""Which pool?"""

from pathlib import Path

from digitlab.studies import Study
from digitlab.training import TrainingConfig

small = str(Path(__file__).resolve().with_name("small.npz"))
STUDY = Study(
    base=TrainingConfig("conv-family", small, options={"filters": [4]}, optimiser="adam", epochs=2),
    vary={"pooling": ["max", "average"]}, repeats=2,
)
'''
FORM = """\
[form]
title = "Weights"
number = 9

[[field]]
name = "animal"
label = "Animal"
boxes = 5

[[table]]
name = "w"
rows = ["am", "pm"]
columns = [{ name = "g", label = "Grams", boxes = 3 }]
"""
PICTURES = 14  # in an archive
SHEETS = 6


@dataclass(frozen=True)
class Subject:
    """A command.

    name: used in its row
    start: the arguments that start it in this folder
    again: the arguments that continue it; none when it is done
    begun: whether it has written its first file
    ending: digests of the results that must be equal, by name
    needs: packages without which it is skipped; before: called in its process
    every: it is killed in every ``every``-th round; kills_workers: whether its workers are killed as well
    alive: seconds within which all processes that it started must end after the kill; Ray's own programs take a while
    """

    name: str
    start: Callable[[Path], list[str]]
    again: Callable[[Path], list[str]]
    begun: Callable[[Path], bool]
    ending: Callable[[Path], dict[str, str]]
    before: Callable[[], None] = lambda: None
    needs: tuple[str, ...] = ()
    every: int = 1
    kills_workers: bool = False
    alive: float = 20.0

    @property
    def missing(self) -> str:
        """Why the command cannot be run here; "" if it can."""
        missing = [name for name in self.needs if importlib.util.find_spec(name) is None]
        return f"{', '.join(missing)} is not installed" if missing else ""


def _train(name: str, _: Path) -> list[str]:
    return ["train", "--data", "../small.npz", "--runs", "runs", *NETWORK, *TRAININGS[name]]


def _run_in(folder: Path) -> Path | None:
    """Find the run folder that has settings to continue with."""
    return next((each.parent for each in sorted((folder / "runs").glob("*/config.toml"))), None)


def _train_again(name: str, folder: Path) -> list[str]:
    run = _run_in(folder)
    if run is None:  # killed before there was anything to continue: the message says so, and a user starts again
        return _train(name, folder)
    from digitlab.runs import Run

    whole_run = Run(run)
    parts = [Run(path) for path in sorted((run / "members").glob("*"))] or [whole_run]
    complete = whole_run.report.is_file() and all(
        each.report.is_file() and not each.checkpoint.parent.is_dir() for each in parts
    )
    if name == "folds":
        progress = (
            whole_run.read_json(whole_run.cross_validation)
            if whole_run.cross_validation.is_file()
            else {"folds": 1, "done": 0}
        )
        complete = progress["done"] == progress["folds"]
        if not whole_run.cross_validation.is_file():  # only settings, and nothing that says that they are of folds
            return _train(name, folder)
    return [] if complete else ["train", "--resume", str(run.relative_to(folder))]


def _trained(folder: Path) -> dict[str, str]:
    import numpy as np

    runs = [each for each in sorted((folder / "runs").iterdir()) if (each / "metrics.json").is_file()]
    ending: dict[str, str] = {}
    for run in [*runs[-1:], *sorted(runs[-1].glob("members/*"))]:
        part = "" if run == runs[-1] else f"{run.name}: "
        if (run / "model.keras").is_file():
            ending[f"{part}weights"] = weights_of(run / "model.keras")
        with np.load(run / "predictions.npz") as arrays:
            ending[f"{part}answers"] = digest_of({name: arrays[name].tobytes().hex() for name in arrays.files})
        ending[f"{part}metrics"] = digest_of(without(_json(run / "metrics.json")))
        for table in ("history.csv", "batches.csv", "folds.csv"):
            if (run / table).is_file():
                ending[f"{part}{table}"] = digest_of(_table(run / table))
    return ending


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _table(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [without(row) for row in csv.DictReader(file)]


def _rows(folder: Path, name: str) -> str:
    lines = (folder / name).read_text("utf-8").splitlines()
    return digest_of([without(json.loads(line)) for line in lines])


def _bytes(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _parquet_rows(folder: Path) -> str:
    from digitlab.archives.parquet import parquet_rows

    rows = [without(row) for part in sorted((folder / "out").glob("*.parquet")) for row in parquet_rows(part)]
    return digest_of(sorted(rows, key=lambda row: row["path"]))


def _search(folder: Path) -> dict[str, str]:
    results = _json(folder / "search" / "results.json")
    trials = [{key: each[key] for key in ("trial", "state", "settings", "accuracies")} for each in results["trials"]]
    return {
        "trials": digest_of(trials),
        "best": digest_of(results["best"]),
        "recipe": _bytes(folder / "search/best.toml"),
    }


def _study(folder: Path) -> dict[str, str]:
    cells = {path.name: without(_json(path)["result"]) for path in (folder / "out").rglob("cells/**/[!.]*.json")}
    histories = {name: without(each) for name, each in cells.items()}
    rows = without(_json(folder / "out" / "which" / "results.json")["rows"])
    return {"cells": digest_of(histories), "rows": digest_of(rows)}


def often() -> None:
    """Write parts every few pictures, so that kills interrupt some: an archive here takes seconds, not hours."""
    from digitlab.archives import results

    results._ROWS, results._FOLDER_ROWS = 3, 3


def _same(words: Sequence[str], _: Path) -> list[str]:
    return list(words)


def _there(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).exists() for name in names)


def _command(name: str, words: Sequence[str], begun: Sequence[str], ending: Callable[[Path], dict[str, str]],
             **other: Any) -> Subject:  # fmt: skip
    """Make a subject for a command that continues when it is run again."""
    return Subject(name, partial(_same, words), partial(_same, words), _there(*begun), ending, **other)


def _made() -> dict[str, Subject]:
    archive = ["read", "../pages", "--out", "out.jsonl", "--csv", "out.csv", "--jobs"]
    sheets = ["sheet", "read", "../form.toml", "../sheets", "--out", "marks.csv"]
    ray = ("ray", "pyarrow", "pandas")

    def sheets_end(folder: Path) -> dict[str, str]:
        return {"rows": _rows(folder, "marks.sheets.jsonl"), "table": _bytes(folder / "marks.csv")}

    return {each.name: each for each in (
        *(Subject(name, partial(_train, name), partial(_train_again, name), lambda folder: _run_in(folder) is not None,
                  _trained, needs=("keras",)) for name in TRAININGS),
        _command("archive", [*archive, "1"], ["out.jsonl.parts"],
                 lambda at: {"rows": _rows(at, "out.jsonl"), "table": _bytes(at / "out.csv")}, before=often),
        _command("archive-workers", [*archive, "2"], ["out.jsonl.parts"], kills_workers=True, every=2, before=often,
                 ending=lambda at: {"rows": _rows(at, "out.jsonl"), "table": _bytes(at / "out.csv")}),
        _command("archive-folder", ["read", "../pages", "--out", "out", "--jobs", "1"], ["out"],
                 lambda at: {"rows": _parquet_rows(at)}, needs=("pyarrow",), before=often),
        _command("sheets", [*sheets, "--jobs", "1"], ["marks.sheets.jsonl.parts"], before=often,
                 ending=sheets_end),
        _command("search", ["tune", "../space.toml", "--out", "search", "--workers", "1"], ["search/journal.log"],
                 _search, needs=("keras", "optuna"), every=4, kills_workers=True),
        _command("study", ["study", "run", "../which.py", "--out", "out", "--workers", "1"], ["out"],
                 _study, needs=("keras",), every=4, kills_workers=True),
        _command("archive-ray", ["read", "../pages", "--out", "out", "--engine", "ray"], ["out"],
                 lambda at: {"rows": _parquet_rows(at)}, needs=ray, every=8, alive=120, before=often),
        _command("sheets-ray", [*sheets, "--engine", "ray"], ["marks.sheets.jsonl.parts"], needs=ray, every=8,
                 alive=120, ending=sheets_end, before=often),
        _command("study-ray", ["study", "run", "../which.py", "--out", "out", "--engine", "ray"], ["out"],
                 _study, needs=("keras", "ray"), every=8, alive=120),
    )}  # fmt: skip


SUBJECTS = _made()


def prepare(home: Path, subjects: Sequence[Subject]) -> None:
    """Make the files that the commands work on, in ``home``; all share its cache, as a user's commands do."""
    import numpy as np
    from PIL import Image

    from digitlab.bench.made_pages import page
    from digitlab.datasets import load_dataset

    os.environ["DIGITLAB_CACHE"] = str(home / "cache")
    names = {each.name.split("-")[0] for each in subjects}
    mnist = load_dataset("mnist")
    train, test = mnist.split("train")[:900], mnist.split("test")[:100]
    np.savez(home / "small.npz", x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    (home / "space.toml").write_text(SPACE)
    (home / "which.py").write_text(STUDY)
    (home / "form.toml").write_text(FORM)
    if "archive" in names:
        (home / "pages").mkdir()
        for number in range(PICTURES):
            Image.fromarray(page(0.2, lines=2, columns=4, seed=number)).save(home / "pages" / f"{number:02}.png")
    if "sheets" in names:
        child = start(["sheet", "draw", "form.toml", "--out", "sheets", "--count", str(SHEETS)], home, home / ".log")
        if not ended(child) or child.code != 0:
            raise RuntimeError(f"no sheets could be drawn: {child.log_text()}")


def warm(subjects: Sequence[Subject]) -> None:
    """Import what the commands import; no network is built here, as each forked process must start its own threads."""
    import digitlab.apps.cli
    import digitlab.reading

    if any("keras" in each.needs and not each.missing for each in subjects):
        import keras  # noqa: F401
        import matplotlib.pyplot as plt  # noqa: F401
        import onnx  # noqa: F401
        import sklearn.metrics  # noqa: F401
        import tf2onnx  # noqa: F401

        import digitlab.models.export
        import digitlab.reports.page
        import digitlab.training.experiment  # noqa: F401
