"""S0, table 5.3, figures 5.6 and 5.7: does dropout help?

    digitlab study run thesis-dropout            # about 3 minutes a seed on two cores

Without dropout the network should learn faster, stop earlier, and end worse. "Patience 2" in Keras 2.0 is 3 here; see
thesis-early-stopping. At most 100 epochs.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, dots, improves, learning_curves, reproduces, validation_curves
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("thesis-2conv", "0-1", patience=3, epochs=100),
    vary={"dropout": [False, True]},
    test="1-6-test",
    published={
        False: Published(loss=0.189, accuracy=0.945, epochs=9),
        True: Published(loss=0.155, accuracy=0.954, epochs=30),
    },
    conclusions=[
        reproduces("accuracy", within=0.015),
        improves("accuracy", frm=False, to=True),
        improves("loss", frm=False, to=True),
        improves("epochs", frm=True, to=False, text="Without dropout the training ends after fewer epochs"),
        improves("training_loss", frm=True, to=False, text="Without dropout the training loss ends lower"),
    ],
    columns=("accuracy", "loss", "epochs", "training_loss"),
    figures=[learning_curves, validation_curves, dots("accuracy", "loss", "epochs")],
    minutes=3,
)
