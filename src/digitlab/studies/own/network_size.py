"""Own: what is a parameter worth, from 300 to 5,000 of them?

    digitlab study run own-network-size              # about 20 minutes a seed on two cores

Accuracy on MNIST's test images over the number of parameters, batch normalisation's statistics counted among them, for
two families of `tiny-family`: one block of a depthwise and a pointwise convolution used four times, and four blocks
each used once. Beside them `tiny-cnn`, the recipe `tiny` without its other 30 epochs. Chosen: float32, Adam at 0.01
(`tiny`'s 0.02 is the rate of a network whose kernels are used once), one-cycle, batches of 128, 30 epochs with S1's
small rotations and shifts; the last epoch counts, and nothing is selected on the test images.
"""

from __future__ import annotations

from digitlab.studies import Study, above, against, dots, improves
from digitlab.training import TrainingConfig

# Parameters → width of the blocks, channels of the stem.
_SHARED = {
    302: (5, 2), 472: (7, 4), 658: (9, 6), 934: (12, 8), 1250: (16, 8), 1978: (24, 8), 2940: (32, 10), 4908: (46, 12),
}  # fmt: skip
_OWN = {429: (4, 3), 655: (6, 3), 942: (8, 4), 1624: (12, 6), 3256: (20, 6), 4910: (26, 8)}


def _cells(family: str, sizes: dict[int, tuple[int, int]], *, shared: bool) -> dict[str, dict[str, object]]:
    return {
        f"{family}, {count:,}": {"architecture": "tiny-family", "width": width, "stem": stem, "shared": shared}
        for count, (width, stem) in sizes.items()
    }


_SHARED_CELLS, _OWN_CELLS = _cells("shared", _SHARED, shared=True), _cells("own", _OWN, shared=False)

STUDY = Study(
    base=TrainingConfig(
        epochs=30, batch_size=128, optimiser="adam", learning_rate=0.01, schedule="one-cycle", augmentation="affine",
        precision="float32",
    ),
    variants={**_SHARED_CELLS, **_OWN_CELLS, "tiny-cnn": {"architecture": "tiny-cnn", "learning_rate": 0.02}},
    conclusions=[
        improves("accuracy", frm="own, 942", to="shared, 934"),
        improves("accuracy", frm="own, 4,910", to="shared, 4,908"),
        improves("accuracy", frm="tiny-cnn", to="shared, 1,250"),
        improves("accuracy", frm="shared, 302", to="shared, 934", by=0.01),
        improves("accuracy", frm="shared, 2,940", to="shared, 4,908"),
        above("accuracy", "shared, 934", 0.99),
    ],
    columns=("parameters", "accuracy", "loss", "seconds"),
    figures=[
        against(
            "parameters", "accuracy",
            {
                "one block, four times": tuple(_SHARED_CELLS),
                "four blocks": tuple(_OWN_CELLS),
                "tiny-cnn": ("tiny-cnn",),
            },
            level=0.99,
        ),
        dots("accuracy"),
    ],
    minutes=20,
)  # fmt: skip
