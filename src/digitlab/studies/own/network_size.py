"""Own: what is a parameter worth, from 300 to 5,000 of them?

    digitlab study run own-network-size              # about 25 minutes a seed on two cores

Accuracy on MNIST's test images over the number of parameters, including batch normalisation's statistics, for two
families of `tiny-family`: three blocks of a depthwise and a pointwise convolution that share their kernels, and two
blocks with kernels of their own. For comparison `tiny-cnn`: the recipe `tiny` with half of its 60 epochs. Chosen:
float32, Adam at 0.02 as in that recipe, one-cycle, batches of 128, 30 epochs with S1's small rotations and shifts; the
last epoch counts, and nothing is selected on the test images.
"""

from __future__ import annotations

from digitlab.studies import Study, above, against, dots, improves
from digitlab.training import TrainingConfig

# Parameters → width of the blocks, channels of the stem.
_SHARED = {
    289: (4, 3), 436: (6, 4), 624: (8, 6), 982: (12, 8), 1314: (16, 8), 1872: (22, 8), 3068: (32, 10), 4648: (43, 12),
}  # fmt: skip
_OWN = {304: (4, 2), 429: (5, 4), 591: (7, 4), 926: (10, 6), 1424: (14, 8), 2574: (22, 10), 3910: (30, 10)}


def _cells(family: str, sizes: dict[int, tuple[int, int]], **options: object) -> dict[str, dict[str, object]]:
    return {
        f"{family}, {count:,}": {"architecture": "tiny-family", "width": width, "stem": stem, **options}
        for count, (width, stem) in sizes.items()
    }


_SHARED_CELLS, _OWN_CELLS = _cells("shared", _SHARED), _cells("own", _OWN, shared=False, repeats=0)

STUDY = Study(
    base=TrainingConfig(
        epochs=30, batch_size=128, optimiser="adam", learning_rate=0.02, schedule="one-cycle", augmentation="affine",
        precision="float32",
    ),
    variants={**_SHARED_CELLS, **_OWN_CELLS, "tiny-cnn": {"architecture": "tiny-cnn"}},
    conclusions=[
        improves("accuracy", frm="own, 304", to="shared, 289"),
        improves("accuracy", frm="own, 926", to="shared, 982"),
        improves("accuracy", frm="own, 3,910", to="shared, 4,648"),
        improves("accuracy", frm="tiny-cnn", to="shared, 1,314"),
        improves("accuracy", frm="shared, 289", to="shared, 982", by=0.01),
        improves("accuracy", frm="shared, 3,068", to="shared, 4,648"),
        above("accuracy", "shared, 982", 0.99),
    ],
    columns=("parameters", "accuracy", "loss", "seconds"),
    figures=[
        against(
            "parameters", "accuracy",
            {
                "three blocks, the same kernels": tuple(_SHARED_CELLS),
                "two blocks, their own kernels": tuple(_OWN_CELLS),
                "tiny-cnn": ("tiny-cnn",),
            },
            level=0.99,
        ),
        dots("accuracy"),
    ],
    minutes=25,
)  # fmt: skip
