"""S2, "Batch Normalization": does it allow higher learning rates, and learn faster?

    digitlab study run batch-norm                # about 2 minutes a seed on two cores

The network of the slides, with and without batch normalisation before each ReLU. S2 reports no experiment; chosen: Adam
at 0.001, 0.01 and 0.1, batch 128, 5 epochs.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"filters": (16, 32), "units": (32,)}, optimiser="adam", batch_size=128, epochs=5
    ),
    vary={"batch_norm": [False, True], "learning_rate": [0.001, 0.01, 0.1]},
    task=Train(watch="test"),
    conclusions=[
        improves(
            "accuracy", frm=(False, 0.1), to=(True, 0.1), text="A rate of 0.1 can be used with it, and not without"
        ),
        improves("accuracy", frm=(False, 0.01), to=(True, 0.01)),
        improves("first_accuracy", frm=(False, 0.001), to=(True, 0.001), text="It learns faster, at 0.001"),
    ],
    columns=("first_accuracy", "accuracy", "loss"),
    figures=[over_epochs("validation_accuracy", "validation_loss")],
    minutes=2,
)
