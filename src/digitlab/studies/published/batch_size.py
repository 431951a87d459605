"""S1 §3.2.4, figures 3.13 and 3.14: which batch size?

    digitlab study run batch-size                # about 2 minutes a seed on two cores

The network of `losses`, Adam 0.01. The sizes and epochs are not printed; chosen: 32 to 512 by doubling, 15 epochs. S1:
"256 is the best choice, […] the accuracies are almost the same, and 512 performs slightly better".
"""

from __future__ import annotations

from digitlab.studies import Study, Train, at_least, best, over_epochs, same
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", options={"pooling": "average"}, optimiser="adam", learning_rate=0.01, epochs=15),
    vary={"batch_size": [32, 64, 128, 256, 512]},
    task=Train(watch="test"),
    conclusions=[
        best("accuracy", 256, margin=0.001),
        best("accuracy", 512, margin=0.001),
        at_least("accuracy", better=512, than=256, margin=0.001),
        same("accuracy", within=0.005, text="The accuracies are almost the same, within 0.005"),
    ],
    columns=("accuracy", "loss", "training_accuracy", "training_loss"),
    figures=[over_epochs("loss", "validation_loss", "accuracy", "validation_accuracy")],
    minutes=2,
)
