"""S1 §3.2.10: how much dropout, with batch normalisation?

    digitlab study run dropout                   # about 6 minutes a seed on two cores

S1's final network with plain ReLUs: dropout after each pool and before the last layer, batch normalisation in the dense
part (as in S1's listing, which creates others between the convolutions but never adds them). Adam 0.01, batch 256.
Rates and epochs are not printed; chosen: 0 to 0.6, 6 epochs. S1: the difference between validation and training error
is large without dropout and with much of it, and small at 0.2.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "final-cnn", options={"slope": 0.0}, optimiser="adam", learning_rate=0.01, batch_size=256, epochs=6
    ),
    vary={"rate": [0.0, 0.2, 0.4, 0.6]},
    task=Train(watch="test"),
    conclusions=[
        best("gap", 0.2, margin=0.002),
        improves("gap", frm=0.0, to=0.2),
        improves("gap", frm=0.6, to=0.2),
        best("accuracy", 0.2, margin=0.001),
    ],
    columns=("gap", "training_loss", "watched_loss", "accuracy"),
    figures=[over_epochs("loss", "validation_loss")],
    minutes=6,
)
