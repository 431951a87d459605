"""The keywords that functions take beside their own: written by tools/api_keywords.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReadingKeywords", "TrainingKeywords", "TransferKeywords", "TuningKeywords"]


class TrainingKeywords(TypedDict, total=False):
    """The settings of `TrainingConfig`; None leaves one as it is."""

    architecture: str | None
    dataset: str | None
    test: str | None
    epochs: int | None
    batch_size: int | None
    optimiser: str | None
    loss: str | None
    learning_rate: float | None
    epsilon: float | None
    schedule: str | None
    dropout: bool | None
    options: Mapping[str, Any] | None
    augmentation: str | None
    clean_epochs: int | None
    noise: float | None
    distractors: float | None
    weight_average: float | None
    label_smoothing: float | None
    validation: float | None
    watch: str | None
    patience: int | None
    seed: int | None
    precision: str | None
    members: int | None
    tta: int | None
    name: str | None


class TransferKeywords(TypedDict, total=False):
    """The settings of `Transfer`; None leaves one as it is."""

    how: str | None
    layer: str | None
    learner: str | None
    head: str | None
    per_class: int | None
    epochs: int | None
    fine_epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    fine_rate: float | None
    augmentation: str | None
    seed: int | None


class TuningKeywords(TypedDict, total=False):
    """The settings of `Tuning`; None leaves one as it is."""

    sampler: str | None
    pruner: str | None
    reduction: int | None
    startup: int | None
    trials: int | None
    folds: int | None
    use_folds: int | None
    seeds: int | None
    share: float | None
    objectives: tuple[str, ...] | None
    seed: int | None


class ReadingKeywords(TypedDict, total=False):
    """The settings of `Constraints`; None leaves one as it is."""

    count: int | None
    lines: int | None
    region: tuple[int, int, int, int] | None
    pattern: str | None
    grid: tuple[int, int] | None
    among: tuple[str, ...] | None
    check: str | None
    one_to_one: bool | None
