"""S1 §3.2.5, figures 3.15 and 3.16: maximum or average?

    digitlab study run pooling                   # about half a minute a seed on two cores

One convolution 32@3×3, 2×2 pooling, dense 20; Adam 0.01, batch 256. Epochs are not printed; chosen: 15. S1 draws the
training accuracy and loss.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, at_least, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", optimiser="adam", learning_rate=0.01, batch_size=256, epochs=15),
    vary={"pooling": ["max", "average"]},
    task=Train(watch="test"),
    conclusions=[
        at_least("accuracy", better="max", than="average", margin=0.001),
        improves("accuracy", frm="average", to="max"),
        improves("mean_training_accuracy", frm="average", to="max"),
        improves("mean_training_loss", frm="average", to="max"),
    ],
    columns=("accuracy", "loss", "mean_training_accuracy", "mean_training_loss"),
    figures=[over_epochs("accuracy", "loss", "validation_accuracy", "validation_loss")],
    repeats=5,
    minutes=0.5,
)
