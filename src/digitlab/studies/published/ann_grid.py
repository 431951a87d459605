"""S1 §2.3.1: the grid of fully connected networks.

    digitlab study run ann-grid                  # about 7 minutes a fold on two cores

Batch 32 or 64, 6 or 10 epochs, 2, 3 or 4 hidden layers (S1's "nodes" 1, 2, 3 come after a first one) of 64 or 397, Adam
or RMSprop; initialisation "uniform". S1 used ten folds; here one fold of the ten decides (`--seeds 10` for all), and
every setting is judged on pairs of networks that differ in it alone. S1's best: two hidden layers of 397, Adam, batch
32, 10 epochs. `digitlab tune` finds a good network at a fraction of the cost.
"""

from __future__ import annotations

from digitlab.studies import Study, TrainOnFolds, best, dots, factor
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("dense-family", options={"initialiser": "uniform"}),
    vary={
        "batch_size": [32, 64],
        "epochs": [6, 10],
        "hidden": [2, 3, 4],
        "width": [64, 397],
        "optimiser": ["adam", "rmsprop"],
    },
    task=TrainOnFolds(10),
    conclusions=[
        factor("accuracy", "width", better=397, than=64),
        factor("accuracy", "optimiser", better="adam", than="rmsprop"),
        factor("accuracy", "epochs", better=10, than=6),
        factor("accuracy", "batch_size", better=32, than=64),
        factor("accuracy", "hidden", better=2, than=3),
        factor("accuracy", "hidden", better=2, than=4),
        best("accuracy", (32, 10, 2, 397, "adam"), margin=0.002),
    ],
    columns=("accuracy", "loss", "seconds"),
    figures=[dots("accuracy")],
    repeats=1,
    minutes=7,
)
