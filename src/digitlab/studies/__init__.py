"""Studies: vary one setting, keep the rest fixed, compare measured with published values, check the conclusions.

    digitlab study run thesis-dropout

To write your own study, define ``STUDY`` in a file, with the names exported here; see examples/own_study.py.
"""

from __future__ import annotations

from digitlab.studies.catalogue import find_study, study_names
from digitlab.studies.cells import Published
from digitlab.studies.conclusions import (
    above,
    at_least,
    best,
    factor,
    improves,
    in_published_order,
    reproduces,
    same,
    steady,
)
from digitlab.studies.effects import Effect, main_effect, outweighs, pays_more
from digitlab.studies.figures import (
    against,
    confusion,
    digit_report,
    dots,
    effects,
    learning_curves,
    over_epochs,
    price,
    range_tests,
    validation_curves,
)
from digitlab.studies.job import CountParameters, FindRate, Train, TrainOnFolds
from digitlab.studies.study import Study

__all__ = [
    "CountParameters", "Effect", "FindRate", "Published", "Study", "Train", "TrainOnFolds", "above", "against",
    "at_least", "best", "confusion", "digit_report", "dots", "effects", "factor", "find_study", "improves",
    "in_published_order",
    "learning_curves", "main_effect", "outweighs", "over_epochs", "pays_more", "price", "range_tests", "reproduces",
    "same", "steady", "study_names", "validation_curves",
]  # fmt: skip
