"""Workers with work that has nothing to do with digits, which makes their processes quick."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from digitlab import scheduling
from digitlab.errors import UsageError
from digitlab.scheduling.dispatch import Dispatched, dispatch
from digitlab.scheduling.protocol import Done, Lost, Message, Progressed
from digitlab.scheduling.worker import Worker, attempt
from digitlab.stopping import Interrupted, StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from digitlab.scheduling.protocol import Work

SQUARES = """
import os, time
from digitlab.errors import UsageError
from digitlab.stopping import Interrupted
VARIABLES = {"COLOUR": "green"}
def environment():
    return {"colour": os.environ["COLOUR"]}
def inputs(job):
    return {"offset": lambda: 100}
def check(job):
    if job["number"] < 0:
        raise UsageError(f"number is {job['number']}; expected 0 or more")
def do(job, *, inputs, report, stop, keep_state):
    print("words that are no answer")
    report({"half": job["number"] / 2})
    if job["number"] == 3:
        raise ZeroDivisionError("three is\\nodd")
    while job["number"] == 5:
        time.sleep(0.01)
        if stop.asked:
            raise Interrupted
    return {"square": job["number"] ** 2, "sent": {name: load() for name, load in inputs.items()}}
"""


@dataclass(frozen=True)
class Number:
    number: int

    @property
    def digest(self) -> str:
        return str(self.number)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@pytest.fixture
def squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that squares numbers, fails at 3, and is never done with 5."""
    (tmp_path / "work_that_squares.py").write_text(SQUARES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return "work_that_squares"


def run(
    work: str, numbers: Sequence[int], stop: StopRequest | None = None, **engine: Any
) -> tuple[Dispatched[Number], list[Message]]:
    told: list[Message] = []
    jobs = [Number(number) for number in numbers]
    with scheduling.make_pool(work, **(engine or {"workers": 1})) as pool:
        pool.check(jobs)
        return dispatch(jobs, pool, lambda *_: None, told.append, stop or StopRequest()), told


def test_any_work_is_done_by_processes(squares: str) -> None:
    ended, told = run(squares, [4, 3, 6])
    assert ended.done == [Number(4), Number(6)]
    assert ended.failed == [(Number(3), "ZeroDivisionError: three is odd")]
    results = [message for message in told if isinstance(message, Done)]
    assert [each.result["square"] for each in results] == [16, 36]
    assert results[0].environment == {"colour": "green"}
    assert Progressed(Number(4), {"half": 2.0}) in told


PLACES = """
import os, time
VARIABLES = {}
def environment():
    return {}
def check(job):
    pass
def do(job, *, inputs, report, stop, keep_state):
    return {"nice": os.nice(0), "cores": sorted(os.sched_getaffinity(0))}
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind processes to cores")
@pytest.mark.parametrize("workers", [1, 2])
def test_in_the_background_each_process_has_the_lowest_priority_and_one_core(
    workers: int, squares: str, tmp_path: Path
) -> None:
    (tmp_path / f"{squares}.py").write_text(PLACES)
    before = os.nice(0), os.sched_getaffinity(0)
    _, told = run(squares, range(2), workers=workers, background=True)
    results = [message.result for message in told if isinstance(message, Done)]
    assert [each["nice"] for each in results] == [19, 19]
    last, *others = sorted(before[1], reverse=True)
    expected = [[last], [others[0] if others and workers == 2 else last]]
    assert sorted(each["cores"] for each in results) == sorted(expected)
    _, told = run(squares, [1], workers=workers)
    (result,) = (message.result for message in told if isinstance(message, Done))
    assert (result["nice"], set(result["cores"])) == before
    assert (os.nice(0), os.sched_getaffinity(0)) == before


def test_files_of_the_current_folder_are_not_taken_for_modules(
    squares: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "queue.py").write_text("raise SystemExit('this is no module')")
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # an empty entry would be the current folder
    assert run(squares, [4])[0].done == [Number(4)]


def test_a_process_that_dies_in_the_middle_of_an_answer_is_lost(tmp_path: Path, squares: str) -> None:
    (tmp_path / f"{squares}.py").write_text(
        SQUARES.replace('print("words that are no answer")', "os.write(ANSWERS, b'{\"resu'); os._exit(9)")
        + "ANSWERS = max(number for number in range(3, 20) if os.path.exists(f'/proc/self/fd/{number}'))\n"
    )
    ended, told = run(squares, [4], StopRequest(until=time.monotonic() + 60))
    ((job, reason),) = ended.failed
    assert job == Number(4)
    assert "exit code 9" in reason
    assert sum(isinstance(message, Lost) for message in told) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_any_work_is_done_by_actors_that_share_its_inputs(squares: str) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    stop, told = StopRequest(), cast("list[Message]", [])

    def stopping(message: Message) -> None:
        told.append(message)
        if isinstance(message, Progressed):
            stop()  # in the midst of it

    with scheduling.make_pool(squares, engine="ray") as pool:  # one cluster for both: its start takes seconds
        pool.check([Number(4)])
        ended = dispatch([Number(4), Number(3), Number(6)], pool, lambda *_: None, told.append, StopRequest())
        endless = dispatch([Number(5)], pool, lambda *_: None, stopping, stop)
    assert sorted(job.number for job in ended.done) == [4, 6]
    assert ended.failed == [(Number(3), "ZeroDivisionError: three is odd")]
    results = {message.job.digest: message for message in told if isinstance(message, Done)}
    assert results["6"].result == {"square": 36, "sent": {"offset": 100}}
    assert results["6"].environment == {"colour": "green"}
    assert endless.left == [Number(5)]
    assert Progressed(Number(5), {"half": 2.5}) in told


def test_what_the_work_refuses_is_refused(squares: str) -> None:
    with pytest.raises(UsageError, match="number is -1"):
        run(squares, [4, -1])


def test_a_deadline_stops_processes(squares: str) -> None:
    ended, _ = run(squares, [5, 6], StopRequest(until=time.monotonic() + 1))
    assert ended.left == [Number(5), Number(6)]


def test_one_job_is_stopped_and_the_next_is_not() -> None:
    def do(*_: object, stop: StopRequest, **__: object) -> dict[str, Any]:
        during()
        if stop.asked:
            raise Interrupted
        return {"done": True}

    def done(digest: str) -> dict[str, Any]:
        return worker.do({}, digest, inputs={}, report=lambda _: None, keep_state=False)

    worker = Worker(cast("Work", SimpleNamespace(do=do)))
    during: Callable[[], None] = lambda: worker.cut("b")  # noqa: E731 - changed below
    assert done("a") == {"result": {"done": True}}
    during = lambda: worker.cut("a")  # noqa: E731
    assert done("a") == {"stopped": True}
    during = lambda: None  # noqa: E731
    assert done("b") == {"result": {"done": True}}
    worker.cut("c")  # before it begins
    assert done("c") == {"stopped": True}
    worker.stop()
    assert done("b") == {"stopped": True}


def test_a_result_that_cannot_be_sent_is_a_failure() -> None:
    assert "ValueError" in attempt(lambda: {"loss": float("nan")})["failure"]
