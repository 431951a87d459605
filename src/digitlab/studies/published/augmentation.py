"""S1 §3.2.12, figures 3.22 to 3.24: does data augmentation help against overfitting?

    digitlab study run augmentation              # about 17 minutes a seed on two cores

S1's final network, Adam 0.01, batch 256, 50 epochs as printed, without and with small changes of each image: shear
0.1°, width shift 0.02, rotation 8°, zoom 0.08.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("final-cnn", optimiser="adam", learning_rate=0.01, batch_size=256, epochs=50),
    vary={"augmentation": ["none", "affine"]},
    task=Train(watch="test"),
    labels={"none": "without", "affine": "with augmentation"},
    conclusions=[
        improves("gap", frm="none", to="affine", text="With augmentation test and training loss lie closer together"),
        improves("watched_loss", frm="none", to="affine"),
        improves("accuracy", frm="none", to="affine"),
    ],
    columns=("gap", "training_loss", "watched_loss", "accuracy"),
    figures=[over_epochs("loss", "validation_loss", "accuracy", "validation_accuracy")],
    minutes=17,
)
