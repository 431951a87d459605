"""Speed and memory of reading, measured in a separate process, with one thread unless stated otherwise.

python -m digitlab.bench.read_apart QUICK [MODEL]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["measure_apart"]


def measure_apart(model: str | None, *, quick: bool) -> dict[str, Any]:
    """Run `_measure` in a new process, so that its memory contains nothing from this one; return its result."""
    with tempfile.TemporaryDirectory() as folder:  # drawing takes more memory than reading
        _keep_pictures(Path(folder), quick=quick)
        options = ["quick" if quick else "full", folder, *([model] if model else [])]
        command = [sys.executable, "-m", __spec__.name, *options]
        answer: dict[str, Any] = json.loads(_said(command).splitlines()[-1])
        # By name: the command line is a higher layer, and may not be imported.
        read = [sys.executable, "-m", "digitlab.apps.cli", "read", str(Path(folder) / "photo.png")]
        cold = [*read, *(["--model", model] if model else [])]
        answer["cold_ms"] = _median(lambda: _said(cold), 1 if quick else 5)
    return answer


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"the speed could not be measured: {last[:300]}")
    return done.stdout


def _keep_pictures(folder: Path, *, quick: bool) -> None:
    import cv2
    import numpy as np

    from digitlab.bench.made_pages import bad_pictures, one_digit, page

    np.save(folder / "small.npy", page(1.5))
    cv2.imwrite(str(folder / "photo.png"), page(1.5))
    np.save(folder / "large.npy", page(12))
    np.save(folder / "crop.npy", one_digit())
    np.save(folder / "digits.npy", np.stack([255 - one_digit(28, seed) for seed in range(1000)]))
    for name, picture in bad_pictures(2 if quick else 50):
        np.save(folder / f"bad {name}.npy", picture)


def _measure(folder: Path, model: str | None, *, quick: bool) -> dict[str, Any]:
    """Return milliseconds from array to reading on one thread, medians; digits per second on two; megabytes."""
    import cv2
    import numpy as np

    from digitlab.bench.machine import peak_megabytes
    from digitlab.reading import Reader

    cv2.setNumThreads(1)
    reader = Reader(model, threads=1)
    small, large, crop, images = (np.load(folder / f"{name}.npy") for name in ("small", "large", "crop", "digits"))
    rounds = 3 if quick else 15
    result: dict[str, Any] = {
        "page_ms": _median(lambda: reader.read(small), rounds),
        "large_page_ms": _median(lambda: reader.read(large), rounds),
        "digit_ms": _median(lambda: reader.classify(crop), 50 if quick else 2000),
        "idle_mb": peak_megabytes(),
    }
    two = Reader(model, threads=2).classifier
    seconds = _median(lambda: two.probabilities(images), 3 if quick else 20) / 1000
    result["digits_per_second"] = len(images) / seconds
    slowest = {}
    for path in sorted(folder.glob("bad *.npy")):
        picture = np.load(path)
        start = time.perf_counter()
        reader.read(picture)
        slowest[path.stem.removeprefix("bad ")] = (time.perf_counter() - start) * 1000
    result["bad_ms"] = slowest
    result["peak_mb"] = peak_megabytes()
    return result


def _median(work: Callable[[], object], rounds: int) -> float:
    """Return the median milliseconds of one call, after two warm-up calls."""
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[2:])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[2]), (*sys.argv, None)[3], quick=sys.argv[1] == "quick")))
