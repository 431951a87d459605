from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import RunError
from digitlab.runs import Run
from digitlab.training import EpochEnded, Event, Listener, StopRequest, TrainingConfig, cross_validation
from digitlab.training.cross_validation import folds_of, run_cross_validation
from digitlab.values import Digits

pytestmark = [pytest.mark.xdist_group("keras"), pytest.mark.usefixtures("undrawn")]

TRAIN = load_dataset("mnist").split("train")[:300]
SMALL = TrainingConfig("dense-family", optimiser="adam", batch_size=32, epochs=2, options={"width": 32, "hidden": 1})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training images only: nothing else can be looked at."""
    path = tmp_path_factory.mktemp("data") / "some.npz"
    np.savez(path, x_train=TRAIN.images, y_train=TRAIN.labels)
    return path


def test_each_fold_has_a_row_and_the_mean_is_theirs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--architecture", "slides-cnn", "--optimiser", "adam", "--epochs", "2", "--batch-size", "32"]
    words += ["--dataset", str(data), "--folds", "3", "--runs", str(tmp_path)]
    assert run([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    kept = Run(Path(said["run"]))
    rows = list(csv.DictReader(kept.folds.read_text().splitlines()))
    assert [row["fold"] for row in rows] == ["1", "2", "3"]
    accuracies = [float(row["accuracy"]) for row in rows]
    assert said["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert said["accuracy"]["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert sum(int(row["images"]) for row in rows) == 300
    assert all(row["epochs"] == "2" for row in rows)
    assert kept.read_predictions().probabilities.shape == (300, 10)
    whole = kept.read_json(kept.metrics)["accuracy"]
    assert whole == pytest.approx(np.average(accuracies, weights=[int(row["images"]) for row in rows]))
    assert not kept.keras.exists()
    assert run(["train", "--resume", said["run"]]) == 2
    assert "a cross-validation that is complete; there is nothing to resume" in capsys.readouterr().err


def stopping_after(epochs: int) -> tuple[StopRequest, Listener]:
    stop, seen = StopRequest(), []

    def listener(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append(event)
            if len(seen) == epochs:
                stop()

    return stop, listener


def test_stopped_in_the_second_fold_the_first_stays(tmp_path: Path) -> None:
    stop, listener = stopping_after(3)
    kept = Run(tmp_path)
    found = run_cross_validation(SMALL, TRAIN, kept, 3, listener=listener, stop=stop)
    assert found is not None
    assert [each.fold for each in found.folds] == [1]
    assert found.accuracy.deviation is None
    assert kept.read_json(kept.cross_validation)["done"] == 1
    assert folds_of(kept) == 3


def test_it_goes_on_and_ends_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    whole, parts = Run(tmp_path / "whole"), Run(tmp_path / "parts")
    for run_folder in (whole, parts):
        run_folder.path.mkdir()
    run_cross_validation(SMALL, TRAIN, whole, 3, listener=lambda _: None, stop=StopRequest())
    for epochs in (1, 3, 1, 5):
        stop, listener = stopping_after(epochs)
        run_cross_validation(SMALL, TRAIN, parts, 3, listener=listener, stop=stop)
    assert parts.read_predictions().probabilities.tobytes() == whole.read_predictions().probabilities.tobytes()
    tables = [
        [{**row, "seconds": None} for row in each.read_json(each.cross_validation)["table"]] for each in (whole, parts)
    ]
    assert tables[0] == tables[1]
    assert [row["fold"] for row in tables[0]] == [1, 2, 3]
    with pytest.raises(RunError, match="nothing to resume"):
        folds_of(parts)


def test_answers_of_a_fold_that_is_not_in_the_table_yet_are_made_anew(tmp_path: Path) -> None:
    """It was killed between the two files."""
    kept = Run(tmp_path)
    run_cross_validation(SMALL, TRAIN, kept, 2, listener=lambda _: None, stop=StopRequest())
    whole = kept.read_predictions().probabilities
    content = kept.read_json(kept.cross_validation)
    kept.write_json(kept.cross_validation, {**content, "done": 1, "table": content["table"][:1]})
    events: list[Event] = []
    found = run_cross_validation(SMALL, TRAIN, kept, 2, listener=events.append, stop=StopRequest())
    assert found is not None
    assert len(found.folds) == 2
    assert sum(isinstance(event, EpochEnded) for event in events) == 2
    np.testing.assert_array_equal(kept.read_predictions().probabilities, whole)


def test_answers_of_fewer_folds_than_the_table_has_are_refused(tmp_path: Path) -> None:
    kept = Run(tmp_path)
    stop, listener = stopping_after(3)
    run_cross_validation(SMALL, TRAIN, kept, 3, listener=listener, stop=stop)
    content = kept.read_json(kept.cross_validation)
    again = {**content["table"][0], "fold": 2}
    kept.write_json(kept.cross_validation, {**content, "done": 2, "table": [*content["table"], again]})
    with pytest.raises(RunError, match="start again"):
        run_cross_validation(SMALL, TRAIN, kept, 3, listener=lambda _: None, stop=StopRequest())


def test_other_images_under_the_same_name_are_refused(tmp_path: Path) -> None:
    stop, listener = stopping_after(3)
    run_cross_validation(SMALL, TRAIN, Run(tmp_path), 3, listener=listener, stop=stop)
    other = Digits(TRAIN.images, (TRAIN.labels + 1) % 10)
    with pytest.raises(RunError, match="other images than mnist contains now"):
        run_cross_validation(SMALL, other, Run(tmp_path), 3, listener=lambda _: None, stop=StopRequest())


def test_killed_after_a_fold_it_is_resumed_from_the_command_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = cross_validation._write

    def killed(*given: object) -> None:
        write(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    words = ["train", "--architecture", "slides-cnn", "--epochs", "1", "--batch-size", "32", "--dataset", str(data)]
    monkeypatch.setattr(cross_validation, "_write", killed)
    with pytest.raises(SystemExit):
        run([*words, "--folds", "2", "--runs", str(tmp_path / "runs")])
    monkeypatch.undo()
    (folder,) = (tmp_path / "runs").iterdir()
    capsys.readouterr()
    assert run(["train", "--resume", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["folds"], said["done"]) == (2, 2)


def test_stopped_at_once_it_can_be_begun_again(tmp_path: Path) -> None:
    stop = StopRequest()
    stop()
    assert run_cross_validation(SMALL, TRAIN, Run(tmp_path), 3, listener=lambda _: None, stop=stop) is None
    assert folds_of(Run(tmp_path)) == 3


def test_what_is_resumed_stays_in_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Run(tmp_path).write_config(SMALL.as_dict())
    assert run(["train", "--resume", str(tmp_path), "--runs", str(tmp_path)]) == 2
    assert "--resume uses the run's own settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--folds", "1"], "folds is 1; expected 2 or more"),
        (["--folds", "200"], "use fewer folds"),
        (["--folds", "3", "--lr-range-test", "1e-6:1"], "leave out --resume, --lr-range-test"),
        (["--folds", "3", "--members", "2"], "members is 2"),
        (["--folds", "3", "--optimiser", "no-such"], "no-such"),
        (["--folds", "3", "--patience", "2"], "early stopping needs images"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--dataset", str(data), *words, "--runs", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
