"""Several networks trained one after the other, and kept as one whose answer is the mean of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from digitlab.models import card_of, ensemble, ensemble_card, open_model
from digitlab.models.backend import release_memory
from digitlab.training.events import Stage
from digitlab.training.loop import History

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.models.backend import keras
    from digitlab.runs import Run
    from digitlab.training.config import TrainingConfig
    from digitlab.training.events import Listener
    from digitlab.values import ModelCard

__all__ = ["train_members"]


def train_members(
    training: TrainingConfig, run: Run, train: Callable[[TrainingConfig, Run], History], listener: Listener
) -> tuple[keras.Model, ModelCard, History]:
    """Train ``training.members`` networks into `members/` of ``run``: the ensemble, its card, and how it ended.

    Member m of seed s trains with seed ``s * members + m``, so that ensembles of neighbouring seeds share no network. A
    member that is done is not trained again; one that was killed goes on.

    train: trains one network into a run folder
    """
    folders = []
    for number in range(training.members):
        folder = run.member(number + 1)
        folders.append(folder)
        if folder.report.is_file() and not folder.checkpoint.is_file():
            continue
        listener(Stage(f"member {number + 1} of {training.members}", number + 1, training.members))
        own = replace(training, members=1, tta=1, seed=training.seed * training.members + number)
        history = train(own, folder)
        release_memory()
        if history.interrupted:
            break
    models = [open_model(folder.path) for folder in folders]
    cards = [card_of(model, folder.path) for model, folder in zip(models, folders, strict=True)]
    name = training.name or f"{training.architecture}-ensemble"
    whole = History(stopped="all members done")
    if len(models) == 1:
        whole.interrupt(f"in member 1 of {training.members}")
        return models[0], cards[0], whole
    if len(models) < training.members:
        whole.interrupt(f"in member {len(models)}")
    return ensemble(models, name), ensemble_card(name, cards), whole
