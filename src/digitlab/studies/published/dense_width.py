"""S1 §3.2.9: how wide should the dense layer be?

    digitlab study run dense-width               # about 5 minutes a seed on two cores

64-128 filters, maximum pooling, one dense layer, Adam 0.01, batch 256. Widths and epochs are not printed; chosen: 32 to
512 by doubling, 6 epochs. S1: 128, which "does not suffer any bad decreases".
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"filters": (64, 128)}, optimiser="adam", learning_rate=0.01, batch_size=256, epochs=6
    ),
    vary={"units": [(32,), (64,), (128,), (256,), (512,)]},
    task=Train(watch="test"),
    conclusions=[
        best("worst_drop", (128,), margin=0.001),
        best("mean_watched_accuracy", (128,), margin=0.001),
        best("accuracy", (128,), margin=0.001),
    ],
    columns=("worst_drop", "mean_watched_accuracy", "accuracy", "loss"),
    figures=[over_epochs("validation_accuracy", "validation_loss")],
    minutes=5,
)
