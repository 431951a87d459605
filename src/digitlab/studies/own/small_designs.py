"""Own: what should 1,000 parameters be spent on?

    digitlab study run own-small-designs             # about 16 minutes a fold on two cores

Designs and training recipes for fewer than 1,000 parameters, compared by cross-validation on the training images. This
decides, without the test images, which of them is trained longer, over more seeds, and measured on the test images.
Each cell differs from the first in one thing. Chosen: float32, 30 epochs, one-cycle, batches of 128.
"""

from __future__ import annotations

from digitlab.studies import Study, TrainOnFolds, dots, improves
from digitlab.training import TrainingConfig

_FIRST = "three blocks, the same"

STUDY = Study(
    base=TrainingConfig(
        "tiny-family", epochs=30, batch_size=128, optimiser="adam", learning_rate=0.02, schedule="one-cycle",
        augmentation="affine", precision="float32",
    ),
    variants={
        _FIRST: {},                                                                       # 982 parameters
        "two, the same": {"repeats": 0, "width": 13, "stem": 6},                          # 955
        "four, the same": {"repeats": 2, "width": 11, "stem": 9},                         # 969
        "two, their own": {"repeats": 0, "width": 10, "stem": 8, "shared": False},        # 988
        "three, their own": {"width": 8, "stem": 8, "shared": False},                     # 954
        "narrow stem": {"width": 13, "stem": 6},                                          # 994
        "rate 0.01": {"learning_rate": 0.01},
        "rate 0.04": {"learning_rate": 0.04},
        "no augmentation": {"augmentation": "none"},
        "last 6 epochs clean": {"clean_epochs": 6},
    },
    task=TrainOnFolds(),
    paired=True,
    repeats=3,
    conclusions=[
        improves("accuracy", frm="two, their own", to=_FIRST),
        improves("accuracy", frm="two, the same", to=_FIRST),
        improves("accuracy", frm="three, their own", to=_FIRST),
        improves("accuracy", frm=_FIRST, to="last 6 epochs clean"),
        improves("accuracy", frm=_FIRST, to="no augmentation"),
    ],
    columns=("parameters", "accuracy", "loss", "training_accuracy"),
    figures=[dots("accuracy"), dots("loss")],
    minutes=16,
)  # fmt: skip
