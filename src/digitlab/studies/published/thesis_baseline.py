"""S0 §3.1: the Keras example, two convolutions on MNIST.

    digitlab study run thesis-baseline           # about a minute a seed on two cores

Adadelta (rate 1.0), batch 128, 12 epochs. The test images are evaluated after each epoch, as in the thesis, and decide
nothing. The thesis reports one run.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, over_epochs, reproduces
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-2conv", epochs=12),
    variants={"2Conv": {}},
    task=Train(watch="test"),
    published={"2Conv": Published(accuracy=0.9891, loss=0.0306, epochs=12)},
    conclusions=[reproduces("accuracy", within=0.003), reproduces("loss", within=0.01)],
    figures=[over_epochs("loss", "validation_loss", "accuracy", "validation_accuracy")],
    repeats=5,
    minutes=1,
)
