"""Kill the writing of every kind of file, and let the disk become full during it: 100 times each.

    python bench/endurance/writes.py                         # 100 each; some forty minutes on two free cores
    python bench/endurance/writes.py --count 10 --only 'run: metrics.json' sheets
    python bench/endurance/writes.py --light                 # without kinds that need Keras

Half of the kills come before a chosen change to the folder (a file opened for writing, renamed, removed ...), so that
every gap between two changes is tried; the other half at a random moment, by a timer of the process itself that nothing
catches, as abrupt as SIGKILL and precise to microseconds. After each kill, every file must have its old or its new
content, files that belong together must come from one writing, and the same command, run again, must succeed and leave
no temporary file. On a full disk it must report that, and leave everything as it was.

The disk is a small tmpfs in a separate mount namespace, which only root may make; elsewhere that part is skipped.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kinds_of_files import KINDS
from results import Row, arguments, finish, time_left
from wholeness import damaged, digest_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinds_of_files import Kind

    Runner = Callable[["Plan"], tuple[int, str]]
    Tried = tuple[str, str, str | None]  # "kill" or "disk", how, and the fault or None

_INSIDE = "DIGITLAB_ENDURANCE_DISK"  # environment variable with the path of the tmpfs
_SIZE = 24  # size of the tmpfs, MB
_PAGE = 4096
_LIMIT = 120.0  # seconds allowed for one writing
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree", "os.truncate"}
_MINUTE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d|/CreationDate \([^)]*\)")
_DONE, _REFUSED, _WRONG = 0, 3, 5

State = dict[str, str]
_counting: dict[str, Any] = {"path": None}


def content(path: Path) -> str:
    """Return what must be equal in two files of the same content."""
    ending = path.suffix.lower()
    if ending == ".keras":
        return weights_of(path)
    if ending == ".mat":
        from scipy.io import loadmat

        return digest_of(repr({key: value for key, value in loadmat(path).items() if not key.startswith("__")}))
    if ending == ".xlsx":
        from openpyxl import load_workbook

        return digest_of([[str(cell.value) for cell in row] for row in load_workbook(path).active.rows])
    return digest_of(_MINUTE.sub(b"", path.read_bytes()).hex())


def state(folder: Path) -> State:
    """Map every file under a final name to its content; for one that cannot be read, to the error."""
    contents = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(part.startswith(".") for part in name.split("/")) and ".parts" not in name:
            try:
                contents[name] = content(path)
            except Exception as error:  # noqa: BLE001 - whatever a reader says of a damaged file
                contents[name] = f"{type(error).__name__}: {error}"[:100]
    return contents


@dataclass
class Prepared:
    """A kind with its two contents. old: folder with the first; empty: folder with only what `before` makes;
    loose: files that differ with every writing."""

    kind: Kind
    old: Path
    empty: Path
    before: State
    loose: set[str]
    after: State = field(default_factory=dict)
    changes: int = 0
    seconds: float = 0.0
    replaces: bool = True

    def fault(self, folder: Path, *, from_old: bool) -> str | None:
        """Return what is wrong in a folder in which a writing was interrupted."""
        if self.kind.grows:
            return None  # running the same command again will tell
        current, versions = state(folder), []
        for name, value in current.items():
            if name in self.loose:
                damage = damaged(folder / name)
                if damage:
                    return damage
                continue
            matching = {number for number, each in enumerate((self.before, self.after)) if each.get(name) == value}
            if not matching:
                return damaged(folder / name) or f"{name} is neither the old nor the new one ({value[:60]})"
            versions.append(matching)
        missing = sorted(set(self.after) - set(current))
        if from_old and [name for name in missing if name in self.before and not self._may_miss(name)]:
            return f"{', '.join(missing)} was there and is missing"
        if not self.kind.together:
            return None
        if versions and not set.intersection(*versions):
            return f"files of two writings stand together: {', '.join(current)}"
        if current and any(not self._may_miss(name) for name in missing):
            return f"{', '.join(missing)} is missing beside {', '.join(current)}"
        return None

    def _may_miss(self, name: str) -> bool:
        return self.kind.optional or (self.kind.together and bool(self.kind.opened) and self.kind.opened in name)


@dataclass(frozen=True)
class Plan:
    """When to interrupt a writing: before change number ``at`` to its folder, or ``wait`` s after the first change.

    count: instead, the file that receives the number of changes and the seconds
    """

    at: int = 0
    wait: float = 0.0
    count: Path | None = None


def changes(event: str, arguments: tuple[Any, ...], folder: Path) -> bool:
    """Return whether an audit event (`sys.addaudithook`) announces a change in the folder."""
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(writes or event in _CHANGES) and str(folder) in str(arguments[0])


def begin(plan: Plan, folder: Path, seen: int = 0) -> None:
    """Arm this process to end as planned; ``seen``: number of changes already under way."""
    from digitlab import storage

    storage._swept.clear()  # as in a new process: `before` may have written there
    if plan.count is not None:
        _counting.update(path=plan.count, began=time.monotonic(), seen=seen)
        sys.addaudithook(
            lambda event, arguments: _counting.update(seen=_counting["seen"] + changes(event, arguments, folder))
        )
    if plan.wait:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, plan.wait)
    if not plan.at:
        return

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if changes(event, arguments, folder):
            seen += 1
            if seen == plan.at:
                os.kill(os.getpid(), signal.SIGKILL)

    if seen == plan.at:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)


def forked(work: Callable[[], None]) -> tuple[int, str]:
    """Run it in a forked process; return the exit code (negative: a signal) and the error message."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _end_with(work, [write_end])
    os.close(write_end)
    return _outcome(pid, read_end)


