"""S1 §3.2.7, figure 3.19: how many filters?

    digitlab study run filters                   # about 12 minutes a seed on two cores

Two pairs of 3×3 convolution and maximum pooling, dense 20; Adam 0.01, batch 256. Epochs are not printed; chosen: 6, as
256-512 takes two minutes per epoch. S1: 64-128 "keeps the loss to the minimum".
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", optimiser="adam", learning_rate=0.01, batch_size=256, epochs=6),
    vary={"filters": [(8, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 512)]},
    task=Train(watch="test"),
    conclusions=[
        best("loss", (64, 128), margin=0.002),
        best("accuracy", (64, 128), margin=0.001),
        improves("loss", frm=(8, 16), to=(64, 128)),
        improves("loss", frm=(256, 512), to=(64, 128)),
    ],
    columns=("accuracy", "loss", "training_loss", "seconds"),
    figures=[over_epochs("loss", "validation_loss")],
    minutes=12,
)
