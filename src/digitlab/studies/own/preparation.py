"""Own: how much of S0's accuracy on 1-6-test is the network, and how much the preparation of the images?

    digitlab study run own-preparation           # about 8 minutes a seed on two cores

Three factors in all combinations: the training images (clean, or moved and noisy: S0's sets "sobel" and "0-1"), the
preparation of every image (none, or S0's Sobel filter), and the network (the worst and almost the best of S0's table
5.4). 12 epochs, as in table 5.1; every cell sees 48,000 training images. Networks for grey images are tested on
1-6-grey-test: the same 70,000 images, moved and with the same noise, but without the Sobel filter.

Expected before any run: the training images decide (S0: 24 points), then the network (S0: 2.5 points between 1Conv and
4Conv). S0's filter helps against uneven lighting, of which 1-6-test has none, while it amplifies noise: grey images are
at least as good, and the filter does most harm without noisy training images.
"""

from __future__ import annotations

from digitlab.studies import Effect, Study, effects, main_effect, outweighs
from digitlab.training import TrainingConfig

_NETWORKS = {"1Conv": "thesis-1conv", "4Conv": "thesis-4conv"}
_IMAGES = {
    ("clean", "grey"): {"dataset": "1-0-grey", "test": "1-6-grey-test"},
    ("clean", "Sobel"): {"dataset": "sobel", "test": "1-6-test"},
    ("noisy", "grey"): {"dataset": "0-1-grey", "test": "1-6-grey-test"},
    ("noisy", "Sobel"): {"dataset": "0-1", "test": "1-6-test"},
}


def _cells(*levels: str) -> tuple[str, ...]:
    """The cells that have all these factor levels."""
    return tuple(
        f"{network}, {trained}, {form}"
        for network in _NETWORKS
        for trained, form in _IMAGES
        if {*levels} <= {network, trained, form}
    )


def _change(frm: str, to: str, *under: str) -> Effect:
    """The change from one level of a factor to another, all else equal, at these levels of other factors."""
    return Effect(frm=_cells(frm, *under), to=_cells(to, *under))


_TRAINED = _change("clean", "noisy")
_FILTER = _change("Sobel", "grey")
_NETWORK = _change("1Conv", "4Conv")

STUDY = Study(
    base=TrainingConfig("thesis-4conv", epochs=12),
    variants={
        f"{network}, {trained}, {form}": {"architecture": architecture, **images}
        for network, architecture in _NETWORKS.items()
        for (trained, form), images in _IMAGES.items()
    },
    conclusions=[
        main_effect("accuracy", _TRAINED, by=0.1, text="Noisy training images instead of clean ones: over 10 points"),
        main_effect("accuracy", _NETWORK, by=0.01, text="4Conv instead of 1Conv: over 1 point"),
        main_effect("accuracy", _FILTER, text="Grey images instead of Sobel images: better"),
        outweighs(
            "accuracy",
            _change("clean", "noisy", "Sobel"),
            _change("clean", "noisy", "grey"),
            text="Interaction: noisy training images gain more with Sobel images than with grey ones",
        ),
        outweighs("accuracy", _TRAINED, _NETWORK, text="The training images matter more than the network"),
        outweighs(
            "accuracy",
            _change("1Conv", "4Conv", "noisy"),
            _change("Sobel", "grey", "noisy"),
            text="Trained on noisy images, the network matters more than leaving out the filter",
        ),
    ],
    figures=[
        effects(
            {
                "noisy training images, not clean": ("accuracy", {"": _TRAINED}),
                "    where they are Sobel images": ("accuracy", {"": _change("clean", "noisy", "Sobel")}),
                "    where they are grey": ("accuracy", {"": _change("clean", "noisy", "grey")}),
                "grey images, not Sobel": ("accuracy", {"": _FILTER}),
                "    trained on clean ones": ("accuracy", {"": _change("Sobel", "grey", "clean")}),
                "    trained on noisy ones": ("accuracy", {"": _change("Sobel", "grey", "noisy")}),
                "4Conv, not 1Conv": ("accuracy", {"": _NETWORK}),
                "    trained on clean images": ("accuracy", {"": _change("1Conv", "4Conv", "clean")}),
                "    trained on noisy images": ("accuracy", {"": _change("1Conv", "4Conv", "noisy")}),
            },
            title="effect on accuracy, in points",
        )
    ],
    minutes=8,
)
