"""Settings of a transfer, in one small record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from digitlab.errors import UsageError
from digitlab.settings import Range, check_settings, setting

__all__ = ["HEADS", "LEARNERS", "WAYS", "Transfer"]

WAYS = ("features", "freeze", "two-phase", "anew")
LEARNERS = ("logistic", "svm", "linear-svm", "nearest-mean", "knn")
HEADS = ("new", "keep")

_STEPS = 600  # gradient steps if no number of epochs is given: a few seconds for S0's network
_FEWEST, _MOST = 3, 100  # epochs


@dataclass(frozen=True, slots=True)
class Transfer:
    """Everything that determines the result of a transfer, except the network, the images and the machine.

    The fields are options of `digitlab transfer`, and keywords of `digitlab.transfer`.
    """

    # fmt: off
    how: str = setting(
        "two-phase",
        "features (feature extraction: a classifier of scikit-learn on the activations of one layer), freeze (a new "
        "last layer is trained, all others are frozen), two-phase (the same, then fine-tuning of all layers at a "
        "lower learning rate), anew (the same network from scratch, as the baseline).", choices=WAYS)
    layer: str | None = setting(
        None, "The layer whose activations are the features; default: the last before the classification layer.")
    learner: str = setting(
        LEARNERS[0],
        "For features: logistic, svm (a kernel on 500 images), linear-svm, nearest-mean, or knn, which is evaluated "
        "only: nearest neighbours cannot be written as layers, so there is no model to save.", choices=LEARNERS)
    head: str = setting(
        HEADS[0],
        "new, or keep: continue with the network's own last layer, for the same digits by other writers.",
        choices=HEADS)
    per_class: int | None = setting(
        None, "Number of training images per class, drawn with the seed; default: all.", within=Range(1))
    epochs: int | None = setting(
        None, f"Epochs of the first phase; default: as many as make {_STEPS} gradient steps, at most {_MOST}.",
        within=Range(1))
    fine_epochs: int | None = setting(None, "Epochs of the second phase (fine-tuning); likewise.", within=Range(1))
    batch_size: int = setting(32, "Images per gradient step (mini-batch).", within=Range(1))
    learning_rate: float = setting(
        1e-3, "Learning rate of the first phase.", within=Range(0, 100, above=True, below=True))
    fine_rate: float = setting(
        1e-4, "Learning rate of the second phase, in which all layers are trained.",
        within=Range(0, 100, above=True, below=True))
    augmentation: str = setting("none", "none, affine, handwriting, cutout; or several joined by +.")
    seed: int = setting(
        0, "The same seed draws the same images and gives the same weights.", within=Range(0, 2**31 - 1))
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)
        if self.head == "keep" and self.how not in ("freeze", "two-phase"):
            raise UsageError(f"head is 'keep', but {self.how!r} discards it; expected freeze or two-phase")
        if self.head == "keep" and self.layer is not None:
            raise UsageError("head is 'keep' and a layer is named; expected one of them")
        if self.layer is not None and self.how == "anew":
            raise UsageError("'anew' takes the network as a whole; expected no layer")

    def phases(self, images: int) -> tuple[int, int]:
        """Return the epochs of the first and of the second phase, for this many images.

        >>> Transfer(how="freeze").phases(1000), Transfer().phases(100), Transfer(how="anew", epochs=5).phases(1000)
        ((19, 0), (100, 100), (24, 0))
        """
        default = min(_MOST, max(_FEWEST, math.ceil(_STEPS / math.ceil(images / self.batch_size))))
        first, second = self.epochs or default, self.fine_epochs or default
        return {"features": (0, 0), "freeze": (first, 0), "anew": (first + second, 0)}.get(self.how, (first, second))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for `config.toml`."""
        return asdict(self)
