"""Formats of data sets: LMDB to HDF5 against S0's script, and damaged files by the thousand.

    python bench/data_formats.py                    # about a minute
    python bench/data_formats.py --fuzz             # 10,000 damaged files a format, about five minutes

S0's script (thesis, "From LMDB to HDF5") reads record by record into Python lists, makes one array of each and writes
both. It prints two lines a record, so it is timed on a terminal, as it ran, and with its output thrown away. It leaves
its file to the system's cache, where ours waits until it is on the disk; so ours is timed without that wait too. Each
way runs in a process of its own, several times in turns; the imports are not counted. The processor's time is steadier
than the clock's on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.datasets.formats import convert, dataset_writer, hdf5_writer, open_dataset_file, splits_of
from digitlab.datasets.formats.datum import datum_class
from digitlab.errors import DatasetError, StorageError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMATS = ("idx", "idx.gz", "hdf5", "lmdb", "npz", "csv", "classes")


def some_digits(count: int, seed: int = 0) -> Digits:
    """Noise on black, as much of it as a digit has ink."""
    random_ = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = random_.integers(0, 256, (count, 12, 12))
    return Digits(images, random_.integers(0, 10, count).astype(np.uint8))


# --- LMDB to HDF5 ----------------------------------------------------------------------------------------------------


def convert_as_s0(source: str, target: str) -> None:
    """The script of the thesis, line for line; only the message class is not its generated module."""
    import h5py
    import lmdb

    environment = lmdb.open(source, readonly=True, lock=False)
    cursor = environment.begin().cursor()
    datum = datum_class()()
    x, y, samples = [], [], 0
    for _, value in cursor:
        datum.ParseFromString(value)
        label = np.array(datum.label)
        data = np.array(bytearray(datum.data))
        x.append(data.reshape(datum.width, datum.height, datum.channels).astype("uint8"))
        y.append(label)
        samples += 1
        print("Extracted samples: " + str(samples) + "\n")
    x, y = np.asarray(x), np.asarray(y)
    with h5py.File(target, "w") as file:
        file.create_dataset("data", (samples, datum.width, datum.height, datum.channels), dtype="f")[:] = x
        file.create_dataset("labels", (samples,), dtype="i")[:] = y


WAYS: dict[str, Callable[[str, str], object]] = {
    "s0": convert_as_s0,
    "float32": lambda source, target: convert(source, target, dtype="float32"),
    "uint8": lambda source, target: convert(source, target, dtype="uint8"),
}


def _run_way(way: str, source: str, target: str) -> None:
    """In the child: convert, and say on stderr what it took."""
    import h5py  # noqa: F401  (both ways need them: not counted)
    import lmdb  # noqa: F401

    datum_class()
    if way.endswith("unflushed"):
        os.fsync = lambda _: None
    before = _peak_megabytes()
    start, busy = time.perf_counter(), time.process_time()
    WAYS[way.split()[0]](source, target)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    sys.stderr.write(json.dumps({"seconds": seconds, "busy": busy, "grown": _peak_megabytes() - before}))


def _peak_megabytes() -> float:
    """The most memory that this process had; `ru_maxrss` would count what its parent had before."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _measure(way: str, source: Path, folder: Path, *, terminal: bool) -> dict[str, float]:
    target = folder / f"{way}.h5"
    target.unlink(missing_ok=True)
    os.sync()  # nothing of the run before is still on its way to the disk
    command = [sys.executable, __file__, "--way", way, str(source), str(target)]
    with _screen() if terminal else contextlib.nullcontext(subprocess.DEVNULL) as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=True)
    return json.loads(done.stderr)


@contextlib.contextmanager
def _screen() -> Iterator[int]:
    """A terminal that somebody reads as fast as it comes."""
    master, slave = os.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 1 << 16):
                pass

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield slave
    finally:
        os.close(slave)
        reader.join()
        os.close(master)


def rows(counts: tuple[int, ...] = (20_000, 70_000), runs: int = 5) -> list[dict[str, Any]]:
    """One row a number of records and way: median seconds, memory grown by, ratio to S0's way."""
    table = []
    for count in counts:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
            table += _rows_of(count, Path(folder), runs)
    return table


