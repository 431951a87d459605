"""Every kind of file that digitlab writes, and the package's function that writes it: the table for `writes.py`.

A writer takes a folder and a version, 0 or 1: two different contents of the same file. Anything that it needs is made
by `before`, which is not interrupted.
"""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.live.live_reading import LiveReading
    from digitlab.runs import Run
    from digitlab.sheets import Form
    from digitlab.values import Digits

    Write = Callable[[Path, int], None]

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    together: its files come from a single writing, or the file by which they are opened is missing
    opened: part of the name of the file by which they are opened
    costly: its content takes long to compute, so each attempt starts at its first change to the folder
    optional: it may be missing, and is made again when needed
    grows: it is written line by line on purpose; its reader drops a damaged end
    """

    name: str
    write: Write
    before: Write = lambda *_: None
    together: bool = False
    opened: str = ""
    grows: bool = False
    optional: bool = False
    costly: bool = False
    needs: tuple[str, ...] = ()
    keras: bool = False


@functools.cache
def _digits(version: int, count: int = 120) -> Digits:
    from digitlab.datasets import load_dataset

    mnist = load_dataset("mnist").split("test")
    return mnist[version * count : (version + 1) * count]


def _run(folder: Path) -> Run:
    from digitlab.runs import Run

    return Run(folder)


def _measured(folder: Path, version: int) -> None:
    """Write what an evaluation keeps, and a training's tables: the input of reports."""
    from digitlab.evaluation import keep, measure

    digits = _digits(version)
    rng = np.random.default_rng(version)
    probabilities = rng.dirichlet(np.ones(10), len(digits)).astype(np.float32)
    probabilities[np.arange(len(digits)), digits.labels] += 2.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    run = _run(folder)
    keep(
        run,
        measure(probabilities, digits.labels),
        probabilities,
        digits,
        {"model": "m", "data": "mnist", "split": "test"},
    )
    _tables(folder, version)
    _config(folder, version)


