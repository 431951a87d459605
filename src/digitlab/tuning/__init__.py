"""Tuning: a space of recipes is searched on folds of the training images; the test images are never looked at.

    digitlab tune s1-grid

What is possible is read from a file (`space`), proposals and pruning are Optuna's (`search`), the trainings are done by
the engines of the studies (`running`), and all of it is kept in a folder (`folder`).
"""

from __future__ import annotations

from digitlab.tuning.parameters import Choice, Parameter, Range
from digitlab.tuning.settings import Tuning
from digitlab.tuning.space import Space, find_space, parse_space, read_space, space_names

__all__ = ["Choice", "Parameter", "Range", "Space", "Tuning", "find_space", "parse_space", "read_space", "space_names"]