def _rows_of(count: int, folder: Path, runs: int) -> list[dict[str, Any]]:
    source = folder / "source.lmdb"
    with dataset_writer(source) as sink:
        for start in range(0, count, 10_000):
            sink.write(some_digits(min(10_000, count - start), seed=start))
    ours = ("float32", "float32 unflushed", "uint8", "uint8 unflushed")
    cases = (("s0", True), ("s0", False), *((way, False) for way in ours))
    measured: dict[tuple[str, bool], list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(runs):
        for case in cases:
            measured[case].append(_measure(case[0], source, folder, terminal=case[1]))
    seconds = {case: [run["seconds"] for run in measured[case]] for case in cases}
    medians = {case: statistics.median(seconds[case]) for case in cases}
    return [
        {
            "records": count,
            "way": f"S0's script, {'on a terminal' if case[1] else 'silent'}"
            if case[0] == "s0"
            else f"digitlab, {case[0]}",
            "seconds": medians[case],
            "deviation": statistics.stdev(seconds[case]) if runs > 1 else 0.0,
            "megabytes": statistics.median(run["grown"] for run in measured[case]),
            "processor": statistics.median(run["busy"] for run in measured[case]),
            "faster than on a terminal": medians["s0", True] / medians[case],
            "faster than silent": medians["s0", False] / medians[case],
        }
        for case in cases
    ]


# --- damaged files ---------------------------------------------------------------------------------------------------


def damaged(content: bytes, random_: random.Random) -> bytes:
    """A few bytes changed, most of them where structure is likely: at the start, the end, the start of a page."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 5)):
        if not changed:
            break
        kind, place = random_.random(), _place(len(changed), random_)
        if kind < 0.75:
            wide = random_.choice((1, 1, 1, 2, 4, 8))
            value = random_.choice(
                (0, 1, 127, 128, 255, random_.randrange(256), changed[place] ^ 1 << random_.randrange(8))
            )
            changed[place : place + wide] = bytes([value]) * min(wide, len(changed) - place)
        elif kind < 0.83:
            del changed[place:]
        elif kind < 0.9:
            del changed[place : place + random_.randint(1, 16)]
        else:
            other = random_.randrange(len(changed))
            changed[place:place] = changed[other : other + random_.randint(1, 64)]
    return bytes(changed)


def _place(length: int, random_: random.Random) -> int:
    page = random_.randrange(0, length, 4096)
    low, high = random_.choice(((0, length), (0, 64), (page, page + 64), (length - 256, length), (0, 4096)))
    return random_.randrange(max(0, low), min(high, length))


def _seeds(format_: str, folder: Path) -> list[Path]:
    """Small whole files of a format, of every kind that it has."""
    digits = some_digits(5)
    names = {
        "idx": ["a-images-idx3-ubyte"],
        "idx.gz": ["a-images-idx3-ubyte.gz"],
        "npz": ["a.npz"],
        "csv": ["a.csv"],
        "classes": ["a/"],
    }
    for name in names.get(format_, []):
        with dataset_writer(f"{folder}/{name}") as sink:
            sink.write(digits)
    if format_ == "hdf5":
        return list(_hdf5_seeds(folder, digits))
    if format_ == "lmdb":
        return list(_lmdb_seeds(folder, digits))
    return [folder / name for name in names[format_]]


def _hdf5_seeds(folder: Path, digits: Digits) -> Iterator[Path]:
    for dtype, compression, split in (("float32", None, ""), ("uint8", None, "train"), ("uint8", "gzip", "")):
        path = folder / f"{dtype}-{compression}-{split}.h5"
        with hdf5_writer(path, dtype, compression=compression) as sink:  # type: ignore[arg-type]
            sink.write(digits, split)
        yield path


def _lmdb_seeds(folder: Path, digits: Digits) -> Iterator[Path]:
    import lmdb

    from digitlab.datasets.formats.pictures import encode_png

    datum = datum_class()
    fields: dict[str, Callable[[Any], dict[str, Any]]] = {
        "plain": lambda image: {"data": image.tobytes()},
        "encoded": lambda image: {"data": encode_png(image), "encoded": True},
        "floats": lambda image: {"float_data": image.ravel().tolist()},
    }
    for kind, contents in fields.items():
        path = folder / kind
        with (
            lmdb.open(str(path), subdir=False, map_size=1 << 20, lock=False) as environment,
            environment.begin(write=True) as put,
        ):
            for number in range(60):
                row = number % len(digits)
                record = datum(
                    channels=1, height=28, width=28, label=int(digits.labels[row]), **contents(digits.images[row])
                )
                put.put(b"%08d" % number, record.SerializeToString())
        yield path


def _damage(path: Path, random_: random.Random) -> None:
    """Damage a file or folder in place; a packed one outside or, since a checksum guards that, inside."""
    if path.is_dir():
        path = random_.choice(sorted(file for file in path.rglob("*") if file.is_file()))
    elif "idx" in path.name and random_.random() < 0.4:
        path = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    content, inside = path.read_bytes(), random_.random() < 0.6
    if path.suffix == ".gz" and inside:
        path.write_bytes(gzip.compress(damaged(gzip.decompress(content), random_), 1))
    elif path.suffix == ".npz" and inside:
        path.write_bytes(_damaged_inside(content, random_))
    else:
        path.write_bytes(damaged(content, random_))


def _damaged_inside(content: bytes, random_: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        chosen = random_.choice(archive.namelist())
        for name in archive.namelist():
            target.writestr(name, damaged(archive.read(name), random_) if name == chosen else archive.read(name))
    return buffer.getvalue()


def _read(path: Path) -> str:
    """Read all there is; what became of it."""
    try:
        with open_dataset_file(path, next(iter(splits_of(path)), None)) as source:
            for _ in source.batches():
                pass
    except (DatasetError, StorageError) as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  (what is looked for)
        return f"FOREIGN {type(error).__name__}: {error}"
    return "read"


def fuzz(format_: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Damage and read ``count`` files; outcomes, the first foreign errors, worst seconds, memory grown by (MB)."""
    outcomes: Counter[str] = Counter()
    foreign: list[str] = []
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        seeds = [(path, _contents(path)) for path in _seeds(format_, Path(folder))]
        before = _peak_megabytes()
        for number in range(count):
            path, contents = seeds[number % len(seeds)]
            for file, content in contents.items():
                file.write_bytes(content)
            _damage(path, random.Random(f"{seed} {number}"))  # noqa: S311
            start = time.perf_counter()
            outcome = _read(path)
            worst = max(worst, time.perf_counter() - start)
            if outcome.startswith("FOREIGN"):
                foreign.append(f"{number}: {outcome}")
            outcomes[outcome.split()[0]] += 1
    grown = _peak_megabytes() - before
    return {"format": format_, "outcomes": dict(outcomes), "foreign": foreign[:5], "worst": worst, "megabytes": grown}


def killed_by_liblmdb(count: int, seed: int = 0) -> Counter[str]:
    """What becomes of a process that opens the same damaged LMDBs with liblmdb: why `lmdb_pages` reads them instead."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        seeds = [(path, path.read_bytes()) for path in _seeds("lmdb", Path(folder))]
        for number in range(count):
            path, content = seeds[number % len(seeds)]
            path.write_bytes(content)
            _damage(path, random.Random(f"{seed} {number}"))  # noqa: S311
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                os._exit(_read_with_liblmdb(path))
            _, status = os.waitpid(child, 0)
            outcomes[f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "read or refused"] += 1
    return outcomes


def _read_with_liblmdb(path: Path) -> int:
    import lmdb

    with contextlib.suppress(lmdb.Error), lmdb.open(str(path), subdir=False, readonly=True, lock=False) as environment:
        list(environment.begin().cursor())
    return 0


def _contents(path: Path) -> dict[Path, bytes]:
    """The files that belong to a seed, with their bytes."""
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
    elif "idx" in path.name:
        files = list(path.parent.iterdir())
    else:
        files = [path]
    return {file: file.read_bytes() for file in files}


def _fuzz_apart(format_: str, count: int) -> dict[str, Any]:
    """`fuzz` in a process of its own, whose death is an outcome too."""
    command = [sys.executable, __file__, "--fuzz-here", format_, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return {
            "format": format_,
            "outcomes": {},
            "foreign": [f"ended with {done.returncode}"],
            "worst": 0,
            "megabytes": 0,
        }
    return json.loads(done.stdout)


def print_rows(table: list[dict[str, Any]]) -> None:
    print(f" records  {'way':28}         seconds  processor  grown MB  × terminal  × silent")
    for row in table:
        print(
            f"{row['records']:8,}  {row['way']:28} {row['seconds']:7.3f} ± {row['deviation']:.3f}",
            f"{row['processor']:10.3f} {row['megabytes']:9.1f}",
            f"{row['faster than on a terminal']:11.1f} {row['faster than silent']:9.1f}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", nargs="?", type=int, const=10_000, help="damaged files a format")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--fuzz-here", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        _run_way(*given.way)
    elif given.fuzz_here:
        print(json.dumps(fuzz(given.fuzz_here[0], int(given.fuzz_here[1]))))
    elif given.fuzz:
        print(f"{'format':8} {'worst s':>8} {'grown MB':>9}  outcomes")
        for format_ in FORMATS:
            row = _fuzz_apart(format_, given.fuzz)
            print(f"{row['format']:8} {row['worst']:8.3f} {row['megabytes']:9.1f}  {row['outcomes']}", *row["foreign"])
        print("liblmdb itself, on the damaged LMDBs:", dict(killed_by_liblmdb(given.fuzz)))
    else:
        print_rows(rows())


if __name__ == "__main__":
    main()
