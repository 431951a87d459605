"""Every second of a cold `digitlab train fast`, from Enter to the finished report, beside plain Keras.

    python bench/cold_training.py --out studies-results/cold-training.json --picture docs/pictures/cold-training.png
    python bench/cold_training.py --source ../older/src --out before.json          # another checkout, in the same way
    python bench/cold_training.py --compare before.json after.json --picture docs/pictures/cold-training.png

Each round starts a new process that does what the command does, and one that trains the same small network with plain
`keras.Model.fit` for four epochs, imports included. The phases are taken from the training's own events. Cold means a
new process: after the first round, which is not counted, files are in the system's cache, and the outcome of the
measurement that `precision = "auto"` makes is remembered.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent.parent
PHASES = {
    "start": "Python and the command",
    "import": "imports: TensorFlow, Keras",
    "build": "data, network",
    "compile": "compiling, first steps",
    "train": "training",
    "watch": "test images after each epoch",
    "settle": "network in float32",
    "measure": "measuring",
    "export": "saving, exporting",
    "report": "report",
    "exit": "Python ends",
}

# Runs `digitlab ARGUMENTS`, and records when each event arrived.
TRACED = """
import json, os, sys, time
import digitlab.apps.cli as cli
from digitlab.apps.cli.job_view import JobView
path, rows, shown = sys.argv[1], [], JobView.__call__
def note(self, event):
    times = os.times()
    text = str(getattr(event, "text", ""))
    rows.append((time.time(), times.user + times.system, type(event).__name__, text))
    return shown(self, event)
JobView.__call__ = note
sys.argv = ["digitlab", *sys.argv[2:]]
try:
    cli.main()
finally:
    times = os.times()
    rows.append((time.time(), times.user + times.system, "Ended", ""))
    with open(path, "w") as file:
        json.dump(rows, file)
"""

PLAIN = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from digitlab.datasets import load_dataset
mnist = load_dataset("mnist")
parts = [(each.images[..., None].astype("float32") / 255, keras.utils.to_categorical(each.labels, 10))
         for each in (mnist.split("train"), mnist.split("test"))]
keras.utils.set_random_seed(int(os.environ["SEED"]))
layers = keras.layers
model = keras.Sequential([
    keras.Input((28, 28, 1)), layers.Conv2D(24, 5, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
    layers.Dense(256, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile("adam", "categorical_crossentropy", ["accuracy"])
model.fit(*parts[0], batch_size=128, epochs=4, verbose=0)
print(model.evaluate(*parts[1], verbose=0)[1])
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", nargs="?", default="fast")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--source", type=Path, default=HERE / "src", help="src/ of the checkout that is measured")
    parser.add_argument("--no-plain", action="store_true", help="without plain Keras")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--compare", type=Path, nargs="+", metavar="FILE", help="only draw what was kept")
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    if asked.compare:
        draw({path.stem: json.loads(path.read_text("utf-8")) for path in asked.compare}, asked.picture)
        return 0
    found = measure(asked.recipe, asked.rounds, asked.source.resolve(), plain=not asked.no_plain)
    show(found)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    if asked.picture:
        draw({"": found}, asked.picture)
    return 0


def measure(recipe: str, rounds: int, source: Path, *, plain: bool) -> dict[str, Any]:
    """Measure both alternately, after a warm-up round that is not counted."""
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for number in range(rounds + 1):
        one = traced(recipe, source, seed=number)
        say = f"round {number}: digitlab train {recipe} {one['seconds']:.2f} s, {100 * one['accuracy']:.2f} %"
        other = in_plain_keras(source, seed=number) if plain else None
        if other:
            say += f"; plain Keras {other['seconds']:.2f} s, {100 * other['accuracy']:.2f} %"
        print(say, flush=True)
        if number:
            ours.append(one)
            theirs += [other] if other else []
    from digitlab.bench.machine import command_line, describe_machine

    ratios = [other["seconds"] / one["seconds"] for one, other in zip(ours, theirs, strict=False)]
    return {
        "command": command_line("bench/cold_training.py", sys.argv[1:]),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "commit": commit(source),
        "load_before": os.getloadavg()[0],
        "seconds": statistics.median(one["seconds"] for one in ours),
        "processor_seconds": statistics.median(one["processor_seconds"] for one in ours),
        "phases": {name: statistics.median(one["phases"][name] for one in ours) for name in PHASES},
        "plain_seconds": statistics.median(each["seconds"] for each in theirs) if theirs else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "rounds": ours,
        "plain_rounds": theirs,
    }


def traced(recipe: str, source: Path, *, seed: int) -> dict[str, Any]:
    """Run one training in a new process, and return the seconds in total and by phase."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.json"
        command = [sys.executable, "-c", TRACED, str(path), "train", recipe, "--seed", str(seed), "--runs", folder]
        seconds, worked, output, start = timed([*command, "--json"], source)
        rows = [(start, 0.0, "Begun", ""), *json.loads(path.read_text("utf-8")), (start + seconds, 0.0, "Gone", "")]
        accuracy = json.loads(output.splitlines()[-1])["accuracy"]
    return {"seconds": seconds, "processor_seconds": worked, "accuracy": accuracy, "phases": phases_of(rows)}


