"""Everything that the command line does, done from Python: what the documentation promises, run as it stands."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import digitlab
from digitlab import jobs
from digitlab.datasets import load_dataset
from digitlab.jobs.events import Counted, Note, Work
from digitlab.training import StopRequest

STUDIES = Path(__file__).parent.parent / "studies-results"

TRAIN_AND_EVALUATE = """
>>> from digitlab import train, evaluate, compare, load_model, load_run
>>> settings = {"architecture": "slides-cnn", "dataset": "few.npz", "epochs": 2, "batch_size": 32}
>>> first = train(**settings)
>>> second = train(**settings, seed=1)
>>> first.metrics.images, len(first.history.epochs), first.run.onnx.is_file()
(100, 2, True)
>>> again = evaluate(first.run.path, data=str(few))
>>> again.metrics.accuracy == first.metrics.accuracy, again.run == first.run
(True, True)
>>> load_run(first.run.path).read_json(again.run.metrics)["images"]
100
>>> load_model(first.run.path).probabilities(few_images).shape
(5, 10)
>>> found = compare(first.run.path, second.run.path)
>>> len(found.ranking.placed), len(found.one_recipe.values)
(2, 2)
>>> found.as_dict()["images"]
100
"""

TAKE_A_MODEL_FURTHER = """
>>> from digitlab import export, inspect, train, transfer
>>> from digitlab.transfer_learning import Transfer
>>> trained = train(architecture="slides-cnn", dataset="few.npz", epochs=1, batch_size=32).run.path
>>> done = transfer(trained, Transfer(how="features", learner="nearest-mean", per_class=5), data="few.npz")
>>> done.metrics.images, done.run.onnx.is_file()
(100, True)
>>> exported = export(done.run.path, "mine.keras")
>>> exported.path.is_file(), exported.difference <= exported.tolerance
(True, True)
>>> inside = inspect(trained, "inside")
>>> inside.kept["name"]
'slides-cnn'
>>> len(inside.pictures) > 1, (inside.folder / "inspection.json").is_file()
(True, True)
"""

STUDIES_AND_SEARCHES = """
>>> from digitlab import run_study, tune
>>> ran = run_study("thesis-dropout", out=results)
>>> ran.dispatched.left, [outcome.study.name for outcome in ran.outcomes]
([], ['thesis-dropout'])
>>> ran.outcomes[0].found == ran.outcomes[0].planned
True
>>> tune("no-such-space")
Traceback (most recent call last):
    ...
digitlab.errors.RecipeError: no-such-space: there is no such ...
"""


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two hundred training and a hundred test images of MNIST in a file, in the folder where everything is done."""
    monkeypatch.chdir(tmp_path)
    train, test = load_dataset("mnist").split("train")[:200], load_dataset("mnist").split("test")[:100]
    path = tmp_path / "few.npz"
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


def run_examples(text: str, **names: object) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, "examples", None, 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert "".join(said) == ""


@pytest.mark.xdist_group("keras")
@pytest.mark.usefixtures("undrawn")
def test_training_and_evaluating(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_examples(TRAIN_AND_EVALUATE, few=few, few_images=np.zeros((5, 28, 28), np.uint8))
    assert capsys.readouterr().out == ""  # a job prints nothing


@pytest.mark.xdist_group("keras")
@pytest.mark.usefixtures("undrawn")
def test_transfer_export_inspect(few: Path) -> None:
    assert few.is_file()
    run_examples(TAKE_A_MODEL_FURTHER)


def test_studies_and_searches(tmp_path: Path) -> None:
    for part in ("cells", "thesis-dropout"):
        shutil.copytree(STUDIES / part, tmp_path / "results" / part)
    run_examples(STUDIES_AND_SEARCHES, results=tmp_path / "results")


@pytest.mark.usefixtures("undrawn")
def test_the_listener_hears_what_is_done(few: Path) -> None:
    heard: list[object] = []
    done = digitlab.robustness("reader", images=4, listener=heard.append)
    assert done.run.robustness.is_file()
    assert not done.run.report.exists()  # nothing was evaluated there that a page could be about
    assert {each["images"] for each in done.kept["sets"]} == {4}
    assert any(isinstance(event, Counted) and event.unit == "sets" for event in heard)
    assert all(isinstance(event, Counted | Note) for event in heard)
    heard.clear()
    evaluated = digitlab.evaluate("reader", data=str(few), tta=2, out=done.run.path, listener=heard.append)
    assert evaluated.run == done.run
    assert [type(event) for event in heard] == [Counted, Counted, Counted, Work, Work]


@pytest.mark.xdist_group("keras")
def test_label_errors_that_are_stopped_at_once_leave_nothing(few: Path) -> None:
    stop = StopRequest()
    stop()
    assert digitlab.label_errors(str(few), folds=2, recipe="tiny", stop=stop) is None
    assert not Path("runs").exists()


def test_every_job_is_there_and_documented() -> None:
    # That all are offered, and documented: tests/api/test_offered.py.
    assert set(jobs._MODULES) == set(jobs.__all__)
    assert all(getattr(jobs, name).__doc__ for name in jobs.__all__)


def test_importing_digitlab_is_quick() -> None:
    # Of the processor, so that other work on the machine does not count.
    code = "import time; t = time.process_time(); import digitlab; print(time.process_time() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.05
