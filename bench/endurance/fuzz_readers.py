"""Fuzz every reader of untrusted files: only our own errors, at most 2 seconds and 300 MB, are allowed.

    python bench/endurance/fuzz_readers.py                          # 100,000 inputs for each reader: hours
    python bench/endurance/fuzz_readers.py --count 5000 --minutes 20
    python bench/endurance/fuzz_readers.py --reader yaml --reader form
    python bench/endurance/fuzz_readers.py --reader toml --distil   # turn what covers new lines into a test
    python bench/endurance/fuzz_readers.py --reader toml --open FILE

Fuzzing is guided by coverage: an input that reaches a line which none has reached before is kept and mutated further.
With the package `atheris` (not a dependency: pip install atheris), libFuzzer does that, else a small engine of our own
(`_coverage`); both use the mutations of `_mutation`, which keep a file's structure. Each reader runs in a separate
process, restarted when a library kills it; the results are combined here. Findings are in RESULTS/fuzz/READER.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "tests" / "endurance" / "corpora"
SECONDS, MEGABYTES = 2.0, 300.0
MOST_KEPT, LARGEST_KEPT = 12_000, 4_000  # size limits, bytes: of a reader's corpus in the tests, of one input in it
STARTING = 900.0  # seconds to import and instrument everything, on a busy machine
MOST_ENDINGS = 50  # number of crashes after which a reader is given up
_AT_ONCE = 50  # inputs between two writes of the notes


@dataclass
class Notes:
    """Results of one process: counts of inputs, and faults. Written periodically; read when the process has ended."""

    tried: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)  # fault, by kind and place → the name of its input
    slowest: float = 0.0
    grown: float = 0.0  # MB
    kept: int = 0


def judged(error: BaseException | None) -> tuple[str, str | None]:
    """Return the outcome and, if the error is a fault, its kind and place."""
    from digitlab.errors import DigitlabError

    if error is None:
        return "read", None
    if isinstance(error, DigitlabError):
        text = str(error)
        complaint = "" if text.strip() and "\x1b" not in text and len(text) < 2000 else "a message that cannot be shown"
        return type(error).__name__, complaint or None
    frames = traceback.extract_tb(error.__traceback__)
    own_frame = next((each for each in reversed(frames) if "/digitlab/" in each.filename), frames[-1])
    return (
        "FOREIGN",
        f"{type(error).__name__} in {Path(own_frame.filename).name}:{own_frame.lineno} ({str(error)[:80]!r})",
    )


class Opening:
    """Opens inputs, measures, and records faults."""

    def __init__(self, name: str, folder: Path, seed: int) -> None:
        from _reader_targets import READERS

        self.reader, self.notes, self._folder = READERS[name], Notes(), folder
        self.random = random.Random(f"{seed} {os.getpid() if seed < 0 else name}")  # noqa: S311
        self._place = Path(tempfile.mkdtemp(dir=folder))
        self._before = 0.0
        (folder / "found").mkdir(exist_ok=True)

    def warm(self, seeds: list[bytes]) -> None:
        """Open the intact files twice, so that libraries are loaded and their caches filled."""
        for content in seeds * 2:
            self._opened(content)
        self._before = _megabytes()

    def __call__(self, content: bytes) -> None:
        """Open one input."""
        error, seconds = self._timed(content)
        if seconds > SECONDS:
            sys.settrace(None)  # tracing makes it ten times slower; the next input is traced again
            seconds = min(seconds, self._timed(content)[1])
        outcome, fault = judged(error)
        notes = self.notes
        notes.tried += 1
        notes.outcomes[outcome] = notes.outcomes.get(outcome, 0) + 1
        notes.slowest = max(notes.slowest, seconds)
        growth = _megabytes() - self._before
        if fault is None and seconds > SECONDS:
            fault = f"slow: {seconds:.1f} s"
        if fault is None and growth > MEGABYTES and growth > notes.grown + 50:
            fault = f"{growth:.0f} MB more"
        notes.grown = max(notes.grown, growth)
        if fault is not None and fault not in notes.found and len(notes.found) < 100:
            notes.found[fault] = self._keep(content)
        if notes.tried % _AT_ONCE == 0:
            self.tell()

    def _timed(self, content: bytes) -> tuple[BaseException | None, float]:
        """Return the error raised and the seconds; of clock and CPU time the lesser, for the machine may be busy."""
        start, computing = time.perf_counter(), time.process_time()
        error = self._opened(content)
        return error, min(time.perf_counter() - start, time.process_time() - computing)

    def _opened(self, content: bytes) -> BaseException | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.reader.open(content, self._place)
            except Exception as error:  # noqa: BLE001 - what we look for
                return error
        return None

    def _keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()[:12]
        (self._folder / "found" / name).write_bytes(content)
        return name

    def tell(self) -> None:
        """Write the notes so far."""
        (self._folder / "notes.json").write_text(json.dumps(vars(self.notes)))


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- the process of one reader ------------------------------------------------------------------------------------


def work(name: str, folder: Path, count: int, seconds: float, seed: int, engine: str) -> None:
    """Fuzz one reader, in this process, until the count is reached or the time is over."""
    opening = Opening(name, folder, seed)
    seeds = opening.reader.seeds(folder)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    saved = [path.read_bytes() for path in sorted((CORPORA / name).glob("*"))] if (CORPORA / name).is_dir() else []
    for content in [*seeds, *saved]:
        (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    (atheris_engine if engine == "atheris" else own_engine)(opening, seeds, folder, count, seconds)


def own_engine(opening: Opening, seeds: list[bytes], folder: Path, count: int, seconds: float) -> None:
    """Keep inputs that reach new lines, and mutate them further; recent ones are chosen more often."""
    from _coverage import Lines
    from _reader_targets import SOURCE

    opening.warm(seeds)
    lines, random_ = Lines([SOURCE], opening.reader.rooms), opening.random
    corpus = [path.read_bytes() for path in sorted((folder / "corpus").iterdir())]
    for content in corpus:
        lines.run(lambda content=content: opening._opened(content))  # type: ignore[misc]
        lines.new()
    end, current = time.monotonic() + seconds, folder / "current"
    while opening.notes.tried < count and time.monotonic() < end:
        chosen = corpus[-1 - int(len(corpus) * random_.random() ** 2)]
        content = chosen
        for _ in range(random_.choice((1, 1, 1, 2, 4))):
            content = opening.reader.change(content, random_)[: opening.reader.longest]
        if opening.reader.ends or opening.notes.tried % 16 == 0:
            current.write_bytes(content)
        lines.run(lambda content=content: opening(content))  # type: ignore[misc]
        if new := lines.new():
            corpus.append(content)
            (folder / "corpus" / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
            opening.notes.kept += bool(new)
    opening.tell()


def atheris_engine(opening: Opening, seeds: list[bytes], folder: Path, count: int, seconds: float) -> None:
    """Run libFuzzer; it ends the process itself."""
    import atheris

    opening.warm(seeds)
    random_, longest_input = opening.random, opening.reader.longest

    def changed(content: bytes, longest: int, seed: int) -> bytes:
        random_.seed(seed)
        if random_.random() < 0.3:
            return bytes(atheris.Mutate(content, longest))
        return opening.reader.change(content, random_)[: min(longest, longest_input)]

    def one(content: bytes) -> None:
        opening(content)
        if opening.notes.tried >= count:
            opening.tell()

    flags = [
        f"-runs={count}", f"-max_total_time={max(1, int(seconds))}", "-timeout=30", "-rss_limit_mb=0",
        f"-max_len={longest_input}", f"-artifact_prefix={folder}/ended-", "-print_final_stats=0", "-close_fd_mask=3",
        f"-seed={random_.randrange(1, 1 << 31)}", str(folder / "corpus"),
    ]  # fmt: skip
    import atexit

    atexit.register(opening.tell)
    atheris.Setup([sys.argv[0], *flags], one, custom_mutator=changed)
    atheris.Fuzz()


def instrumented(name: str, engine: str) -> None:
    """Import what the reader uses under instrumentation, for libFuzzer to see its coverage."""
    if engine != "atheris":
        return
    import atheris

    with (
        atheris.instrument_imports(include=["digitlab", "tomllib", "yaml", "PIL"]),
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        from _reader_targets import READERS

        reader = READERS[name]
        for content in reader.seeds(Path(folder)):
            try:
                reader.open(content, Path(tempfile.mkdtemp(dir=folder)))
            except Exception:  # noqa: BLE001, S112 - this only triggers imports
                continue


# -- the process that controls them -------------------------------------------------------------------------------


def fuzzed(name: str, folder: Path, count: int, seconds: float, seed: int, engine: str) -> dict[str, Any]:
    """Run a reader's process until the count is reached or the time is over; restart it when it crashes."""
    folder.mkdir(parents=True, exist_ok=True)
    total, endings = Notes(), collections.Counter[str]()
    end = time.monotonic() + seconds
    while total.tried < count and sum(endings.values()) < MOST_ENDINGS and time.monotonic() < end:
        seconds_left = end - time.monotonic()
        options = ["--work", str(folder), "--count", str(count - total.tried), "--seconds", f"{seconds_left:.0f}"]
        options += ["--seed", str(seed + 1000 * sum(endings.values())), "--engine", engine, "--reader", name]
        (folder / "notes.json").unlink(missing_ok=True)
        with (folder / "log.txt").open("wb") as log:
            command = [sys.executable, __file__, *options]
            code = _ran(command, log, seconds_left + STARTING)
        before = total.tried
        _add(total, folder)
        if code in (0, 77) and total.tried > before:  # 77: libFuzzer found something, and reported it
            if total.tried < count and time.monotonic() < end - 5:
                continue
            break
        endings["did not end" if code is None else f"ended with {code}"] += 1
    return {**vars(total), "endings": dict(endings), "engine": engine}


