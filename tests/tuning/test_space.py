from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from digitlab.errors import RecipeError
from digitlab.toml_files import shipped_names
from digitlab.tuning import Choice, Range, Space, find_space, parse_space

EXAMPLE = """
architecture = "conv-family"
optimiser = "adam"
options = { pooling = "average" }
[tune]
sampler = "random"
folds = 3
[space]
epochs = [2, 5]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
[space.options]
filters = [[8], [8, 16]]
kernel = { low = 3, high = 7, step = 2 }
"""


def parsed(text: str) -> Space:
    return parse_space(tomllib.loads(text), "example", "example.toml")


def test_a_point_becomes_a_training() -> None:
    space = parsed(EXAMPLE)
    assert space.size is None
    assert space.longest == 5
    labels: dict[str, Any] = {"epochs": 5, "learning_rate": 0.003, "options.filters": "[8, 16]", "options.kernel": 7}
    training = space.training(labels)
    assert (training.epochs, training.learning_rate, training.optimiser) == (5, 0.003, "adam")
    assert training.options == {"pooling": "average", "filters": [8, 16], "kernel": 7}


def test_what_is_written_is_what_was_read() -> None:
    space = parsed(EXAMPLE)
    assert parsed(tomli_w.dumps(space.as_toml())) == space


@pytest.mark.parametrize("name", shipped_names("tuning/spaces"))
def test_shipped_spaces_can_be_read(name: str) -> None:
    assert find_space(Path(name)).parameters


def test_s1s_grid_has_48_points() -> None:
    space = find_space(Path("s1-grid"))
    assert (space.size, space.trials, space.tuning.jobs) == (48, 48, 10)
    assert {training.optimiser for training in space.samples()} == {"adam", "rmsprop"}
    best = space.training(
        {"batch_size": 32, "epochs": 10, "optimiser": "adam", "options.hidden": 2, "options.width": 397}
    )
    assert best.options == {"initialiser": "uniform", "hidden": 2, "width": 397}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("low = 1e-4", "low = 1", r"learning_rate is an empty range, from 1 to 0.1; expected low below high"),
        ("low = 3, high = 7", "low = 3, high = 3", "kernel is an empty range"),
        ("epochs = [2, 5]", "epochs = []", "epochs has no choices"),
        ("epochs = [2, 5]", "epochs = [2, 2]", "epochs has 2 twice"),
        ("epochs = [2, 5]", "epochs = [2, 0]", "epochs is 0"),
        ("epochs = [2, 5]", 'epochs = [2, "5"]', "epochs is '5'; expected int"),
        ("epochs = [2, 5]", "epochs = { low = 1, high = 9.5 }", r"epochs is 1.0; expected int"),
        ("epochs = [2, 5]", "epochs = 5", "epochs is 5; expected choices such as"),
        ("epochs = [2, 5]", "epoch = [2, 5]", "unknown key 'epoch'; did you mean 'epochs'"),
        ("epochs = [2, 5]", "seed = [2, 5]", "seed cannot vary: a trial's seeds"),
        ("epochs = [2, 5]", 'dataset = ["0-1"]', "dataset cannot vary"),
        ('optimiser = "adam"', 'optimisr = "adam"', "unknown key 'optimisr'; did you mean 'optimiser'"),
        ("folds = 3", "fold = 3", r"\[tune\]: unknown key 'fold'; did you mean 'folds'"),
        ("folds = 3", "folds = 1", "folds is 1; expected 2 to 1000"),
        ("folds = 3", "use_folds = 9", "use_folds is 9; expected 1 to 5"),
        ("folds = 3", "folds = true", "folds is True; expected int"),
        ("folds = 3", 'pruner = "hyper"', "pruner is 'hyper'; expected one of none, median"),
        ("folds = 3", 'objectives = ["accuracy", "speed"]', "objectives has 'speed'"),
        ("folds = 3", 'objectives = ["size"]', "expected accuracy or loss first"),
        ("folds = 3", 'objectives = ["accuracy", "size"]\npruner = "median"', "with 2 objectives"),
        ('"random"', '"grid"', "a grid has no end for learning_rate"),
        ("log = true", "log = true, step = 0.01", "both log and step"),
        ("log = true", "logarithmic = true", "unknown key 'logarithmic'"),
        ("low = 1e-4", "low = 0", "expected more than 0 for a range with log"),
        ("low = 1e-4", "low = nan", "low is nan; expected a number"),
        ("low = 3, ", "", "kernel has no low"),
        ("step = 2", "step = 9", "step is 9; expected more than 0, and at most"),
        ('optimiser = "adam"', "patience = 2", "early stopping needs images held out"),
    ],
)
def test_mistakes_are_named(before: str, after: str, message: str) -> None:
    assert EXAMPLE.count(before) == 1
    with pytest.raises(RecipeError, match=message) as refused:
        parsed(EXAMPLE.replace(before, after))
    assert str(refused.value).startswith("example.toml")


def test_a_space_without_anything_that_varies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="nothing varies"):
        parsed('architecture = "ann-397"')
    with pytest.raises(RecipeError, match=r"there is no such search space; shipped: s1-grid"):
        find_space(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[space\n")
    with pytest.raises(RecipeError, match="not a readable TOML file"):
        find_space(broken)


@given(low=st.integers(-50, 50), span=st.integers(1, 100), step=st.integers(1, 100))
def test_every_point_of_a_range_lies_in_it(low: int, span: int, step: int) -> None:
    for scale in (1, 0.01):
        given_range = Range(low * scale, (low + span) * scale, min(step, span) * scale)
        points = [given_range.value(label) for label in given_range.grid or ()]
        assert points == sorted(set(points))
        assert points[0] == pytest.approx(low * scale)
        assert points[-1] <= (low + span) * scale + 1e-9
        assert points[-1] + min(step, span) * scale > (low + span) * scale - 1e-9


@given(st.lists(st.one_of(st.integers(), st.booleans(), st.text(), st.lists(st.integers())), min_size=1))
def test_a_label_leads_back_to_its_value(values: list[Any]) -> None:
    choice = Choice(tuple(values))
    for label in choice.labels:
        assert choice.labels.index(label) == choice.values.index(choice.value(label))


def test_the_number_of_trials_is_that_of_a_grid_or_fifty(make_space: Callable[..., Space]) -> None:
    assert make_space(sampler="grid").trials == 9
    assert make_space(sampler="grid", trials=4).trials == 4
    assert make_space(sampler="grid", trials=40).trials == 9
    assert make_space().trials == 50
    space = make_space()
    assert replace(space, tuning=replace(space.tuning, trials=7)).trials == 7


def test_the_path_of_a_dataset_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scans.npz").touch()
    space = parsed(f'dataset = "scans.npz"\n{EXAMPLE}')
    assert space.base.dataset == space.as_toml()["dataset"] == str(tmp_path / "scans.npz")
