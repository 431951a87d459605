from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from digitlab.errors import RunError
from digitlab.evaluation.run_files import predictions_of
from digitlab.runs import Run
from digitlab.training import helper_process
from digitlab.training.helper_process import HelperProcess, MeasureRequest, is_helper_useful
from digitlab.values import Digits


@pytest.fixture
def tested() -> MeasureRequest:
    rng = np.random.default_rng(0)
    digits = Digits(rng.integers(0, 256, (200, 28, 28), np.uint8), rng.integers(0, 10, 200).astype(np.uint8))
    powers = np.exp(rng.normal(size=(200, 10)) + 4 * np.eye(10)[digits.labels])
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return MeasureRequest(predictions_of(probabilities, digits), {"model": "m", "data": "d", "split": "test"})


def done_with(process: HelperProcess, run: Run, tested: MeasureRequest) -> tuple[object, str]:
    process.submit("measure", run, tested)
    process.submit("page", run)
    return process.result(), process.result()


def without_minute(page: str) -> str:
    """The page says when it was made."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", page)


def test_what_is_done_beside_is_what_is_done_here(tmp_path: Path, tested: MeasureRequest) -> None:
    one, other = Run.create("run", tmp_path / "here"), Run.create("run", tmp_path / "there")
    here = done_with(HelperProcess(running=False), one, tested)
    with HelperProcess() as process:
        assert process.running
        there = done_with(process, other, tested)
        assert process.running  # no failure was mended
    assert there[0] == here[0]
    name, second = one.path.name, other.path.name
    assert without_minute(there[1]).replace(second, name) == without_minute(here[1])
    for file in ("metrics.json", "predictions.npz"):
        assert (other.path / file).read_bytes() == (one.path / file).read_bytes()
    assert other.mat.is_file()


def test_a_process_that_is_killed_costs_time_only(tmp_path: Path, tested: MeasureRequest) -> None:
    run = Run.create("run", tmp_path)
    with HelperProcess() as process:
        assert process._process is not None
        process._process.kill()
        metrics, page = done_with(process, run, tested)
    assert metrics.images == 200  # type: ignore[attr-defined]
    assert "<html" in page


def test_what_fails_there_is_said_here(tmp_path: Path) -> None:
    run = Run.create("run", tmp_path)  # nothing was measured
    with HelperProcess() as process:
        process.submit("page", run)
        with pytest.raises(RunError, match="metrics"):
            process.result()


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="asks Linux who is there")
def test_it_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    code = """
import os, signal
from digitlab.training.helper_process import HelperProcess
process = HelperProcess()
print(process._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(600):  # its imports, then it finds its stdin closed
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


def test_it_is_started_only_where_its_imports_are_still_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_process, "_LOADED", ("no-such-module",))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert is_helper_useful()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert not is_helper_useful()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(helper_process, "_LOADED", ("pytest",))
    assert not is_helper_useful()


def test_it_imports_no_network_library() -> None:
    code = """
import sys
from digitlab.training import helper_process
helper_process._import_slow_modules()
assert not {"keras", "tensorflow", "jax"} & set(sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
