"""Find out why a network misreads a set of pictures: their differences from MNIST, and what each costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from digitlab.diagnosis.answers import Answer
from digitlab.diagnosis.causes import smallest_set
from digitlab.diagnosis.mending import DIFFERENCES
from digitlab.diagnosis.photo import examined, grey_of_rgb, turned_where_surer
from digitlab.diagnosis.set_wording import SetDifference, set_sentence
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from digitlab.diagnosis.asking import Network
    from digitlab.diagnosis.photo import Examined
    from digitlab.diagnosis.pictures import Pictures
    from digitlab.reading import Reader

    OnProgress = Callable[[int, int], None]

__all__ = ["Misread", "SetDiagnosis", "diagnose_set"]

_SHOWN = 12  # misread pictures on the page


@dataclass(frozen=True, slots=True)
class Misread:
    """One of the misread pictures: as given and with its causes corrected, uint8 (28, 28), and the answers."""

    truth: int
    causes: tuple[str, ...] | None
    shown: NDArray[np.uint8]
    first: Answer
    mended: NDArray[np.uint8]
    last: Answer


@dataclass(frozen=True, slots=True)
class SetDiagnosis:
    """The findings about a set of pictures.

    images, of: how many were examined, of how many
    labelled: whether accuracies are agreement with the labels; else with the shipped reader's answers
    no_ink: how many show nothing, and are left out of all that follows
    given, mended, prepared: the model's accuracy with the pictures as they are, with all differences corrected, and
        with the images that the lines of Python prepare
    reader: the shipped reader's accuracy, if there are labels
    differences: those that any picture has, in the order of `DIFFERENCES`
    explained: sets of causes and how many errors each explains, the most frequent first; None for the network's own
    misread: some of the misread pictures
    sentence: the outcome
    refused: what is wrong with pictures that could not be read
    """

    images: int
    of: int
    labelled: bool
    no_ink: int
    given: float
    mended: float
    prepared: float
    reader: float | None
    differences: tuple[SetDifference, ...]
    explained: tuple[tuple[tuple[str, ...] | None, int], ...]
    misread: tuple[Misread, ...]
    sentence: str
    refused: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain texts and numbers."""
        return {
            "sentence": self.sentence,
            "images": self.images,
            "of": self.of,
            "labelled": self.labelled,
            "without_ink": self.no_ink,
            "accuracy": self.given,
            "accuracy_mended": self.mended,
            "accuracy_prepared": self.prepared,
            "accuracy_reader": self.reader,
            "differences": [
                {
                    "name": each.name,
                    "images": each.images,
                    "measured": each.measured,
                    "accuracy": each.until,
                    "alone": each.alone,
                    "without": each.without,
                }
                for each in self.differences
            ],
            "errors": [
                {"causes": None if causes is None else list(causes), "images": count}
                for causes, count in self.explained
            ],
            "refused": list(self.refused),
        }


@dataclass(slots=True)
class _Sums:
    """Counts over all pictures so far: how many were right, by what was corrected."""

    images: int = 0
    no_ink: int = 0
    given: int = 0
    mended: int = 0
    prepared: int = 0
    reader: int = 0
    having: Counter[str] = field(default_factory=Counter)
    measured: dict[str, str] = field(default_factory=dict)
    until: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    without: Counter[str] = field(default_factory=Counter)
    explained: Counter[tuple[str, ...] | None] = field(default_factory=Counter)
    misread: dict[tuple[str, ...] | None, list[Misread]] = field(default_factory=lambda: defaultdict(list))


def diagnose_set(
    network: Network, pictures: Pictures, *, reader: Reader, on_progress: OnProgress = lambda _done, _of: None
) -> SetDiagnosis:
    """Find out which differences from MNIST explain a network's errors on a set of pictures of one digit each.

    Without labels its answers are compared with the shipped reader's.

    Args:
        network: the network, with what is known of its images.
        pictures: the set.
        reader: the shipped reader.
        on_progress: called with the number of pictures examined so far, and of all.

    Raises:
        DatasetError: when no picture shows a digit.
    """
    sums, labelled = _Sums(), any(label is not None for label in pictures.labels)
    for done, (pixels, label) in enumerate(pictures):
        on_progress(done, len(pictures))
        if labelled and label is None:
            continue
        _look(sums, examined(network, grey_of_rgb(pixels)), pixels, label, reader)
    if not sums.images:
        raise DatasetError("none of the pictures that can be read shows a digit; expected pictures of one digit each")
    return _summed(sums, pictures, labelled=labelled)


def _look(sums: _Sums, examination: Examined, pixels: NDArray[np.uint8], label: int | None, reader: Reader) -> None:
    """Examine one picture, and add it to the sums."""
    from digitlab.reading import digit_image

    image = digit_image(pixels)
    if examination.picture.ink is None or image is None:
        sums.no_ink += 1
        return
    read = int(reader.classifier.probabilities(image[None])[0].argmax())
    truth = read if label is None else label
    if examination.answer(examination.names).digit != truth and label is not None:
        examination = turned_where_surer(examination, reader, label)
    prepared = int(examination.network.probabilities(image[None])[0].argmax())
    sums.images += 1
    sums.reader += read == truth
    sums.prepared += prepared == truth
    _count(sums, examination, truth, prepared)


def _count(sums: _Sums, examination: Examined, truth: int, prepared: int) -> None:
    """Count the answers for one picture; ``prepared``: the answer if the picture is prepared from its ink."""
    names = examination.names
    shares = examination.probabilities([[], names, *examination.sets])
    right = shares.argmax(axis=1) == truth
    sums.given += int(right[0])
    sums.mended += int(right[1])
    sums.having.update(names)
    sums.measured = {**examination.differences, **sums.measured}
    for index, name in enumerate(DIFFERENCES):
        for counter, value in zip((sums.until, sums.alone, sums.without), right[2 + 3 * index :], strict=False):
            counter[name] += int(value)
    if right[0]:
        return
    causes = smallest_set(names, truth, examination.probabilities)
    if causes is None and names and prepared == truth:  # without any difference it is the network's own error
        causes = tuple(names)
    sums.explained[causes] += 1
    examples = sums.misread[causes]
    if len(examples) < _SHOWN:
        mended = names if causes is None else causes
        last = examination.answer(mended)
        examples.append(
            Misread(truth, causes, examination.image(()), Answer.of(shares[0]), examination.image(mended), last)
        )


def _summed(sums: _Sums, pictures: Pictures, *, labelled: bool) -> SetDiagnosis:
    def share(count: int) -> float:
        return round(count / sums.images, 4)

    differences = tuple(
        SetDifference(
            name, sums.having[name], sums.measured[name], share(sums.until[name]), share(sums.alone[name]),
            share(sums.without[name]),
        )
        for name in DIFFERENCES
        if sums.having[name]
    )  # fmt: skip
    explained = tuple(sums.explained.most_common())
    each = max(1, _SHOWN // max(1, len(explained)))
    misread = [one for causes, _ in explained for one in sums.misread[causes][:each]][:_SHOWN]
    as_given, mended, prepared = share(sums.given), share(sums.mended), share(sums.prepared)
    reader = share(sums.reader) if labelled else None
    sentence = set_sentence(sums.images, as_given, max(mended, prepared), reader, differences, explained)
    return SetDiagnosis(
        sums.images, pictures.of, labelled, sums.no_ink, as_given, mended, prepared, reader, differences, explained,
        tuple(misread), sentence, tuple(pictures.refused),
    )  # fmt: skip
