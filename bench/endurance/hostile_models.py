"""Hostile model files by the thousand: known attacks on Keras, ONNX, LiteRT, SavedModel, OpenVINO and pickles, mutated.

    python bench/endurance/hostile_models.py                       # 20,000 files, some 30 minutes on two cores
    python bench/endurance/hostile_models.py --count 1000 --seed 3
    python bench/endurance/hostile_models.py --kind "onnx: by symlink" --count 500
    python bench/endurance/hostile_models.py --quick --count 200   # without what converters open, as in the tests
    python bench/endurance/hostile_models.py --show 4711           # the outcome of one of them, and the file itself

Each file is opened as a user's would be, in a separate process with alarms (`_sandbox`). Requirements: no foreign code
is run, no file outside is opened, at most 4 GB, and a refusal within 5 seconds. A tenth of the files are the attacks as
published; the others are mutated in their structure or their bytes.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from _model_kinds import Kind, intact_files, kinds
from _sandbox import Outcome, Sandbox
from results import Row, arguments, finish, time_left

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

SECONDS, MEGABYTES = 5.0, 4096.0
AS_PUBLISHED = 0.1  # share of the files
COSTLY_TURN = 10  # files that a converter opens are that many times rarer
_MODULES = ("conventions", "legacy", "saving")


def drawn(known: list[Kind], number: int, seed: int, *, files: bool = True) -> tuple[Kind, dict[str, bytes]]:
    """Return the kind for a number, and its files, mutated or not; without ``files``, never mutated."""
    kind, turn = known[number % len(known)], number // len(known)
    random_ = random.Random(f"{seed} {number}")  # noqa: S311
    if turn % COSTLY_TURN and kind.is_costly:
        kind = random_.choice([each for each in known if not each.is_costly] or known)
    if not files or turn == 0 or random_.random() < AS_PUBLISHED:
        return kind, kind.files
    return kind, kind.change(kind.files, random_)


def opening(path: Path, number: int) -> Callable[[], str]:
    """Return a function that opens the file as commands do: a model for training or inspection, or for reading."""
    import numpy as np

    from digitlab.models import read_card
    from digitlab.models.saving import open_model, predict_probabilities
    from digitlab.network.classifier import Classifier, resolve_model

    images = np.zeros((2, 28, 28), np.uint8)

    def for_training() -> str:
        read_card(path)
        model = open_model(path)
        if number % 10 == 0:
            predict_probabilities(model, images)
        return "opened"

    def for_reading() -> str:
        Classifier(resolve_model(path)).probabilities(images)
        return "opened"

    def as_it_comes() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Searching for a network's input convention takes seconds: most of Keras' files are only opened.
            of_keras = path.suffix in (".keras", ".h5")
            return for_training() if of_keras and number % 40 else for_reading()

    return as_it_comes


class Cases:
    """The cases of a run, made when and where they are opened."""

    def __init__(self, known: list[Kind], seed: int, intact: Path) -> None:
        self._known, self._seed, self._intact = known, seed, intact

    def __call__(self, number: int) -> Callable[[], str]:
        """Write the files of a case into the current folder."""
        folder = Path.cwd()
        for old in folder.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        kind, files = drawn(self._known, number, self._seed)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return opening(folder / kind.entry, number)

    def warm(self) -> None:
        """Open a file of each framework: the first one loads the framework."""
        for name in ("good.keras", "linear.onnx", "foreign.onnx", "tiny.tflite", "saved"):
            if (self._intact / name).exists():
                try:
                    opening(self._intact / name, 1)()
                except Exception:  # noqa: BLE001, S112 - some give no answers for digits
                    continue


def judged(outcome: Outcome, name: str) -> str | None:
    """Return what was violated, or None."""
    faults = list(outcome.alarms)
    if outcome.verdict.startswith(("FOREIGN", "ended")):
        faults.append(outcome.verdict)
    if outcome.verdict != "opened" and min(outcome.seconds, outcome.computing) > SECONDS:  # on a busy machine it waits
        faults.append(f"took {outcome.seconds:.1f} s, {outcome.computing:.1f} s of them computing")
    if outcome.peak > MEGABYTES:
        faults.append(f"{outcome.peak:,.0f} MB")
    if outcome.verdict == "refused" and (not outcome.text.isprintable() or not outcome.text):
        faults.append(f"refused with {outcome.text[:80]!r}")
    return f"{outcome.number}, {name}: {'; '.join(faults)}" if faults else None


def load(*, quick: bool) -> None:
    """Import what the workers need, before they are forked: modules only, nothing is computed."""
    names = ["h5py", "keras", "onnx", "tensorflow", *(f"digitlab.models.{module}" for module in _MODULES)]
    for name in names if quick else [*names, "tf2onnx", "digitlab.models.export"]:
        importlib.import_module(name)


def prepared(folder: Path, *, quick: bool) -> tuple[Path, Path, Path]:
    """Prepare the folder of intact files, the marker of foreign code, and the file that must not be opened."""
    intact, outside = folder / "intact", folder / "outside"
    for each in (intact, outside, folder / "workers", folder / "path"):
        each.mkdir()
    (outside / "secret.bin").write_bytes(bytes(31360))
    (folder / "path" / "hostile_canary.py").write_text(
        f"open({str(outside / 'marker')!r}, 'w').close()\ndef run(*_, **__): pass\nclass Layer: pass\n"
    )
    child = os.fork()
    if child == 0:
        code = 1
        try:
            intact_files(intact, quick=quick)
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the intact files could not be made")
    sys.path.append(str(folder / "path"))
    return intact, outside / "marker", outside / "secret.bin"


def numbers_of(options: argparse.Namespace, kinds_known: int) -> Sequence[int]:
    """Choose which files are drawn; the quick mode takes some as published and some mutated."""
    if options.show is not None:
        return [options.show]
    few = range(2 * kinds_known)
    if options.quick and options.count <= len(few):
        return random.Random(options.seed).sample(few, options.count)  # noqa: S311
    return range(options.start, options.start + options.count)


def measured(known: list[Kind], sandbox: Sandbox, options: argparse.Namespace) -> Row:
    """Open all files, and judge the outcomes."""
    row = Row("hostile model files", "no foreign code, no file outside, at most 4 GB, refusal in 5 s or less")
    verdicts, slowest, peak = Counter[str](), list[tuple[float, str]](), 0.0
    over = time_left(options.minutes)
    for outcome in sandbox.outcomes(numbers_of(options, len(known))):
        name = drawn(known, outcome.number, options.seed, files=False)[0].name
        row.add(fault := judged(outcome, name))
        verdicts[outcome.verdict.split()[0]] += 1
        peak = max(peak, outcome.peak)
        if outcome.verdict != "opened":
            slowest = sorted([*slowest, (round(outcome.computing, 2), f"{outcome.number}, {name}")], reverse=True)[:5]
        if options.show is not None:
            print(outcome)
        elif fault is not None or row.tried % 500 == 0:
            print(fault or f"{row.tried:,} of {options.count:,}", file=sys.stderr, flush=True)
        if over():
            break
    row.measured = {
        "kinds": len(known), "outcomes": dict(verdicts), "refusals that computed longest, s": slowest,
        "most memory, MB": round(peak), "workers": sandbox.workers,
    }  # fmt: skip
    return row


def main() -> int:
    parser = arguments(__doc__, count=20_000)
    parser.add_argument("--kind", default="", help="only kinds whose name holds this")
    parser.add_argument("--quick", action="store_true", help="without what converters open: starts in seconds")
    parser.add_argument("--start", type=int, default=0, help="the first number, to go on where another run ended")
    parser.add_argument("--show", type=int, help="only this number; its files are kept in ./hostile-NUMBER")
    options = parser.parse_args()
    load(quick=options.quick)
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    try:
        intact, marker, secret = prepared(folder, quick=options.quick)
        known = [kind for kind in kinds(intact, marker, secret) if options.kind in kind.name]
        if not known:
            parser.error(f"no kind is named so: {options.kind}")
        if options.show is not None:
            _keep_files(drawn(known, options.show, options.seed)[1], Path(f"hostile-{options.show}"))
        cases = Cases(known, options.seed, intact)
        row = measured(known, Sandbox(cases, cases.warm, folder / "workers", [secret, secret.parent]), options)
        if marker.exists():
            row.failures.append("foreign code left its marker")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return finish("hostile-models", [row], options)


def _keep_files(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
