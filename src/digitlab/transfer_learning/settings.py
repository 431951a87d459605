"""What a transfer is: one small record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from digitlab.errors import UsageError

__all__ = ["HEADS", "LEARNERS", "WAYS", "Transfer"]

WAYS = ("features", "freeze", "two-phase", "anew")
LEARNERS = ("logistic", "svm", "linear-svm", "nearest-mean", "knn")
HEADS = ("new", "keep")

_STEPS = 600  # of training where no number of epochs is asked for: some seconds for S0's network
_FEWEST, _MOST = 3, 100  # epochs


@dataclass(frozen=True, slots=True)
class Transfer:
    """Everything that decides how a transfer ends, apart from the network, the images and the machine.

    how: "features": the network stays as it is, and a learner of scikit-learn learns from what one of its layers makes
        of the images; "freeze": a new last layer is trained behind that layer, the rest stays; "two-phase": the same,
        then everything at a lower rate; "anew": the same network, its weights thrown away: what to compare with
    layer: whose result is taken; None: the last before the layer that answers
    learner: of "features", one of LEARNERS
    head: "new", or "keep": the network's own last layers go on from where they are, for the same classes by other hands
    per_class: learn from so many images of each class, drawn with the seed; None: all
    epochs, fine_epochs: of the first and of the second phase; None: as many as make 600 steps, at least 3 and at most
        100. "anew" takes both together
    learning_rate, fine_rate: of Adam in the two phases
    augmentation: names of `digitlab.training.augmentation`
    """

    how: str = "two-phase"
    layer: str | None = None
    learner: str = LEARNERS[0]
    head: str = HEADS[0]
    per_class: int | None = None
    epochs: int | None = None
    fine_epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    fine_rate: float = 1e-4
    augmentation: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        kept_head = self.head == "keep"
        for wrong, what in (
            (self.how not in WAYS, f"how is {self.how!r}; expected one of {', '.join(WAYS)}"),
            (self.learner not in LEARNERS, f"learner is {self.learner!r}; expected one of {', '.join(LEARNERS)}"),
            (self.head not in HEADS, f"head is {self.head!r}; expected one of {', '.join(HEADS)}"),
            (kept_head and self.how not in ("freeze", "two-phase"), f"head is 'keep', and {self.how!r} throws it away; "
             "expected freeze or two-phase"),
            (kept_head and self.layer is not None, "head is 'keep' and a layer is named; expected one of them"),
            (self.layer is not None and self.how == "anew", "'anew' takes the network as a whole; expected no layer"),
            (self.per_class is not None and self.per_class < 1, f"per_class is {self.per_class}; expected 1 or more"),
            (self.epochs is not None and self.epochs < 1, f"epochs is {self.epochs}; expected 1 or more"),
            (self.fine_epochs is not None and self.fine_epochs < 1, f"fine_epochs is {self.fine_epochs}; expected 1 or "
             "more"),
            (self.batch_size < 1, f"batch_size is {self.batch_size}; expected 1 or more"),
            (not 0 < self.learning_rate < 100, f"learning_rate is {self.learning_rate}; expected more than 0"),
            (not 0 < self.fine_rate < 100, f"fine_rate is {self.fine_rate}; expected more than 0"),
            (not 0 <= self.seed < 2**31, f"seed is {self.seed}; expected 0 to {2**31 - 1}"),
        ):  # fmt: skip
            if wrong:
                raise UsageError(what)

    def phases(self, images: int) -> tuple[int, int]:
        """Epochs of the first and of the second phase, for so many images.

        >>> Transfer(how="freeze").phases(1000), Transfer().phases(100), Transfer(how="anew", epochs=5).phases(1000)
        ((19, 0), (100, 100), (24, 0))
        """
        usual = min(_MOST, max(_FEWEST, math.ceil(_STEPS / math.ceil(images / self.batch_size))))
        first, second = self.epochs or usual, self.fine_epochs or usual
        return {"features": (0, 0), "freeze": (first, 0), "anew": (first + second, 0)}.get(self.how, (first, second))

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for `config.toml`."""
        return asdict(self)