def _tables(folder: Path, version: int) -> None:
    run, rng = _run(folder), np.random.default_rng(version)
    epochs = [[each, *rng.random(4).tolist()] for each in range(1, 9)]
    batches = [[1 + each // 50, 1 + each % 50, *rng.random(2).tolist()] for each in range(400)]
    run.write_table(run.history, ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"), epochs)
    run.write_table(run.batches, ("epoch", "batch", "loss", "accuracy"), batches)


def _config(folder: Path, version: int) -> None:
    _run(folder).write_config({"architecture": "thesis-2conv", "dataset": "mnist", "seed": version, "epochs": 12})


def _json(folder: Path, version: int) -> None:
    run = _run(folder)
    run.write_json(run.environment, {"seed": version, "processor": "abacus" * 400})


def _evaluated(folder: Path, version: int) -> None:
    _measured(folder, version)


def _mat(folder: Path, _: int) -> None:
    from digitlab.reports.octave import write_mat

    write_mat(_run(folder))


def _report(folder: Path, _: int) -> None:
    from digitlab.reports.page import write_report

    write_report(_run(folder))


def _card(folder: Path, _: int) -> None:
    from digitlab.reports.model_card import write_card

    write_card(_run(folder))


def _figure(name: str, folder: Path, version: int) -> None:
    from matplotlib.figure import Figure

    from digitlab.reports.figures.saving import save_figure

    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot([0, version + 1, 2])
    save_figure(figure, folder / name)


def _dataset(name: str, folder: Path, version: int) -> None:
    from digitlab.datasets.formats.opening import dataset_writer

    with dataset_writer(folder / name) as sink:
        sink.write(_digits(version)[:60])
        sink.write(_digits(version)[60:])


def _by_writer(folder: Path, version: int) -> None:
    from digitlab.jobs.practice import write_digits_by_writer

    digits = _digits(version)
    write_digits_by_writer(folder / "practice.npz", digits, np.array([f"w{n % 3}" for n in range(len(digits))]))


def _cached(folder: Path, version: int) -> None:
    from digitlab.datasets.cache import cached_arrays

    os.environ["DIGITLAB_CACHE"] = str(folder)
    cached_arrays("set", {"images": (64 + version, 784)}, lambda arrays: arrays["images"].fill(version + 1))


def _row(number: int, version: int) -> dict[str, Any]:
    digit = {"digit": version, "confidence": 0.9, "guess": None, "second": 3, "second_confidence": 0.05,
             "box": [0, 0, 9, 9], "line": 0, "position": 0}  # fmt: skip
    return {"path": f"{number}.png", "text": str(version), "lines": [str(version)], "digits": [digit], "numbers": [],
            "note": None, "fits": None, "turned": 0, "ms": 1.0, "error": None, "width": 9, "height": 9, "bytes": 0,
            "modified": 0, "made_by": "m"}  # fmt: skip


def _archive(name: str, folder: Path, version: int) -> None:
    """Write an archive anew, from its first row to the finished file."""
    from digitlab.archives.pictures import Picture
    from digitlab.archives.results import Results

    pictures = [Picture(f"{number}.png") for number in range(50)]
    with Results(folder / name, "m") as results:
        for number in range(50):
            results.add(_row(number, version))
        results._flush()
        results.finish(pictures)


def _folder_part(folder: Path, version: int) -> None:
    from digitlab.archives.parquet import write_parquet

    write_parquet(folder / "part-1.parquet", [_row(number, version) for number in range(50)])


def _digit_table(folder: Path, version: int) -> None:
    from digitlab.archives.rows import csv_file

    with csv_file(folder / "digits.csv") as take:
        for number in range(50):
            take(_row(number, version))


def _review(folder: Path, version: int) -> None:
    from digitlab.archives.review_page import write_review

    write_review([], folder / "review.html", seen=version)


@functools.cache
def _form(version: int) -> Form:
    import tempfile

    from digitlab.sheets.form_file import read_form

    with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
        boxes = 5 + version
        file.write(
            f'[form]\ntitle = "Weights"\nnumber = 9\n[[field]]\nname = "animal"\nlabel = "Animal"\nboxes = {boxes}\n'
        )
    try:
        return read_form(Path(file.name))
    finally:
        Path(file.name).unlink()


def _example_form(folder: Path, _: int) -> None:
    from digitlab.jobs.forms import example_form

    example_form(folder / "marks.toml", force=True)


def _pdf(folder: Path, version: int) -> None:
    from digitlab.sheets.layout import lay_out
    from digitlab.sheets.printing import form_pdf
    from digitlab.storage import write_bytes

    write_bytes(folder / "form.pdf", form_pdf(lay_out(_form(version))))


def _sheet_table(name: str, folder: Path, version: int) -> None:
    from digitlab.sheets.table import TableRow
    from digitlab.sheets.table_files import table_file
    from digitlab.sheets.values import FieldRead

    with table_file(folder / name, _form(0)) as write:
        for number in range(40):
            field = FieldRead("animal", f"{number}{version}", 0.9, "answered", f"{number}{version}", (0, 0, 9, 9))
            write(TableRow(f"{number}.jpg", (field,)))


def _corrections(folder: Path, version: int) -> None:
    from digitlab.sheets.corrections import FieldCorrection, keep_corrections

    corrections = {
        (f"{n}.jpg", "animal"): FieldCorrection(f"{n}.jpg", "animal", "1", "doubtful", 0.4, False, str(version))
        for n in range(40)
    }
    keep_corrections(folder / "marks.corrections.json", corrections)


def _asked(folder: Path, version: int) -> None:
    from digitlab.sheets.stack_options import SheetOptions, save_options

    save_options(folder / "marks.asked.json", SheetOptions(0.1 + version / 10, ("animal=luhn",)))


def _fields_page(folder: Path, version: int) -> None:
    from digitlab.sheets.review_page import Chosen, write_fields_page

    write_fields_page(Chosen((), {}), _form(version), folder / f"marks{version}.csv", folder / "fields.html")


def _truth(folder: Path, version: int) -> None:
    from digitlab.examples.sheet_stacks import Stack, _write_truth

    stack = Stack(_form(0), np.zeros((1, 1, 3), np.uint8), seed=0, megapixels=3)
    _write_truth(folder / "truth.csv", stack, [{"animal": f"{number}{version}"} for number in range(50)])


@functools.cache
def _frame(version: int) -> np.ndarray:
    return np.random.default_rng(version).integers(0, 255, (120, 160, 3)).astype(np.uint8)


def _live(version: int) -> LiveReading:
    from digitlab.live.live_reading import LiveReading
    from digitlab.values import Reading

    return LiveReading(version, 0.0, 0.0, 1.0, Reading((), 1.0), str(version))


def _snapshot(folder: Path, version: int) -> None:
    from types import SimpleNamespace

    from digitlab.live.engine import LiveEngine

    seen = SimpleNamespace(frame=SimpleNamespace(image=_frame(version)), live_reading=lambda **_: _live(version))
    LiveEngine.save_snapshot(SimpleNamespace(_loop=SimpleNamespace(latest=seen)), folder / "frame.png")  # type: ignore[arg-type]


def _recording(name: str, folder: Path, version: int) -> None:
    from digitlab.live.session_recorder import SessionRecorder

    recorder = SessionRecorder(folder / name, lambda: 30.0)
    for _ in range(12):
        recorder.offer(_frame(version), _live(version))
        time.sleep(0.001)
    recorder.close()


def _region(folder: Path, version: int) -> None:
    from digitlab.live.region import Region
    from digitlab.live.remembered import remember_region

    os.environ["DIGITLAB_CONFIG"] = str(folder)
    remember_region(Region(0.1, 0.1, 0.5 + version / 10, 0.9))


def _paper_video(folder: Path, version: int) -> None:
    from digitlab.examples.paper_video import make_video

    make_video(folder / "paper.mp4", numbers=[str(version)], seconds_each=0.05, fps=30, size=(320, 240), seed=version)


def _page(folder: Path, version: int) -> None:
    """Write the files of the page as `digitlab page` does; their content, costly to make, is made up."""
    from digitlab.storage import write_bytes

    files = {
        "app.js": b"//" + bytes([65 + version]) * 9000,
        "index.html": b"<html>" + bytes([65 + version]) + b"</html>",
    }
    for name in sorted(files, key=lambda each: each == "index.html"):
        write_bytes(folder / name, files[name])


def _cell(folder: Path, version: int) -> None:
    from digitlab.studies.job import Job
    from digitlab.studies.store import Store

    job = Job("count-parameters", {"layer": "dense"})
    Store.at(folder).keep(job, {"parameters": version, "history": list(range(300))}, {"processor": "abacus"})


def _space(folder: Path, version: int) -> None:
    from digitlab.tuning import parse_space
    from digitlab.tuning.folder import Folder

    content = {"architecture": "thesis-2conv", "tune": {"trials": 3 + version}, "space": {"learning_rate": [0.1, 0.5]}}
    Folder(folder).begin(parse_space(content, "space", "space.toml"))


def _journal(folder: Path, version: int) -> None:
    """Continue a search: what is there is read, and trials are added."""
    from digitlab.tuning import parse_space
    from digitlab.tuning.search import Search

    content = {"architecture": "thesis-2conv", "tune": {"sampler": "random"}, "space": {"learning_rate": [0.1, 0.5]}}
    search = Search(parse_space(content, "space", "space.toml"), folder / "journal.log")
    while sum(each.state == "complete" for each in search.trials) < 1 + version:
        open_ones = [each.number for each in search.trials if each.state == "running"]
        search.complete(open_ones[0] if open_ones else search.ask().number, [0.5])


def _precision(folder: Path, version: int) -> None:
    from digitlab.training.precision_choice import _store

    _store(folder / "k.json", {"float32": 1.0 + version, "bfloat16": 2.0}, {"cores": 2})


def _diagram(folder: Path, version: int) -> None:
    from types import SimpleNamespace

    from digitlab.reports.diagram import write_diagram

    layer = SimpleNamespace(name=f"conv{version}", kind="Conv2D", detail="3×3", shape=(26, 26, 32), parameters=320,
                            input_shape=(28, 28, 1), output_shape=(26, 26, 32), takes=(),
                            weights=1)  # fmt: skip
    write_diagram(folder / "network.svg", [layer], f"version {version}")  # type: ignore[list-item]


def _setting(folder: Path, version: int) -> None:
    from digitlab.apps.desktop.settings import WindowSettings

    settings = WindowSettings(folder / "window.json")
    settings._values["theme"] = ["light", "dark"][version]
    settings.save()


def _drawing(folder: Path, version: int) -> None:
    from digitlab.reading.drawing import save_drawing
    from digitlab.values import Reading

    save_drawing(folder / "drawn.png", _frame(version), Reading((), 1.0))


def _state(folder: Path, version: int) -> None:
    from types import SimpleNamespace

    from digitlab.training.checkpoint import save_checkpoint

    rng = np.random.default_rng(version)
    variables = [SimpleNamespace(value=rng.random((64, 64)).astype(np.float32)) for _ in range(4)]
    history = SimpleNamespace(best_epoch=None, epochs=[], batches=[(1, 1, 0.5, 0.5)])
    loop = SimpleNamespace(model=SimpleNamespace(variables=variables), optimiser=SimpleNamespace(variables=variables),
                           best_weights=None, best_loss=0.0, history=history)  # fmt: skip
    save_checkpoint(folder / "state.npz", loop)  # type: ignore[arg-type]


@functools.cache
def _network(version: int) -> Any:
    from digitlab.models.architectures import build
    from digitlab.models.backend import keras

    keras.utils.set_random_seed(version)
    return build("conv-family", options={"filters": [4]})


def _model(name: str, folder: Path, version: int) -> None:
    from digitlab.models import card_of
    from digitlab.models.export import export_for, export_model
    from digitlab.models.saving import save_keras

    network, path = _network(version), folder / name
    card = card_of(network, path)
    if path.suffix == ".keras":
        save_keras(network, path, card)
    elif name == "web.onnx":
        export_for("web", network, path, card)
    elif path.suffix == ".c":
        export_for("c", network, path, card)
    else:
        export_model(network, path, card, int8=name.startswith("int8"))


def _tensorboard(folder: Path, version: int) -> None:
    from types import SimpleNamespace

    from digitlab.training.events import EpochEnded
    from digitlab.training.tensorboard import write_epoch

    names = dict.fromkeys(EpochEnded.__dataclass_fields__)
    ended = SimpleNamespace(**{**names, "epoch": 1, "loss": 0.5, "accuracy": 0.5 + version / 10, "learning_rate": 1.0,
                               "seconds": 1.0})  # fmt: skip
    write_epoch(folder, SimpleNamespace(epochs=[ended], batches=[(1, 1, 0.5, 0.5)]))  # type: ignore[arg-type]


def _completion(folder: Path, version: int) -> None:
    from digitlab.storage import write_text

    write_text(folder / "digitlab.zsh", "# completion\n" * (100 + version))


def _results(folder: Path, version: int) -> None:
    """Write the last files of a study, a search, a diagnosis and an inspection: JSON, text and a picture."""
    from digitlab.storage import write_text

    write_text(folder / "results.json", json.dumps({"version": version, "rows": list(range(500))}, indent=1) + "\n")
    write_text(folder / "table.md", f"| {version} |\n" * 200)
    _figure("figure.png", folder, version)


def _parts(kind: str, *names: str, **other: Any) -> list[Kind]:
    writers: dict[str, Callable[[str, Path, int], None]] = {
        "dataset": _dataset, "figure": _figure, "archive": _archive, "sheets": _sheet_table, "recording": _recording,
        "model": _model,
    }  # fmt: skip
    return [Kind(f"{kind}: {name}", functools.partial(writers[kind], name), **other) for name in names]


KINDS: list[Kind] = [
    Kind("run: config.toml", _config),
    Kind("run: environment.json", _json),
    Kind("run: history.csv, batches.csv", _tables),
    Kind("run: predictions.npz, metrics.json", _evaluated, costly=True),
    Kind("run: checkpoint state.npz", _state, keras=True),
    Kind("run: metrics.mat", _mat, _measured, costly=True),
    Kind("run: report.html", _report, _measured, costly=True),
    Kind("run: README.md", _card, _measured, costly=True),
    Kind("run: TensorBoard events", _tensorboard, keras=True),
    *_parts("figure", "figure.png", "figure.svg", "figure.pdf", costly=True),
    Kind("network.svg", _diagram),
    *_parts("dataset", "d.npz", "d.csv", "d.h5", "d.lmdb"),
    *_parts("dataset", "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", together=True, opened="images"),
    Kind("dataset: classes/", functools.partial(_dataset, "classes"), together=True),
    Kind("dataset: digits by writer .npz", _by_writer),
    Kind("cache: arrays of a dataset", _cached, optional=True),
    Kind("cache: precision, times, mistakes .json", _precision, optional=True),
    *_parts("archive", "out.jsonl", grows=False),
    *_parts("archive", "out.parquet", needs=("pyarrow",)),
    Kind("archive: folder of Parquet files", _folder_part, needs=("pyarrow",)),
    Kind("archive: digits.csv", _digit_table),
    Kind("archive: review.html", _review),
    Kind("archive: drawing .png", _drawing),
    Kind("sheets: form .toml", _example_form),
    Kind("sheets: form.pdf", _pdf),
    *_parts("sheets", "marks.csv"),
    *_parts("sheets", "marks.xlsx", needs=("openpyxl",)),
    *_parts("sheets", "marks.parquet", needs=("pyarrow",)),
    Kind("sheets: corrections .json", _corrections),
    Kind("sheets: what was asked .json", _asked),
    Kind("sheets: fields.html", _fields_page),
    Kind("sheets: truth.csv of a drawn stack", _truth),
    Kind("live: snapshot .png and .json", _snapshot, together=True, opened=".png"),
    *_parts("recording", "session.mp4", "session.avi", together=True, opened="session"),
    Kind("live: remembered region .json", _region),
    Kind("window: settings .json", _setting, needs=("PySide6",)),
    Kind("drawn video .mp4 and .json", _paper_video),
    Kind("page: folder for a web space", _page),
    Kind("study: cell .json", _cell),
    Kind("study, search: results.json, table.md, figure.png", _results, costly=True),
    Kind("search: space.toml", _space, needs=("optuna",)),
    Kind("search: journal.log", _journal, needs=("optuna",), grows=True),
    Kind("shell: completion script", _completion),
    *_parts("model", "model.keras", "model.onnx", "int8.onnx", keras=True, costly=True),
    *_parts("model", "model.tflite", keras=True, costly=True, needs=("ai_edge_litert",)),
    *_parts("model", "model.xml", keras=True, costly=True, needs=("openvino",), together=True, opened=".xml"),
    *_parts("model", "model.c", keras=True, costly=True, together=True, opened=".c"),
    *_parts("model", "web.onnx", keras=True, costly=True, together=True, opened=".onnx"),
]
