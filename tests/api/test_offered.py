"""The names of `import digitlab`: the commands' options as keywords, documented with examples, completed by editors."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

import digitlab
from digitlab import jobs
from digitlab.apps.cli import make_app
from digitlab.runs import Run

ROOT = Path(__file__).parents[2]

# Function → the words of its command.
COMMANDS = {
    "train": ["train"], "evaluate": ["evaluate"], "compare": ["compare"], "inspect": ["inspect"],
    "transfer": ["transfer"], "tune": ["tune"], "run_study": ["study", "run"], "label_errors": ["label-errors"],
    "export": ["export"], "import_model": ["import"], "check_data": ["data", "check"], "list_runs": ["runs"],
    "convert_dataset": ["data", "convert"], "list_studies": ["study", "list"], "example_form": ["sheet", "example"],
    "new_form": ["sheet", "new"], "read_sheets": ["sheet", "read"], "review_sheets": ["sheet", "review"],
    "correct_sheets": ["sheet", "correct"], "promise_sheets": ["sheet", "promise"],
    "compare_sheets": ["sheet", "agree"],
}  # fmt: skip
# What has another name in Python, for its grammar or habits; None: what Python does otherwise, and the docs say how.
RENAMED: dict[tuple[str, str], str | None] = {
    ("inspect", "not"): "unless",
    ("export", "for"): "target",
    ("tune", "for"): "seconds",
    ("run_study", "for"): "seconds",
    ("run_study", "all"): None,  # no name at all
    ("train", "option"): "options",
    ("train", "folds"): None,  # DigitClassifier with cross_val_score
    ("train", "lr_range_test"): None,  # a curve to look at
    ("evaluate", "robustness"): None,  # digitlab.robustness
    ("evaluate", "robustness_images"): None,
    ("list_runs", "compare"): None,  # digitlab.compare(*table.comparable)
    ("list_runs", "html"): None,
    ("read_sheets", "check"): "checks",
    ("read_sheets", "jobs"): "processes",
}
ONLY_PYTHON = {"progress", "listener", "stop", "settings"}


def flags_of(words: list[str]) -> set[str]:
    """The options of a command, as Python would write them; the spellings of one count once."""
    app = make_app(words[0])
    for word in words:
        app = app[word]
    found = set()
    for argument in app.assemble_argument_collection():
        own = [name for name in argument.names if name.startswith("--") and not name.startswith("--no-")]
        if own:
            found.add(own[0].removeprefix("--").replace("-", "_"))
    return found - {"json"}


def keywords_of(name: str) -> set[str]:
    function = getattr(digitlab, name)
    found = set(inspect.signature(function).parameters)
    if name in ("transfer", "tune"):
        from digitlab.transfer_learning.settings import Transfer
        from digitlab.tuning.settings import Tuning

        found |= {each.name for each in fields(Transfer if name == "transfer" else Tuning)}
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_keywords_are_the_options_of_the_command(name: str) -> None:
    flags, keywords = flags_of(COMMANDS[name]), keywords_of(name)
    wanted = {RENAMED.get((name, flag), flag) for flag in flags} - {None}
    assert wanted <= keywords, f"{name} lacks {wanted - keywords}"
    assert all(flag in flags for function, flag in RENAMED if function == name), "a renamed option is gone"


def test_every_name_is_there_and_documented() -> None:
    assert list(digitlab.__all__) == sorted(digitlab.__all__, key=lambda name: (not name[0].isupper(), name))
    assert set(digitlab.__all__) == set(digitlab._MODULES)
    assert set(digitlab.__all__) <= set(dir(digitlab))
    for name in digitlab.__all__:
        assert getattr(digitlab, name).__doc__, name


@pytest.mark.parametrize("name", sorted(digitlab.__all__))
def test_every_name_has_an_example_that_runs(name: str) -> None:
    """Its own, run with the doctests; of a class one of its methods' will do."""
    found = doctest.DocTestFinder(exclude_empty=True).find(getattr(digitlab, name), name)
    assert any(test.examples for test in found), f"{name} has no example"


def test_jobs_are_all_offered() -> None:
    """With all keywords of the job, as names of digitlab; the rest is in digitlab.jobs, as docs/python.md says."""
    functions = {name for name in jobs.__all__ if name[0].islower()}
    assert "`digitlab.jobs`" in (ROOT / "docs" / "python.md").read_text("utf-8")
    assert set(COMMANDS) <= functions
    for name in functions & set(digitlab.__all__) - {"load_run"}:
        own = set(inspect.signature(getattr(digitlab, name)).parameters)
        theirs = set(inspect.signature(getattr(jobs, name)).parameters) - {"options", "run", "folder", "settings"}
        assert theirs <= own, name


def test_importing_loads_nothing_else_of_the_house() -> None:
    code = "import sys; import digitlab; print(*(name for name in sys.modules if name.startswith('digitlab')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"digitlab", "digitlab.privacy", "digitlab.version"}


def test_editors_complete_what_is_declared() -> None:
    tool = _tool("api_keywords")
    kept = (ROOT / "src/digitlab/api/keywords.py").read_text("utf-8")
    assert kept == tool.written(), "renew it with: python tools/api_keywords.py"


def _tool(name: str) -> ModuleType:
    return importlib.import_module(f"tools.{name}")


@pytest.mark.parametrize(
    ("name", "arguments", "extra"), [("train", {}, "train"), ("evaluate", {"data": "digits-8x8"}, "train")]
)
def test_a_missing_extra_is_named(
    name: str, arguments: dict[str, str], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_such_library(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setattr(f"digitlab.api.{'trainings' if name == 'train' else 'measuring'}.jobs.{name}", no_such_library)
    with pytest.raises(
        digitlab.DigitlabError, match=rf'digitlab.{name} needs the extra "{extra}"; add it with: .*install'
    ):
        getattr(digitlab, name)(**arguments)


def test_a_classifier_without_scikit_learn_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import digitlab\n"
        "try: digitlab.DigitClassifier\n"
        "except digitlab.DigitlabError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith('digitlab.DigitClassifier needs the extra "train"; add it with: ')


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: digitlab.train(epoch=3), "epoch"),  # type: ignore[call-arg]
        (lambda: digitlab.train("fast", resume="runs/x"), "leave out the recipe"),
        (lambda: digitlab.train(log="wandb"), "expected tensorboard, mlflow"),
        (lambda: digitlab.transfer("reader", data="mnist", hows="features"), "no setting 'hows'; known: how"),  # type: ignore[call-arg]
        (lambda: digitlab.evaluate("reader", probabilities="x.npz"), "leave out model"),
        (lambda: digitlab.evaluate("reader", labels="x.npz"), "are for stored predictions"),
        (lambda: digitlab.list_runs("no-such"), "no such folder"),
    ],
)  # fmt: skip
def test_wrong_use_is_answered_before_anything_is_done(
    call: object, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((digitlab.DigitlabError, TypeError), match=complaint):
        call()  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_a_model_to_transfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    monkeypatch.setattr(jobs, "transfer", lambda model, *_, **__: taken.append(model))
    digitlab.transfer(Run(tmp_path), data="mnist")
    assert taken == [tmp_path]
