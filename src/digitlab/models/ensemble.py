"""Ensembles: several networks in one model, which outputs the mean of their probabilities.

The members' layers are in one flat graph, not in nested models, so that everything that lists a network's layers
(inspection, the card's preparation, converters) finds them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from digitlab.errors import ModelError, UsageError
from digitlab.models.backend import keras
from digitlab.models.saving import versions
from digitlab.values import ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ensemble", "ensemble_card", "members_of"]

_TOLD = ("dataset", "epochs_trained", "seed", "test_accuracy", "test_loss")


def ensemble(members: Sequence[keras.Model], name: str = "ensemble") -> keras.Model:
    """Combine networks into one that outputs the mean of the members' probabilities.

    Args:
        members: two or more, each from uint8 (N, 28, 28) to probabilities (N, 10); they are not changed.
        name: the name of the new model.

    Returns:
        A model from uint8 (N, 28, 28) to float32 (N, 10), with copies of the members' layers and weights.

    Raises:
        UsageError: fewer than two members.
        ModelError: a member with another input or output shape.
    """
    if len(members) < 2:
        raise UsageError(f"an ensemble has two or more models; {len(members)} given")
    images = keras.Input((28, 28), dtype="uint8", name="images")
    answers = [_answer(member, images, f"member-{number}") for number, member in enumerate(members, start=1)]
    mean = keras.layers.Average(dtype="float32", name="probabilities")(answers)
    return keras.Model(images, mean, name=name)


def members_of(model: keras.Model) -> list[keras.Model]:
    """Return the members of an ensemble made here, sharing its layers and weights; empty for any other model."""
    last = model.layers[-1]
    if type(last) is not keras.layers.Average or len(model.outputs) != 1:
        return []
    answers = last.input
    if any(tuple(answer.shape) != (None, 10) for answer in answers) or last.output is not model.outputs[0]:
        return []
    return [keras.Model(model.input, answer, name=f"member-{number}") for number, answer in enumerate(answers, 1)]


def ensemble_card(name: str, cards: Sequence[ModelCard]) -> ModelCard:
    """Return the model card of an ensemble: its members and their training.

    Raises:
        ModelError: some take grey images and others Sobel images.
    """
    forms = {card.form for card in cards}
    if len(forms) > 1:
        of = ", ".join(f"{card.name} {card.form}" for card in cards)
        raise ModelError(f"the members of an ensemble must take images of the same form; these take: {of}")
    members = [
        {"name": card.name, "architecture": card.architecture}
        | {key: card.training[key] for key in _TOLD if key in card.training}
        for card in cards
    ]
    return ModelCard(
        name,
        f"ensemble of {len(cards)}",
        "; ".join(sorted({card.preparation for card in cards})),
        form=forms.pop(),
        training={"members": members},
        versions=versions(),
    )


def _answer(member: keras.Model, images: Any, prefix: str) -> Any:
    """Return the probabilities (N, 10) of a copy of ``member`` for ``images``; its layers' names get ``prefix``."""
    if tuple(member.input_shape[1:]) != (28, 28) or tuple(member.output_shape[1:]) != (10,):
        raise ModelError(
            f"{member.name} maps {member.input_shape} to {member.output_shape}; "
            "expected (N, 28, 28) images to (N, 10) probabilities"
        )

    @functools.cache  # Keras calls this twice for a shared layer
    def renamed(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "name": f"{prefix}-{layer.name}"})

    graph = keras.Model(member.inputs, member.outputs)  # turns a Sequential into a graph
    copy = keras.models.clone_model(graph, input_tensors=[images], clone_function=renamed)
    copy.set_weights(member.get_weights())
    return copy.outputs[0]