def _end_with(work: Callable[[], None], write_ends: list[int]) -> NoReturn:
    code, message = _WRONG, ""
    try:
        work()
        if _counting["path"] is not None:
            _counting["path"].write_text(f"{_counting['seen']} {time.monotonic() - _counting['began']}")
        code = _DONE
    except Exception as error:  # noqa: BLE001 - told to the parent process
        from digitlab.errors import StorageError

        code = _REFUSED if isinstance(error, StorageError) else _WRONG
        message = f"{type(error).__name__}: {error}"[:300]
    finally:
        os.write(write_ends[0] if write_ends else 2, message.encode())
        os._exit(code)


def _outcome(pid: int, read_end: int) -> tuple[int, str]:
    end = time.monotonic() + _LIMIT
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(read_end)
            return _WRONG, f"it hung for {_LIMIT:.0f} s"
        time.sleep(0.0005)
    with os.fdopen(read_end, "rb") as pipe:
        return os.waitstatus_to_exitcode(ended[1]), pipe.read().decode(errors="replace")


class _GoOn(BaseException):
    """Raised in a process forked within `_at_first_change`: continue with the writing."""


def anew(kind: Kind, folder: Path) -> Runner:
    """Run each writing from its beginning."""

    def write(plan: Plan) -> None:
        kind.before(folder, 1)
        if plan.at:
            begin(plan, folder)
        elif plan.wait or plan.count:
            _at_first_change(folder, lambda: begin(plan, folder, seen=1))
        kind.write(folder, 1)

    return lambda plan: forked(lambda: write(plan))


def from_first_change(kind: Kind, folder: Path, loop: Callable[[Runner], list[Tried]]) -> list[Tried]:
    """Run ``loop`` in a process that has computed everything: each writing continues from its first change there."""
    read_end, write_end = os.pipe()
    answers: list[int] = []

    def run(plan: Plan) -> tuple[int, str]:
        answer_read, answer_write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(answer_write)
            return _outcome(pid, answer_read)
        answers.append(answer_write)
        begin(plan, folder, seen=1)
        raise _GoOn

    def stand() -> None:
        code = _WRONG
        try:
            payload = json.dumps(loop(run)).encode()
            with os.fdopen(write_end, "wb") as file:
                file.write(payload)
            code = _DONE
        except _GoOn:
            return
        except BaseException:  # noqa: BLE001 - what is writing might catch it as its own
            traceback.print_exc()
        os._exit(code)

    def work() -> None:
        kind.before(folder, 1)
        _at_first_change(folder, stand)
        kind.write(folder, 1)

    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _end_with(work, answers)  # only the processes forked at the first change end here
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        payload = file.read()
    os.waitpid(pid, 0)
    if not payload:
        raise RuntimeError(f"{kind.name}: its process ended before its first change to the folder")
    return [(what, how, fault) for what, how, fault in json.loads(payload)]


def _at_first_change(folder: Path, then: Callable[[], None]) -> None:
    waiting = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal waiting
        if waiting and changes(event, arguments, folder):
            waiting = False
            then()

    sys.addaudithook(hook)


