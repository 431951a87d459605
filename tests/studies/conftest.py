"""Studies and results that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.studies import Published, Study, improves
from digitlab.training import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.studies.store import Store

Result = Callable[..., dict[str, Any]]


@pytest.fixture
def study() -> Study:
    """Two cells, each twice; named as one that was loaded."""
    whole = Study(
        base=TrainingConfig("conv-family", options={"filters": [4]}, optimiser="adam", epochs=1),
        vary={"pooling": ["average", "max"]},
        published={"max": Published(accuracy=0.9)},
        conclusions=[improves("accuracy", frm="average", to="max")],
        repeats=2,
    )
    return replace(whole, name="two-pools", about="Which pool?\n\nA study for the tests.")


@pytest.fixture
def result() -> Result:
    """A cell's result with this accuracy, as a training gives it."""

    def make(accuracy: float, **other: Any) -> dict[str, Any]:
        history = {
            "loss": [0.5, 0.2], "accuracy": [0.7, 0.9], "validation_loss": [0.4, 0.3],
            "validation_accuracy": [0.8, accuracy], "seconds": [1.0, 1.0],
        }  # fmt: skip
        return {
            "accuracy": accuracy, "loss": 1 - accuracy, "epochs": 2, "best_epoch": 2, "seconds": 2.0, "overhead": 1.0,
            "parameters": 100, "history": history, "areas": [0.99] * 10,
            "confusion_matrix": [[90 if row == column else 1 for column in range(10)] for row in range(10)],
            "batches": {"batches": 2, "each": 1, "loss": [0.9, 0.5, 0.3, 0.2], "accuracy": [0.5, 0.7, 0.8, 0.9]},
            **other,
        }  # fmt: skip

    return make


@pytest.fixture
def filled(study: Study, result: Result, tmp_path: Path) -> Store:
    """A store with every cell of ``study``: max pooling half a point better."""
    from digitlab.studies.outcome import plan
    from digitlab.studies.store import Store

    store = Store(tmp_path / "results")
    for each in plan(study):
        accuracy = (0.985 if each.cell.key == "average" else 0.99) + 0.0002 * each.repeat
        store.keep(each.job, result(accuracy), {"processor": "abacus", "cores": 2, "versions": {"digitlab": "0"}})
    return store
