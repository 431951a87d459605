"""The commands in new processes: how long each takes, how much of that is imports, and which heavy libraries it loads.

    python bench/cold_verbs.py --out studies-results/cold-verbs.json          # about three minutes
    python bench/cold_verbs.py evaluate report                                # only these commands

The share of CPU seconds that is spent executing modules and loading their binaries is counted by Python's own
loaders; CPU time of threads that a library starts meanwhile is included. For the commands that need a model, a small
network is trained first, on a few images. Each value is the median of three processes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digitlab.bench.machine import command_line, processor
from digitlab.datasets import load_dataset
from digitlab.storage import write_text

HEAVY = ("keras", "tensorflow", "sklearn", "pandas", "tf2onnx", "h5py", "matplotlib", "scipy", "onnxruntime", "cv2")
VERBS = (
    "evaluate run --data few.npz", "evaluate run/model.onnx --data few.npz", "evaluate run/model.keras --data few.npz",
    "evaluate --probabilities answers.npz", "report run", "compare run run", "inspect run --image seven.png --out look",
    "export run out.onnx", "read seven.png", "classify seven.png", "sheet example marks.toml --force", "study list",
    "data list", "data info few.npz", "data show few.npz --out grid.png", "runs .", "doctor",
)  # fmt: skip

COUNTED = """
import importlib.machinery as machinery, json, sys, time
inside, imports = 0, 0.0
def counted(run):
    def counting(self, *given):
        global inside, imports
        began, inside = time.process_time(), inside + 1
        try:
            return run(self, *given)
        finally:
            inside -= 1
            if not inside:
                imports += time.process_time() - began
    return counting
for loader in (machinery.SourceFileLoader, machinery.ExtensionFileLoader):
    loader.exec_module = counted(loader.exec_module)
machinery.ExtensionFileLoader.create_module = counted(machinery.ExtensionFileLoader.create_module)
from digitlab.apps.cli import run
code = run(sys.argv[1:])
names = sorted({name.partition(".")[0] for name in sys.modules if sys.modules[name] is not None})
print()
print(json.dumps([code, time.process_time(), imports, names]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verbs", nargs="*", help="only these")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        print(f"{'seconds':>8} {'of processor':>13} {'imports':>8}")
        for words in (each for each in VERBS if not options.verbs or each.split()[0] in options.verbs):
            rounds = [measure(words, folder) for _ in range(options.rounds)]
            seconds, worked, share = (statistics.median(each[key] for each in rounds) for key in
                                      ("seconds", "processor_seconds", "imports"))  # fmt: skip
            row = {"verb": words, "seconds": seconds, "processor_seconds": worked, "imports": share,
                   "loads": rounds[0]["loads"], "exit_code": rounds[0]["exit_code"]}  # fmt: skip
            rows.append(row)
            print(
                f"{seconds:8.2f} {worked:13.2f} {100 * share:6.0f} %  {words}: {', '.join(row['loads']) or '–'}",
                flush=True,
            )
    if options.out:
        content = {
            "command": command_line("bench/cold_verbs.py", sys.argv[1:]),
            "date": date.today().isoformat(),
            "machine": f"{processor('unknown')}, {os.cpu_count()} cores",
            "load_before": os.getloadavg()[0],
            "verbs": rows,
        }
        write_text(options.out, json.dumps(content, indent=1) + "\n")
    return 0


def prepare(folder: Path) -> None:
    """Create a run folder `run`, stored predictions, a dataset of a few images, and a picture."""
    test = load_dataset("mnist").split("test")
    np.savez(folder / "few.npz", images=test.images[:500], labels=test.labels[:500])
    answers = np.full((500, 10), 0.02, np.float32)
    answers[np.arange(500), test.labels[:500]] = 0.82
    np.savez(folder / "answers.npz", probabilities=answers, labels=test.labels[:500])
    cv2.imwrite(str(folder / "seven.png"), 255 - test.images[0])
    arguments = ["train", "fast", "--epochs", "1", "--dataset", "few.npz", "--test", "few.npz", "--runs", "."]
    subprocess.run([sys.executable, "-m", "digitlab", *arguments], cwd=folder, check=True, capture_output=True)
    next(folder.glob("*-fast*")).rename(folder / "run")


def measure(words: str, folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", COUNTED, *words.split()], cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{words}: {process.stderr}")
    code, worked, imports, names = json.loads(process.stdout.splitlines()[-1])
    loads = [name for name in HEAVY if name in names]
    return {"seconds": seconds, "processor_seconds": worked, "imports": imports / worked, "loads": loads,
            "exit_code": code}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
