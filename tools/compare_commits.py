"""Do two commits compute the same? Runs a fixed set of commands with each, and compares their files bit by bit.

    python tools/compare_commits.py OLD NEW            # about five minutes on two cores
    python tools/compare_commits.py OLD NEW --keep FOLDER

Both commits are checked out into worktrees in a temporary folder, and run by this Python with that source first and a
separate cache folder. Compared are each command's stdout, its exit code, and every file that it wrote. Times, versions,
the commit and everything else that may differ between two runs of one commit are excluded by name (`TIMES`,
`MAY_DIFFER`). Exit code 1 if anything else differs.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

# A page drawn by digitlab's own examples, and a small dataset, both made by the OLD commit and used by both.
PREPARE = """
import numpy as np
from PIL import Image
from digitlab.datasets import load_dataset
from digitlab.examples.pages import page_of
mnist = load_dataset("mnist")
train, test = mnist.split("train")[:600], mnist.split("test")[:500]
np.savez("some.npz", x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
rows = np.arange(24).reshape(3, 8)
page = page_of(KIND, [test[row] for row in rows], seed=3)
Image.fromarray(page.image).save("page.png")
Image.fromarray(255 - test.images[17].repeat(6, 0).repeat(6, 1)).save("digit.png")
"""

TRAIN = "train --architecture slides-cnn --dataset some.npz --epochs 2 --batch-size 32 --optimiser adam --seed 3"
RECIPE = 'architecture = "slides-cnn"\nbatch_size = 32\nepochs = 2\noptimiser = "adam"\n'

# Name → command line. RUN stands for the run folder of the training.
COMMANDS = {
    "train": f"{TRAIN} --precision float32 --tta 2 --name trained",
    "train-validation": f"{TRAIN} --precision float32 --validation 0.2 --patience 1 --name stopped",
    "evaluate": "evaluate reader --data some.npz --out evaluated",
    "evaluate-run": "evaluate RUN --data mnist",
    "classify": "classify digit.png --json",
    "read": "read page.png --json",
    "robustness": "evaluate reader --data some.npz --robustness-images 100 --out robust --json",
    "label-errors": "label-errors some.npz --recipe quick.toml --folds 2 --seed 5 --out labels --json",
    "transfer": "transfer RUN --data some.npz --how features --learner nearest-mean --per-class 20 --name moved --json",
    "export": "export RUN exported.onnx",
    "inspect": "inspect RUN --digit mnist:17 --out inside --json",
    "compare": "compare RUN evaluated --json",
}

# Numbers that are times, by their key in JSON and their column header in CSV.
TIMES = frozenset({"ms", "seconds", "images_per_second"})
# Whole values that hold a version, the commit, a path or a date.
# `shared_object_id` is an address in memory, which Keras writes into a model's configuration.
MAY_DIFFER = frozenset({"commit", "versions", "run", "report", "command", "path", "model", "shared_object_id"})
# Files with the time of day or versions in their bytes; their content is compared in another form.
OPAQUE = {".html": "a page with the date and times", ".mat": "a header with the date"}
STAMP = re.compile(r"\d{4}-\d\d-\d\d-\d{6}(-\d+)?")


def main() -> int:
    """Compare; return 0 if the results are the same, 1 if they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--keep", type=Path, help="a folder for both commits' files, to look at")
    parser.add_argument("--only", nargs="*", default=list(COMMANDS), choices=list(COMMANDS), metavar="COMMAND")
    options = parser.parse_args()
    names = [name for name in COMMANDS if name in options.only or name == "train"]
    with tempfile.TemporaryDirectory(prefix="digitlab-compare-") as temporary:
        folder = options.keep or Path(temporary)
        outputs = [
            run_commit(commit, Path(temporary) / "source" / name, folder / name, names)
            for name, commit in (("old", options.old), ("new", options.new))
        ]
        differences = compare_outputs(*outputs) + compare_folders(folder / "old", folder / "new")
    for line in differences:
        sys.stdout.write(f"DIFFERENT  {line}\n")
    sys.stdout.write(f"{len(names)} commands, {len(differences)} differences\n")
    return 1 if differences else 0


def run_commit(commit: str, source: Path, folder: Path, names: list[str]) -> dict[str, tuple[int, str]]:
    """Run each command with this commit in ``folder``; return its exit code and stdout."""
    tree = source / "tree"
    subprocess.run(["git", "worktree", "add", "--detach", str(tree), commit], check=True, capture_output=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ, "PYTHONPATH": str(tree / "src"), "DIGITLAB_CACHE": str(source / "cache"), "COLUMNS": "120",
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1"),
        }  # fmt: skip
        inputs = folder.parent / "inputs"
        if not inputs.is_dir():
            inputs.mkdir()
            kind = "from digitlab.examples.pages import KINDS\nKIND = next(iter(KINDS))\n"
            subprocess.run([sys.executable, "-c", kind + PREPARE], cwd=inputs, env=environment, check=True)
            (inputs / "quick.toml").write_text(RECIPE)
        shutil.copytree(inputs, folder, dirs_exist_ok=True)
        # Both commits work in a folder with the same name: a run stores the path of its data.
        work = folder.with_name("work")
        folder.rename(work)
        try:
            return {name: run_command(COMMANDS[name], work, environment) for name in names}
        finally:
            work.rename(folder)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], check=False)


