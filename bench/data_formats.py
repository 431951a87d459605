"""Fuzz the dataset readers with thousands of damaged files.

    python bench/data_formats.py --fuzz             # 10,000 damaged files per format, about five minutes

Speeds are measured by `digitlab bench data`.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.machine import peak_megabytes
from digitlab.datasets.formats import dataset_writer, hdf5_writer, open_dataset_file, splits_of
from digitlab.datasets.formats.datum import datum_class
from digitlab.errors import DatasetError, StorageError
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMATS = ("idx", "idx.gz", "hdf5", "lmdb", "npz", "csv", "classes")


def some_digits(count: int, seed: int = 0) -> Digits:
    """Make images of noise on black, with about as much ink as a digit."""
    random_ = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = random_.integers(0, 256, (count, 12, 12))
    return Digits(images, random_.integers(0, 10, count).astype(np.uint8))


def damaged(content: bytes, random_: random.Random) -> bytes:
    """Change a few bytes, mostly where structure is likely: at the start, at the end, at the start of a page."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 5)):
        if not changed:
            break
        kind, offset = random_.random(), _offset(len(changed), random_)
        if kind < 0.75:
            wide = random_.choice((1, 1, 1, 2, 4, 8))
            value = random_.choice(
                (0, 1, 127, 128, 255, random_.randrange(256), changed[offset] ^ 1 << random_.randrange(8))
            )
            changed[offset : offset + wide] = bytes([value]) * min(wide, len(changed) - offset)
        elif kind < 0.83:
            del changed[offset:]
        elif kind < 0.9:
            del changed[offset : offset + random_.randint(1, 16)]
        else:
            other = random_.randrange(len(changed))
            changed[offset:offset] = changed[other : other + random_.randint(1, 64)]
    return bytes(changed)


def _offset(length: int, random_: random.Random) -> int:
    page = random_.randrange(0, length, 4096)
    low, high = random_.choice(((0, length), (0, 64), (page, page + 64), (length - 256, length), (0, 4096)))
    return random_.randrange(max(0, low), min(high, length))


def _seeds(format_: str, folder: Path) -> list[Path]:
    """Write small intact files of a format, in all its variants."""
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
    """Damage a file or folder in place; a compressed one either outside or, since a checksum guards that, inside."""
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
    """Read everything, and return the outcome; "left-out": a class folder was read without its broken pictures."""
    try:
        with (
            warnings.catch_warnings(record=True, action="always", category=UserWarning) as said,
            open_dataset_file(path, next(iter(splits_of(path)), None)) as source,
        ):
            for _ in source.batches():
                pass
    except (DatasetError, StorageError) as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  (what we look for)
        return f"FOREIGN {type(error).__name__}: {error}"
    others = [str(each.message) for each in said if "left out" not in str(each.message)]
    return f"FOREIGN warning: {others[0]}" if others else "left-out" if said else "read"


def fuzz(format_: str, count: int, seed: int = 0) -> dict[str, Any]:
    """Damage and read ``count`` files; return outcomes, the first foreign errors, worst seconds, memory growth (MB)."""
    outcomes: Counter[str] = Counter()
    foreign: list[str] = []
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        seeds = [(path, _contents(path)) for path in _seeds(format_, Path(folder))]
        before = peak_megabytes()
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
    grown = peak_megabytes() - before
    return {"format": format_, "outcomes": dict(outcomes), "foreign": foreign[:5], "worst": worst, "megabytes": grown}


def killed_by_liblmdb(count: int, seed: int = 0) -> Counter[str]:
    """Open the same damaged LMDBs with liblmdb, and count the outcomes: the reason for our own `lmdb_pages`."""
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
    """Read the files that belong to a seed file; return their bytes by path."""
    if path.is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
    elif "idx" in path.name:
        files = list(path.parent.iterdir())
    else:
        files = [path]
    return {file: file.read_bytes() for file in files}


def _fuzz_apart(format_: str, count: int) -> dict[str, Any]:
    """Run `fuzz` in a separate process, whose death counts as an outcome, too."""
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", nargs="?", type=int, const=10_000, help="damaged files per format")
    parser.add_argument("--fuzz-here", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fuzz_here:
        print(json.dumps(fuzz(options.fuzz_here[0], int(options.fuzz_here[1]))))
    elif options.fuzz:
        print(f"{'format':8} {'worst s':>8} {'grown MB':>9}  outcomes")
        for format_ in FORMATS:
            row = _fuzz_apart(format_, options.fuzz)
            print(f"{row['format']:8} {row['worst']:8.3f} {row['megabytes']:9.1f}  {row['outcomes']}", *row["foreign"])
        print("liblmdb itself, on the damaged LMDBs:", dict(killed_by_liblmdb(options.fuzz)))
    else:
        parser.print_help()


if __name__ == "__main__":
    main()
