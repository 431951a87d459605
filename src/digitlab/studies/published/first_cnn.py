"""S1 §3.1.5, figure 3.6: the first convolutional network.

    digitlab study run first-cnn                 # about 10 seconds a seed on two cores

Convolution 32@5×5, average pooling, dense 20. Optimiser, batch and epochs are not printed; chosen: Adam as in S1's next
listing, batch 32 (Keras' default) and 6 epochs, as for its fully connected network.
"""

from __future__ import annotations

from digitlab.studies import Published, Study, Train, over_epochs, reproduces
from digitlab.training import TrainingConfig

STUDY = Study(
    base=TrainingConfig("first-cnn", optimiser="adam", batch_size=32, epochs=6),
    variants={"first CNN": {}},
    task=Train(watch="test"),
    published={"first CNN": Published(accuracy=0.9862, parameters=93_222)},
    conclusions=[reproduces("accuracy", within=0.003), reproduces("parameters", within=0)],
    columns=("accuracy", "loss", "parameters"),
    figures=[over_epochs("accuracy", "validation_accuracy")],
    repeats=5,
    minutes=0.17,
)
