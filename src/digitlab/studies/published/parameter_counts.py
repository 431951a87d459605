"""S2, "Characteristics of CNNs": how many parameters has which layer?

    digitlab study run parameter-counts          # seconds; nothing is trained

A dense layer of 256 on an image of 32×32 has 262,400 weights, 256 filters of 3×3 have 2,560. Also counted: the networks
whose numbers of parameters S1 and S2 print.
"""

from __future__ import annotations

from digitlab.studies import CountParameters, Published, Study, dots, reproduces

_DENSE, _CONV = "dense 256 on 32×32", "256 filters 3×3"

STUDY = Study(
    variants={
        _DENSE: {"layer": "dense", "size": 256, "side": 32},
        _CONV: {"layer": "conv", "size": 256, "side": 32},
        "slides-cnn": {"architecture": "slides-cnn"},
        "first-cnn": {"architecture": "first-cnn"},
        "final-cnn": {"architecture": "final-cnn"},
    },
    task=CountParameters(),
    published={
        _DENSE: Published(parameters=262_400),
        _CONV: Published(parameters=2_560),
        "slides-cnn": Published(parameters=30_762),
        "first-cnn": Published(parameters=93_222, trained_parameters=93_222),
        "final-cnn": Published(parameters=499_378, trained_parameters=492_446),
    },
    conclusions=[reproduces("parameters", within=0), reproduces("trained_parameters", within=0)],
    columns=("parameters", "trained_parameters"),
    figures=[dots("parameters", logarithmic=True)],
    repeats=1,
    minutes=0.1,
)
