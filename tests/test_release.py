"""What is given away: a wheel and an sdist that are complete, the same every time, and work without the checkout."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from digitlab.version import VERSION

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("release")
DEPLOY = ROOT / "examples" / "deploy"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out, "wheel", "sdist")
    return out


def build(root: Path, out: Path, *targets: str) -> None:
    words = [word for target in targets for word in ("-t", target)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *words, "-d", out], cwd=root, check=True, capture_output=True
    )


def wheel_in(folder: Path) -> Path:
    (found,) = folder.glob("*.whl")
    return found


def test_versions_are_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert project["version"] == VERSION == citation["version"]


def test_the_wheel_has_what_the_checkout_has(built: Path) -> None:
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        names = set(wheel.namelist())
    listed = subprocess.run(["git", "ls-files", "src/digitlab"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout of git")
    wanted = {name.removeprefix("src/") for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    assert wanted <= names
    assert {name for name in names - wanted if "dist-info" not in name and not (ROOT / "src" / name).is_file()} == set()
    assert any(name.endswith("dist-info/licenses/NOTICE") for name in names)


def test_the_sdist_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "sdist", filter="data")
    (unpacked,) = (tmp_path / "sdist").iterdir()
    build(unpacked, tmp_path, "wheel")
    assert wheel_in(tmp_path).read_bytes() == wheel_in(built).read_bytes()


def test_the_same_source_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """In another folder, at another time, with another umask."""
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copyfile(ROOT / name, copy / name)
    shutil.copytree(
        ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
    )
    for path in copy.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    build(copy, tmp_path / "again", "wheel")
    assert wheel_in(tmp_path / "again").read_bytes() == wheel_in(built).read_bytes()


def test_the_metadata_is_whole(built: Path) -> None:
    pytest.importorskip("twine", reason="twine is not installed")
    files = [str(path) for path in built.iterdir()]
    done = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


def test_it_works_from_the_wheel_alone(built: Path, tmp_path: Path) -> None:
    """In an environment of its own, with our dependencies lent, and nothing of the checkout in sight."""
    from PIL import Image

    from digitlab.examples.paper_video import digits_of, paper_page

    lent = {str(Path(importlib.metadata.distribution(name)._path).parent) for name in ("numpy", "cyclopts")}  # type: ignore[attr-defined]
    place = tmp_path / "environment"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    site = Path(subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                               capture_output=True, text=True, check=True).stdout.strip())  # fmt: skip
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        wheel.extractall(site)  # noqa: S202 - our own
    # A path in a .pth file lends packages, and none of the .pth files there: the editable digitlab is not among them.
    (site / "lent.pth").write_text("\n".join(sorted(lent)))
    Image.fromarray(paper_page(digits_of("402713", seed=1), seed=1).image).save(tmp_path / "page.png")
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def said(*words: str) -> str:
        done = subprocess.run([python, "-P", *words], cwd=tmp_path, env=kept, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert said("-c", "import digitlab; print(digitlab.__file__)") == str(site / "digitlab" / "__init__.py")
    assert said("-m", "digitlab", "--version") == VERSION
    assert said("-m", "digitlab", "read", "page.png") == "402713"
    assert said("-c", "import digitlab; print(digitlab.Reader().read('page.png').text)") == "402713"
    assert said("-m", "digitlab", "train", "tiny", "--help")
    code = (
        "from digitlab.toml_files import shipped_names as of; from digitlab import load_dataset; print(*of('recipes'))"
    )
    assert "fast" in said("-c", code).split()


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.stem)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path, needs_program: Callable[..., str]) -> None:
    """Its program is not installed here: a stand-in takes its place."""
    text = unit.read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE)
    program = tmp_path / "digitlab"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / unit.name).write_text(text.replace(command, str(program)))
    done = subprocess.run(
        [needs_program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
    )
    own = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert (done.returncode, own) == (0, [])


def test_the_container_starts_what_there_is() -> None:
    from digitlab.apps.cli import make_app
    from digitlab.extras import EXTRAS

    text = (DEPLOY / "Containerfile").read_text("utf-8")
    (entry,) = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)
    program, verb, *options = yaml.safe_load(entry)
    assert program == "/opt/digitlab/bin/digitlab"
    make_app(verb).parse_args([verb, *options], exit_on_error=False, print_error=False)
    assert set(re.findall(r"^ARG EXTRAS=(\S+)", text, re.MULTILINE)[0].split(",")) <= set(EXTRAS)
    (port,) = re.findall(r"^EXPOSE (\d+)", text, re.MULTILINE)
    assert options[options.index("--port") + 1] == port
    assert "USER digitlab" in text


def test_all_that_the_container_copies_is_there() -> None:
    """Each path is in the checkout, or made by a line above: of the file, or of its comment."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    bases = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", text, re.MULTILINE)
    assert len({image for image, _ in bases}) == 1, "an environment works with the Python that made it alone"
    (version,) = {image.rpartition(":")[2].split("-")[0] for image, _ in bases}
    assert f"Python :: {version}" in (ROOT / "pyproject.toml").read_text("utf-8")
    copied = list(re.finditer(r"^COPY (?:--from=(\S+) )?(\S+) \S+$", text, re.MULTILINE))
    assert len(copied) == len(re.findall("^COPY", text, re.MULTILINE))
    for each in copied:
        stage, path = each.groups()
        before = text[: each.start()]
        if stage:
            assert stage in {name for _, name in bases}
            assert f"python -m venv {path}" in before
        elif path == "dist/*.whl":
            assert "python -m hatchling build -t wheel" in before
        else:
            assert list(ROOT.glob(path)), path


def test_hooks_name_tools_that_there_are() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [each["repo"] for each in hooks] == ["local"]  # nothing is fetched
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    for hook in hooks[0]["hooks"]:
        program, *words = hook["entry"].split()
        tool = {"lint-imports": "import-linter"}.get(Path(program).name, Path(program).name)
        assert tool == "python" or f'"{tool}>=' in project
        assert all((ROOT / word).is_file() for word in words if word.endswith(".py"))
