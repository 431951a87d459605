"""Each setting is declared once: what is made of the declarations agrees, and what older versions wrote still opens."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tomli_w

from digitlab import jobs
from digitlab.apps.cli import make_app, run
from digitlab.apps.cli.options import whole_number, with_current_names
from digitlab.apps.cli.verbs import VERBS
from digitlab.apps.web.config import Limits
from digitlab.errors import RecipeError, UsageError
from digitlab.runs import Run
from digitlab.settings import RENAMED_KEYS, RENAMED_OPTIONS, Range, seconds_of, settings_in
from digitlab.training.config import TrainingConfig, find_recipe

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]


def commands() -> dict[str, tuple[Any, Any]]:
    """Every command of the command line by its words: `train`, `data show` …"""
    found: dict[str, tuple[Any, Any]] = {}
    for verb in VERBS:
        app = make_app(verb)[verb]
        parts: dict[str, Any] = {f"{verb} {name}": app[name] for name in app if name[0] != "-"}
        parts = {verb: app} if app.default_command else parts
        found.update({words: (part, part.default_command) for words, part in parts.items()})
    return found


COMMANDS: dict[str, Any] = commands()
MADE: dict[str, Any] = {words: each for words, each in COMMANDS.items() if hasattr(each[1], "declaring")}
CLASSES: list[tuple[str, type]] = [
    (words, each) for words, (_, command) in MADE.items() for each in command.declaring if isinstance(each, type)
]
by_class = pytest.mark.parametrize(("words", "declaring"), CLASSES, ids=[each.__name__ for _, each in CLASSES])


@pytest.mark.parametrize("words", MADE)
def test_every_setting_that_is_declared_is_an_option_and_no_option_is_declared_twice(words: str) -> None:
    app, command = MADE[words]
    options = {each.field_info.name: each for each in app.assemble_argument_collection()}
    own = inspect.signature(inspect.unwrap(command)).parameters.values()
    seen = set()
    for declaring in command.declaring:
        assert settings_in(declaring), declaring
        assert set(command.left_out) <= {each.name for each in settings_in(declaring)}
        for each in settings_in(declaring):
            if each.name in command.left_out:
                continue  # the command finds it itself, and takes it under no such name
            assert each.help, f"{declaring.__name__} says nothing of {each.name}"
            option = options[each.name]
            if each.name in seen:
                continue  # the first one to declare it counts
            seen.add(each.name)
            if each.parameter_kind is inspect.Parameter.KEYWORD_ONLY:
                assert {each.flag, *each.spellings} <= set(option.names)
            if not each.required:
                assert option.field_info.default == each.default
            assert each.help in str(option.parameter.help)
            assert each.allowed in str(option.parameter.help)
    assert options.keys().isdisjoint(command.left_out)
    assert seen.isdisjoint(each.name for each in own if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD))


def test_every_job_has_a_command_that_is_made_of_it() -> None:
    made_of = {inspect.unwrap(each) for _, command in MADE.values() for each in command.declaring}
    offered = {name: getattr(jobs, name) for name in jobs.__all__}
    without = {name for name, job in offered.items() if inspect.isfunction(job) and inspect.unwrap(job) not in made_of}
    assert without == {name for name in offered if name.startswith("load_")}  # they open what is there


def test_a_command_that_is_made_of_no_job_calls_none() -> None:
    for words, (_, command) in COMMANDS.items():
        if words not in MADE:
            source = inspect.getsource(command)
            assert not re.search(r"\bjobs?\b\.|from digitlab\.jobs", source), f"{words} declares options by itself"


def test_no_option_rounds_a_number_that_is_not_whole() -> None:
    for words, (app, _) in COMMANDS.items():
        for each in app.assemble_argument_collection():
            if each.hint in (int, int | None):
                assert each.parameter.converter is whole_number, (words, each.name)


@by_class
def test_every_field_is_a_setting(words: str, declaring: type) -> None:
    assert [each.name for each in settings_in(declaring)] == [field.name for field in fields(declaring)]


@by_class
def test_the_docs_have_the_table_and_it_is_current(words: str, declaring: type) -> None:
    marker = f"<!-- settings: {declaring.__module__}.{declaring.__name__} -->"
    pages = [path for path in sorted((ROOT / "docs").rglob("*.md")) if marker in path.read_text("utf-8")]
    assert len(pages) == 1
    page = pages[0].read_text("utf-8")
    assert _tables().with_tables(page) == page, "renew it with: python tools/settings_tables.py"
    table = page.partition(marker)[2].partition("<!-- end")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [field.name for field in fields(declaring)]


def test_the_page_about_the_server_has_its_limits() -> None:
    limits, page = Limits(), (ROOT / "docs" / "web.md").read_text("utf-8")
    mega = 1_000_000
    for words in (
        f"| {limits.body_bytes // mega} MB; {limits.all_bytes // mega} MB of all together |",
        f"| {limits.pixels // mega} million pixels",
        f"| {limits.frame_bytes // mega} MB, {limits.frame_pixels // mega} million pixels |",
        f"within {limits.header_seconds:g} s |",
        f"| body | within {limits.body_seconds:g} s |",
        f"| answer | within {limits.work_seconds:g} s; taken within {limits.send_seconds:g} s |",
        f"| {limits.requests} requests, {limits.pictures} large pictures | 503",
        f"`Retry-After: {limits.retry_seconds}`",
        f"| {limits.connections}, {limits.live_clients} |",
    ):
        assert words in page, words


def _tables() -> ModuleType:
    return importlib.import_module("tools.settings_tables")


def test_every_setting_of_a_training_is_a_key_of_a_recipe(tmp_path: Path) -> None:
    values = {each.name: _other_than_usual(each) for each in settings_in(TrainingConfig)}
    path = tmp_path / "all.toml"
    path.write_bytes(tomli_w.dumps(values).encode())
    assert find_recipe(path).as_dict() == values
    path.write_text("zzz = 3")
    with pytest.raises(RecipeError, match=f"known: {', '.join(values)}"):
        find_recipe(path)


def _other_than_usual(declared: Any) -> Any:
    """A value in the range that is not the default."""
    if declared.choices:
        return declared.choices[-1]
    if declared.kind is bool:
        return not declared.default
    if declared.kind in (int, float):
        return declared.kind(3 if declared.within.holds(3) else 0.5)
    return "other" if declared.kind is str else {"kernel": 5}


def test_every_setting_of_a_training_but_for_data_and_run_is_a_parameter_of_the_estimator() -> None:
    from digitlab.training.estimator import NO_PARAMETERS, DigitClassifier

    names = {field.name for field in fields(TrainingConfig)}
    assert set(DigitClassifier().get_params()) == names - set(NO_PARAMETERS) | {"random_state"}
    assert names.issuperset(NO_PARAMETERS)
    usual = DigitClassifier()
    assert DigitClassifier(epsilon=1e-3).get_params() == {**usual.get_params(), "epsilon": 1e-3}
    with pytest.raises(TypeError, match="no parameter 'epoch'; known: architecture, epochs"):
        DigitClassifier(epoch=3)


def test_every_constraint_is_a_keyword_of_the_reader() -> None:
    from digitlab.reading import Constraints, Reader

    keywords = inspect.signature(Reader.read).parameters
    assert {field.name for field in fields(Constraints)} == set(keywords) - {"self", "image", "constraints", "turning"}


def test_help_names_what_there_is_to_choose_from() -> None:
    from digitlab.models import ARCHITECTURES
    from digitlab.training.augmentation import AUGMENTATIONS
    from digitlab.training.optimisers import OPTIMISERS, SCHEDULES

    helps = {each.name: each.help for each in settings_in(TrainingConfig)}
    for setting, names in (("augmentation", AUGMENTATIONS), ("optimiser", OPTIMISERS), ("schedule", SCHEDULES)):
        assert all(name in helps[setting] for name in names), setting
    assert all(name.removeprefix("thesis") in helps["architecture"] for name in ARCHITECTURES)


@pytest.mark.parametrize(
    ("within", "inside", "outside"),
    [
        (Range(1), 1, 0),
        (Range(0, above=True), 1e-9, 0),
        (Range(0, 1, below=True), 0, 1),
        (Range(1, 19), 19, 20),
        (Range(0, 1), 1, float("nan")),
    ],
    ids=str,
)
def test_a_range_has_its_ends_or_not(within: Range, inside: float, outside: float) -> None:
    assert within.holds(inside)
    assert not within.holds(outside)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 1.5}, "epochs is 1.5; expected a whole number, 1 or more"),
        ({"epochs": "2"}, "epochs is '2'; expected a whole number, 1 or more"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1'; expected a number, more than 0"),
    ],
)
def test_what_is_not_a_number_or_not_whole_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        TrainingConfig(**settings)
    config = TrainingConfig(epochs=np.int64(2), learning_rate=1)  # type: ignore[arg-type]  # as NumPy counts
    assert (config.epochs, config.learning_rate) == (2, 1)


@pytest.mark.parametrize("text", ["", "0", "0m", "-3", "2 days", "1e3", "nan"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 45m, 2h or 30s"):
        seconds_of(text)


# Names of older versions.


def test_old_names_lead_to_what_there_is() -> None:
    names = {field.name for field in fields(TrainingConfig)}
    assert names.issuperset(RENAMED_KEYS.values())
    assert names.isdisjoint(RENAMED_KEYS)
    for verb, renamed in RENAMED_OPTIONS.items():
        known = {name for argument in make_app(verb)[verb].assemble_argument_collection() for name in argument.names}
        assert known.issuperset(renamed.values())
        assert known.isdisjoint(renamed)


def test_an_old_option_works_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert with_current_names(["live", "--insist", "--source", "0"]) == ["live", "--retry", "--source", "0"]
    assert capsys.readouterr().err == "digitlab: note: --insist is now called --retry\n"
    assert with_current_names(["train", "--insist"]) == ["train", "--insist"]
    assert run(["live", "--insist", "--headless"]) == 2
    assert "no source given" in capsys.readouterr().err


def test_an_old_key_works_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text('optimizer = "adam"')
    with pytest.warns(FutureWarning, match="optimizer is now called optimiser"):
        assert find_recipe(path).optimiser == "adam"
    path.write_text('optimizer = "adam"\noptimiser = "sgd"')
    with pytest.raises(RecipeError, match="unknown key 'optimizer'"):
        find_recipe(path)


OF_THE_FIRST_VERSION = """\
architecture = "thesis-2conv"
dataset = "mnist"
epochs = 12
batch_size = 128
optimiser = "adadelta"
schedule = "constant"
dropout = true
augmentation = "none"
label_smoothing = 0.0
validation = 0.2
patience = 2
seed = 3
precision = "auto"
"""


def test_the_settings_of_an_old_run_open(tmp_path: Path) -> None:
    from digitlab.training.experiment import settings_of

    old = Run.create("old", tmp_path)
    old.config.write_text(OF_THE_FIRST_VERSION)
    assert settings_of(old) == TrainingConfig(validation=0.2, patience=2, seed=3)


def test_recorded_settings_of_studies_keep_their_identity() -> None:
    from digitlab.studies.job import Job

    seen = 0
    for path in sorted((ROOT / "studies-results" / "cells").rglob("*.json"))[::10]:
        recorded = json.loads(path.read_text("utf-8"))
        if "training" in recorded["settings"]:
            job = Job(recorded["kind"], recorded["settings"])
            assert job.digest == recorded["digest"]
            assert job.training.architecture == recorded["settings"]["training"]["architecture"]
            seen += 1
    assert seen


def test_the_card_of_a_recorded_model_tells_its_settings() -> None:
    from digitlab.reading import Classifier, resolve_model

    card = Classifier(resolve_model("reader")).card
    assert card is not None
    settings = {name: value for name, value in card.training.items() if name in TrainingConfig().as_dict()}
    assert TrainingConfig(**settings).architecture == card.architecture == "reader-cnn"
