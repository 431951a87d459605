"""S1 §2.2 and figure 2.2: the fully connected network.

    digitlab study run ann                       # about 10 seconds a seed on two cores

Two hidden layers of 397, the mean of 784 and 10; pixels from -0.5 to 0.5; Adam, batch 32, 6 epochs. S1 prints the
training accuracies and losses of one run; they are drawn as crosses.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, above, over_epochs, reproduces
from digitlab.training import TrainingConfig

_PRINTED = (0.9175, 0.9579, 0.9679, 0.9732, 0.9783, 0.9798)
_LOSSES = (0.2660, 0.1331, 0.1020, 0.0841, 0.0691, 0.0632)

STUDY = Study(
    base=TrainingConfig("ann-397", optimiser="adam", batch_size=32, epochs=6),
    variants={"two layers of 397": {}},
    task=Train(watch="test"),
    published={
        "two layers of 397": Published(training_accuracy=_PRINTED[-1], curves={"accuracy": _PRINTED, "loss": _LOSSES})
    },
    conclusions=[
        reproduces("training_accuracy", within=0.005),
        above("accuracy", "two layers of 397", 0.95, text="An accuracy over 95 per cent"),
        above(
            "least_area", "two layers of 397", 0.999, text="The ROC of every digit is near 1: areas of 0.999 or more"
        ),
    ],
    columns=("training_accuracy", "accuracy", "loss", "least_area"),
    figures=[over_epochs("accuracy", "validation_accuracy", "loss", "validation_loss")],
    repeats=5,
    minutes=0.17,
)
