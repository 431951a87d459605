"""The endurance scripts on hostile models and readers, in short: the same kinds, a few of each; and all kept inputs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.xdist_group("keras")

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "bench" / "endurance"
CORPORA = Path(__file__).with_name("corpora")


def script(name: str) -> ModuleType:
    """A module of the endurance scripts, which find each other beside them."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(SCRIPTS))
    return module


fuzz = script("fuzz_readers")
targets = script("_reader_targets")
audit = script("audit")


def kept(name: str) -> list[Path]:
    return sorted((CORPORA / name).glob("*"))


@pytest.mark.parametrize("name", sorted(targets.READERS))
def test_kept_and_changed_inputs_end_in_our_errors_only(name: str, tmp_path: Path) -> None:
    """Inputs that once found something or reach lines of their own, and some that are drawn anew."""
    opening = fuzz.Opening(name, tmp_path, seed=1)
    seeds = opening.reader.seeds(tmp_path)
    inputs = [*seeds, *(path.read_bytes() for path in kept(name))]
    inputs += [opening.reader.change(opening.random.choice(inputs), opening.random) for _ in range(25)]
    if opening.reader.ends:  # a library in C may end this process: it is drawn in one of its own
        inputs = inputs[: len(seeds)]
    opening.warm(seeds)
    for content in inputs:
        opening(content)
    assert opening.notes.found == {}
    assert opening.notes.outcomes["read"] >= 1


def test_the_kept_inputs_are_few() -> None:
    sizes = [path.stat().st_size for path in CORPORA.rglob("*") if path.is_file()]
    assert sum(sizes) <= 200_000
    assert {path.parent.name for path in CORPORA.rglob("*") if path.is_file()} <= set(targets.READERS)


@pytest.mark.slow
@pytest.mark.timeout(900)  # it starts TensorFlow twice; on a busy machine that alone takes minutes
def test_hostile_models_have_no_effect(tmp_path: Path) -> None:
    """A worker of its own opens them, with alarms; a share of the kinds as published and mutated."""
    words = ["--quick", "--count", "80", "--seed", "7", "--results", str(tmp_path)]
    command = [sys.executable, str(SCRIPTS / "hostile_models.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=850, check=False)
    row: dict[str, Any] = json.loads((tmp_path / "hostile-models.json").read_text())["rows"][0]
    assert row["failures"] == []
    assert done.returncode == 0
    assert row["tried"] == 80
    assert row["measured"]["kinds"] >= 60
    assert row["measured"]["outcomes"]["refused"] > 50


def test_the_alarms_ring(tmp_path: Path) -> None:
    """What a hostile file would do is heard, in a process of its own."""
    code = f"""
import os, pickle, socket, subprocess, sys
from pathlib import Path
sys.path.insert(0, {str(SCRIPTS)!r})
from _sandbox import Alarm
folder = Path({str(tmp_path)!r})
inside, outside = folder / "in", folder / "out"
inside.mkdir(), outside.mkdir()
(outside / "secret").write_bytes(b"x")
alarm = Alarm([inside], [outside / "secret"])
acts = {{
    "own file": lambda: (inside / "a").write_bytes(b"a"),
    "program": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"),
    "foreign code": lambda: exec(compile("1", "stranger.py", "exec")),
    "outside": lambda: (outside / "new").write_bytes(b""),
    "secret": lambda: (outside / "secret").read_bytes(),
    "elsewhere": lambda: open("/etc/hostname").read(),
    "network": lambda: socket.getaddrinfo("127.0.0.1", 9),
    "pickle": lambda: pickle.loads(b"cposix\\nsystem\\n."),
    "rename": lambda: os.rename(inside / "a", outside / "b"),
}}
for name, act in acts.items():
    with alarm.armed() as heard:
        act()
    print(name, bool(heard))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    rung = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert rung.pop("own file") == "False"
    assert rung == dict.fromkeys(rung, "True")
    assert len(rung) == 9


@pytest.mark.parametrize("package", sorted(audit.locked(audit.DEVELOPMENT) | audit.locked(audit.RUNNING)))
def test_every_locked_package_has_a_licence_that_is_allowed(package: str) -> None:
    if package not in audit.REASONS and audit.licence_of(package) is None:
        pytest.skip("not installed here")
    assert audit.licence_fault(package) is None


def test_no_known_advisory_is_open() -> None:
    versions = audit.locked(audit.DEVELOPMENT) | audit.locked(audit.RUNNING)
    for where in (versions, audit.floors()):
        assert [fault for fault in audit.advisory_faults(where) if fault] == []
    assert {each["package"] for each in audit.advisories()} <= set(versions)


def test_the_page_on_dependencies_has_the_licences_of_what_ships() -> None:
    if any(audit.licence_of(package) is None for package in audit.shipped()):
        pytest.skip("not every extra is installed here")
    assert audit.table() in (ROOT / "docs" / "dependencies.md").read_text("utf-8")