def prepared(kind: Kind, home: Path, folder: Path) -> Prepared:
    """Write the first content undisturbed; in forked processes, as this one must not use Keras before it forks.

    Raises:
        RuntimeError: if the writing itself fails.
    """
    old, again, empty = (_new(home / name) for name in ("old", "again", "empty"))
    _undisturbed(kind, lambda: (kind.before(old, 0), kind.write(old, 0), None)[-1])
    _undisturbed(kind, lambda: kind.before(empty, 1))
    varying: set[str] = set()
    if not (kind.costly and kind.keras):  # would take minutes, and gives the same result each time
        _undisturbed(kind, lambda: (kind.before(again, 0), kind.write(again, 0), None)[-1])
        first, second = state(old), state(again)
        varying = {name for name in first if first[name] != second.get(name)}
    _put(old, folder)
    return Prepared(kind, old, empty, state(old), varying)


def _undisturbed(kind: Kind, work: Callable[[], None]) -> None:
    code, message = forked(work)
    if code != _DONE:
        raise RuntimeError(f"{kind.name}: undisturbed, it ended with {code}: {message}")


def measure(case: Prepared, folder: Path, run: Runner) -> None:
    """Write the second content; record it, its number of changes to the folder, and the seconds after the first.

    Raises:
        RuntimeError: if it cannot be written even undisturbed.
    """
    counted = case.old.parent / "counted"
    code, message = run(Plan(count=counted))
    if code != _DONE:  # some refuse to overwrite
        case.replaces = False
        _put(case.empty, folder)
        code, message = run(Plan(count=counted))
    if code != _DONE:
        raise RuntimeError(f"{case.kind.name}: undisturbed, it ended with {code}: {message}")
    number, seconds = counted.read_text().split()
    case.after, case.changes, case.seconds = state(folder), int(number), float(seconds)


def _put(template: Path, folder: Path) -> None:
    """Make the folder a copy of the template; the folder itself stays."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(template, folder, dirs_exist_ok=True)


def _put_for(case: Prepared, folder: Path, number: int) -> bool:
    """Restore the folder, in three of four attempts with the old files; return whether they are there."""
    from_old = case.replaces and number % 4 < 3
    _put(case.old if from_old else case.empty, folder)
    if from_old:
        shutil.copytree(case.empty, folder, dirs_exist_ok=True)
    return from_old


def cut_off(case: Prepared, folder: Path, run: Runner, number: int, draw: random.Random) -> Tried:
    """Kill one writing; return how, and what was wrong afterwards."""
    from_old = _put_for(case, folder, number)
    if number % 2:
        plan = Plan(at=1 + (number // 2) % max(1, case.changes))
        how = f"before change {plan.at} of {case.changes}"
    else:
        plan = Plan(wait=max(1e-6, draw.uniform(0, case.seconds)))
        how = f"{1000 * plan.wait:.2f} ms after the first change"
    code, message = run(plan)
    if code > 0:
        return "kill", how, f"it was not killed but ended with {code}: {message}"
    return "kill", how, case.fault(folder, from_old=from_old) or once_more(case, folder, run)


def once_more(case: Prepared, folder: Path, run: Runner) -> str | None:
    """Check that the same command, run again, succeeds and leaves no temporary file."""
    code, message = run(Plan())
    if code != _DONE and (case.replaces or state(folder) != case.after):
        return f"the same command, once more, ended with {code}: {message}"
    leftovers = [path.name for path in folder.rglob("*") if path.name.startswith(".")]
    if leftovers:
        return f"left over: {', '.join(leftovers)}"
    fault = case.fault(folder, from_old=True)
    return fault and f"once more: {fault}"


def full(case: Prepared, folder: Path, run: Runner, number: int, draw: random.Random) -> Tried:
    """Write with a random amount of room left; return how much, and what was wrong afterwards."""
    from_old = _put_for(case, folder, number)
    before = state(folder)
    needed = sum(path.stat().st_size for path in case.old.rglob("*") if path.is_file()) // _PAGE + 2
    free_pages = draw.randrange(0, needed)
    ballast = folder.parent / "ballast"
    with ballast.open("wb") as file:
        free = os.statvfs(folder).f_bavail * _PAGE
        os.posix_fallocate(file.fileno(), 0, max(_PAGE, free - free_pages * _PAGE))
    how = f"room for {4 * free_pages} of {4 * needed} kB"
    code, message = run(Plan())  # no try and finally: a process that continues from here would remove the ballast
    ballast.unlink()
    fault = case.fault(folder, from_old=from_old)
    missing = sorted(set(case.after) - set(state(folder)))
    leftovers = [path.name for path in folder.rglob("*") if path.name.startswith(".")]
    if code == _DONE and missing and not (case.kind.grows or case.kind.optional):
        fault = fault or f"it said nothing, and {', '.join(missing)} is missing"
    elif code == _REFUSED and case.kind.together and state(folder) != before:
        fault = fault or "it was refused, and the old files are not as they were"
    elif code not in (_DONE, _REFUSED):
        fault = fault or f"it ended with {code}: {message or 'nothing message'}"
    if leftovers and not fault:
        fault = f"left over: {', '.join(leftovers)}"
    return "disk", how, fault or (once_more(case, folder, run) if case.kind.grows else None)


def broken(kind: Kind, home: Path, *, disk: bool, options: Any, over: Callable[[], bool]) -> list[Row]:
    """Kill one kind's writing, and write it with a full disk."""
    killed = Row(f"kill while written: {kind.name}", "0 damaged")
    fullness = Row(f"full disk while written: {kind.name}", "0 damaged, said in one line")
    if not disk:
        fullness.skipped = "no private mount namespace here (not root?)"
    draw, folder = random.Random(f"{options.seed}{kind.name}"), _new(home / "here")  # noqa: S311
    case = prepared(kind, home, folder)

    def loop(run: Runner) -> list[Tried]:
        measure(case, folder, run)
        tried: list[Tried] = [("measured", f"{case.changes} {1000 * case.seconds:.1f}", None)]
        for number in range(options.count):
            if over():
                break
            tried.append(cut_off(case, folder, run, number, draw))
            if disk:
                tried.append(full(case, folder, run, number, draw))
        return tried

    attempts = from_first_change(kind, folder, loop) if kind.costly else loop(anew(kind, folder))
    changed, milliseconds = attempts.pop(0)[1].split()
    killed.measured = {"changes": int(changed), "milliseconds": float(milliseconds)}
    for number, (what, how, fault) in enumerate(attempts):
        row = killed if what == "kill" else fullness
        row.add(None if fault is None else f"attempt {number}, {how}: {fault}")
    return [killed, fullness]


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def chosen_kinds(only: list[str], *, light: bool) -> list[Kind]:
    """Return the kinds with one of these words in their name; costly ones last, in case the time runs out."""
    named = [kind for kind in KINDS if not only or any(each in kind.name for each in only)]
    return sorted((kind for kind in named if not (light and kind.keras)), key=lambda kind: kind.costly)


