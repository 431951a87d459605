"""How far a job is: a bar where somebody looks, and what one should know in any case."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from digitlab.api import following as module
from digitlab.api.following import following, in_notebook
from digitlab.apps.cli.job_view import JobView
from digitlab.jobs.events import Counted, Note, Work
from digitlab.training.events import EpochEnded, Progressed, Stage, Started

EVENTS = (
    Started(100, 0, 2, 10, 5000, "float32", "small"),
    Progressed(1, 5, 0.5, 0.9, 1000.0),
    Progressed(1, 10, 0.4, 0.9, 1000.0),
    EpochEnded(1, 0.4, 0.9, None, None, 1.0, 1000.0, 0.001),
    Stage("writing <the> report"),
)


def tell(events: tuple[object, ...], **settings: Any) -> list[object]:
    heard: list[object] = []
    with following("train", settings.pop("progress", None), heard.append, **settings) as listener:
        for event in events:
            listener(event)
    return heard


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(EVENTS) == list(EVENTS)
    assert tell((Work("work"), Counted("work", 1, 2)), progress=False)
    said = capsys.readouterr()
    assert said.out + said.err == ""


def test_lines_are_shown_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    tell(EVENTS, progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "epoch 1/2  loss 0.4000" in said.err


@pytest.mark.parametrize(("progress", "level"), [(None, logging.WARNING), (False, logging.INFO)])
def test_what_one_should_know_goes_to_the_log(
    progress: bool | None, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "digitlab"):
        tell((Note("two runs are one"),), progress=progress)
    assert caplog.record_tuples == [("digitlab", level, "two runs are one")]


def test_on_a_terminal_it_is_the_view_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(module._view(None, None), JobView)
    assert not isinstance(module._view(False, None), JobView)


def test_a_networks_own_mistakes_are_not_taken_for_a_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="my_module"), following("train", None, None):
        raise ModuleNotFoundError("No module named 'my_module'", name="my_module")


class Handle:
    """What IPython gives for something that is displayed, and is changed in its place."""

    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/html"])


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for IPython in a kernel; what is displayed, in order."""
    shown: list[str] = []

    def display(data: dict[str, str], *, raw: bool, display_id: bool | None) -> Handle | None:
        assert raw
        shown.append(data["text/html"])
        return Handle(shown) if display_id else None

    stand_in = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", stand_in)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    monkeypatch.setattr("digitlab.api.notebook._SECONDS", 0.0)
    return shown


def test_a_notebook_gets_a_bar_that_is_gone_in_the_end(notebook: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert in_notebook()
    assert tell((Work("loading <TensorFlow>"), *EVENTS)) == [Work("loading <TensorFlow>"), *EVENTS]
    assert "loading &lt;TensorFlow&gt; …" in notebook[0]
    assert any("<progress value='10' max='20'>" in each for each in notebook)
    assert any("epoch 1/2  loss 0.4000, accuracy 0.9000" in each for each in notebook)
    assert any("writing &lt;the&gt; report" in each for each in notebook)
    assert notebook[-1] == ""
    said = capsys.readouterr()
    assert said.out + said.err == ""


def test_a_notebook_keeps_the_notes_and_can_be_quiet(notebook: list[str]) -> None:
    tell((Counted("robustness", 1, 3, "sets", "fog"), Note("left out: <fog>")))
    assert "left out: &lt;fog&gt;" in notebook
    notebook.clear()
    tell(EVENTS, progress=False)
    assert notebook == []


def test_the_bar_is_cleared_when_a_job_fails(notebook: list[str]) -> None:
    def broken() -> None:
        with following("train", None, None) as listener:
            listener(EVENTS[0])
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert notebook[-1] == ""


def test_outside_of_a_kernel_it_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not in_notebook()
