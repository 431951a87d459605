from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.errors import UsageError
from digitlab.jobs.trainings import rate_range
from digitlab.reports.figures import learning_rate_figure
from digitlab.runs import Run
from digitlab.training import Event, Started, StopRequest, TrainingConfig
from digitlab.training.optimisers import Exponential
from digitlab.training.range_test import read_curve, run_range_test

pytestmark = pytest.mark.xdist_group("keras")

RATES = np.logspace(-6, 2, 400)


def valley(rates: np.ndarray) -> np.ndarray:
    """Falls fastest at 1e-3, is least near 1e-1, and grows beyond all measure above."""
    place = np.log10(rates)
    return 0.3 + 2 / (1 + np.exp(4 * (place + 3))) + np.exp(5 * (place - 0.3))


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a thousand images to train on and a few to test on."""
    path = tmp_path_factory.mktemp("data") / "thousand.npz"
    train = load_dataset("mnist").split("train")[:1000]
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=train.images[:20], y_test=train.labels[:20])
    return path


def settings(dataset: Path, **changes: Any) -> TrainingConfig:
    return TrainingConfig(
        **{"architecture": "slides-cnn", "optimiser": "adam", "batch_size": 8, "dataset": str(dataset), **changes}
    )


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_fastest_descent_and_the_least_loss_are_found(noise: float) -> None:
    losses = valley(RATES) + noise * np.random.default_rng(0).standard_normal(len(RATES))
    found = read_curve(RATES, losses.tolist())
    assert found.diverged
    assert found.steepest == pytest.approx(1e-3, rel=0.7)
    assert found.least is not None
    assert 0.01 < found.least < 0.5
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 350
    assert found.smoothed[-1] > 4 * found.smoothed.min() > found.smoothed[-2] - 0.5
    np.testing.assert_array_equal(found.losses, losses[: len(found.losses)])


def test_a_smoothed_line_stays_a_line_to_its_ends() -> None:
    rates = np.logspace(-4, -2, 60)
    np.testing.assert_allclose(read_curve(rates, [2.0] * 60).smoothed, 2.0)
    falling = read_curve(rates, np.linspace(2, 1, 60).tolist()).smoothed
    np.testing.assert_allclose(falling[20:40], np.linspace(2, 1, 60)[20:40])


def test_a_loss_that_does_not_fall_gives_no_suggestion() -> None:
    found = read_curve(RATES, (2.3 + 0.02 * np.random.default_rng(0).standard_normal(400)).tolist())
    assert (found.steepest, found.least, found.diverged) == (None, None, False)


def test_a_fall_behind_a_peak_is_not_the_way_down() -> None:
    losses = np.where(RATES > 1, 2.0, valley(RATES))
    losses[(RATES > 1) & (RATES < 3)] = 3.0
    assert read_curve(RATES, losses.tolist()).steepest == pytest.approx(1e-3, rel=0.5)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_no_number_ends_the_curve(broken: float) -> None:
    losses = [*valley(RATES)[:200].tolist(), broken, 2.0]
    found = read_curve(RATES, losses)
    assert found.diverged
    assert len(found.losses) == 200
    assert np.isfinite(found.smoothed).all()


def test_the_rate_rises_by_the_same_factor() -> None:
    rates = [float(Exponential(1e-6, 100, 8)(step)) for step in range(9)]
    np.testing.assert_allclose(rates, np.logspace(-6, 2, 9), rtol=1e-4)


@pytest.mark.backends
def test_a_network_is_tested_until_it_diverges(thousand: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    result = Run.create("range", tmp_path)
    # A dense network: the small convolutional one may as well die at a great rate, and its loss stand still.
    found = run_range_test(
        settings(thousand, architecture="ann-397"), result, 1e-5, 10, passes=2, listener=events.append
    )
    assert found.diverged
    assert found.steepest is not None
    assert 1e-4 < found.steepest < 0.05
    assert len(found.rates) < 250
    assert isinstance(events[0], Started)
    table = result.read_table(result.rate_range)
    assert list(table) == ["step", "rate", "loss", "smoothed"]
    np.testing.assert_array_equal(table["rate"], found.rates)
    assert table["step"] == list(range(1, len(found.rates) + 1))
    with Image.open(result.rate_range_plot) as picture:
        assert picture.size == (1050, 600)


def test_the_rate_of_a_step_is_the_one_in_the_table(thousand: Path, tmp_path: Path) -> None:
    """Where the rate is next to nothing nothing is learned; where it is not, the losses part."""
    low, high = (
        run_range_test(settings(thousand), Run.create("range", tmp_path), 1e-9, top, passes=1).losses
        for top in (1e-8, 1e-2)
    )
    np.testing.assert_allclose(low[:50], high[:50], atol=1e-3)
    assert np.abs(low[-10:] - high[-10:]).mean() > 0.2


def test_a_request_to_stop_keeps_what_was_seen(thousand: Path, tmp_path: Path) -> None:
    stop = StopRequest()
    stop()
    result = Run.create("range", tmp_path)
    found = run_range_test(settings(thousand), result, 1e-6, 100, stop=stop)
    assert 0 < len(found.rates) < 125
    assert found.steepest is None
    assert result.rate_range_plot.is_file()


def test_the_command_prints_the_suggestion(thousand: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "train",
        "--lr-range-test",
        "1e-5:1",
        "--architecture",
        "slides-cnn",
        "--optimiser",
        "adam",
        "--batch-size",
    ]
    words += ["8", "--dataset", str(thousand), "--runs", str(tmp_path)]
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"run", "suggested", "least", "tenth_of_least", "diverged", "steps", "plot"}
    assert 1e-4 < answer["suggested"] < 0.05
    assert Path(answer["plot"]).is_file()
    assert run(["train", "--resume", answer["run"]]) == 2
    assert "range test" in capsys.readouterr().err
    words[2] = "1e-9:1e-8"
    assert run(words) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("no suggestion")
    assert Path(out[1]).is_dir()


@pytest.mark.parametrize("text", ["1:0.1", "x:y", "0:1", "1", "-1:1", "1e-6:nan", "1e-6:inf", "1:1"])
def test_other_ranges_are_refused_in_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", f"--lr-range-test={text}"]) == 2
    err = capsys.readouterr().err.strip()
    assert "expected LOW:HIGH" in err
    assert len(err.splitlines()) == 1


def test_an_empty_range_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"--lr-range-test is ''; expected LOW:HIGH"):
        rate_range("")
    assert run(["train", "--lr-range-test="]) == 2  # as every empty argument, before any option is parsed
    err = capsys.readouterr().err.strip()
    assert "after --lr-range-test is an empty argument" in err
    assert len(err.splitlines()) == 1


def test_the_figure_marks_the_rates() -> None:
    found = read_curve(RATES, valley(RATES).tolist())
    (axes,) = learning_rate_figure(found.rates, found.losses, found.smoothed, found.steepest, found.least).axes
    assert axes.get_xscale() == "log"
    marks = {line.get_label(): float(np.asarray(line.get_xdata())[0]) for line in axes.lines}
    assert marks[f"steepest descent at {found.steepest:.2g}"] == found.steepest
    assert marks[f"minimum at {found.least:.2g}"] == found.least
    assert len(axes.lines) == 5
    (bare,) = learning_rate_figure(found.rates, found.losses, found.smoothed, None, None).axes
    assert len(bare.lines) == 2
