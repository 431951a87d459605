"""S1 §3.2.8, figure 3.20: how many dense layers after the convolutions?

    digitlab study run dense-layers              # about 4 minutes a seed on two cores

64-128 filters, maximum pooling, Adam 0.01, batch 256. Width and epochs are not printed; chosen: layers of 20 as in the
first network, 6 epochs. S1: one layer, whose "average of accuracies over epochs is higher".
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"filters": (64, 128)}, optimiser="adam", learning_rate=0.01, batch_size=256, epochs=6
    ),
    variants={f"{layers} of 20": {"units": (20,) * layers} if layers > 1 else {} for layers in (1, 2, 3, 4)},
    task=Train(watch="test"),
    conclusions=[
        best("mean_watched_accuracy", "1 of 20", margin=0.001),
        best("mean_training_accuracy", "1 of 20", margin=0.001),
        best("accuracy", "1 of 20", margin=0.001),
    ],
    columns=("mean_training_accuracy", "mean_watched_accuracy", "accuracy", "loss"),
    figures=[over_epochs("accuracy", "validation_accuracy")],
    minutes=4,
)