def in_plain_keras(source: Path, *, seed: int) -> dict[str, Any]:
    seconds, worked, output, _ = timed([sys.executable, "-c", PLAIN], source, SEED=str(seed))
    return {"seconds": seconds, "processor_seconds": worked, "accuracy": float(output.splitlines()[-1])}


def timed(command: Sequence[str], source: Path, **more: str) -> tuple[float, float, str, float]:
    """Run a command; return seconds, CPU seconds of it and its children, its output, and when it began."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    process = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(source), **more}, capture_output=True, text=True, check=False
    )
    seconds, after = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(process.stderr)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, worked, process.stdout, start


def phases_of(rows: Sequence[tuple[float, float, str, str]]) -> dict[str, float]:
    """Add up the seconds by phase: the time between two events belongs to the phase that the second one ends."""
    seconds_by_phase = dict.fromkeys(PHASES, 0.0)
    progressed = False
    for (before, _, last, work), (now, _, kind, text) in itertools.pairwise(rows):
        seconds_by_phase[_phase(last, work, kind, text, progressed=progressed)] += now - before
        progressed = progressed or kind == "Progressed"
    return seconds_by_phase


def _phase(last: str, work: str, kind: str, text: str, *, progressed: bool) -> str:
    if kind == "Gone":
        return "exit"
    if last == "Begun":
        return "start"
    if text.startswith("opening"):
        return "import"
    if kind == "Started" or last == "Work":
        return "build"
    if kind == "Progressed":
        return "train" if progressed else "compile"
    if kind == "EpochEnded":
        return "watch"
    return {"evaluating on the test images": "measure", "saving and exporting": "export",
            "writing the report": "report"}.get(work, "settle")  # fmt: skip


def commit(source: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(source), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def show(result: Mapping[str, Any]) -> None:
    for name, words in PHASES.items():
        print(f"{words:32} {result['phases'][name]:6.2f} s")
    print(f"{'in all':32} {result['seconds']:6.2f} s, {result['processor_seconds']:.1f} s of processor")
    if result["ratio"]:
        print(
            f"plain Keras {result['plain_seconds']:.2f} s: {result['ratio']:.2f} times as quick (median of the rounds)"
        )


def draw(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw a bar for each result, divided into its phases; below the last, plain Keras', where it was measured."""
    import digitlab.reports.figures  # noqa: F401 - before any other module imports matplotlib
    from digitlab.reports.figures.saving import save_figure

    save_figure(figure(results), path)


def figure(results: Mapping[str, Mapping[str, Any]]) -> Any:
    from digitlab.reports.figures.style import figure_style, line_styles, palette, panel

    with figure_style():
        bars = len(results) + any(each["plain_seconds"] for each in results.values())
        drawing, axes = panel(9.5, 2.1 + 0.75 * bars, left=1.5, bottom=1.55, right=0.3, top=0.2)
        longest = max(max(each["seconds"], each["plain_seconds"] or 0) for each in results.values())
        colours = [*dict.fromkeys(style["color"] for style in line_styles(5))]
        for row, found in enumerate(results.values()):
            start = 0.0
            for number, phase in enumerate(PHASES):
                length = found["phases"][phase]
                shade: dict[str, Any] = {
                    "color": colours[number % 5],
                    "alpha": 1.0 if number < 5 else 0.55 if number < 10 else 0.3,
                }
                axes.barh(row, length, left=start, height=0.62, label=PHASES[phase] if not row else None, **shade)
                if length > 0.03 * longest:  # room for the number
                    axes.text(start + length / 2, row, f"{length:.1f}", ha="center", va="center", color="white")
                start += length
            axes.text(start + 0.1, row, f"{found['seconds']:.1f} s", va="center")
        names = [name or "digitlab train" for name in results]
        plain = [each["plain_seconds"] for each in results.values() if each["plain_seconds"]]
        if plain:
            axes.barh(len(names), plain[-1], height=0.62, color=palette().line)
            axes.text(plain[-1] / 2, len(names), f"{plain[-1]:.1f} s", ha="center", va="center")
            names.append("plain Keras,\nfour epochs")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlim(0, 1.09 * longest)  # room for the total
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("seconds")
        handles, labels = axes.get_legend_handles_labels()
        drawing.legend(handles, labels, loc="lower center", ncols=4)
        return drawing


if __name__ == "__main__":
    sys.exit(main())
