from __future__ import annotations

from pathlib import Path

import pytest

from digitlab.datasets.transforms import MOST_COPIES
from digitlab.errors import RecipeError, UsageError
from digitlab.toml_files import shipped_names
from digitlab.training.config import TrainingConfig, find_recipe, whole_path, with_options


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return path


def test_a_recipe_gives_what_it_says_and_defaults_for_the_rest(tmp_path: Path) -> None:
    training = find_recipe(
        written(tmp_path, 'architecture = "ann-397"\nlearning_rate = 1\npatience = 2\nvalidation = 0.1')
    )
    assert training == TrainingConfig("ann-397", learning_rate=1, patience=2, validation=0.1, name="recipe")


def test_as_many_copies_may_be_asked_for_as_there_are() -> None:
    assert TrainingConfig(tta=MOST_COPIES).tta == MOST_COPIES
    with pytest.raises(UsageError, match=f"to {MOST_COPIES} copies"):
        TrainingConfig(tta=MOST_COPIES + 1)


def test_options_override_the_recipe() -> None:
    training = with_options(TrainingConfig(epochs=9, seed=4), {"epochs": 2, "seed": None, "dropout": False})
    assert (training.epochs, training.seed, training.dropout) == (2, 4, False)


def test_paths_become_absolute_and_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mnist", "scans.npz"):
        Path(name).mkdir()
    assert whole_path("mnist") == "mnist"  # names take precedence over folders
    assert whole_path("./mnist") == str(tmp_path / "mnist")
    assert whole_path("no-such.npz") == "no-such.npz"
    for asked in ("", "#inverted", "#resized", "#resized#inverted"):
        assert whole_path(f"scans.npz{asked}") == f"{tmp_path / 'scans.npz'}{asked}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "did you mean 'epochs'"),
        ("epochs = 0", "expected 1 or more"),
        ('epochs = "three"', "epochs is 'three'; expected int"),
        ("epochs = true", "epochs is True; expected int"),
        ("validation = 1.0", "expected 0"),
        ("clean_epochs = -1", "expected 0"),
        ("precision = 'half'", "expected one of auto"),
        ("learning_rate = nan", "expected more than 0"),
        ("epochs = ", "not a readable TOML"),
        ("[table]\na = 1", "unknown key 'table'"),
    ],
)
def test_mistakes_in_a_recipe_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        find_recipe(written(tmp_path, text))


def test_a_missing_recipe_is_answered_with_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"shipped: .*reader"):
        find_recipe(tmp_path / "missing.toml")


@pytest.mark.parametrize("name", shipped_names("recipes"))
def test_every_shipped_recipe_can_be_read(name: str) -> None:
    assert find_recipe(Path(name)).name == name


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="seed is -1"):
        with_options(TrainingConfig(), {"seed": -1})
