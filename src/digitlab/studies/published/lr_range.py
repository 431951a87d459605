"""S1 §3.2.2, figure 3.9: which learning rate for which optimiser?

    digitlab study run lr-range                  # about 2 minutes a seed on two cores

The rate rises from 0.000001 to 100, batch 512, on the network with 3×3 kernels, over 50 epochs in S1 and 5 here. S1
chose "the minimum point on the graph with the fastest decrease"; ours is the rate at the lowest smoothed loss.
"""

from __future__ import annotations

from digitlab.studies import FindRate, Published, Study, range_tests, reproduces
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("conv-family", options={"pooling": "average"}, batch_size=512),
    variants={
        "rmsprop": {"optimiser": "rmsprop"},
        "nadam": {"optimiser": "nadam"},
        "sgd": {"optimiser": "sgd"},
        "adadelta": {"optimiser": "adadelta", "epsilon": 1e-7},  # Keras' default of 2020, when S1 was written
        "adagrad": {"optimiser": "adagrad"},
        "adam": {"optimiser": "adam"},
    },
    task=FindRate(1e-6, 100, passes=5),
    published={
        "rmsprop": Published(rate=0.01),
        "nadam": Published(rate=0.01),
        "sgd": Published(rate=0.1),
        "adadelta": Published(rate=1),
        "adagrad": Published(rate=0.1),
        "adam": Published(rate=0.01),
    },
    conclusions=[
        reproduces("rate", within=10, ratio=True, keys=[name])
        for name in ("rmsprop", "nadam", "sgd", "adadelta", "adagrad", "adam")
    ],
    columns=("rate",),
    figures=[range_tests],
    minutes=2,
)
