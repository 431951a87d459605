"""What a training is: one small record, read from a recipe (TOML), from options, or from both."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import RecipeError, UsageError
from digitlab.toml_files import find_toml, read_toml, shipped_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "LOSSES", "Training", "expect_setting", "find_recipe", "read_recipe", "recipe_names", "training_of", "with_options",
]  # fmt: skip

PRECISIONS = ("auto", "float32", "bfloat16")
# Keras' names for what a training lowers; the first is the usual one.
LOSSES = (
    "sparse-categorical-crossentropy", "categorical-crossentropy", "kl-divergence", "categorical-hinge",
    "mean-squared-error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Training:
    """Everything that decides how a training ends, apart from the machine.

    architecture, dropout: which network (`digitlab.models`)
    options: keyword arguments of the architecture's function, e.g. {"kernel": 5} of conv-family
    dataset: a named set, or a file of labelled images; files of rows (HDF5, raw IDX) are never loaded as a whole
    test: the set or file on whose test images the finished model is measured; None: the dataset's own
    epochs: at most so many
    validation: share of the training images held out (last of each class), or 0 for none; a dataset's own validation
        split is used where it has one
    watch: "test": where nothing is held out, the test images are looked at after each epoch, for the report's curve;
        nothing is decided by them, so that the weights are the same; None: they are not
    patience: end when the validation loss has not improved for so many epochs, and keep the best weights; None: run
        all epochs and keep the last
    optimiser, learning_rate, epsilon: see `digitlab.training.optimisers`; None means the optimiser's own. Adadelta's
        is 1e-8, S0's; from 2018 on Keras had 1e-7, which learns clearly quicker at first
    loss: what is lowered, one of `LOSSES`; what is reported is the cross-entropy always
    augmentation: "none", or names of `digitlab.training.augmentation`, joined by "+"
    clean_epochs: so many last epochs see the images as they are, without augmentation, as test images are
    distractors: so many drawn images of what is no digit for each training image, e.g. 0.5, which no class is to claim;
        with images held out, the finished network is calibrated on them and its card says from where on it is sure
    weight_average: share of the running average of the weights that stays at each step (EMA, e.g. 0.999); the finished
        network has the average; 0: none
    noise: deviation of a Gaussian noise layer behind the preparation (S0 §4.1.3); 0: none
    precision: "float32", "bfloat16" (mixed), or "auto": the quicker one for this network, measured once
        (`digitlab.training.precision_choice`); in studies and searches, bfloat16 where the processor multiplies it
    members: so many networks, trained one after the other, whose mean is the answer; 1: a single one
    tta: measure the finished network a second time, by its mean answer to so many moved copies of each test image
        (test-time augmentation, `digitlab.datasets.transforms.tta_copies`); 1: only by one look at each
    """

    architecture: str = "thesis-2conv"
    dataset: str = "mnist"
    test: str | None = None
    epochs: int = 12
    batch_size: int = 128
    optimiser: str = "adadelta"
    loss: str = LOSSES[0]
    learning_rate: float | None = None
    epsilon: float | None = None
    schedule: str = "constant"
    dropout: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    augmentation: str = "none"
    clean_epochs: int = 0
    noise: float = 0.0
    distractors: float = 0.0
    weight_average: float = 0.0
    label_smoothing: float = 0.0
    validation: float = 0.0
    watch: str | None = None
    patience: int | None = None
    seed: int = 0
    precision: str = "auto"
    members: int = 1
    tta: int = 1
    name: str | None = None

    def __post_init__(self) -> None:
        rate, known = self.learning_rate, ", ".join(PRECISIONS)
        for wrong, what in (
            (self.epochs < 1, f"epochs is {self.epochs}; expected 1 or more"),
            (self.clean_epochs < 0, f"clean_epochs is {self.clean_epochs}; expected 0 (none) or more"),
            (self.batch_size < 1, f"batch_size is {self.batch_size}; expected 1 or more"),
            (not 0 <= self.validation < 1, f"validation is {self.validation}; expected 0 (none) or a share below 1"),
            (not (rate is None or rate > 0), f"learning_rate is {rate}; expected more than 0"),
            (not (self.epsilon is None or 0 < self.epsilon < 1), f"epsilon is {self.epsilon}; expected 0 to 1"),
            (self.patience is not None and self.patience < 0, f"patience is {self.patience}; expected 0 or more"),
            (not 0 <= self.weight_average < 1, f"weight_average is {self.weight_average}; expected 0 to below 1"),
            (not 0 <= self.distractors <= 10, f"distractors is {self.distractors}; expected 0 (none) to 10 an image"),
            (not 0 <= self.noise < 10, f"noise is {self.noise}; expected 0 (none) or a deviation below 10"),
            (not 0 <= self.label_smoothing < 1, f"label_smoothing is {self.label_smoothing}; expected 0 to below 1"),
            (not 0 <= self.seed < 2**31, f"seed is {self.seed}; expected 0 to {2**31 - 1}"),
            (not 1 <= self.members <= 100, f"members is {self.members}; expected 1 to 100"),
            (not 1 <= self.tta <= 19, f"tta is {self.tta}; expected 1 (none) to 19 copies"),
            (self.watch not in (None, "test"), f"watch is {self.watch!r}; expected 'test', or nothing"),
            (self.precision not in PRECISIONS, f"precision is {self.precision!r}; expected one of {known}"),
            (self.loss not in LOSSES, f"loss is {self.loss!r}; expected one of {', '.join(LOSSES)}"),
        ):  # fmt: skip
            if wrong:
                raise UsageError(what)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for `config.toml`."""
        return asdict(self)


