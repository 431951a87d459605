"""Every command that the README, the docs and the help show is real; what is cheap is run, in a folder of stand-ins."""

from __future__ import annotations

import base64
import inspect
import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cyclopts
import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import make_app, run
from digitlab.extras import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("documented")  # one worker makes the stand-ins, once

ROOT = Path(__file__).parents[2]
MODULES = [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# How an example is tested: the first expression that its beginning matches decides. Every other one is run as it stands
# in the folder of stand-ins, and must end with 0, or with 1 where the answer may be "no".
PARSED, SETTLED = "its words and options are parsed", "its settings are built and checked, and nothing is trained"
HOW = (
    (r"digitlab (bench|demo|label-errors|transfer|tune) ?", PARSED),  # minutes; tests/bench, transfer, tuning, apps
    (r"digitlab study run", PARSED),  # trains; tests/studies
    (r"digitlab train --resume", PARSED),  # wants a run that was killed: tests/training
    (r"digitlab train .*--dataset \d", PARSED),  # half a million images are made
    (r"digitlab train .*--log mlflow:http", PARSED),  # wants a server, which it asks first; tests/training
    (r"digitlab train", SETTLED),
    (r"digitlab ensemble", PARSED),  # tests/apps/test_ensemble.py
    (r"digitlab (export \S+\.keras|import)", PARSED),  # tests/models
    (r"digitlab evaluate .*(--robustness|--tta|--data 1-6-test)", PARSED),  # minutes; tests/apps/test_robustness.py
    (r"digitlab (evaluate|report) runs/2026-…-(thesis-2conv|final-cnn)", PARSED),  # as runs/…, which are run
    (r"digitlab data (info|build) (sobel|\d-\d)", PARSED),  # up to half a million images; tests/datasets
    (r"digitlab diagnose", PARSED),  # tests/diagnosis
    (r"digitlab inspect .*--(digit|explore|image|layer)", PARSED),  # tests/apps/test_inspect.py, test_explore.py
    (r"digitlab read .*--engine ray", PARSED),  # tests/archives/test_on_ray.py
    (r"digitlab (sheet (?!example|new --practice)|data from-sheets)", PARSED),  # wants photos of forms: tests/sheets
    (r"digitlab (serve|camera-server|ros-node)", PARSED),  # ends with Ctrl-C; tests/apps/web, camera, live
    (r"digitlab live .*(--source \"?(\d|http|ice|ros|rtsp)|--config)", PARSED),  # no such camera; tests/camera
    (r"digitlab live(?!.*--(headless|list))", PARSED),  # opens a window; tests/apps/desktop
)

# What Python blocks name and a test does not have → what stands for it.
FOR_PYTHON = {
    '"http://phone:4747/video"': '"synthetic"',
    "Webcam(0, size=(1280, 720))": 'SyntheticPage("6885", frames=5)',
    "import NewestFrame, Webcam": "import NewestFrame, SyntheticPage",
    'FrameRecorder("kept")': 'FrameRecorder("kept-too")',
    'LiveEngine("0", mode="page")': 'LiveEngine("pictures/", mode="page")',
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a text shows, and where."""

    text: str
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text.splitlines()[0].partition('  ')[0]}"


def code_of(page: Path) -> Iterator[str]:
    """The lines of its code blocks, fenced or indented, but for those in another language than the shell's."""
    language = None
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            language = line[3:].strip() if language is None else None
        elif language in ("sh", "") or (language is None and line.startswith("    ")):
            yield line


def examples() -> list[Shown]:
    """The lines that can be pasted, each once."""
    found: dict[str, Shown] = {}
    for page in PAGES:
        for line in code_of(page):
            if shown := re.match(r"\s*(?:\$ )?((?:digitlab|curl|make|octave-cli|pip|python) .*)", line):
                found.setdefault(shown[1].partition("  ")[0], Shown(shown[1].strip(), page.name))
    for module in MODULES:
        for line in re.findall(r"^ {2,}(digitlab [a-z].*)$", module.read_text("utf-8"), flags=re.MULTILINE):
            # The first steps of the help are a table; what they mean stands to the right.
            found.setdefault(line.partition("  ")[0], Shown(re.sub(r" {3,}(?=\w)", "  # ", line).strip(), module.name))
    return list(found.values())


def mentions() -> list[Shown]:
    """Commands in sentences and messages, each once; what a message fills in is X."""
    found: dict[str, str] = {}
    for source in [*PAGES, *MODULES]:
        text = re.sub(r"^```.*?^```", "", source.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r'"\s*\n\s*f?"', "", text)  # a string that is written on several lines
        for mention in re.findall(r"`(digitlab\s[^`]+)`", text):
            found.setdefault(" ".join(re.sub(r"\{.*?\}", "X", mention).split()), source.name)
    return [Shown(text, where) for text, where in found.items() if not text.startswith("digitlab X")]


def python_blocks() -> list[Shown]:
    blocks = [(page, re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE))
              for page in PAGES]  # fmt: skip
    return [Shown(block, page.name) for page, found in blocks for block in found]


COMMANDS = [each for each in examples() if each.text.startswith("digitlab ")]
OTHERS = [each for each in examples() if not each.text.startswith("digitlab ")]


def paper(path: Path, text: str) -> None:
    """A sheet of paper with digits on it."""
    from digitlab.examples.paper_video import digits_of, paper_page

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(paper_page(digits_of(text, seed=1), seed=1).image).save(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a network that was trained for one epoch of 200 images."""
    from digitlab.datasets import load_dataset

    folder = tmp_path_factory.mktemp("trained")
    few = load_dataset("mnist").split("test")[np.arange(200)]
    np.savez(folder / "few.npz", images=few.images, labels=few.labels)
    options = ["--epochs", "1", "--data", str(folder / "few.npz"), "--test", str(folder / "few.npz")]
    assert run(["train", *options, "--runs", str(folder), "--name", "run"]) == 0
    return next(folder.glob("*-run"))


@pytest.fixture(scope="module")
def folder(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the examples name: photos, scans, run folders, a video, files of datasets, recipes."""
    from digitlab.archives.review_page import KIND
    from digitlab.camera import FrameRecorder, NewestFrame, SyntheticPage
    from digitlab.datasets import load_dataset
    from digitlab.datasets.formats import dataset_writer
    from digitlab.examples.paper_video import make_video

    here = tmp_path_factory.mktemp("documented")
    for name in ("photo.jpg", "note.jpg", "form.jpg", "exam.jpg", "pages/1.jpg", "scans/1.png"):
        paper(here / name, "402713")
    for name in ("archive/1.png", "pictures/1.png"):
        paper(here / name, "402713")
    for name in ("seven.png", "seven.jpg", "my-four.jpg", "YOUR-PHOTO.jpg"):
        paper(here / name, "7")
    (here / "class.csv").write_text("name,number\nAnna,402713\nOtto,402731\n")
    sudoku = np.full((470, 470), 255, np.uint8)
    sudoku[10::50, 10:461] = sudoku[11::50, 10:461] = sudoku[10:461, 10::50] = sudoku[10:461, 11::50] = 0
    Image.fromarray(sudoku).save(here / "sudoku.jpg")
    standing = re.compile(r"runs/2026-…[\w-]*|runs/…|\bMODEL\b")
    names = {name for each in COMMANDS for name in standing.findall(each.text)}
    for name in (
        *names,
        *(f"runs/{n}-{kind}" for n in (1, 2) for kind in ("fast", "good", "0-1", "sobel", "slides-cnn")),
    ):
        shutil.copytree(trained, here / name)
        shutil.copytree(trained, here / name / "evaluations" / "mnist-c-fog")
    few = load_dataset("mnist").split("test")[np.arange(40)]
    for name in ("scans.h5", "scans.npz", "mnist_train_lmdb", "mine.npz"):
        with dataset_writer(here / name) as sink:
            sink.write(few)
    np.savetxt(here / "test.csv", few.images.reshape(-1, 784), "%d", ",")
    np.savez(here / "unlabelled.npz", images=few.images)
    said = np.full((40, 10), 0.02)
    said[np.arange(40), few.labels] = 0.82
    for name in ("theirs.csv", "caffe.csv"):
        np.savetxt(here / name, said, delimiter=",")
    np.savetxt(here / "labels.csv", few.labels, fmt="%d")
    glyph = base64.b64encode(few.images[0].tobytes()).decode()
    digit = {"path": "a.png", "box": [0, 0, 9, 9], "label": 7, "read": None, "glyph": glyph}
    (here / "corrections.json").write_text(json.dumps({"kind": KIND, "digits": [digit]}))
    for name in ("mine.toml", "my-recipe.toml"):
        (here / name).write_text('architecture = "ann-397"\nepochs = 1\n')
    np.savez(here / "mnist.npz", x_train=few.images, y_train=few.labels, x_test=few.images, y_test=few.labels)
    make_video(here / "paper.mp4", numbers=["31"], seconds_each=0.5, seed=0)
    shutil.copy(here / "paper.mp4", here / "kept.mp4")
    with NewestFrame(SyntheticPage("6885", frames=9)) as frames, FrameRecorder(here / "kept") as recorder:
        while (frame := frames.get()) is not None:
            recorder.add(frame)
    (here / "docs").mkdir()
    results = Path("studies-results", "parameter-counts")
    shutil.copytree(ROOT / results, here / results)
    return here


def tokens_of(text: str, folder: Path | None = None) -> list[str]:
    """The words as a shell makes them, its comment left out and its patterns filled in."""
    words = shlex.split(text, comments=True)
    if folder is None:
        return words
    filled = [sorted(map(str, folder.glob(word))) if "*" in word else [word] for word in words]
    assert all(filled), f"nothing in the folder of stand-ins is {text}"
    return [word for each in filled for word in each]


def how(text: str) -> str | None:
    return next((way for beginning, way in HOW if re.match(beginning, text)), None)


@pytest.mark.parametrize("shown", COMMANDS, ids=str)
def test_an_example_is_understood(shown: Shown) -> None:
    _, *words = tokens_of(shown.text)
    function, bound, _ = make_app(words[0]).parse_args(words, exit_on_error=False, print_error=False)
    inspect.signature(function).bind(*bound.args, **bound.kwargs)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("shown", [each for each in COMMANDS if how(each.text) is None], ids=str)
def test_an_example_does_what_it_says(
    shown: Shown, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    _, *words = tokens_of(re.sub(r"--for 5\b", "--for 0.5", shown.text), folder)
    code = run(words)
    said = capsys.readouterr()
    assert code in (0, 1), said.err
    assert said.out + said.err, "it says nothing"


@pytest.mark.parametrize("shown", [each for each in COMMANDS if how(each.text) == SETTLED], ids=str)
def test_the_settings_of_a_training_are_right(shown: Shown, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun(Exception):  # noqa: N818 - no error
        """All is checked: here the training would begin."""

    def begin(*_: object, **__: object) -> None:
        raise Begun

    for where in ("experiment.run_training", "cross_validation.run_cross_validation", "range_test.run_range_test"):
        monkeypatch.setattr(f"digitlab.training.{where}", begin)
    monkeypatch.chdir(folder)
    _, *words = tokens_of(shown.text, folder)
    with pytest.raises(Begun):
        run(words)


@pytest.mark.parametrize("shown", mentions(), ids=str)
def test_a_mention_names_real_verbs_and_options(shown: Shown) -> None:
    words = [word for word in shown.text.split()[1:] if word not in ("…", "--help")]
    chain, apps, rest = make_app(words[0]).parse_commands(words)
    assert chain[0] == words[0]
    app: cyclopts.App = apps[-1]
    known: set[str] = set()
    if app.default_command is not None:
        known = {name for argument in app.assemble_argument_collection() for name in argument.names}
    else:
        assert all(word.isupper() for word in rest), f"digitlab {chain[0]} has no {rest}"
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("shown", OTHERS, ids=str)
def test_what_else_is_typed_is_there(shown: Shown) -> None:
    program, *words = tokens_of(shown.text)
    if program == "pip":
        extras = {extra for group in re.findall(r"\[([a-z,]+)\]", shown.text) for extra in group.split(",")}
        assert words[:1] == ["install"]
        assert extras <= set(EXTRAS)
    elif program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    elif program == "octave-cli":
        assert (ROOT / "octave" / f"{words[-1].split()[0]}.m").is_file()
    elif program == "curl":
        path = re.sub(r".*:\d+|\?.*", "", words[-1])
        assert f'"{path}"' in (ROOT / "src/digitlab/apps/web/application.py").read_text("utf-8")
    else:
        source = f"src/{words[1].replace('.', '/')}.py" if words[0] == "-m" else words[0]
        code = (ROOT / source).read_text("utf-8")
        if source.endswith("endurance/run.py"):  # hands its options to the script that is named
            code += (ROOT / source).with_name("results.py").read_text("utf-8")
            assert all((ROOT / source).with_name(f"{word}.py").is_file() for word in words[1:2] if word[:1] != "-")
        assert all(f'"{word}"' in code for word in words if word.startswith("--"))


@pytest.mark.parametrize("shown", python_blocks(), ids=str)
def test_the_python_of_the_pages_runs(shown: Shown, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code = shown.text
    for named, stand_in in FOR_PYTHON.items():
        code = code.replace(named, stand_in)
    exec(compile(code, shown.where, "exec"), {"__name__": "documented"})  # noqa: S102 - our own pages


def test_the_port_is_the_servers() -> None:
    from digitlab.apps.cli.serve import serve

    port = inspect.signature(serve).parameters["port"].default
    for page in ("README.md", "docs/web.md", "docs/web-page.md"):
        ports = set(re.findall(r"(?:127\.0\.0\.1|localhost):(\d+)", (ROOT / page).read_text("utf-8")))
        assert ports == {str(port)}, page


def test_every_way_of_testing_is_used() -> None:
    for beginning, _ in HOW:
        assert any(re.match(beginning, each.text) for each in COMMANDS), f"{beginning} matches no example any more"
