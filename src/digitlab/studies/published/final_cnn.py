"""S1 §4: the final network.

    digitlab study run final-cnn                 # about 3 minutes a seed on two cores

Adam 0.01, batch 256, 20 epochs with augmentation. S1 prints an accuracy of 1.00, that is 0.995 or more, and precision,
recall and F1 of at least 0.99 for every digit, drawn beside ours. The confusion matrix is summed over all repeats.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, above, confusion, digit_report, over_epochs, reproduces
from digitlab.training import TrainingConfig

# The classification report of §4.2, digits 0 to 9.
_REPORT = {
    "precision": (1.00, 0.99, 1.00, 0.99, 0.99, 0.99, 1.00, 0.99, 1.00, 1.00),
    "recall": (1.00, 1.00, 1.00, 1.00, 1.00, 0.99, 0.99, 1.00, 1.00, 0.99),
    "F1": (1.00, 1.00, 1.00, 1.00, 0.99, 0.99, 0.99, 1.00, 1.00, 0.99),
}

STUDY = Study(
    base=TrainingConfig(
        "final-cnn", optimiser="adam", learning_rate=0.01, batch_size=256, epochs=20, augmentation="affine"
    ),
    variants={"final CNN": {}},
    task=Train(watch="test"),
    published={"final CNN": Published(parameters=499_378)},
    conclusions=[
        above("accuracy", "final CNN", 0.995, text="Accuracy 1.00 as printed: 0.995 or more"),
        above("least_f1", "final CNN", 0.985, text="F1 0.99 or 1.00 for every digit as printed: 0.985 or more"),
        above("least_area", "final CNN", 0.999, text="The ROC of every digit is near 1: areas of 0.999 or more"),
        reproduces("parameters", within=0),
    ],
    columns=("accuracy", "loss", "least_f1", "least_area", "parameters"),
    figures=[confusion, over_epochs("accuracy", "validation_accuracy"), digit_report(_REPORT)],
    minutes=3,
)
