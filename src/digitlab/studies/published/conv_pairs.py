"""S1 §3.2.6, figures 3.17 and 3.18: one, two or three pairs of convolution and pooling?

    digitlab study run conv-pairs                # about 7 minutes a seed on two cores

Maximum pooling, dense 20, Adam 0.01, batch 256. The printed numbers are means over epochs, and their digits show how
many: 0.9862325 takes a mean of at least forty accuracies on 10,000 images. The filters are not printed; chosen:
32, then 64, then 128, doubled as in the study of filters that follows.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, best, dots, improves, over_epochs, reproduces
from digitlab.training import TrainingConfig

ONE, TWO, THREE = (32,), (32, 64), (32, 64, 128)


def _printed(trained: float, watched: float, training_loss: float, watched_loss: float) -> Published:
    return Published(
        mean_training_accuracy=trained,
        mean_watched_accuracy=watched,
        mean_training_loss=training_loss,
        mean_watched_loss=watched_loss,
    )


# Figure 3.17.
_TABLE = ("mean_training_accuracy", "mean_watched_accuracy", "mean_training_loss", "mean_watched_loss")

STUDY = Study(
    base=TrainingConfig("conv-family", optimiser="adam", learning_rate=0.01, batch_size=256, epochs=40),
    vary={"filters": [ONE, TWO, THREE]},
    task=Train(watch="test"),
    labels={ONE: "one pair", TWO: "two pairs", THREE: "three pairs"},
    published={
        ONE: _printed(0.99251, 0.98175, 0.02402, 0.11735),
        TWO: _printed(0.99166, 0.98623, 0.02728, 0.07166),
        THREE: _printed(0.98696, 0.98118, 0.04178, 0.08599),
    },
    conclusions=[
        best("mean_watched_accuracy", TWO, margin=0.0),
        best("mean_watched_loss", TWO, margin=0.0),
        improves("mean_training_accuracy", frm=THREE, to=ONE, text="{1} fits the training images better than {0}"),
        best("accuracy", TWO, margin=0.001),
        reproduces("mean_watched_accuracy", within=0.005),
    ],
    columns=(*_TABLE, "accuracy"),
    figures=[over_epochs("validation_accuracy", "validation_loss"), dots(*_TABLE[:2]), dots(*_TABLE[2:])],
    minutes=7,
)
