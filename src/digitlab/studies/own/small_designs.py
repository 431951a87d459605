"""Own: what should 1,000 parameters be spent on?

    digitlab study run own-small-designs             # about 17 minutes a fold on two cores

Designs and training recipes for fewer than 1,000 parameters, compared on folds of the training images: which of them is
trained longer, over more seeds, and measured on the test images is decided here, without those. One thing differs from
the first cell in each. Chosen: float32, 30 epochs, one-cycle, batches of 128.
"""

from __future__ import annotations

from digitlab.studies import Study, TrainOnFolds, dots, improves
from digitlab.training import TrainingConfig

_FIRST = "one block, four times"

STUDY = Study(
    base=TrainingConfig(
        "tiny-family", epochs=30, batch_size=128, optimiser="adam", learning_rate=0.01, schedule="one-cycle",
        augmentation="affine", precision="float32",
    ),
    variants={
        _FIRST: {},                                                                       # 934 parameters
        "six times": {"width": 11, "repeats": 3},                                         # 926
        "eight times": {"width": 11, "repeats": 4, "stem": 6},                            # 928
        "twice": {"width": 13, "repeats": 1},                                             # 932
        "four blocks": {"width": 8, "stem": 4, "shared": False},                          # 942
        "nothing added": {"residual": False},                                             # 934
        "kernels of 5×5": {"width": 10, "kernel": 5},                                     # 948
        "narrow stem": {"width": 14, "stem": 4},                                          # 948
        "rate 0.02": {"learning_rate": 0.02},
        "rate 0.04": {"learning_rate": 0.04},
        "no augmentation": {"augmentation": "none"},
        "last 6 epochs clean": {"clean_epochs": 6},
    },
    task=TrainOnFolds(),
    paired=True,
    repeats=2,
    conclusions=[
        improves("accuracy", frm="four blocks", to=_FIRST),
        improves("accuracy", frm="nothing added", to=_FIRST),
        improves("accuracy", frm="twice", to=_FIRST),
        improves("accuracy", frm=_FIRST, to="last 6 epochs clean"),
    ],
    columns=("parameters", "accuracy", "loss", "training_accuracy"),
    figures=[dots("accuracy"), dots("loss")],
    minutes=17,
)  # fmt: skip
