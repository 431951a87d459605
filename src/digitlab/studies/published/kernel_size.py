"""S1 §3.2.1, figure 3.7: kernels of 3×3, 5×5 or 7×7?

    digitlab study run kernel-size               # about a minute a seed on two cores

The first network with other kernels: 32 filters, average pooling, dense 20; Adam. Batch and epochs are not printed;
chosen: batch 32 and 10 epochs. S1: larger kernels are slightly better at first, and the same in the end; 3×3 is kept.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, improves, over_epochs, same
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", options={"pooling": "average"}, optimiser="adam", batch_size=32, epochs=10),
    vary={"kernel": [3, 5, 7]},
    task=Train(watch="test"),
    labels={3: "3×3", 5: "5×5", 7: "7×7"},
    conclusions=[
        same("accuracy", within=0.003, text="In the end all three are the same, within 0.003"),
        improves("first_accuracy", frm=3, to=5),
        improves("first_accuracy", frm=3, to=7),
    ],
    columns=("first_accuracy", "accuracy", "loss"),
    figures=[over_epochs("accuracy", "validation_accuracy")],
    repeats=5,
    minutes=1,
)
