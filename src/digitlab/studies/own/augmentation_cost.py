"""Own: what does each augmentation buy per second of training?

    digitlab study run own-augmentation-cost     # about 3 minutes a seed on two cores

S2's small network, ten epochs, with each augmentation alone, with none, and with none for twice as many epochs: the
other way to spend more time. Measured on MNIST's clean test images. The time is the processor's, measured inside the
run by epoch, so that other programs do not count; of its epochs the median, as the first one compiles.

Expected before any run: small moves (affine), rubber (elastic) and changes of the pen (handwriting) help, and each of
their seconds buys more than one of longer training; wide moves (pose) and hidden squares (cutout) too. Realtime makes
Sobel images of digits that are moved far, for other test images than these: it is worse than none. Up to 0.1 points of
accuracy two are the same, as everywhere.
"""

from __future__ import annotations

from digitlab.studies import Study, improves, pays_more, price
from digitlab.training import TrainingConfig

_HELPFUL = ("affine", "pose", "elastic", "handwriting", "cutout")
_NONE, _LONGER = "none", "none, twice as long"
_THAN = "than one of longer training"

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"filters": (16, 32), "units": (32,)}, optimiser="adam", batch_size=128, epochs=10
    ),
    variants={
        _NONE: {},
        _LONGER: {"epochs": 20},
        **{name: {"augmentation": name} for name in (*_HELPFUL, "realtime")},
    },
    conclusions=[
        *(improves("accuracy", frm=_NONE, to=name, text=f"{{1}} is better than {_NONE}") for name in _HELPFUL),
        improves("accuracy", frm="realtime", to=_NONE, text="{0} is worse than none on clean digits"),
        *(
            pays_more("accuracy", name, than=_LONGER, without=_NONE, text=f"A second of {{0}} buys more {_THAN}")
            for name in _HELPFUL
        ),
        improves("epoch_seconds", frm="elastic", to="affine", text="An epoch with {1} takes less than with {0}"),
        improves("epoch_seconds", frm="handwriting", to="elastic", text="An epoch with {1} takes less than with {0}"),
    ],
    columns=("accuracy", "loss", "epochs", "epoch_seconds"),
    figures=[price("accuracy", without=_NONE)],
    repeats=5,
    minutes=3,
)
