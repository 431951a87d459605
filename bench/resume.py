"""Kill trainings with SIGKILL at random times, resume them, and compare the results with undisturbed ones.

    python bench/resume.py                # 20 kills, about ten minutes on two cores
    python bench/resume.py --kills 3

Three kinds of training in turn: plain, augmented with a schedule, and with early stopping. A training may be killed
twice. Prints one row per kill; exit code 1 if a result differs in a bit of the weights or in the history.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from digitlab.datasets import load_dataset
from digitlab.runs import Run

KINDS = {
    "plain": ["--epochs", "4"],
    "augmented": ["--epochs", "4", "--optimiser", "adam", "--schedule", "cosine", "--augmentation", "handwriting"],
    "early stopping": ["--epochs", "8", "--optimiser", "adam", "--learning-rate", "0.004", "--validation", "0.1",
                       "--patience", "1"],
}  # fmt: skip
BEGUN = "training images"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "digitlab", "train", *arguments]


def ending(run: Run) -> str:
    """Return a digest of everything that must be equal: all weights, and the history without times."""
    import zipfile

    import h5py

    digest = hashlib.sha256()
    with zipfile.ZipFile(run.keras) as archive, archive.open("model.weights.h5") as weights, h5py.File(weights) as file:
        file.visititems(lambda _, item: digest.update(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    for table, left_out in ((run.history, {"seconds", "images_per_second"}), (run.batches, set())):
        for name, column in run.read_table(table).items():
            if name not in left_out:
                digest.update(name.encode() + np.array(column).tobytes())
    return digest.hexdigest()[:16]


def undisturbed(kind: str, data: Path, folder: Path) -> tuple[str, float]:
    """Run a training undisturbed; return its digest, and its seconds of training and finishing."""
    process = subprocess.Popen(
        command("--data", str(data), "--runs", str(folder), *KINDS[kind]),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    start = wait_until_begun(process)
    out, _ = process.communicate()
    return ending(Run(Path(out.splitlines()[-1]))), time.monotonic() - start


def wait_until_begun(process: subprocess.Popen[str]) -> float:
    for line in process.stderr or []:
        if BEGUN in line:
            break
    return time.monotonic()


def kill_once(arguments: list[str], wait: float) -> bool:
    """Start a training, wait after it has begun, kill it; return False if it had already finished."""
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    wait_until_begun(process)
    time.sleep(wait)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "small.npz"
        mnist = load_dataset("mnist")
        train, test = mnist.split("train")[:12_000], mnist.split("test")[:1_000]
        np.savez(data, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
        expected = {kind: undisturbed(kind, data, folder / "runs") for kind in KINDS}
        for kind, (digest, seconds) in expected.items():
            print(f"undisturbed  {kind:<15} {seconds:5.1f} s  {digest}", flush=True)
        same = done = 0
        while done < options.kills:
            kind = list(KINDS)[done % len(KINDS)]
            runs = folder / f"killed-{done}"
            wait = draw.uniform(0, expected[kind][1])
            killed = kill_once(["--data", str(data), "--runs", str(runs), *KINDS[kind]], wait)
            run = Run(next(runs.iterdir()))
            kills = [wait] if killed else []
            if killed and draw.random() < 0.3 and run.config.is_file():
                second_wait = draw.uniform(0, expected[kind][1])
                kills += [second_wait] if kill_once(["--resume", str(run.path)], second_wait) else []
            if kills:
                subprocess.run(command("--resume", str(run.path)), capture_output=True, check=False)
            equal = ending(run) == expected[kind][0]
            same, done = same + equal, done + 1
            moments = ", ".join(f"{moment:.2f} s" for moment in kills) or "too late"
            print(
                f"kill {done:>2}      {kind:<15} after {moments:<18} {'the same' if equal else 'ANOTHER'} ending",
                flush=True,
            )
    print(f"{same} of {done} endings identical")
    return int(same != done)


if __name__ == "__main__":
    sys.exit(main())