def _ran(command: list[str], log: Any, seconds: float) -> int | None:
    """Return the exit code; None if it ran out of time."""
    try:
        return subprocess.run(command, stdout=log, stderr=log, check=False, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return None


def _add(total: Notes, folder: Path) -> None:
    """Add the results of a process."""
    path = folder / "notes.json"
    if not path.is_file():
        return
    report = json.loads(path.read_text())
    total.tried += report["tried"]
    for outcome, times in report["outcomes"].items():
        total.outcomes[outcome] = total.outcomes.get(outcome, 0) + times
    total.found |= report["found"]
    total.slowest, total.grown = max(total.slowest, report["slowest"]), max(total.grown, report["grown"])
    total.kept = len(list((folder / "corpus").iterdir()))


def distilled(name: str, folder: Path) -> int:
    """Copy inputs that found something or cover lines that the intact files do not to the tests; return bytes."""
    from _coverage import Lines
    from _reader_targets import SOURCE

    opening = Opening(name, folder, 0)
    lines = Lines([SOURCE], opening.reader.rooms)
    for content in opening.reader.seeds(folder):
        lines.run(lambda content=content: opening._opened(content))  # type: ignore[misc]
        lines.new()
    corpus_folder, size = CORPORA / name, 0
    paths = sorted((folder / "found").iterdir(), key=lambda path: path.stat().st_size)
    existing = {path.name for path in paths}
    paths += sorted((folder / "corpus").iterdir(), key=lambda path: path.stat().st_size)
    for path in paths:
        content = path.read_bytes()
        lines.run(lambda content=content: opening._opened(content))  # type: ignore[misc]
        if not lines.new() and path.name not in existing:
            continue
        if len(content) <= LARGEST_KEPT and size + len(content) <= MOST_KEPT:
            corpus_folder.mkdir(parents=True, exist_ok=True)
            (corpus_folder / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)
            size += len(content)
    return size


def run_worker(arguments: list[str]) -> int:
    """Run the process of one reader. No module of digitlab may be imported before the coverage tool is active."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path)
    parser.add_argument("--reader")
    parser.add_argument("--engine")
    for name, kind in (("count", int), ("seed", int), ("seconds", float)):
        parser.add_argument(f"--{name}", type=kind)
    options = parser.parse_args(arguments)
    instrumented(options.reader, options.engine)
    work(options.reader, options.work, options.count, options.seconds, options.seed, options.engine)
    return 0


def main() -> int:
    if "--work" in sys.argv:
        return run_worker(sys.argv[1:])
    from _reader_targets import READERS
    from results import Row, arguments, finish

    parser = arguments(__doc__, count=100_000)
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="only these")
    has = importlib.util.find_spec("atheris") is not None
    parser.add_argument("--engine", choices=("atheris", "own"), default="atheris" if has else "own")
    parser.add_argument("--distil", action="store_true", help="put what covers new lines into the tests")
    parser.add_argument("--open", type=Path, help="open this file with the one --reader, and say what becomes of it")
    options = parser.parse_args()
    names = options.reader or list(READERS)
    if options.open is not None:
        with tempfile.TemporaryDirectory() as folder:
            READERS[names[0]].open(options.open.read_bytes(), Path(folder))
        return 0
    each = 60 * options.minutes / len(names) if options.minutes > 0 else 1e6
    rows = []
    for name in names:
        row = Row(f"reader: {name}", "only our errors, 2 s or less, 300 MB or less")
        figures = fuzzed(name, options.results / "fuzz" / name, options.count, each, options.seed, options.engine)
        row.tried = figures["tried"]
        row.failures = [f"{fault}: {input_name}" for fault, input_name in figures.pop("found").items()]
        reason = READERS[name].ends
        row.failures += [] if reason else [f"{ending}, {times} times" for ending, times in figures["endings"].items()]
        row.measured = figures | ({"endings are no harm": reason} if reason else {})
        rows.append(row)
        print(f"{name}: {row.tried:,} inputs, {len(row.failures)} faults, {figures}", file=sys.stderr, flush=True)
        if options.distil:
            print(f"{name}: {distilled(name, options.results / 'fuzz' / name):,} bytes kept", file=sys.stderr)
    return finish("fuzz-readers", rows, options)


if __name__ == "__main__":
    sys.exit(main())
