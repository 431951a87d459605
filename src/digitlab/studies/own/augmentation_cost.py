"""Own: what does each augmentation buy per second of training?

    digitlab study run own-augmentation-cost     # about 3 minutes a seed on two cores

S2's small network, ten epochs, with each augmentation alone, with none, and with none for twice as many epochs: the
other way to spend more time. Measured on MNIST's clean test images. Times are processor times of an epoch, measured
inside the run, so that other programs do not count: the median over epochs, as the first one includes compilation.

Expected before any run: small transformations (affine), elastic deformation (elastic) and changed pens (handwriting)
help, and each second spent on them gains more than a second of longer training; so do large transformations (pose) and
hidden squares (cutout). Realtime makes Sobel images of strongly transformed digits, meant for other test images: it is
worse than no augmentation. As in all studies, accuracies that differ by up to 0.1 points are the same.
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
