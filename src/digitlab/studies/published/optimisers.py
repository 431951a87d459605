"""S1 §3.2.2, figures 3.10 and 3.11: six optimisers, each at the rate found for it.

    digitlab study run optimisers                # about 2 minutes a seed on two cores

The network with 3×3 kernels and average pooling, batch 512 as in the search for the rates. Epochs are not printed;
chosen: 15. S1: Adam learns the fastest and "doesn't suffer any major decreases in accuracy".
"""

from __future__ import annotations

from digitlab.studies import Study, Train, best, over_epochs
from digitlab.training import TrainingConfig

_RATES = {"rmsprop": 0.01, "nadam": 0.01, "sgd": 0.1, "adadelta": 1.0, "adagrad": 0.1, "adam": 0.01}

STUDY = Study(
    base=TrainingConfig("conv-family", options={"pooling": "average"}, batch_size=512, epochs=15),
    variants={
        f"{name} {rate:g}": {
            "optimiser": name,
            "learning_rate": rate,
            "epsilon": 1e-7 if name == "adadelta" else None,  # Keras' default of 2020, when S1 was written
        }
        for name, rate in _RATES.items()
    },
    task=Train(watch="test"),
    conclusions=[
        best("first_accuracy", "adam 0.01", margin=0.0, text="{0} learns the fastest: best after the first epoch"),
        best(
            "worst_drop",
            "adam 0.01",
            margin=0.001,
            text="{0} is the steadiest: its worst fall is the least, within 0.001",
        ),
        best("accuracy", "adam 0.01", margin=0.001),
    ],
    columns=("first_accuracy", "worst_drop", "accuracy", "loss"),
    figures=[over_epochs("validation_accuracy", "validation_loss")],
    minutes=2,
)
