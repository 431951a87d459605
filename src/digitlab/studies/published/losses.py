"""S1 §3.2.3, figure 3.12: three equivalent losses.

    digitlab study run losses                    # about a minute a seed on two cores

Categorical cross-entropy of one-hot labels, sparse categorical cross-entropy of plain ones, and the Kullback-Leibler
divergence; Adam 0.01, the network and batch of `optimisers`. Epochs are not printed; chosen: 15. The figure shows the
cross-entropy for all three.
"""

from __future__ import annotations

from digitlab.studies import Study, Train, over_epochs, same
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig(
        "conv-family", options={"pooling": "average"}, optimiser="adam", learning_rate=0.01, batch_size=512, epochs=15
    ),
    vary={"loss": ["categorical-crossentropy", "sparse-categorical-crossentropy", "kl-divergence"]},
    task=Train(watch="test"),
    conclusions=[
        same("accuracy", within=0.003),
        same("training_loss", within=0.003),
    ],
    columns=("training_loss", "accuracy", "loss"),
    figures=[over_epochs("loss")],
    repeats=5,
    paired=True,  # one loss under three names: same initial weights, same images in the same order
    minutes=1,
)
