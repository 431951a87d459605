"""Open hostile files in separate processes, with alarms for everything that a file must not cause.

A worker is forked from a process that has the libraries loaded. It makes each case, opens it, and reports the outcome;
if it dies or stops responding, the case is tried once more, alone in a new worker, and that outcome counts.

Alarms (`Alarm`): Python's audit events for running foreign code, starting programs, connecting, and opening or
changing files outside the worker's folders; and the kernel's report (inotify) of files that must not be opened, which
covers C libraries as well. Limits: additional address space compared with before, and the time of one case.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import sysconfig
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Alarm", "Outcome", "Sandbox", "resident_megabytes"]

MEMORY = 4 << 30  # bytes of additional address space that a case may use
PATIENCE = 30.0  # seconds of CPU time that a worker may use without reporting
_LONGEST = 600.0  # seconds without a report, on a machine that others keep busy
_OPENED_OR_READ = 0x20 | 0x01  # inotify

# Audit events that no file may cause, whatever their arguments.
_NEVER = frozenset({
    "code.__new__", "ctypes.dlopen", "ftplib.connect", "http.client.connect", "marshal.loads", "os.chown",
    "os.exec", "os.fork", "os.forkpty", "os.kill", "os.link", "os.posix_spawn", "os.putenv", "os.spawn", "os.symlink",
    "os.system", "pickle.find_class", "pty.spawn", "shutil.unpack_archive", "socket.bind", "socket.connect",
    "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen", "sys.setprofile", "sys.settrace",
    "urllib.Request", "webbrowser.open",
})  # fmt: skip
# Events whose first one or two arguments are paths: allowed in the worker's folders.
_PATHS = frozenset({
    "os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.copyfile", "shutil.move",
    "shutil.rmtree",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a case.

    number: of the case
    verdict: "refused", "opened", "FOREIGN …" with an error that is not one of ours, "ended by …", or "silent"
    seconds: wall-clock time; computing: CPU time
    peak: the worker's peak resident memory so far, MB
    alarms: forbidden events that were observed
    text: the error message that the user would have read
    """

    number: int
    verdict: str
    seconds: float = 0.0
    computing: float = 0.0
    peak: float = 0.0
    alarms: tuple[str, ...] = ()
    text: str = ""