# What may stand in a recipe, by field; TOML tells 1 from 1.0, and a person need not.
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "int | None": (int,),
    "float": (int, float),
    "float | None": (int, float),
    "bool": (bool,),
    "str": (str,),
    "str | None": (str,),
    "Mapping[str, Any]": (dict,),
}


def recipe_names() -> tuple[str, ...]:
    """The recipes that ship with the package."""
    return shipped_names("recipes")


def find_recipe(path: Path) -> Training:
    """The recipe in this file, or the shipped one of this name.

    Raises:
        RecipeError: as `read_recipe`, or when there is neither.
    """
    return _named(*find_toml(path, "recipes", "recipe file"))


def read_recipe(path: Path) -> Training:
    """Read a recipe: a flat TOML file whose keys are the fields of `Training`.

    Raises:
        RecipeError: when it is missing, not TOML, or has unknown keys or values of the wrong kind.
    """
    return _named(read_toml(path), path)


def _named(content: Mapping[str, Any], path: Path) -> Training:
    training = training_of(content, path)
    return replace(training, name=content.get("name", path.stem))


def training_of(content: Mapping[str, Any], where: object) -> Training:
    """A training with these settings; ``where`` they stand begins every complaint.

    Raises:
        RecipeError: for unknown settings, or values of the wrong kind.
    """
    for key, value in content.items():
        expect_setting(key, value, where)
    try:
        return Training(**content)
    except UsageError as error:
        raise RecipeError(f"{where}: {error}") from error


def expect_setting(key: str, value: object, where: object) -> None:
    """Refuse what no recipe can hold.

    Raises:
        RecipeError: for a key that is no field of `Training`, with the nearest name, or a value of the wrong kind.
    """
    kinds = {field.name: str(field.type) for field in fields(Training)}
    if key not in kinds:
        near = difflib.get_close_matches(key, kinds, n=1)
        hint = f" did you mean {near[0]!r}?" if near else f" known: {', '.join(kinds)}"
        raise RecipeError(f"{where}: unknown key {key!r};{hint}")
    allowed = _KINDS[kinds[key]]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise RecipeError(f"{where}: {key} is {value!r}; expected {allowed[-1].__name__}")


def with_options(training: Training, options: Mapping[str, Any]) -> Training:
    """The training with those options that are not None in place of its own; files get their whole path."""
    changed = replace(training, **{key: value for key, value in options.items() if value is not None})
    return replace(changed, dataset=_whole_path(changed.dataset), test=changed.test and _whole_path(changed.test))


def _whole_path(name: str) -> str:
    """A run is resumed and repeated from any folder."""
    from digitlab.datasets.formats.polarity import parted_name  # brings NumPy, which settings do without

    path, asked = parted_name(name)
    if not path.exists():
        return name
    return f"{path.resolve()}#{asked}" if asked else str(path.resolve())
