"""S2, "CNN example in Keras": two pairs and a dense layer.

    digitlab study run slides-cnn                # about 20 seconds a seed on two cores

Adam, batch 128, 10 epochs. The printed training accuracy was measured after the training; ours is the mean during the
last epoch, and somewhat lower.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, over_epochs, reproduces
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("slides-cnn", optimiser="adam", epochs=10),
    variants={"slides CNN": {}},
    task=Train(watch="test"),
    published={"slides CNN": Published(accuracy=0.9892, training_accuracy=0.9948, parameters=30_762)},
    conclusions=[
        reproduces("accuracy", within=0.002),
        reproduces("training_accuracy", within=0.005),
        reproduces("parameters", within=0),
    ],
    columns=("accuracy", "loss", "training_accuracy", "parameters"),
    figures=[over_epochs("accuracy", "validation_accuracy")],
    repeats=5,
    minutes=0.33,
)
