"""S2, "Spatial Dropout 2D": whole channels left out.

    digitlab study run spatial-dropout           # about a minute a seed on two cores

The network of the slides with a share of the channels dropped after each pool. S2 reports no experiment; chosen: 0, 0.1
and 0.2, Adam, batch 128, 10 epochs. As a form of dropout it should keep training and test closer together.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, at_least, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"filters": (16, 32), "units": (32,)}, optimiser="adam", batch_size=128, epochs=10
    ),
    vary={"spatial_dropout": [0.0, 0.1, 0.2]},
    task=Train(watch="test"),
    labels={0.0: "none", 0.1: "a tenth of the channels", 0.2: "a fifth of the channels"},
    conclusions=[
        improves("watched_loss", frm=0.0, to=0.1),
        improves("accuracy", frm=0.0, to=0.1),
        at_least("accuracy", better=0.2, than=0.0, margin=0.001),
    ],
    columns=("accuracy", "training_loss", "watched_loss", "gap"),
    figures=[over_epochs("loss", "validation_loss")],
    repeats=5,
    minutes=1,
)
