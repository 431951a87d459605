"""Transfer learning: settings and a trained network in, a run folder out.

The settings are cheap to import; what needs Keras is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from digitlab.transfer_learning.settings import LEARNERS, Transfer

if TYPE_CHECKING:
    from digitlab.transfer_learning.applications import open_application
    from digitlab.transfer_learning.data import TransferData, transfer_data
    from digitlab.transfer_learning.experiment import Base, Transferred, open_base, run_transfer, transfer
    from digitlab.transfer_learning.learners import learn

__all__ = [
    "LEARNERS", "Base", "Transfer", "TransferData", "Transferred",
    "learn", "open_application", "open_base", "run_transfer", "transfer", "transfer_data",
]  # fmt: skip

_MODULES = {
    "open_application": "applications",
    **dict.fromkeys(("TransferData", "transfer_data"), "data"),
    **dict.fromkeys(("Base", "Transferred", "open_base", "run_transfer", "transfer"), "experiment"),
    "learn": "learners",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab.transfer_learning' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitlab.transfer_learning.{_MODULES[name]}"), name)
