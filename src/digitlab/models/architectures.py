"""The networks of the five documents, one function each: source, published result, parameters.

S0: Pascual, "Study of Deep Learning Neural Networks with Keras", 2017. S1: Aboueloula, Benserhier, Zrira, "Recognizing
Digits using Neural Networks", 2020. S2: "CNN and Regularization Techniques with TensorFlow and Keras", University of
Oviedo. S3: Kralj Novak, "Handwritten Digit Recognition using CNNs in Python with Keras", 2019. S4: Bertsch,
"Convolutional Neural Networks", 2019.

Every network: input uint8 (N, 28, 28), light ink on dark; output float32 (N, 10), probabilities. Weights come from
Keras' global random state: call ``keras.utils.set_random_seed`` before.
"""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from digitlab.errors import UsageError
from digitlab.models.backend import keras
from digitlab.models.layers import CENTRED, conv, dense, expect_share, max_pool, output, sequential
from digitlab.models.recipe_networks import (
    best_cnn,
    conv_family,
    deep_cnn,
    dense_family,
    fast_cnn,
    good_cnn,
    microcontroller_cnn,
    reader_cnn,
    tiny_cnn,
    tiny_family,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

layers = keras.layers

__all__ = ["ARCHITECTURES", "build"]


def _thesis_head(*, dropout: bool) -> list[keras.Layer]:
    """S0 §3.1.2: dropout before every dense layer, 0.25 and 0.5."""
    drop = [[layers.Dropout(0.25)], [layers.Dropout(0.5)]] if dropout else [[], []]
    return [*drop[0], layers.Flatten(), dense(128), *drop[1], *output()]


def thesis_1conv(*, dropout: bool = True) -> keras.Model:
    """S0, table 5.4, "1Conv+MaxPooling": accuracy 0.945, loss 0.191 on 1-6-test after 47 epochs. 693,962 parameters."""
    return sequential(
        conv(32), max_pool(),                       # (N, 13, 13, 32)
        _thesis_head(dropout=dropout),              # (N, 10)
        name="thesis-1conv",
    )  # fmt: skip


def thesis_2conv(*, dropout: bool = True) -> keras.Model:
    """S0 §3.1, the Keras example: 0.9891, loss 0.0306 on MNIST after 12 epochs; table 5.4: 0.954 on 1-6-test after 30.

    600,810 parameters.
    """
    return sequential(
        conv(32), conv(32), max_pool(),             # (N, 12, 12, 32)
        _thesis_head(dropout=dropout),              # (N, 10)
        name="thesis-2conv",
    )  # fmt: skip


def thesis_3conv(*, dropout: bool = True) -> keras.Model:
    """S0, table 5.4, "3Conv+MaxPooling": 0.945 (sic), loss 0.129 on 1-6-test after 28 epochs. 515,850 parameters."""
    return sequential(
        conv(32), conv(32), conv(32), max_pool(),   # (N, 11, 11, 32)
        _thesis_head(dropout=dropout),              # (N, 10)
        name="thesis-3conv",
    )  # fmt: skip


def thesis_4conv(*, dropout: bool = True) -> keras.Model:
    """S0, table 5.4, "2Conv+MaxPooling+2Conv+MaxPooling": 0.970, loss 0.092 on 1-6-test after 27 epochs.

    With patience 5 (table 5.5): 0.973, loss 0.082 after 37. 95,018 parameters.
    """
    return sequential(
        conv(32), conv(32), max_pool(),             # (N, 12, 12, 32)
        conv(32), conv(32), max_pool(),             # (N, 4, 4, 32)
        _thesis_head(dropout=dropout),              # (N, 10)
        name="thesis-4conv",
    )  # fmt: skip


def thesis_6conv(*, dropout: bool = True) -> keras.Model:
    """S0, table 5.4, "4Conv+MaxPooling+2Conv+MaxPooling": 0.971, loss 0.092 on 1-6-test after 24 epochs.

    84,842 parameters. Three pools would leave an image of 0×0 (S0 §5.4), hence two.
    """
    return sequential(
        conv(32), conv(32), conv(32), conv(32), max_pool(),     # (N, 10, 10, 32)
        conv(32), conv(32), max_pool(),                         # (N, 3, 3, 32)
        _thesis_head(dropout=dropout),                          # (N, 10)
        name="thesis-6conv",
    )  # fmt: skip


def ann_397() -> keras.Model:
    """S1 §2.2: 0.9798 training accuracy after 6 epochs (Adam, batch 32). 473,631 parameters.

    397 is the mean of 784 and 10.
    """
    return sequential(
        layers.Flatten(), dense(397), dense(397),   # (N, 397)
        output(),                                   # (N, 10)
        name="ann-397", preparation=CENTRED,
    )  # fmt: skip


def first_cnn() -> keras.Model:
    """S1, figure 3.6: 98.62 % on MNIST's test images. 93,222 parameters."""
    return sequential(
        conv(32, 5), layers.AveragePooling2D(2),    # (N, 12, 12, 32)
        layers.Flatten(), dense(20),                # (N, 20)
        output(),                                   # (N, 10)
        name="first-cnn",
    )  # fmt: skip


def final_cnn(*, rate: float = 0.2, slope: float = 0.08) -> keras.Model:
    """S1 §4.1: accuracy 1.00 as printed (≥ 0.995) after 20 epochs with augmentation (Adam 0.01, batch 256).

    499,378 parameters, 492,446 of them trained. The batch normalisations that S1's listing creates between the
    convolutions are never added to its model (as its summary shows); they are absent here too.

    rate: of every dropout, 0 for none; slope: of the leaky ReLUs, 0 for ordinary ReLUs (S1 §3.2.10, §3.2.11)
    """
    expect_share("rate", rate)
    expect_share("slope", slope)
    return sequential(
        conv(64, activation=None), layers.LeakyReLU(slope), max_pool(), layers.Dropout(rate),    # (N, 13, 13, 64)
        conv(128, activation=None), layers.LeakyReLU(slope), max_pool(), layers.Dropout(rate),    # (N, 5, 5, 128)
        layers.Flatten(), layers.BatchNormalization(),                                             # (N, 3200)
        dense(128, activation=None, kernel_initializer="random_uniform"),
        layers.BatchNormalization(), layers.Activation("relu"), layers.Dropout(rate),           # (N, 128)
        layers.BatchNormalization(),
        layers.Dense(10, kernel_initializer="random_uniform"), layers.BatchNormalization(),
        layers.Softmax(name="probabilities", dtype="float32"),                                  # (N, 10)
        name="final-cnn",
    )  # fmt: skip


def slides_cnn() -> keras.Model:
    """S2, "CNN example in Keras": 98.92 % on MNIST's test after 10 epochs (Adam, batch 128). 30,762 parameters."""
    return sequential(
        conv(16), max_pool(),                       # (N, 13, 13, 16)
        conv(32), max_pool(),                       # (N, 5, 5, 32)
        layers.Flatten(), dense(32),                # (N, 32)
        output(),                                   # (N, 10)
        name="slides-cnn",
    )  # fmt: skip


def exercise_mlp() -> keras.Model:
    """S3, the baseline: 10 epochs, Adam, batch 200, 10 % for validation; no result printed. 623,290 parameters.

    "Normal" initialisers are Keras' of that name: standard deviation 0.05.
    """
    return sequential(
        layers.Flatten(), dense(784, kernel_initializer="random_normal"),   # (N, 784)
        output(kernel_initializer="random_normal"),                         # (N, 10)
        name="exercise-mlp",
    )  # fmt: skip


def exercise_cnn() -> keras.Model:
    """S3, the simple convolutional network: Adam; no result printed. 592,074 parameters."""
    return sequential(
        conv(32, 5), max_pool(), layers.Dropout(0.2),   # (N, 12, 12, 32)
        layers.Flatten(), dense(128),                   # (N, 128)
        output(),                                       # (N, 10)
        name="exercise-cnn",
    )  # fmt: skip


def notebook_cnn() -> keras.Model:
    """S4: 99.31 %, loss 0.0232 on MNIST after 12 epochs (Adadelta, batch 128). 1,011,690 parameters."""
    return sequential(
        conv(32, 4), conv(64), max_pool(), layers.Dropout(0.25),        # (N, 11, 11, 64)
        layers.Flatten(), dense(128), layers.Dropout(0.5),              # (N, 128)
        output(),                                                       # (N, 10)
        name="notebook-cnn",
    )  # fmt: skip


ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        thesis_1conv, thesis_2conv, thesis_3conv, thesis_4conv, thesis_6conv, ann_397, first_cnn, final_cnn, slides_cnn,
        exercise_mlp, exercise_cnn, notebook_cnn, conv_family, dense_family, tiny_family,
        fast_cnn, good_cnn, best_cnn, deep_cnn, tiny_cnn, microcontroller_cnn, reader_cnn,
    )
}  # fmt: skip


