"""S1 §3.2.11: leaky ReLU instead of ReLU?

    digitlab study run leaky-relu                # about 6 minutes a seed on two cores

S1's final network, with a slope for negative inputs in the ReLUs of its convolutions; dropout 0.2, Adam 0.01, batch
256, no augmentation. Slopes and epochs are not printed; chosen: 0 to 0.3, 6 epochs. S1: "all slopes between 0.05 and
0.1 are the best choice", and it uses 0.08.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, improves, over_epochs, same
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "final-cnn", options={"rate": 0.2}, optimiser="adam", learning_rate=0.01, batch_size=256, epochs=6
    ),
    vary={"slope": [0.0, 0.01, 0.05, 0.08, 0.1, 0.3]},
    task=Train(watch="test"),
    conclusions=[
        same("accuracy", within=0.002, keys=[0.05, 0.08, 0.1], text="Slopes of 0.05 to 0.1 are the same, within 0.002"),
        best("accuracy", 0.08, margin=0.001),
        improves("accuracy", frm=0.0, to=0.08, text="A slope of 0.08 is better than none"),
    ],
    columns=("accuracy", "loss", "training_loss"),
    figures=[over_epochs("validation_accuracy", "validation_loss")],
    minutes=6,
)
