"""S0, table 5.1 and figure 5.5: which training images help on noisy, moved ones?

    digitlab study run thesis-datasets           # about 16 minutes a seed on two cores

The 2Conv network for 12 epochs on each handmade set, measured on 1-6-test (70,000 images). The last epoch's weights are
kept. All seeds see the same images: the sets are made with seed 0.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, dots, improves, in_published_order, reproduces, same, validation_curves
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-2conv", epochs=12),
    vary={"dataset": ["sobel", "0-1", "1-1", "0-6", "1-6"]},
    test="1-6-test",
    published={
        "sobel": Published(loss=1.233, accuracy=0.699, epochs=12),
        "0-1": Published(loss=0.201, accuracy=0.939, epochs=12),
        "1-1": Published(loss=0.189, accuracy=0.943, epochs=12),
        "0-6": Published(loss=0.109, accuracy=0.968, epochs=12),
        "1-6": Published(loss=0.111, accuracy=0.967, epochs=12),
    },
    conclusions=[
        reproduces("accuracy", within=0.015),
        in_published_order("accuracy", ties=0.005),
        improves("accuracy", frm="sobel", to="0-1", by=0.1, text="{0} is much worse than the others: by more than 0.1"),
        improves("accuracy", frm="1-1", to="0-6", text="Six transformed copies ({1}) are better than one ({0})"),
        improves("accuracy", frm="0-1", to="1-6", text="Six transformed copies ({1}) are better than one ({0})"),
        same("accuracy", within=0.01, keys=["0-1", "1-1"], text="The plain copy adds little: {0} and {1}, within 0.01"),
        same("accuracy", within=0.01, keys=["0-6", "1-6"], text="The plain copy adds little: {0} and {1}, within 0.01"),
    ],
    figures=[validation_curves, dots("accuracy", "loss")],
    minutes=16,
)
