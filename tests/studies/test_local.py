"""Real worker processes: slow to start, so a few tests see much."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digitlab.apps.cli import run
from digitlab.errors import StorageError, UsageError
from digitlab.scheduling.protocol import Began, Lost, Message, Progressed
from digitlab.stopping import StopRequest
from digitlab.studies import Study
from digitlab.studies.running import make_pool, run_studies

OWN = Path(__file__).parents[2] / "examples" / "own_study.py"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("keras")]


def cells(folder: Path) -> dict[str, Any]:
    """By the file's name, without what a clock decides."""
    found = {}
    for path in folder.rglob("cells/**/[!.]*.json"):
        result = json.loads(path.read_text())["result"]
        timeless = {
            key: value
            for key, value in result.items()
            if key not in ("seconds", "processor_seconds", "overhead", "history")
        }
        found[path.name] = timeless | {"loss by epoch": result["history"]["loss"]}
    return found


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a study that nobody disturbed, and what was printed: two tests look at it."""
    folder, printed = tmp_path_factory.mktemp("at-once"), io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert run(["study", "run", str(OWN), "--quick", "--out", str(folder)]) == 0
    return folder, printed.getvalue()


def test_a_users_own_study_runs_in_a_few_lines(at_once: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(OWN.read_text().splitlines()) <= 25
    folder, printed = at_once
    command = ["study", "run", str(OWN), "--quick", "--out", str(folder)]
    assert "own-study: Own: does a second dense layer help" in printed
    assert "not judged" in printed
    assert len(cells(folder / "quick")) == 4
    assert {path.name for path in (folder / "quick" / "own-study").iterdir()} == {
        "table.md", "results.json", "figure.png",
    }  # fmt: skip
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("cells/**/[!.]*.json")}
    assert run([*command, "--json"]) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("cells/**/[!.]*.json")} == before  # none anew
    said = capsys.readouterr()
    assert json.loads(said.out)["found"] == 4
    assert "every cell is in" in said.err


def test_killed_it_goes_on_with_what_is_missing_and_ends_the_same(at_once: tuple[Path, str], tmp_path: Path) -> None:
    words = ["study", "run", str(OWN), "--quick", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "digitlab", *words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not cells(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("cells/**/[!.]*.json")}
    assert 0 < len(before) < 4
    assert run([*words, "--workers", "1"]) == 0  # each loads TensorFlow
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
    assert len(cells(tmp_path)) == 4
    assert cells(at_once[0]) == cells(tmp_path)


def test_a_killed_worker_is_replaced_and_its_cell_done_again(study: Study, tmp_path: Path) -> None:
    told: list[Message] = []

    def watch(message: Message) -> None:
        told.append(message)
        if isinstance(message, Began) and len(told) == 1:
            (worker,) = _children()
            os.kill(worker, signal.SIGKILL)

    ran = run_studies([study], tmp_path, lambda: make_pool(workers=1), quick=True, watcher=watch)
    (lost,) = [message for message in told if isinstance(message, Lost)]
    assert "signal 9" in lost.reason
    assert ran.outcomes[0].found == 4
    assert not ran.dispatched.failed
    assert not _children()


def test_stopped_in_the_middle_it_leaves_tables_and_no_process(study: Study, tmp_path: Path) -> None:
    long = replace(study, base=replace(study.base, epochs=500), repeats=1)
    stop = StopRequest()

    def watch(message: Message) -> None:
        if isinstance(message, Progressed):
            stop()

    began = time.monotonic()
    ran = run_studies([long], tmp_path, make_pool, watcher=watch, stop=stop)
    assert time.monotonic() - began < 90
    assert len(ran.dispatched.left) == 2
    assert not cells(tmp_path)
    assert not _children()


def test_a_cell_that_cannot_be_done_is_refused_before_any_is_trained(study: Study, tmp_path: Path) -> None:
    wrong = replace(study, vary={"kernel": [3, 40]}, published={}, conclusions=())
    with pytest.raises(UsageError, match="leave no image"):
        run_studies([wrong], tmp_path, make_pool, quick=True)
    assert not cells(tmp_path)


def test_a_failing_cell_does_not_cost_the_others(study: Study, tmp_path: Path) -> None:
    mixed = replace(study, vary={"dataset": ["no-such-set", "mnist"]}, published={}, conclusions=(), repeats=1)
    ran = run_studies([mixed], tmp_path, lambda: make_pool(workers=1), repeats=1, quick=True)
    ((job, reason),) = ran.dispatched.failed
    assert job.training.dataset == "no-such-set"
    assert "there is no dataset" in reason
    assert ran.outcomes[0].found == 1


def test_a_folder_that_cannot_be_written_ends_it_clearly(study: Study, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        run_studies([study], blocked, make_pool, quick=True)
    assert not _children()


def _children() -> list[int]:
    """Workers that this process has."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == os.getpid() and b"digitlab.scheduling.worker" in command:
            found.append(int(status.parent.name))
    return found
