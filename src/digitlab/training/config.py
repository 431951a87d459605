"""The settings of a training: one record, read from a recipe (TOML), from command-line options, or from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - the types of settings are read at run time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import DatasetError, RecipeError, UsageError
from digitlab.settings import Range, check_settings, expect_key, setting, with_current_keys
from digitlab.toml_files import find_toml, parse_toml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOSSES", "TrainingConfig", "find_recipe", "training_of", "whole_path", "with_options"]

PRECISIONS = ("auto", "float32", "bfloat16")
# Keras' names of the loss functions; the first is the default.
LOSSES = (
    "sparse-categorical-crossentropy", "categorical-crossentropy", "kl-divergence", "categorical-hinge",
    "mean-squared-error",
)  # fmt: skip


def architecture_options(texts: Sequence[str]) -> dict[str, Any]:
    """Parse options of the form ``NAME=VALUE``, with values as in TOML; a word needs no quotes.

    >>> architecture_options(["kernel=5", "filters=[16, 32]", "pooling=average"])
    {'kernel': 5, 'filters': [16, 32], 'pooling': 'average'}

    Raises:
        UsageError: for an option without a name or a value.
    """
    options = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name or not value:
            raise UsageError(f"--option is {text!r}; expected NAME=VALUE, e.g. kernel=5")
        try:
            options[name] = parse_toml(f"value = {value}")["value"]
        except ValueError:
            options[name] = value
    return options


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that determines the result of a training, except the machine.

    The fields are the options of `digitlab train`, the keys of a recipe, and, except for those about the data and the
    run, the parameters of `DigitClassifier`; docs/recipes.md lists them in a table.

    >>> TrainingConfig("thesis-4conv", epochs=100, validation=0.2, patience=2).optimiser
    'adadelta'
    """

    # fmt: off
    architecture: str = setting(
        "thesis-2conv",
        "The network: thesis-1conv, -2conv, -3conv, -4conv, -6conv, ann-397, first-cnn, final-cnn, slides-cnn, "
        "exercise-mlp, exercise-cnn, notebook-cnn, fast-cnn, good-cnn, best-cnn, deep-cnn, tiny-cnn, "
        "microcontroller-cnn, reader-cnn; conv-family, dense-family and tiny-family, which have options.")
    dataset: str = setting(
        "mnist", "A dataset of `digitlab data list`, or a file; HDF5 and raw IDX files may be larger than memory.",
        spellings=("--data",))
    test: str | None = setting(
        None, "The dataset or file whose test images evaluate the result; default: the dataset's own.")
    epochs: int = setting(12, "Maximum number of epochs: passes over the training images.", within=Range(1))
    batch_size: int = setting(128, "Images per gradient step (mini-batch).", within=Range(1))
    optimiser: str = setting(
        "adadelta", "adadelta, adagrad, adam, adamw, nadam, rmsprop or sgd; with the documents' settings.",
        spellings=("--optimizer",))
    loss: str = setting(
        LOSSES[0], "The loss that is minimised; the cross-entropy is reported in any case.", choices=LOSSES)
    learning_rate: float | None = setting(
        None, "The learning rate, the highest one of a schedule; default: the optimiser's usual one.",
        within=Range(0, above=True))
    epsilon: float | None = setting(
        None, "The optimiser's ε; default: 1e-8 for adadelta (Keras had 1e-7 from 2018 on), 1e-7 for the others.",
        within=Range(0, 1, above=True, below=True))
    schedule: str = setting("constant", "Learning-rate schedule: constant, cosine, linear, one-cycle, step or warm-up.")
    dropout: bool = setting(True, "Dropout layers, where the architecture has them.")
    options: Mapping[str, Any] = setting(
        dict, "NAME=VALUE of an architecture that has options, e.g. --option kernel=5 --option filters=[16,32] of "
        "conv-family; in a recipe a table, [options].",
        flag="--option", of_text=architecture_options, typed=list[str])
    augmentation: str = setting(
        "none",
        "none, affine, pose (wider), elastic, realtime (shifted, then made Sobel images), handwriting (as hands, pens "
        "and cameras vary), cutout; or several joined by +, e.g. affine+cutout.")
    clean_epochs: int = setting(0, "Number of last epochs without augmentation.", within=Range(0))
    noise: float = setting(
        0.0, "Standard deviation of a Gaussian noise layer before the network; 0: none.",
        within=Range(0, 10, below=True))
    distractors: float = setting(
        0.0,
        "Out-of-distribution images (drawn shapes, not digits) per training image, on which the network learns a "
        "uniform output (outlier exposure); with validation images its temperature is calibrated, too. 0: none.",
        within=Range(0, 10))
    weight_average: float = setting(
        0.0,
        "Decay of an exponential moving average of the weights (EMA), e.g. 0.999, which the finished network has; "
        "0: none.", within=Range(0, 1, below=True))
    label_smoothing: float = setting(
        0.0, "Share of the target that is spread over all classes; 0: none.", within=Range(0, 1, below=True))
    validation: float = setting(
        0.0,
        "Share of the training images held out for validation, the last of each class; 0: none, or the validation "
        "split of a dataset that has one.", within=Range(0, 1, below=True))
    watch: str | None = setting(
        None,
        "test: where no images are held out, evaluate the test images after each epoch as well, for the curve in the "
        "report; nothing is decided by them, and the weights are the same.", choices=("test",))
    patience: int | None = setting(
        None,
        "Early stopping: end when the validation loss has not fallen for this number of epochs, and keep the best "
        "weights; else all epochs are run and the last weights kept.", within=Range(0))
    seed: int = setting(
        0, "Seed of the weights, the order and the augmentation of the images: the same seed gives the same weights.",
        within=Range(0, 2**31 - 1))
    precision: str = setting(
        "auto",
        "bfloat16 is mixed precision; auto: the quicker one for this network, which is measured once and remembered "
        "(in studies and searches: bfloat16 where the processor multiplies it).", choices=PRECISIONS)
    members: int = setting(
        1, "Train an ensemble of this number of networks, one after the other; their softmax is averaged.",
        within=Range(1, 100))
    tta: int = setting(
        1,
        "Evaluate a second time with test-time augmentation: the mean softmax over this number of moved copies of each "
        "test image, as `digitlab evaluate RUN --tta` does; 1: not.", within=Range(1, 19), unit="copies")
    name: str | None = setting(None, "Name of the run folder; default: the recipe's or the architecture's.")
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for `config.toml`."""
        return asdict(self)


def find_recipe(path: Path) -> TrainingConfig:
    """Load the recipe from this file, or the shipped recipe of this name.

    Raises:
        RecipeError: when neither exists, it is not TOML, or it has unknown keys or values of the wrong type.
    """
    return _named(*find_toml(path, "recipes", "recipe file"))


def _named(content: Mapping[str, Any], path: Path) -> TrainingConfig:
    training = training_of(content, path)
    return replace(training, name=content.get("name", path.stem))


def training_of(content: Mapping[str, Any], source: object) -> TrainingConfig:
    """Create a configuration from these settings; error messages begin with ``source``.

    Raises:
        RecipeError: for unknown settings, or values of the wrong type.
    """
    settings = with_current_keys(content, source)
    for key, value in settings.items():
        expect_key(TrainingConfig, key, value, source)
    try:
        return TrainingConfig(**settings)
    except UsageError as error:
        raise RecipeError(f"{source}: {error}") from error


def with_options(training: TrainingConfig, options: Mapping[str, Any]) -> TrainingConfig:
    """Override the settings with those options that are not None; file paths become absolute."""
    changed = replace(training, **{key: value for key, value in options.items() if value is not None})
    return replace(changed, dataset=whole_path(changed.dataset), test=changed.test and whole_path(changed.test))


def whole_path(name: str) -> str:
    """Make a file's path absolute, so that a run can be resumed and repeated from any folder; other names stay."""
    from digitlab.datasets.formats.polarity import parted_name, preparation_in  # import NumPy, which settings need not

    path, polarity = parted_name(name)
    if not path.exists() or _is_dataset(name):
        return name
    return "#".join([str(path.resolve()), *(suffix for suffix in (preparation_in(name), polarity) if suffix)])


def _is_dataset(name: str) -> bool:
    """Return whether it names a dataset, which takes precedence over a file or folder of that name."""
    from digitlab.datasets import load_dataset

    try:
        load_dataset(name)
    except DatasetError:
        return False
    return True
