"""Which heavy library each verb loads: a verb that needs no network library does not wait for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

# A second or more each, or 100 MB. ONNX Runtime and OpenCV are what reading is made of.
HEAVY = frozenset({"keras", "tensorflow", "jax", "torch", "sklearn", "pandas", "tf2onnx", "onnx", "h5py", "matplotlib",
                   "scipy", "onnxruntime", "cv2"})  # fmt: skip
NUMBERS, DRAWN, READING = frozenset({"scipy"}), frozenset({"scipy", "matplotlib"}), frozenset({"onnxruntime", "cv2"})

# Words of the command → what it may load.
VERBS = {
    "evaluate --probabilities answers.npz --out three": DRAWN,
    "evaluate reader --data few.npz --out four": DRAWN | READING,
    "report one": DRAWN,
    "compare one two": NUMBERS,
    "runs .": frozenset(),
    "read seven.png": READING,
    "classify seven.png": READING,
    "sheet example marks.toml": READING,
    "study list": NUMBERS,
    "study show dropout": NUMBERS,
    "data list": READING,
    "data info few.npz": READING,
    "data show few.npz --out grid.png": DRAWN | READING,
    "doctor": READING,
    "train --help": frozenset(),
    "label-errors --help": frozenset(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stored predictions, two evaluations of them, labelled images and a picture."""
    from digitlab.jobs import evaluate_predictions

    made = tmp_path_factory.mktemp("verbs")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 100).astype(np.uint8)
    answers = np.full((100, 10), 0.02, np.float32)
    answers[np.arange(100), labels] = 0.82
    answers[:7] = np.roll(answers[:7], 1, axis=1)
    np.savez(made / "answers.npz", probabilities=answers, labels=labels)
    for name in ("one", "two"):
        evaluate_predictions(made / "answers.npz", out=made / name)
    images = np.zeros((40, 28, 28), np.uint8)
    images[:, 4:24, 13:16] = 255
    np.savez(made / "few.npz", images=images, labels=np.ones(40, np.uint8))
    cv2.imwrite(str(made / "seven.png"), 255 - images[0])
    return made


@pytest.mark.parametrize("words", VERBS)
def test_a_verb_loads_what_it_needs(words: str, folder: Path) -> None:
    code = (
        f"from digitlab.apps.cli import run\ncode = run({words.split()!r})\nimport sys\n"
        "print('\\nLOADED', code, *{name.partition('.')[0] for name in sys.modules if sys.modules[name] is not None})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    (said,) = (line for line in done.stdout.splitlines() if line.startswith("LOADED"))
    _, ended, *loaded = said.split()
    assert ended in ("0", "1"), done.stderr
    assert HEAVY.intersection(loaded) <= VERBS[words]


def test_a_job_that_loads_the_network_library_says_so_before(folder: Path) -> None:
    """Its event is there although the library is not; the terminal shows it after a moment."""
    code = (
        "import sys\nfor name in ('keras', 'tensorflow'): sys.modules[name] = None\n"
        "from digitlab.errors import MissingExtraError\nfrom digitlab.jobs import train\n"
        "try:\n    train(epochs=1, listener=lambda event: print(event.text))\n"
        "except MissingExtraError:\n    print('not there')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["loading TensorFlow", "not there"]