def resident_megabytes() -> float:
    """Return the peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _computed(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Alarm:
    """Records forbidden events while armed; an audit hook cannot be removed, so it ignores events at other times."""

    def __init__(self, allowed: list[Path], forbidden: list[Path]) -> None:
        """allowed: folders that may be written to; forbidden: files and folders that must not be opened."""
        roots = [sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"], *(each for each in sys.path if each)]
        self._trusted = tuple({str(Path(each).resolve()) for each in roots if each} - {"/"})
        self._allowed = tuple(str(each.resolve()) for each in allowed)
        self._forbidden = tuple(str(each.resolve()) for each in forbidden)
        self._armed, self.heard = False, list[str]()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._notices = self._libc.inotify_init1(os.O_NONBLOCK)
        for each in forbidden:
            if self._libc.inotify_add_watch(self._notices, os.fsencode(each), _OPENED_OR_READ) < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {each}")
        sys.addaudithook(self._listen)

    @contextlib.contextmanager
    def armed(self) -> Iterator[list[str]]:
        """Arm the alarm while a hostile file is opened; forbidden events are appended to the list."""
        self.heard = []
        self._drain()
        self._armed = True
        try:
            yield self.heard
        finally:
            self._armed = False
            if self._drain():
                self.heard.append("a file that nobody may open was opened")

    def _drain(self) -> bool:
        try:
            return bool(os.read(self._notices, 65536))
        except BlockingIOError:
            return False

    def _listen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._armed:
            return
        self._armed = False  # what is done here raises audit events, too
        try:
            if self._is_wrong(event, arguments) and len(self.heard) < 20:
                self.heard.append(f"{event} {arguments!r:.200}")
        finally:
            self._armed = True

    def _is_wrong(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event in _NEVER:
            return event not in ("marshal.loads", "ctypes.dlopen") or not self._by_importing(event, arguments)
        if event == "exec":
            return not self._is_trusted(getattr(arguments[0], "co_filename", "?"))
        if event == "import":
            return str(arguments[0]).startswith("hostile_canary")
        if event == "open":
            return self._is_wrong_opening(*arguments[:3])
        paths = [each for each in arguments[:2] if isinstance(each, str | bytes | os.PathLike)]
        return event in _PATHS and not all(self._lies_in(each, self._allowed) for each in paths)

    def _by_importing(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Whether a library's import causes it: that reads bytecode, and libraries load their own binaries lazily."""
        if event == "ctypes.dlopen":
            return arguments[0] is None or self._lies_in(arguments[0], self._trusted)
        frame = sys._getframe(1)
        while frame is not None:
            if "importlib" in frame.f_code.co_filename:
                return True
            frame = frame.f_back  # type: ignore[assignment]
        return False

    def _is_trusted(self, file: str) -> bool:
        if Path(file).name.startswith("__autograph_generated_file") and self._lies_in(file, self._allowed):
            return True  # TensorFlow rewrites our own functions
        # "<…>": code that dataclasses, named tuples and the like generate while a library is imported.
        return file.startswith(("<frozen", "<string>", "<attrs", "<__array_function__", "<template>")) or self._lies_in(
            file, self._trusted
        )

    def _is_wrong_opening(self, path: Any, mode: Any, flags: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
            isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if self._lies_in(path, self._forbidden):
            return True
        inside = (*self._allowed, "/dev/null", "/dev/shm")  # noqa: S108 - locks of libraries
        if writes:
            return not self._lies_in(path, inside) and not str(os.fsdecode(path)).endswith(".pyc")
        return not self._lies_in(path, (*inside, *self._trusted, "/proc", "/sys", "/dev/urandom", "/etc/localtime"))

    @staticmethod
    def _lies_in(path: Any, folders: tuple[str, ...]) -> bool:
        try:
            real_path = os.path.realpath(os.fsdecode(path))
        except (TypeError, ValueError):
            return False
        return any(real_path == folder or real_path.startswith(folder + os.sep) for folder in folders)


class Sandbox:
    """Runs cases one after another in a forked worker, and starts a new worker after each death."""

    def __init__(
        self, case: Callable[[int], Callable[[], str]], warm: Callable[[], None], folder: Path, forbidden: list[Path],
        *, together: int = 2000,
    ) -> None:  # fmt: skip
        """case: makes the case with this number in the current folder; returns what opens it and reports the outcome

        warm: called once in each worker before the first case; folder: for the workers; together: cases per worker
        """
        self._case, self._warm, self._folder, self._forbidden, self._together = case, warm, folder, forbidden, together
        self.workers, self._ending = 0, ""

    def outcomes(self, numbers: Iterable[int]) -> Iterator[Outcome]:
        """Yield the outcome of each case, usually in the given order."""
        remaining = list(numbers)
        while remaining:
            batch, remaining = remaining[: self._together], remaining[self._together :]
            for outcome in self._in_a_worker(batch):
                batch.remove(outcome.number)
                yield outcome
            if batch:  # the worker died at the first of these
                suspect, *rest = batch
                alone = list(self._in_a_worker([suspect]))
                yield alone[0] if alone else Outcome(suspect, self._ending)
                remaining = rest + remaining

    def _in_a_worker(self, batch: list[int]) -> Iterator[Outcome]:
        self.workers += 1
        read, write = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(read)
            os._exit(self._work(batch, write))
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as pipe:
            yield from self._read_outcomes(pipe, child)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self._ending = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            self._ending = f"ended with {os.WEXITSTATUS(status)}"

    def _read_outcomes(self, pipe: Any, child: int) -> Iterator[Outcome]:
        buffer = b""
        patience, since, computed = 4 * PATIENCE, time.monotonic(), 0.0  # the first report comes after warming up
        while True:
            if not select.select([pipe], [], [], 2.0)[0]:
                if _computed(child) - computed > patience or time.monotonic() - since > _LONGEST:
                    os.kill(child, signal.SIGKILL)
                    return
                continue
            piece = pipe.read(65536)
            if not piece:
                return
            buffer += piece
            *lines, buffer = buffer.split(b"\n")
            patience, since, computed = PATIENCE, time.monotonic(), _computed(child)
            for line in lines:
                if line != b"warm":
                    fields = json.loads(line)
                    yield Outcome(**{**fields, "alarms": tuple(fields["alarms"])})

    def _work(self, batch: list[int], write: int) -> int:
        """Run the worker from start to end."""
        try:
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            for name in ("HOME", "TMPDIR", "DIGITLAB_CACHE"):
                os.environ[name] = str(folder / name.lower())
                (folder / name.lower()).mkdir()
            tempfile.tempdir = str(folder / "tmpdir")
            (folder / "case").mkdir()
            os.chdir(folder / "case")
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            self._warm()
            alarm = Alarm([folder], self._forbidden)
            self._limit()
            os.write(write, b"warm\n")
            for number in batch:
                os.write(write, json.dumps(asdict(self._one(number, alarm))).encode() + b"\n")
        except BaseException:  # noqa: BLE001 - told by the exit code
            Path(self._folder, "worker-error.txt").write_text(traceback.format_exc())
            return 99
        return 0

    @staticmethod
    def _limit() -> None:
        sizes = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        limit = int(sizes["VmSize"].split()[0]) * 1024 + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def _one(self, number: int, alarm: Alarm) -> Outcome:
        from digitlab.errors import DigitlabError

        open_case = self._case(number)
        start, computing, text = time.monotonic(), time.process_time(), ""
        with alarm.armed() as alarms:
            try:
                verdict = open_case()
            except DigitlabError as error:
                verdict, text = "refused", str(error)
            except Exception as error:  # noqa: BLE001 - what we look for
                last_frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(last_frame.filename).name}:{last_frame.lineno}"
                verdict = f"FOREIGN {type(error).__name__}: {error!s:.200} ({where})"
            seconds, computing = time.monotonic() - start, time.process_time() - computing
        return Outcome(number, verdict, seconds, computing, resident_megabytes(), tuple(alarms), text[:400])