def main() -> int:
    parser = arguments(__doc__, count=100)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="kinds with one of these in their name")
    parser.add_argument("--light", action="store_true", help="without what needs Keras")
    options = parser.parse_args()
    if _INSIDE not in os.environ and os.geteuid() == 0 and shutil.which("unshare"):
        _in_a_namespace()
    over, rows = time_left(options.minutes), []
    disk = Path(os.environ[_INSIDE]) if _INSIDE in os.environ else None
    with tempfile.TemporaryDirectory(prefix="digitlab-writes-") as name:
        _import_keras(needed=any(kind.keras for kind in chosen_kinds(options.only, light=options.light)))
        os.environ["DIGITLAB_CACHE"] = f"{name}/cache"
        for number, kind in enumerate(chosen_kinds(options.only, light=options.light)):
            missing = [each for each in kind.needs if not _installed(each)]
            if over() or missing:
                why = f"{', '.join(missing)} is not installed" if missing else "no time was left"
                rows.append(Row(f"kill and full disk while written: {kind.name}", "0 damaged", skipped=why))
                continue
            home = _new((disk or Path(name)) / f"kind-{number}")
            start = time.monotonic()
            try:
                rows += broken(kind, home, disk=disk is not None, options=options, over=over)
            except RuntimeError as error:
                rows.append(Row(f"kill and full disk while written: {kind.name}", "0 damaged", failures=[str(error)]))
            shutil.rmtree(home)
            summary = ", ".join(f"{row.held} of {row.tried}" for row in rows[-2:])
            print(f"{kind.name}: {summary} held, {time.monotonic() - start:.0f} s", flush=True)
    return finish("writes", rows, options)


def _import_keras(*, needed: bool) -> None:
    """Import once for all forked processes; no network is built here."""
    if needed:
        import digitlab.models.export
        import digitlab.training.tensorboard  # noqa: F401


def _installed(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None


def _in_a_namespace() -> None:
    """Restart in a mount namespace of our own, with a small tmpfs; return where that is not allowed."""
    with contextlib.suppress(OSError):
        disk = tempfile.mkdtemp(prefix="digitlab-disk-")
        script = f'mount -t tmpfs -o size={_SIZE}m tmpfs "$0" && {_INSIDE}="$0" exec "$@"'
        command = ["unshare", "-m", "sh", "-c", script, disk, sys.executable, *sys.argv]
        code = subprocess.run(command, check=False).returncode
        Path(disk).rmdir()
        if code in (0, 1):
            sys.exit(code)
        print(f"no tmpfs could be made (exit code {code}); the full disk is skipped", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