def build(
    name: str, *, dropout: bool = True, noise: float = 0.0, options: Mapping[str, Any] | None = None
) -> keras.Model:
    """Build the untrained network of this name.

    noise: standard deviation of a Gaussian noise layer after the preparation, active in training only (S0 §4.1.3)
    options: keyword arguments of the architecture's function, e.g. {"kernel": 5} for conv-family

    Raises:
        UsageError: for an unknown name or option, or a network with no variant without dropout, or no place for noise.
    """
    if name not in ARCHITECTURES:
        near = difflib.get_close_matches(name, ARCHITECTURES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"there is no architecture {name!r}; known: {', '.join(ARCHITECTURES)}.{hint}")
    if not dropout and not name.startswith("thesis-"):
        raise UsageError(f"{name} has no variant without dropout; only the thesis-… networks do")
    settings = _checked(name, options or {})
    model = ARCHITECTURES[name](**settings) if dropout else ARCHITECTURES[name](dropout=False)
    return _with_noise(model, noise) if noise else model


def _checked(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check that the architecture has these options and that each has the type of its default; return them."""
    parameters = inspect.signature(ARCHITECTURES[name]).parameters
    defaults = {each: parameter.default for each, parameter in parameters.items() if each != "dropout"}
    for option, value in options.items():
        if option not in defaults:
            near = difflib.get_close_matches(option, defaults, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{name} has no option {option!r}; it has: {', '.join(defaults) or 'none'}.{hint}")
        if not _of_its_kind(value, defaults[option]):
            raise UsageError(f"the option {option} of {name} is {value!r}; expected one like {defaults[option]!r}")
    return dict(options)


def _of_its_kind(value: object, default: object) -> bool:
    """Return whether ``value`` has the type of ``default``; TOML and JSON write lists for tuples, and 1 for 1.0."""
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(_of_its_kind(each, default[0]) for each in value)
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def _with_noise(model: keras.Model, deviation: float) -> keras.Model:
    if not isinstance(model, keras.Sequential):
        raise UsageError(f"{model.name} has no place for a noise layer; the documents' networks have one")
    index = 1 + next(number for number, layer in enumerate(model.layers) if layer.name == "add_channel")
    layers_ = [*model.layers[:index], layers.GaussianNoise(deviation), *model.layers[index:]]
    return keras.Sequential([keras.Input((28, 28), dtype="uint8", name="images"), *layers_], name=model.name)
