"""The notebooks: what their scripts say, small, without noise; and each runs, with few images."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _tool() -> ModuleType:
    return importlib.import_module("tools.notebooks")


TOOL = _tool()
# As in the fixture `quick_ending`: every training writes a report, whose ten figures take a second (tests/reports has
# them), and compares its exported file with Keras' (tests/models).
QUICK_ENDING = (
    "import digitlab.reports.page as page; page.svg = lambda name, _: f'<svg><title>{name}</title></svg>'\n"
    "import digitlab.models.export.verify as verify; verify.CHECKED_IMAGES = 100\n"
)


def test_they_are_what_their_scripts_say() -> None:
    assert TOOL.problems() == []
    assert len(TOOL.names()) == 7


@pytest.mark.parametrize("name", TOOL.names())
def test_nothing_of_a_machine_is_kept(name: str) -> None:
    text = (TOOL.FOLDER / f"{name}.ipynb").read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)
    assert not re.search(r"\d{4}-\d\d-\d\d-\d{6}", text)
    kept = json.loads(text)
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] is None for cell in code)
    assert any(cell["outputs"] for cell in code)


def test_the_index_names_all_of_them() -> None:
    named = re.findall(r"\((\d[\w-]+)\.ipynb\)", (TOOL.FOLDER / "README.md").read_text("utf-8"))
    assert named == TOOL.names()


def test_a_script_becomes_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").mkdir()
    script = (
        "# %% [markdown]\n# # Title\n#\n# one\n# line\n#\n# 1. first\n#    goes on\n# 2. second\n\n"
        '# %% tags=["parameters"]\nquick = False\n\n# %%\nif quick:\n    1 + 1\n'
    )
    (tmp_path / "source" / "a.py").write_text(script)
    monkeypatch.setattr(TOOL, "FOLDER", tmp_path)
    text, parameters, code = TOOL.notebook_of("a")["cells"]
    assert text["source"] == "# Title\n\none line\n\n1. first goes on\n2. second"
    assert parameters["metadata"] == {"tags": ["parameters"]}
    assert code["source"] == "if quick:\n    1 + 1"
    assert TOOL.problems() == ["a.ipynb: is missing; python tools/notebooks.py a"]


def test_noise_is_taken_out() -> None:
    source = {"cells": [{"cell_type": "code", "id": "cell-0", "source": "x", "outputs": [], "execution_count": None}]}
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stderr", "text": "WARNING"},
        {"output_type": "stream", "name": "stdout", "text": ["runs/2026-01-31-101500-fast\n"]},
        {"output_type": "display_data", "data": {"text/html": "", "text/plain": ""}, "metadata": {}},
        {"output_type": "execute_result", "execution_count": 7, "metadata": {}, "data": {
            "text/html": "<b>x</b>", "text/plain": "<Thing at 0x7f>"}},
    ]  # fmt: skip
    ran = {"cells": [{**source["cells"][0], "outputs": outputs, "execution_count": 7}]}
    (cell,) = TOOL.normalised(ran, source)["cells"]
    assert cell["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "runs/2026-…-fast\n"},
        {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": {
            "text/html": "<b>x</b>", "text/plain": ""}},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    """One kernel for all of them: TensorFlow is loaded once."""
    pytest.importorskip("nbclient", reason="nbclient is not installed")
    jupyter = pytest.importorskip("jupyter_client", reason="jupyter_client is not installed")
    manager = jupyter.AsyncKernelManager(kernel_name="python3")
    yield manager
    from jupyter_core.utils import run_sync

    if run_sync(manager.is_alive)():
        run_sync(manager.shutdown_kernel)(now=True)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("notebooks")
@pytest.mark.parametrize("name", TOOL.names())
def test_it_runs_with_few_images(name: str, kernel: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "notebooks"
    folder.mkdir(exist_ok=True)
    source = TOOL.notebook_of(name)
    ran = TOOL.run(source, folder, quick=True, kernel=kernel, before=QUICK_ENDING)
    outputs = [output for cell in ran["cells"] for output in cell.get("outputs", [])]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
