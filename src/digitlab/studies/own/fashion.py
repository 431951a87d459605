"""Own: does what was found on MNIST hold on Fashion-MNIST?

    digitlab study run own-fashion               # about 8 minutes a seed on two cores

Six findings of S0, S1 and S2 that were reproduced on MNIST, each with the same network and settings on Fashion-MNIST:
clothes in ten classes, in MNIST's format. The trainings on MNIST are shared with the studies of these findings: where
their results exist, a seed takes 5 minutes. Dropout was found to help on moved, noisy digits, and wider layers in
cross-validation; so both are trained on MNIST too.

Expected before any run: all six hold, as none of them relies on anything that clothes lack. Two networks count as the
same up to a difference of 0.1 points on MNIST, as in all studies, and of 0.3 points on Fashion-MNIST, where about ten
times as many images are misclassified and the random variation of a number of errors grows with its square root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.studies import Effect, Study, Train, at_least, effects, improves
from digitlab.training import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.studies.conclusions import Conclusion

_SETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}

_FIRST = {"options": {"pooling": "average"}, "batch_size": 32, "epochs": 10}
_SLIDES: Mapping[str, Any] = {"filters": (16, 32), "units": (32,)}
_DENSE = {"architecture": "dense-family", "batch_size": 64, "epochs": 10}
_RECIPES: Mapping[str, Mapping[str, Any]] = {
    "fully connected": {"architecture": "ann-397", "batch_size": 32, "epochs": 6},
    "convolutional": {"architecture": "first-cnn", "batch_size": 32, "epochs": 6},
    "kernel 3×3": {**_FIRST, "kernel": 3},
    "kernel 5×5": {**_FIRST, "kernel": 5},
    "without dropout": {"architecture": "thesis-2conv", "optimiser": "adadelta", "epochs": 12, "dropout": False},
    "with dropout": {"architecture": "thesis-2conv", "optimiser": "adadelta", "epochs": 12},
    "rate 0.1": {"options": {**_SLIDES, "batch_norm": False}, "learning_rate": 0.1, "epochs": 5},
    "rate 0.1, batch norm": {"options": {**_SLIDES, "batch_norm": True}, "learning_rate": 0.1, "epochs": 5},
    "all channels": {"options": _SLIDES, "spatial_dropout": 0.0, "epochs": 10},
    "a fifth of the channels dropped": {"options": _SLIDES, "spatial_dropout": 0.2, "epochs": 10},
    "width 64": {**_DENSE, "options": {"initialiser": "uniform", "hidden": 2, "width": 64}},
    "width 397": {**_DENSE, "options": {"initialiser": "uniform", "hidden": 2, "width": 397}},
}

# By finding: its source, the two recipes that it compares, the measure.
_FINDINGS = {
    "a convolutional network is better than a fully connected one": (
        "S1 §3.1", "fully connected", "convolutional", "accuracy"),
    "kernels of 5×5 learn faster than 3×3: better after one epoch": (
        "S1 §3.2.1", "kernel 3×3", "kernel 5×5", "first_accuracy"),
    "dropout helps": (
        "S0, table 5.3", "without dropout", "with dropout", "accuracy"),
    "batch normalisation allows a learning rate of 0.1": (
        "S2", "rate 0.1", "rate 0.1, batch norm", "accuracy"),
    "wider dense layers are better: 397 than 64": (
        "S1 §2.3.1", "width 64", "width 397", "accuracy"),
}  # fmt: skip
_SPATIAL = "S2: spatial dropout of a fifth does no harm on {}, within {}"
_SAME = {"mnist": 0.001, "fashion-mnist": 0.003}


def _on(name: str, recipe: str) -> str:
    return f"{_SETS[name]}: {recipe}"


def _conclusions_on(name: str) -> list[Conclusion]:
    return [
        improves(
            measure,
            frm=_on(name, frm),
            to=_on(name, to),
            alike=_SAME[name],
            text=f"{source}, on {_SETS[name]}: {finding}",
        )
        for finding, (source, frm, to, measure) in _FINDINGS.items()
        if name != "mnist" or frm in ("without dropout", "width 64")
    ]


def _effects(frm: str, to: str) -> dict[str, Effect]:
    return {label: Effect(frm=(_on(name, frm),), to=(_on(name, to),)) for name, label in _SETS.items()}


STUDY = Study(
    base=TrainingConfig("conv-family", optimiser="adam", batch_size=128),
    variants={
        _on(name, recipe): {"dataset": name, **changes} for name in _SETS for recipe, changes in _RECIPES.items()
    },
    task=Train(watch="test"),
    conclusions=[
        *_conclusions_on("fashion-mnist"),
        at_least(
            "accuracy",
            better=_on("fashion-mnist", "a fifth of the channels dropped"),
            than=_on("fashion-mnist", "all channels"),
            margin=_SAME["fashion-mnist"],
            text=_SPATIAL.format("Fashion-MNIST", _SAME["fashion-mnist"]),
        ),
        *_conclusions_on("mnist"),
    ],
    columns=("first_accuracy", "accuracy", "loss"),
    figures=[
        effects(
            {
                **{finding: (measure, _effects(frm, to)) for finding, (_, frm, to, measure) in _FINDINGS.items()},
                "spatial dropout of a fifth does no harm": (
                    "accuracy", _effects("all channels", "a fifth of the channels dropped")),
            },
            title="better by, in points of accuracy",
            linear_to=1.0,  # without batch normalisation nothing is learned at that rate
        )
    ],
    minutes=8,
)  # fmt: skip
