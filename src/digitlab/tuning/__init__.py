"""Hyperparameter search by cross-validation on the training images; the test images are never used.

    digitlab tune s1-grid

The search space is read from a file (`space`), Optuna proposes and prunes trials (`search`), `digitlab.scheduling` runs
the trainings in the order that `running` decides, and everything is kept in a folder (`folder`).
"""

from __future__ import annotations

from digitlab.tuning.parameters import Choice, Range
from digitlab.tuning.settings import Tuning
from digitlab.tuning.space import Space, find_space, parse_space

__all__ = ["Choice", "Range", "Space", "Tuning", "find_space", "parse_space"]
