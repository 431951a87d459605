from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.tuning_view import StudyView
from digitlab.scheduling.protocol import Began, Done, Failed, GaveUp, Lost, Noted, Progressed, Stopped
from digitlab.studies.outcome import plan
from digitlab.studies.running import Estimate
from digitlab.studies.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from digitlab.studies import Study


def test_time_left_is_what_cells_of_the_same_kind_took(study: Study, result: Any, tmp_path: Path) -> None:
    planned, store = plan(study), Store(tmp_path)
    estimate = Estimate(planned, store, quick=False)
    assert estimate.left == 2 * 2 * 60 * study.minutes  # two repeats on two cores, as the study expects
    estimate.note(planned[0].job.digest, result(0.9, seconds=100.0, overhead=5.0))
    assert estimate.seconds(planned[2].job.digest) == 105  # the same cell's other repeat
    assert estimate.left == 105 + 2 * 60
    estimate.note(planned[2].job.digest, result(0.9, seconds=80.0, overhead=-30.0))  # resumed, by an earlier version
    assert estimate.seconds(planned[0].job.digest) == (105 + 80) / 2
    store.keep(planned[1].job, result(0.9), {})
    assert len(Estimate(planned, store, quick=False).missing) == 3


def test_an_epoch_during_which_the_machine_was_paused_does_not_count(study: Study, result: Any, tmp_path: Path) -> None:
    planned = plan(study)
    estimate = Estimate(planned, Store(tmp_path), quick=False)
    seconds = [9.0, 5.0, 700.0, 5.0, 5.0]
    paused = result(0.9, seconds=sum(seconds), overhead=3.0)
    estimate.note(planned[0].job.digest, {**paused, "history": {"seconds": seconds}})
    assert estimate.seconds(planned[0].job.digest) == 9 + 4 * 5 + 3


def test_every_cell_has_its_line(study: Study, result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan(study)
    with StudyView(Estimate(planned, Store(tmp_path), quick=False)) as view:
        jobs = [each.job for each in planned]
        for job in jobs:
            view(Began(job))
        view(Progressed(jobs[0], {"done": 0.5, "epochs": 2, "loss": 1.0, "accuracies": []}))
        view(Done(jobs[0], result(0.9), {}, "on 10.0.0.7"))
        view(Failed(jobs[1], "out of luck"))
        view(GaveUp(jobs[1], "out of luck"))
        view(Lost(jobs[2], "its node is gone", blame=False))
        view(Stopped(jobs[3]))
        view(Noted("node x is left out"))
    lines = capsys.readouterr().err.splitlines()
    assert "two-pools: average, seed 0: accuracy 0.9000, loss 0.1000  2 epochs in 2 s" in lines[0]
    assert "1 of 4" in lines[0]
    assert "on 10.0.0.7" in lines[0]
    assert lines[1:] == [
        "two-pools: max, seed 0: failed: out of luck",
        "two-pools: max, seed 0: given up after out of luck",
        "two-pools: average, seed 1: failed: its node is gone",
        "two-pools: max, seed 1: stopped; the same command continues it",
        "node x is left out",
    ]


def test_more_trainings_than_were_planned_are_counted_without_a_whole(
    study: Study, result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = plan(study)
    estimate = Estimate(planned, Store(tmp_path), quick=False)
    estimate.missing = set()  # all are there; those that may decide something follow
    with StudyView(estimate) as view:
        for place in range(2):
            view(Began(planned[place].job))
            view(Done(planned[place].job, result(0.9), {}, ""))
    assert [line.split("(")[1].split(",")[0] for line in capsys.readouterr().err.splitlines()] == ["1 done", "2 done"]


def test_studies_are_listed_without_anything_heavy() -> None:
    code = """
import sys
from digitlab.studies import find_study, study_names
import digitlab.studies.running, digitlab.scheduling.local, digitlab.studies.work, digitlab.studies.running
for name in study_names(): find_study(name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"keras", "tensorflow", "sklearn", "matplotlib", "scipy", "ray", "numpy"}
    assert not heavy.intersection(done.stdout.split())
