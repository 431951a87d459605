"""The bench measures what it says; how fast it is, only `digitlab bench data` tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from digitlab.bench.dataset_costs import WAYS, run_apart
from digitlab.bench.machine import peak_megabytes
from digitlab.datasets.formats import dataset_writer
from digitlab.values import Digits


@pytest.fixture
def lmdb(tmp_path: Path, few_digits: Digits) -> Path:
    with dataset_writer(tmp_path / "a.lmdb") as sink:
        sink.write(few_digits)
    return tmp_path / "a.lmdb"


def test_s0s_script_and_ours_write_the_same_numbers(
    tmp_path: Path, lmdb: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for way in ("convert as S0", "convert to float32"):
        WAYS[way](str(lmdb), str(tmp_path / f"{way}.h5"))
    assert capsys.readouterr().out.count("Extracted samples") == 20
    with h5py.File(tmp_path / "convert as S0.h5") as theirs, h5py.File(tmp_path / "convert to float32.h5") as ours:
        for name in ("data", "labels"):
            assert (theirs[name].shape, theirs[name].dtype) == (ours[name].shape, ours[name].dtype)
            np.testing.assert_array_equal(theirs[name][:], ours[name][:])


def test_s0s_way_of_building_writes_s0s_layout(tmp_path: Path) -> None:
    WAYS["build as S0"]("30", str(tmp_path / "a.h5"))
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["data"].shape, file["labels"].shape) == ((30, 28, 28, 1), (30,))
        assert file["data"][:].max() == 255


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_way_is_measured_in_a_process_of_its_own(tmp_path: Path, lmdb: Path, on_terminal: bool) -> None:
    cost = run_apart("convert as S0", lmdb, tmp_path / "out.h5", on_terminal=on_terminal)
    assert 0 < cost.seconds < 10
    assert 0 <= cost.grown < cost.peak < 1000
    assert not (tmp_path / "out.h5").exists()
    assert peak_megabytes() > 10


@pytest.mark.xdist_group("keras")
def test_the_table_has_every_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    from digitlab.bench import data

    # Both make and train more than a test has time for; their parts are tested beside.
    monkeypatch.setattr(data, "_building", lambda *_: [])
    monkeypatch.setattr(data, "measure_training_from_file", lambda *_: {"memory": [100.0], "file": [95.0]})
    size = replace(data.QUICK, transformed=50, rounds=1, records=(30,))
    result = data.measure_data(size, lambda _: None).as_dict()
    assert [row["unit"] for row in result["comparisons"]] == ["images/s"] * 2 + ["s"] * 4 + ["MB", "images/s"]
    assert result["comparisons"][-1]["ratio"] == 0.95
    assert "cores" in result["machine"]


@pytest.mark.xdist_group("keras")
def test_every_round_of_training_is_an_epoch_more(few_digits: Digits) -> None:
    from digitlab.bench.train import epochs_of

    train = epochs_of(few_digits)
    assert [len(train().epochs) for _ in range(2)] == [1, 2]


@pytest.mark.xdist_group("keras")
def test_ratios_say_how_many_times_better() -> None:
    from digitlab.bench.data import Comparison

    assert Comparison("a", "images/s", theirs=100, ours=250).ratio == 2.5
    assert Comparison("a", "s", theirs=10, ours=4).ratio == 2.5
    assert Comparison("a", "MB", theirs=10, ours=4).row() == ["a", "MB", "10", "4", "2.50", ""]
    assert Comparison("a", "MB", theirs=10, ours=0).row()[-2] == "–"
