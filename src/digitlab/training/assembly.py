"""Builds network, optimiser and training loop from settings; only this module unpacks `TrainingConfig`'s fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.models import build
from digitlab.models.backend import dtype_policy, keras
from digitlab.training.augmentation import augmentation
from digitlab.training.loop import Loop
from digitlab.training.optimisers import make_optimiser
from digitlab.training.precision import dtype_policy_name

if TYPE_CHECKING:
    from digitlab.datasets.shuffling import Shuffled
    from digitlab.training.config import TrainingConfig
    from digitlab.values import Digits

__all__ = ["finished_network", "loop_of", "network_of", "optimiser_of"]


def network_of(training: TrainingConfig) -> keras.Model:
    """Build the untrained network under the current dtype policy.

    Raises:
        UsageError: for an unknown architecture or option.
    """
    return build(training.architecture, dropout=training.dropout, noise=training.noise, options=training.options)


def optimiser_of(training: TrainingConfig, *, steps: int) -> keras.Optimizer:
    """Create the optimiser, with its schedule, for a training of ``steps`` batches in total.

    Raises:
        UsageError: for an unknown optimiser or schedule, or an average of the weights beside early stopping.
    """
    if training.weight_average and training.patience is not None:
        raise UsageError(
            f"weight_average is {training.weight_average:g} and patience {training.patience}: early stopping keeps the "
            "weights of the best epoch, not an average; expected only one of them"
        )
    return make_optimiser(
        training.optimiser,
        learning_rate=training.learning_rate,
        schedule=training.schedule,
        steps=steps,
        weight_average=training.weight_average,
        epsilon=training.epsilon,
    )


def loop_of(
    training: TrainingConfig,
    train: Digits | Shuffled,
    validation: Digits | None,
    *,
    optimiser: keras.Optimizer | None = None,
    watched: Digits | None = None,
) -> Loop:
    """Set up the training loop: seed Keras' global state, build the network under its precision's dtype policy.

    optimiser: replaces the one from the settings
    watched: see `Loop`

    Raises:
        UsageError: for an unknown architecture, option, optimiser, schedule or augmentation.
    """
    keras.utils.set_random_seed(training.seed)
    with dtype_policy(dtype_policy_name(training.precision)):
        model = network_of(training)
    return Loop(
        model,
        optimiser or optimiser_of(training, steps=training.epochs * -(-len(train) // training.batch_size)),
        train,
        validation,
        batch_size=training.batch_size,
        seed=training.seed,
        patience=training.patience,
        label_smoothing=training.label_smoothing,
        loss=training.loss,
        augmentation=augmentation(training.augmentation),
        clean_from=training.epochs - training.clean_epochs + 1,
        distractors=training.distractors > 0,
        watched=watched,
    )


def finished_network(training: TrainingConfig, loop: Loop) -> keras.Model:
    """Return the trained network in float32, whatever dtype policy it was trained with."""
    model = network_of(training)
    model.set_weights(loop.model.get_weights())
    return model
