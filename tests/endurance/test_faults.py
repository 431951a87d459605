"""Short forms of bench/endurance: live.py, network.py, web.py, attacks.py, themselves with small counts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

pytest.importorskip("fastapi")
SCRIPTS = Path(__file__).resolve().parents[2] / "bench" / "endurance"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A script of bench/endurance as a module; what it imports from there is forgotten after the test."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"endurance_{name}", SCRIPTS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SCRIPTS)):
            del sys.modules[name]


@pytest.fixture
def row(script: Callable[[str], ModuleType]) -> Any:
    """An empty row of a table of results."""
    return script("results").Row("a short form", "")


def never() -> bool:
    return False


def without_lateness(failures: list[str]) -> list[str]:
    """What failed beside being late: a machine that runs tests side by side is busy."""
    return [line for line in failures if not line.startswith("/healthz took") and "back after" not in line
            and "read again after" not in line and "recovered after" not in line]  # fmt: skip


@pytest.mark.slow
def test_a_camera_lost_in_ten_ways_is_read_again(script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITLAB_CONFIG", str(tmp_path))
    live = script("live")
    told = live.run_session("region", 80, len(live.WAYS), 0, 2.0)
    assert {way for way, _ in told["recoveries"]} == set(live.WAYS)
    assert max(seconds for _, seconds in told["recoveries"]) < 20
    assert (told["old"], told["wrong"], told["threads_left"]) == ([], [], 0)
    assert told["texts"]


def test_clocks_that_jump_and_a_computer_that_sleeps(
    script: Any, row: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DIGITLAB_CONFIG", str(tmp_path))
    script("live").jump_clocks(row, 3)
    assert (row.tried, row.failures) == (3, [])


@pytest.mark.slow
def test_what_came_while_the_program_was_stopped_is_not_read_as_new(script: Any, row: Any) -> None:
    script("live").suspend(row, 1, (3.0,), never)
    assert (row.tried, without_lateness(row.failures)) == (1, [])


@pytest.mark.slow
def test_a_dead_line_to_the_camera_is_said_and_nothing_old_is_shown_as_new(script: Any, row: Any) -> None:
    script("network").camera_faults(row, 1, 4.0, never)
    assert (row.tried, without_lateness(row.failures)) == (1, [])


@pytest.mark.slow
def test_answers_through_a_faulty_line_are_right_or_none(script: Any, row: Any) -> None:
    script("network").answers_through(row, 8, never)
    assert (row.tried, row.failures) == (9, [])


@pytest.mark.slow
def test_hostile_requests_sockets_and_frames_leave_the_server_as_it_was(script: Any) -> None:
    web, row_of = script("web"), script("results").Row
    held, flooded, mixed = (row_of(what, "") for what in ("sockets", "frames", "requests"))
    with web.served() as server:
        web.many_sockets(server, 60, never, held, 1.0)
        web.flood_of_frames(server, 8, 1.0, flooded)
        web.mixed(server, 150, 0, never, mixed)
        assert [line for line in server.log if "Traceback" in line or "internal error" in line] == []
    assert (mixed.tried, flooded.tried) == (150, 3)
    wrong = [*held.failures, *flooded.failures, *mixed.failures]
    # Of so few requests the memory says nothing: one picture of 25 million pixels is kept for the next.
    assert [line for line in without_lateness(wrong) if not line.startswith("memory grew")] == []


@pytest.mark.slow
def test_nothing_of_what_an_attacker_would_want_is_given(script: Any) -> None:
    attacks = script("attacks")
    assert len(attacks.ATTEMPTS) >= 40
    assert len({each.name for each in attacks.ATTEMPTS}) == len(attacks.ATTEMPTS)
    chosen = [each for each in attacks.ATTEMPTS if not each.name.startswith("bomb") or "JPEG" in each.name
              or "text" in each.name or "%" in each.name]  # fmt: skip
    with attacks.servers() as there:
        got = {each.name: attacks.attack(each, there) for each in chosen}
    assert {name: what for name, what in got.items() if what is not None} == {}
