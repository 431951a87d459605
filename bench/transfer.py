"""Transfer of a network trained on MNIST to few examples of other datasets (clothes, other writers), over seeds.

    python bench/transfer.py --out studies-results/transfer

For each dataset, number of examples per class, method and seed: transfer, measured on its test images, next to the same
network trained from scratch with as many steps as both phases together. The seed determines the drawn examples and the
weights. Without --base, `recipes/fast.toml` is trained on MNIST first. Writes transfer.json, .png and .md.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.bench.machine import command_line
from digitlab.evaluation import accuracy_of
from digitlab.reports.figures import canvas, palette, save_figure, styled
from digitlab.reports.figures.style import line_styles
from digitlab.runs import Run
from digitlab.storage import write_text
from digitlab.training import find_recipe, run_training
from digitlab.training.experiment import environment
from digitlab.transfer_learning import Base, Transfer, open_base, transfer, transfer_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

SETS = {"fashion-mnist": (10, 100, 1000), "digits-8x8": (10, 100, 139)}  # the latter's rarest class has no more
STEPS = 300  # of each phase
BATCH = 32
_WIDTH, _HEIGHT, _ROW = 4.6, 3.5, 0.24  # inches: a panel, a row of the legend


@styled
def transfer_figure(panels: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]]) -> Figure:
    """One panel per dataset, one line per method through the means over the seeds, each seed as a dot.

    panels: by dataset, by method, by the number of examples per class: for each seed, the test accuracy
    """
    names = list(dict.fromkeys(name for methods in panels.values() for name in methods))
    styles = dict(zip(names, line_styles(len(names)), strict=True))
    across = max(1, round(1.5 * len(panels)))
    legend = 0.15 + _ROW * -(-len(names) // across)
    height = _HEIGHT + legend
    figure = canvas(_WIDTH * len(panels), height)
    for index, (title, methods) in enumerate(panels.items()):
        axes = figure.add_axes(
            ((index + 0.15) / len(panels), (legend + 0.6) / height, 0.81 / len(panels), (_HEIGHT - 1.0) / height)
        )
        counts = sorted({count for points in methods.values() for count in points})
        for name, points in methods.items():
            drawn = sorted(points)
            axes.plot(drawn, [100 * float(np.mean(points[count])) for count in drawn], **styles[name], marker="o", ms=5)  # type: ignore[arg-type]
            for count in drawn:
                dots = 100 * np.asarray(points[count])
                axes.plot([count] * len(dots), dots, ".", color=styles[name]["color"], alpha=0.45, markersize=5)
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_title(title)
        axes.set_xlabel("training examples per class")
        axes.set_ylabel("test accuracy, %" if index == 0 else "")
        axes.grid(visible=True, color=palette().line)
        axes.tick_params(length=0)
    lines = [figure.axes[0].plot([], [], marker="o", **styles[name])[0] for name in names]  # type: ignore[arg-type]
    figure.legend(lines, names, loc="lower center", ncols=across)
    return figure


def ways_of(base: Base) -> dict[str, dict[str, str]]:
    """Return the methods compared: on the last hidden layer, and on the maps before the first dense layer."""
    pools = [step.name for step in base.network.steps.values() if step.kind == "MaxPooling2D"]
    return {
        "features, last layer": {"how": "features", "learner": "svm"},
        "features, maps": {"how": "features", "learner": "svm", "layer": pools[-1]},
        "frozen maps, new head": {"how": "freeze", "layer": pools[-1]},
        "two-phase, maps": {"how": "two-phase", "layer": pools[-1]},
        "from scratch": {"how": "anew"},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", type=Path, help="a run folder trained on MNIST")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--counts", nargs="+", type=int, help="only these numbers of examples per class")
    parser.add_argument("--ways", nargs="+", help="only these rows")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        base = open_base(options.base or trained(Path(folder)))
    rows: list[dict[str, Any]] = []
    for name in options.sets:
        for count in options.counts or SETS[name]:
            for method, settings in ways_of(base).items():
                if options.ways is None or method in options.ways:
                    rows += [measure(base, name, count, method, settings, seed) for seed in range(options.seeds)]
                    accuracies = [100 * row["accuracy"] for row in rows[-options.seeds :]]
                    mean, seconds = statistics.mean(accuracies), rows[-1]["seconds"]
                    print(f"{name} {count:>5} {method:<22} {mean:.2f} %  {seconds:.1f} s", flush=True)
    keep(options.out, base, rows, time.perf_counter() - start)
    return 0


def trained(folder: Path) -> Path:
    run = Run.create("base", folder)
    run_training(find_recipe(Path("fast")), run)
    return run.path


def measure(base: Base, name: str, count: int, method: str, settings: dict[str, str], seed: int) -> dict[str, object]:
    start = time.perf_counter()
    data = transfer_data(name, per_class=count, seed=seed)
    epochs = math.ceil(STEPS / math.ceil(len(data.train) / BATCH))
    chosen = Transfer(**settings, per_class=count, epochs=epochs, fine_epochs=epochs, batch_size=BATCH, seed=seed)  # type: ignore[arg-type]
    done = transfer(base, data, chosen)
    return {
        "set": name,
        "examples": count,
        "way": method,
        "seed": seed,
        "accuracy": accuracy_of(done.probabilities, data.test.labels),
        "seconds": round(time.perf_counter() - start, 2),
        "settings": chosen.as_dict(),
    }


def keep(out: Path, base: Base, rows: list[dict[str, object]], seconds: float) -> None:
    panels: dict[str, dict[str, dict[int, list[float]]]] = {}
    for row in rows:
        methods = panels.setdefault(str(row["set"]), {})
        methods.setdefault(str(row["way"]), {}).setdefault(int(str(row["examples"])), []).append(
            float(str(row["accuracy"]))
        )
    content = {
        "command": command_line("bench/transfer.py", sys.argv[1:]),
        "base": base.card.training,
        "seconds": round(seconds, 1),
        "environment": environment(0),
        "rows": rows,
    }
    write_text(out / "transfer.json", json.dumps(content, indent=1) + "\n")
    write_text(out / "transfer.md", table(panels))
    save_figure(transfer_figure(panels), out / "transfer.png")
    print(table(panels))


def table(panels: dict[str, dict[str, dict[int, list[float]]]]) -> str:
    """Format the accuracies in %, mean ± standard deviation over the seeds, as Markdown tables."""
    lines = []
    for name, methods in panels.items():
        counts = sorted({count for points in methods.values() for count in points})
        lines += [
            f"| {name} | " + " | ".join(f"{count:,} per class" for count in counts) + " |",
            "|---" * (1 + len(counts)) + "|",
        ]
        for method, points in methods.items():
            lines.append(f"| {method} | " + " | ".join(cell(points.get(count, [])) for count in counts) + " |")
        lines.append("")
    return "\n".join(lines)


def cell(accuracies: list[float]) -> str:
    if not accuracies:
        return "–"
    deviation = f" ± {100 * statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
    return f"{100 * statistics.mean(accuracies):.2f}{deviation}"


if __name__ == "__main__":
    raise SystemExit(main())
