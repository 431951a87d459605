"""Own: does a second dense layer help a small network?

`digitlab study run examples/own_study.py` trains both, three times each; with --quick a moment of each.
"""

from digitlab.studies import Published, Study, improves, over_epochs
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", options={"filters": [16]}, optimiser="adam", epochs=3, validation=0.1),
    vary={"units": [(32,), (32, 32)]},
    published={(32,): Published(accuracy=0.98)},  # a number from somewhere, to stand beside ours
    conclusions=[improves("accuracy", frm=(32,), to=(32, 32))],
    figures=[over_epochs("loss", "validation_accuracy")],
    minutes=0.5,
)
