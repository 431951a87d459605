"""S0, table 5.5: the 4Conv network with more patience.

    digitlab study run thesis-patience           # about 5 minutes a seed on two cores

Keras 2.0's patience of 2 and 5 is 3 and 6 here; see thesis-early-stopping. At most 100 epochs. The thesis finds the
improvement "not very significant".
"""

from __future__ import annotations

from digitlab.studies import Published, Study, at_least, dots, improves, reproduces, validation_curves
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-4conv", "0-1", epochs=100),
    variants={"patience 2": {"patience": 3}, "patience 5": {"patience": 6}},
    test="1-6-test",
    published={
        "patience 2": Published(loss=0.092, accuracy=0.970, epochs=27),
        "patience 5": Published(loss=0.082, accuracy=0.973, epochs=37),
    },
    conclusions=[
        reproduces("accuracy", within=0.015),
        improves("accuracy", frm="patience 2", to="patience 5"),
        improves("loss", frm="patience 2", to="patience 5"),
        at_least("accuracy", better="patience 5", than="patience 2", margin=0.002),
    ],
    columns=("accuracy", "loss", "epochs", "best_epoch"),
    paired=True,  # both are the same training until the shorter one ends
    figures=[validation_curves, dots("accuracy", "loss", "epochs")],
    minutes=5,
)
