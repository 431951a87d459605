"""S0, table 5.2: twelve epochs, or as long as the validation loss falls?

    digitlab study run thesis-early-stopping     # about 2 minutes a seed on two cores

"Patience 2" is 3 here. The thesis used Keras 2.0, whose patience of 2 ended a training at the third epoch without a
lower validation loss (its table: 30 epochs, the best of them the 27th); today's Keras counts each of these epochs. The
best epoch's weights are kept. At most 100 epochs.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, dots, improves, reproduces, validation_curves
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-2conv", "0-1"),
    variants={"12 epochs": {"epochs": 12}, "patience 2": {"epochs": 100, "patience": 3}},
    test="1-6-test",
    published={
        "12 epochs": Published(loss=0.201, accuracy=0.939, epochs=12),
        "patience 2": Published(loss=0.155, accuracy=0.954, epochs=30, best_epoch=27),
    },
    conclusions=[
        reproduces("accuracy", within=0.015),
        improves("accuracy", frm="12 epochs", to="patience 2"),
        improves("loss", frm="12 epochs", to="patience 2"),
    ],
    columns=("accuracy", "loss", "epochs", "best_epoch"),
    figures=[validation_curves, dots("accuracy", "loss", "epochs")],
    paired=True,  # both are the same training until the shorter one ends
    minutes=2,
)
