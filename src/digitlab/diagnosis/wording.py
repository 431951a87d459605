"""The outcome of a diagnosis in one or two sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.diagnosis.mending import DIFFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.diagnosis.answers import Answer
    from digitlab.diagnosis.asking import Network
    from digitlab.diagnosis.mistakes import Costs

__all__ = ["clause_of", "sentence_of"]

# For a single difference: the sentence, and the word for correcting it. {measured}: as returned by `mending.measured`.
_ALONE = {
    "scale": ("Your picture's numbers have another scale: {measured}; your network was trained on {scale}", "Rescaled"),
    "polarity": ("Your photo is {measured}; your network has only seen {seen}", "Inverted"),
    "background": ("Your photo's background is not {black}: {measured}", "Made {black}"),
    "grey level": ("Your photo is faint: {measured}", "With full contrast"),
    "transposition": ("Your picture's rows and columns are interchanged", "Transposed"),
    "rotation": ("Your digit does not stand upright: it is turned {measured}", "Turned upright"),
    "crop": ("Your digit is small in its picture: {measured}", "Cropped to the digit"),
    "box": ("Your digit has another size than your network has seen: {measured}", "Scaled to 20 pixels"),
    "centre": ("Your digit is off the centre: {measured}", "With its centre of mass in the middle"),
    "stroke width": ("Your strokes have another width than your network has seen: {measured}", "Evened"),
}
# The same as parts of a list; "it" is the photo.
_TOGETHER = {
    "scale": "its numbers have another scale ({measured})",
    "polarity": "it is {measured}",
    "background": "its background is not {black} ({measured})",
    "grey level": "it is faint ({measured})",
    "transposition": "its rows and columns are interchanged",
    "rotation": "the digit is turned {measured}",
    "crop": "the digit is small in it ({measured})",
    "box": "the digit has another size ({measured})",
    "centre": "the digit is off the centre ({measured})",
    "stroke width": "its strokes have another width ({measured})",
}
_COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def clause_of(name: str, measured: str, network: Network) -> str:
    """Describe one difference, as a part of a list."""
    return _filled(_TOGETHER[name], name, measured, network)


def sentence_of(
    network: Network,
    differences: Mapping[str, str],
    causes: Sequence[str] | None,
    answers: Mapping[str, Answer],
    truth: tuple[int, str],
    costs: Costs | None,
) -> str:
    """Say what is wrong, and what correcting it does.

    differences: what was measured of each difference
    causes: those that have to be corrected; empty if none has to be; None if correcting all does not help
    answers: the model's "as given", with "causes" corrected, with "all" corrected, and "prepared" by the lines of
        Python; and the "reader"'s; the last two only if there are any
    truth: the digit, and how it is known: "label", "reader" or "mended"
    """
    if causes is None:
        return _unexplained(differences, answers, truth, costs)
    as_given, all_mended = answers["as given"], answers["all"]
    right = {"label": ", which is right", "reader": ", as the shipped reader does"}.get(truth[1], "")
    if not differences:
        return f"Your photo is prepared as MNIST is; your network answers {as_given}{right}."
    if len(causes) == 1 or (not causes and len(differences) == 1):
        name = causes[0] if causes else next(iter(differences))
        problem, corrected = (_filled(text, name, differences[name], network) for text in _ALONE[name])
        return f"{problem}. {corrected}, it answers {answers['causes']}; as given, {as_given}{'' if causes else right}."
    if not causes:
        differs = _listed(differences, list(differences), network)
        text = (
            f"Your network answers {as_given}{right}. Your photo differs from its training images: {differs}. With all "
        )
        return f"{text}corrected, it answers {all_mended}."
    count = len(causes)
    both = "both" if count == 2 else f"all {_COUNTS[count].lower()}"
    return (
        f"{_COUNTS[count]} things are wrong with your photo: {_listed(differences, causes, network)}. "
        f"With {both} corrected, your network answers {answers['causes']}; as given, {as_given}."
    )


def _unexplained(
    differences: Mapping[str, str], answers: Mapping[str, Answer], truth: tuple[int, str], costs: Costs | None
) -> str:
    digit, last, reader = truth[0], answers["all"], answers.get("reader")
    prepared = answers.get("prepared")
    if differences and prepared is not None and prepared.digit == digit:
        differs = ", ".join(DIFFERENCES[name] for name in differences)
        return (
            f"The preparation is the cause, though no difference by itself: with {differs} corrected, your network "
            f"still answers {last}, but {prepared} with the image that the lines of Python below prepare from the "
            f"photo's ink; as given, {answers['as given']}."
        )
    if differences:
        mended = ", ".join(DIFFERENCES[name] for name in differences)
        text = f"With all that differs from MNIST corrected ({mended}), your network still answers {last}, not {digit}."
    else:
        text = f"Your photo is prepared as MNIST is, and your network answers {last}, not {digit}."
    if reader is not None and reader.digit != digit:
        return f"{text} The shipped reader answers {reader}: {_unlike(digit, truth[1])}."
    reason = "" if reader is None else f"The shipped reader answers {reader}, so "
    text += f" {reason}the error is the network's own" if reason else " The error is the network's own"
    if costs is not None:
        text += f": of MNIST's test images it has {100 * (1 - costs.accuracy):.1f} % wrong"
        suits = costs.suits()
        if suits is not None:
            text += f", and {100 * (1 - suits.accuracy):.1f} % with {suits.words}, so it was trained on such"
    return f"{text}."


def _unlike(digit: int, known_by: str) -> str:
    doubt = "the label is wrong, or " if known_by == "label" else ""
    return f"{doubt}this {digit} is written unlike most"


def _listed(differences: Mapping[str, str], names: Sequence[str], network: Network) -> str:
    parts = [clause_of(name, differences[name], network) for name in names]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _filled(text: str, name: str, measured: str, network: Network) -> str:
    if name == "box" and measured.startswith("squeezed"):
        text = "Your photo is {measured}" if text.startswith("Your") else text
        text = "it is {measured}" if text.startswith("the") else text
    if name == "transposition" and network.transposed:
        text = text.replace("are interchanged", "are not interchanged, as they are in all that your network has seen")
    seen = "dark on light" if network.inverted else "light on dark"
    black = "white" if network.inverted else "black"
    return text.format(measured=measured, seen=seen, black=black, scale=network.scale)
