"""S0, table 5.4 and figure 5.8: how many convolutions?

    digitlab study run thesis-architectures      # about 13 minutes a seed on two cores

"Patience 2" in Keras 2.0 is 3 here; see thesis-early-stopping. At most 100 epochs. The thesis prints 0.945 for
3Conv+MaxPooling, the accuracy of 1Conv, beside a loss that lies between those of 2Conv and 4Conv: probably a misprint.
It is judged separately, and the order by the losses.
"""

from __future__ import annotations

from digitlab.studies import (
    Published,
    Study,
    at_least,
    dots,
    improves,
    in_published_order,
    reproduces,
    validation_curves,
)
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-2conv", "0-1", patience=3, epochs=100),
    vary={"architecture": ["thesis-1conv", "thesis-2conv", "thesis-3conv", "thesis-4conv", "thesis-6conv"]},
    test="1-6-test",
    published={
        "thesis-1conv": Published(loss=0.191, accuracy=0.945, epochs=47),
        "thesis-2conv": Published(loss=0.155, accuracy=0.954, epochs=30),
        "thesis-3conv": Published(loss=0.129, accuracy=0.945, epochs=28),
        "thesis-4conv": Published(loss=0.092, accuracy=0.970, epochs=27),
        "thesis-6conv": Published(loss=0.092, accuracy=0.971, epochs=24),
    },
    conclusions=[
        reproduces("accuracy", within=0.015, keys=["thesis-1conv", "thesis-2conv", "thesis-4conv", "thesis-6conv"]),
        reproduces("accuracy", within=0.015, keys=["thesis-3conv"]),
        in_published_order("loss", ties=0.005),
        improves("accuracy", frm="thesis-3conv", to="thesis-4conv"),
        at_least("accuracy", better="thesis-6conv", than="thesis-4conv", margin=0.002),
        improves("epochs", frm="thesis-1conv", to="thesis-6conv", text="More layers need fewer epochs: {1} than {0}"),
    ],
    figures=[validation_curves, dots("accuracy", "loss", "epochs")],
    minutes=13,
)
