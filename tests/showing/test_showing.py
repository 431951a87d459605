"""How values look: tables that are escaped, the reports' own pictures, and nothing that raises in a notebook."""

from __future__ import annotations

import importlib.util
import io
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image
from rich.console import Console

from digitlab.datasets import load_dataset
from digitlab.errors import DigitlabError
from digitlab.evaluation import keep, measure
from digitlab.evaluation.metrics import Metrics
from digitlab.jobs import compare, list_runs, load_model, run_study
from digitlab.jobs.comparison import Comparison
from digitlab.reports.figures.style import ShownFigure, png_content
from digitlab.runs import Run
from digitlab.showing import look_of
from digitlab.showing.sheet import Sheet, Table, bar
from digitlab.training.events import EpochEnded
from digitlab.training.loop import History
from digitlab.values import Digits, Prediction, ReadDigit, Reading

STUDIES = Path(__file__).parents[2] / "studies-results"
HOSTILE = "<script>alert(1)</script> [red]&"


class Tags(HTMLParser):
    """The tags of a piece of HTML, each closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's
        self.found.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def printed(value: object) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(value)
    return out.getvalue()


def picture(content: bytes | None) -> Image.Image:
    assert content is not None
    assert content.startswith(b"\x89PNG")
    return Image.open(io.BytesIO(content))


def make_run(folder: Path, name: str, seed: int) -> Run:
    """A run of 300 images with a history of three epochs, and no network."""
    test, rng = load_dataset("mnist").split("test")[:300], np.random.default_rng(seed)
    powers = np.exp(rng.normal(size=(300, 10)) + 4.5 * np.eye(10)[test.labels])
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    run = Run(folder / name)
    run.path.mkdir(parents=True)
    metrics = measure(probabilities, test.labels, bootstrap=20)
    keep(run, metrics, probabilities, test, {"model": HOSTILE, "data": HOSTILE, "split": "test"})
    run.write_config({"architecture": name, "dataset": "mnist", "epochs": 3, "seed": seed, "optimiser": "adam"})
    names = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds")
    run.write_table(run.history, names, [(epoch, 1 / epoch, 0.9, None, None, 2.0) for epoch in (1, 2, 3)])
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    return [make_run(folder, name, seed) for seed, name in enumerate(("2026-01-31-101500-a", "2026-01-31-101600-b"))]


@pytest.fixture
def metrics() -> Metrics:
    labels = np.arange(60) % 10
    return measure(0.01 + 0.9 * np.eye(10)[labels], labels, bootstrap=20)


def history(epochs: int) -> History:
    rows = [EpochEnded(n, 1 / n, 1 - 0.1 / n, None, None, 2.0, 1000.0, 0.001) for n in range(1, epochs + 1)]
    return History(rows, [(row.epoch, 1, row.loss, row.accuracy) for row in rows])


@given(st.text(), st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4))
def test_nothing_in_a_table_is_markup(title: str, rows: list[list[str]]) -> None:
    sheet = Sheet(title, [title], [Table([title, "n"], rows, title=title)])
    assert set(Tags(sheet.html()).found) <= {"b", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    printed(sheet.rich())


@given(st.floats(0, 1))
def test_a_bar_is_as_long_as_its_share(share: float) -> None:
    full = bar(share, 10).count("█")
    assert full <= 10 * share + 1 / 16 <= full + 1 + 1 / 8


def test_names_are_escaped_wherever_they_come_from(runs: list[Run]) -> None:
    for shown in (runs[0]._repr_html_(), compare(*(run.path for run in runs))._repr_html_()):
        assert shown is not None
        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown


def test_a_table_and_a_picture_are_never_shown_both(runs: list[Run], metrics: Metrics) -> None:
    digits = load_dataset("mnist").split("test")[:12]
    tables = [runs[0], metrics, Prediction(3, 0.9, (0.1,) * 10), compare(*(run.path for run in runs)), load_model()]
    for value in tables:
        assert value._repr_png_() is None
        assert set(Tags(str(value._repr_html_())).found) >= {"table"}
        assert len(printed(value).splitlines()) > 3
    for value in (digits, load_dataset("mnist"), history(2)):
        assert picture(value._repr_png_()).width > 300
        assert value._repr_html_() is None
        assert printed(value)


def test_a_prediction_is_ten_bars() -> None:
    shown = printed(Prediction(None, 0.4, (0.0, 0.5, *(0.0,) * 7, 0.5), note="holds several digits"))
    assert shown.startswith("no digit\nholds several digits\n")
    assert shown.count("█" * 12) == 2
    assert "50.0 %" in shown


def test_a_reading_shows_its_picture_with_boxes(tmp_path: Path) -> None:
    paper = np.full((300, 1280, 3), 240, np.uint8)
    Image.fromarray(paper).save(tmp_path / "page.png")
    digits = (ReadDigit(7, 0.9, (100, 100, 200, 250), line=0), ReadDigit(None, 0.3, (400, 100, 500, 250), line=0))
    plain = Reading(digits, 3.0, size=(1280, 300))
    assert plain._repr_png_() is None
    assert "7?" in str(plain._repr_html_())
    for given_picture in (tmp_path / "page.png", paper, Image.fromarray(paper)):
        reading = Reading(digits, 3.0, size=(1280, 300), picture=given_picture)
        assert reading == plain
        shown = np.asarray(picture(reading._repr_png_()).convert("RGB")).astype(int)
        assert shown.shape == (150, 640, 3)  # half as large, and so are the boxes
        blue, vermilion = shown[80, 50], shown[80, 200]
        assert blue[2] > blue[0] + 100
        assert vermilion[0] > vermilion[2] + 100
    gone = Reading(digits, 3.0, picture=tmp_path / "gone.png")
    assert gone._repr_png_() is None
    assert "7?" in str(gone._repr_html_())


def test_boxes_are_scaled_to_the_nearest_pixel() -> None:
    reading = Reading((ReadDigit(7, 0.9, (10, 20, 31, 40), line=0),), 3.0, size=(101, 50))
    half = reading.scaled(0.5)
    assert (half.digits[0].box, half.size) == ((5, 10, 16, 20), (50, 25))
    assert reading.scaled(1.0) == reading


def test_the_readers_of_python_know_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from digitlab import Reader

    paper = np.full((60, 80), 240, np.uint8)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(paper).save("page.png")
    reader = Reader()
    assert reader.read("page.png").picture == tmp_path / "page.png"
    assert reader.read(paper).picture is paper
    with (tmp_path / "page.png").open("rb") as file:
        assert reader.read(file).picture is None  # it is read to its end
    assert [each.picture is paper for each in reader.read_many([paper, paper])] == [True, True]  # type: ignore[union-attr]


def test_figures_are_those_of_the_report(runs: list[Run], metrics: Metrics) -> None:
    from digitlab.reports.records import Record
    from digitlab.reports.run_figures import drawings_of

    assert set(drawings_of(Record.read(runs[0]))) <= set(look_of(runs[0]).figures(runs[0]))
    for value in (runs[0], metrics, history(3), load_dataset("mnist"), compare(*(run.path for run in runs))):
        figure = value.plot()
        assert isinstance(figure, ShownFigure)  # a notebook asks it for its picture
        assert picture(png_content(figure)).width > 300
    assert len(history(3).plot("learning-loss").axes) == 1
    assert to_rgb(runs[0].plot("roc", dark=True).get_facecolor())[0] < 0.2
    with pytest.raises(DigitlabError, match=r"Metrics\.plot: there is no figure 'x'; there are: confusion-matrix, "):
        metrics.plot("x")
    with pytest.raises(DigitlabError, match="none: it has nothing to draw"):
        history(0).plot()
    assert history(0)._repr_png_() is None


def test_a_figure_is_the_same_every_time(metrics: Metrics) -> None:
    assert png_content(metrics.plot()) == png_content(metrics.plot())


def test_what_is_gone_raises_nothing_in_a_notebook(tmp_path: Path) -> None:
    run = make_run(tmp_path, "gone", 0)
    shutil.rmtree(run.path)
    assert run._repr_png_() is None
    assert printed(run)
    with pytest.raises(DigitlabError, match="lacks metrics"):
        run.plot()


def test_rows_become_frames(runs: list[Run], metrics: Metrics, tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    assert list(metrics.to_frame().columns) == ["digit", "precision", "recall", "f1", "support"]
    assert history(3).to_frame()["epoch"].tolist() == [1, 2, 3]
    found: Comparison = compare(*(run.path for run in runs))
    assert found.to_frame()["accuracy"].is_monotonic_decreasing
    reading = Reading((ReadDigit(None, 0.3, (1, 2, 3, 4), line=0),), 3.0)
    assert reading.to_frame().to_dict("records") == [
        {"digit": None, "confidence": 0.3, "line": 0, "left": 1, "top": 2, "right": 3, "bottom": 4}
    ]
    assert len(Reading((), 3.0).to_frame()) == 0
    assert list_runs(runs[0].path.parent).to_frame()["accuracy"].notna().all()
    shutil.copytree(STUDIES / "cells", tmp_path / "cells")
    ran = run_study("thesis-dropout", "parameter-counts", out=tmp_path)
    assert set(ran.to_frame()["study"]) == {"thesis-dropout", "parameter-counts"}
    assert ran.outcomes[0].to_frame()["repeat"].max() == 2
    assert "holds" in str(ran.outcomes[0]._repr_html_())
    assert picture(png_content(ran.plot("thesis-dropout/figure"))).width > 300
    assert "2 studies" in printed(ran)


def test_without_pandas_it_is_said(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pandas" else found(name))
    with pytest.raises(DigitlabError, match=r"Metrics\.to_frame needs pandas.*pip install pandas"):
        metrics.to_frame()


def test_without_matplotlib_it_is_said(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else found(name))
    with pytest.raises(DigitlabError, match=r'Metrics\.plot needs the extra "train"; add it with'):
        metrics.plot()


def test_values_stay_light() -> None:
    assert not hasattr(Prediction(3, 0.9, (0.1,) * 10), "__dict__")
    assert not hasattr(Digits(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8)), "__dict__")