def run_command(words: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run one command; return its exit code and stdout. Stderr is not compared."""
    trained = next(iter(sorted((folder / "runs").glob("*-trained"))), None) if (folder / "runs").is_dir() else None
    if "RUN" in words.split():
        words = words.replace("RUN", str(trained.relative_to(folder) if trained else "no-training"))
    sys.stderr.write(f"{folder.name}: digitlab {words}\n")
    done = subprocess.run(
        [sys.executable, "-m", "digitlab", *words.split()], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        sys.stderr.write(done.stderr[-2000:])
    return done.returncode, done.stdout


def compare_outputs(old: dict[str, tuple[int, str]], new: dict[str, tuple[int, str]]) -> list[str]:
    """Compare exit codes and stdout."""
    differences = []
    for name, (code, text) in old.items():
        other_code, other_text = new[name]
        if code != other_code:
            differences.append(f"{name}: exit code {code}, then {other_code}")
        if not same_lines(text, other_text):
            differences.append(f"{name}: other words on stdout")
    return differences


def same_lines(old: str, new: str) -> bool:
    """Compare line by line; JSON without times and paths."""
    one, two = STAMP.sub("STAMP", old).splitlines(), STAMP.sub("STAMP", new).splitlines()
    return len(one) == len(two) and all(
        a == b or (a[:1] == "{" and same_json(a, b)) for a, b in zip(one, two, strict=True)
    )


def compare_folders(old: Path, new: Path) -> list[str]:
    """Compare every file of both, by its name without timestamps."""
    old_files, new_files = (
        {
            STAMP.sub("STAMP", str(path.relative_to(folder))): path
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for folder in (old, new)
    )
    differences = [f"{name}: only in the old" for name in sorted(old_files.keys() - new_files.keys())]
    differences += [f"{name}: only in the new" for name in sorted(new_files.keys() - old_files.keys())]
    return differences + [
        f"{name}: other content"
        for name in sorted(old_files.keys() & new_files.keys())
        if not same_file(old_files[name], new_files[name])
    ]


def same_file(old: Path, new: Path) -> bool:
    """Return whether two files have the same content, depending on their type."""
    one, two = old.read_bytes(), new.read_bytes()
    ending = old.suffix
    if one == two or ending in OPAQUE:
        return True
    if ending == ".json":
        return same_json(one.decode(), two.decode())
    if ending == ".csv":
        return table_without_times(one.decode()) == table_without_times(two.decode())
    if ending == ".toml":
        return [line for line in one.decode().splitlines() if line.split(" ")[0] not in MAY_DIFFER] == [
            line for line in two.decode().splitlines() if line.split(" ")[0] not in MAY_DIFFER
        ]
    if ending in (".npz", ".keras"):
        return same_archive(old, new)
    if ending == ".onnx":
        return same_network(old, new)
    return False


def same_json(old: str, new: str) -> bool:
    """Compare JSON texts without the values that may differ."""
    try:
        return bool(without(json.loads(old)) == without(json.loads(new)))
    except ValueError:
        return False


def without(value: Any) -> Any:
    """Return the JSON value without times, versions and paths."""
    if isinstance(value, dict):
        return {key: without(each) for key, each in value.items() if key not in TIMES | MAY_DIFFER}
    if isinstance(value, list):
        return [without(each) for each in value]
    return value


def table_without_times(text: str) -> list[dict[str, str]]:
    """Parse the rows of a CSV file, without the columns that are times."""
    return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(io.StringIO(text))]


def same_archive(old: Path, new: Path) -> bool:
    """Compare archives: arrays by their bytes; weights by their values; model cards without values that may differ."""
    with zipfile.ZipFile(old) as one, zipfile.ZipFile(new) as two:
        names = one.namelist()
        if sorted(names) != sorted(two.namelist()):
            return False
        return all(same_member(name, one.read(name), two.read(name)) for name in names)


def same_member(name: str, old: bytes, new: bytes) -> bool:
    """Compare one file in an archive."""
    if old == new or name == "metadata.json":  # Keras's version and the date
        return True
    if name.endswith(".json"):
        return same_json(old.decode(), new.decode())
    if name.endswith(".h5"):
        import numpy as np

        old_arrays, new_arrays = arrays_of(old), arrays_of(new)
        return old_arrays.keys() == new_arrays.keys() and all(
            np.array_equal(old_arrays[key], new_arrays[key]) for key in old_arrays
        )
    return False


def arrays_of(content: bytes) -> dict[str, Any]:
    """Read the arrays of an HDF5 file, by their full paths."""
    import h5py

    arrays: dict[str, Any] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(take)
    return arrays


def same_network(old: Path, new: Path) -> bool:
    """Compare operators, constants and answers: the converter names and orders its nodes differently each time."""
    import numpy as np
    import onnx
    import onnxruntime

    images = np.random.default_rng(0).integers(0, 256, (100, 28, 28), np.uint8)
    parts, answers = [], []
    for path in (old, new):
        graph = onnx.load(path).graph
        operators = Counter((node.op_type, *sorted(map(str, node.attribute))) for node in graph.node)
        constants = Counter((*each.dims, onnx.numpy_helper.to_array(each).tobytes()) for each in graph.initializer)
        parts.append((operators, constants))
        answers.append(onnxruntime.InferenceSession(path).run(None, {graph.input[0].name: images})[0])
    return parts[0] == parts[1] and bool(np.array_equal(*answers))


if __name__ == "__main__":
    sys.exit(main())
