"""Into which folder an evaluation goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitlab.jobs.evaluation import _run_for
from digitlab.runs import Run


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run folder beside two files of the same name; their folder is the current one."""
    monkeypatch.chdir(tmp_path)
    for path in ("run", "one", "other"):
        Path(path).mkdir()
    for path in ("one", "other"):
        Path(path, "scans.npz").write_bytes(b"")
    run = Run(Path("run"))
    run.write_config({"dataset": "mnist"})
    return run


def evaluated(data: str, tta: int = 1) -> str:
    found = _run_for("run", data, "test", None, tta)
    found.write_json(found.metrics, {"data": data})
    return found.path.as_posix()


def test_the_runs_own_test_images_are_evaluated_in_it(trained: Run) -> None:
    assert _run_for(trained.path, "mnist", "test", None, 1) == trained
    assert evaluated("mnist", tta=5) == "run/evaluations/mnist-tta-5"


def test_the_runs_own_file_may_be_named_by_a_relative_path(trained: Run) -> None:
    trained.write_config({"dataset": str(Path("one/scans.npz").resolve())})
    assert _run_for("run", "one/scans.npz", "test", None, 1) == trained
    assert evaluated("one/scans.npz#inverted") == "run/evaluations/scans"
    assert evaluated("other/scans.npz") == "run/evaluations/scans-2"


def test_another_file_of_the_same_name_replaces_no_evaluation(trained: Run) -> None:
    assert evaluated("one/scans.npz") == "run/evaluations/scans"
    assert evaluated("other/scans.npz") == "run/evaluations/scans-2"
    assert evaluated("one/scans.npz#as-is") == "run/evaluations/scans-3"
    assert evaluated(str(Path("one/scans.npz").resolve())) == "run/evaluations/scans"
    assert evaluated("other/scans.npz") == "run/evaluations/scans-2"
    assert trained.path.is_dir()


def test_the_folder_of_a_saved_model_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "saved_model.pb").write_bytes(b"")
    found = _run_for("theirs", "mnist", "test", None, 1)
    assert found.path.parent == Path("runs")
    assert found.path.name.endswith("-evaluate-theirs-mnist")
