"""How often `digitlab diagnose` names the right causes: mistakes are made on purpose, and have to be found again.

    python bench/diagnosis.py [--model FILE] [--photos 100] [--together 2] [--out FILE.json]     (two minutes)

Each picture is an MNIST test digit in another hand (handwriting augmentation), enlarged to 112 pixels, that the model
reads correctly; camera noise is added, and one or two mistakes of random strength. The right causes are determined
without any diagnosis: the picture is also made with mistakes left out, and the model is asked about it. The causes
are the smallest sets of mistakes that have to be left out for the answer to be right; where the model reads the
spoilt picture correctly, there are none. The diagnosis is told the digit (--label), and nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.datasets import load_dataset
from digitlab.datasets.transforms import vary_handwriting
from digitlab.errors import ImageError
from digitlab.jobs import diagnose, load_model
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIDE = 112
LIKELY = 0.5  # minimum probability of the right digit for a picture with fewer mistakes to count as read correctly
NAMES = ("polarity", "background", "grey level", "transposition", "rotation", "crop", "box", "centre", "stroke width")


def _warped(image: np.ndarray, scale: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    middle = (SIDE - 1) / 2
    shift = (middle * (1 - scale) + x, middle * (1 - scale) + y)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(image, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), (SIDE, SIDE), flags=flags)


def _brushed(image: np.ndarray, pixels: float) -> np.ndarray:
    """Thicken (or, if negative, thin) the strokes by ``pixels``, in pixels of a 28-pixel image."""
    side = round(abs(pixels) * SIDE / 28) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return (cv2.dilate if pixels > 0 else cv2.erode)(image, brush)


# Mistake → strengths, and the function that applies it to a picture, uint8 (112, 112), light ink on dark; in a
# camera's order: shape and position before light.
MISTAKES: dict[str, tuple[Sequence[float], Callable[[np.ndarray, float], np.ndarray]]] = {
    "stroke width": ((-1.4, 2.5, 3.5), _brushed),
    "rotation": ((90, 180, 270), lambda image, angle: np.ascontiguousarray(np.rot90(image, int(angle) // 90))),
    "transposition": ((1,), lambda image, _: np.ascontiguousarray(image.T)),
    "crop": ((0.3, 0.45, 0.6), _warped),
    "box": ((1.25, 1.4), _warped),
    "centre": ((3, 4.5), lambda image, pixels: _warped(image, 1, 4 * pixels, -2 * pixels)),
    "grey level": ((40, 70, 120), lambda image, contrast: (image * (contrast / 255)).astype(np.uint8)),
    "background": (
        (50, 90, 130),
        lambda image, level: np.minimum(level + image * ((255 - level) / 255), 255).astype(np.uint8),
    ),
    "polarity": ((1,), lambda image, _: 255 - image),
}
EXCLUDING = ({"crop", "box"}, {"rotation", "transposition"}, {"crop", "centre"})  # undo each other; cropping centres


@dataclass(frozen=True)
class Case:
    """A picture with its mistakes, the sets of causes that are right, and the diagnosis."""

    made: dict[str, float]
    right: list[list[str]]
    found: list[str]
    sentence: str
    mended: bool

    @property
    def verdict(self) -> str:
        """Verdict on the diagnosis, in a word or two."""
        if sorted(self.found) in self.right:
            return "right"
        if set(self.found) < set(self.made) or any(set(self.found) < set(each) for each in self.right):
            return "not all"
        return "beside it" if set(self.found) <= set(self.made) else "another"


def spoilt(image: np.ndarray, mistakes: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    """Apply these mistakes to the picture, and add a camera's noise."""
    for name, (_, make) in MISTAKES.items():
        if name in mistakes:
            image = make(image, mistakes[name])
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def chosen(rng: np.random.Generator, together: int) -> dict[str, float]:
    """Draw one or more mistakes that can be combined, each with one of its strengths."""
    while True:
        names = rng.choice(list(MISTAKES), rng.integers(1, together + 1), replace=False).tolist()
        if not any(pair <= set(names) for pair in EXCLUDING):
            return {name: float(rng.choice(MISTAKES[name][0])) for name in names}


def case(model: Any, image: np.ndarray, label: int, seed: int, together: int) -> Case | None:
    """Make and diagnose one picture; return None where the model does not read it correctly without mistakes."""
    rng = np.random.default_rng((seed, 1))
    mistakes = chosen(rng, together)

    def right_without(left_out: Sequence[str]) -> bool:
        remaining = {name: strength for name, strength in mistakes.items() if name not in left_out}
        picture = spoilt(image, remaining, np.random.default_rng((seed, 2)))
        answer = model.probabilities(cv2.resize(picture, (28, 28), interpolation=cv2.INTER_AREA)[None])[0]
        return int(answer.argmax()) == label and (answer[label] >= LIKELY or not left_out)

    if not right_without(list(mistakes)):
        return None
    for size in range(len(mistakes) + 1):
        right = [sorted(each) for each in itertools.combinations(mistakes, size) if right_without(each)]
        if right:
            break
    try:
        diagnosis = diagnose(model, spoilt(image, mistakes, np.random.default_rng((seed, 2))), label=label).photos[0]
    except ImageError as error:
        return Case(mistakes, right, ["refused"], str(error), mended=False)
    named = list(diagnosis.causes) if diagnosis.first.digit != label else []
    return Case(
        mistakes, right, named, diagnosis.sentence, diagnosis.last.digit == label or diagnosis.prepared.digit == label
    )


def main() -> None:
    """Run the measurement, and print a summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="reader")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--together", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--wrong", action="store_true", help="print each case whose causes are not the right ones")
    options = parser.parse_args()
    test, model = load_dataset("mnist").split("test"), load_model(options.model)
    cases: list[Case] = []
    seed = 0
    while len(cases) < options.photos:
        row = int(np.random.default_rng((seed, 0)).integers(len(test)))
        varied = vary_handwriting(test.images[row : row + 1], np.random.default_rng((seed, 3)))[0]
        image = np.clip(cv2.resize(varied, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
        result = case(model, image, int(test.labels[row]), seed, options.together)
        seed += 1
        if result is not None:
            cases.append(result)
            if options.wrong and result.verdict != "right":
                sys.stdout.write(f"{result.verdict}: {result.made} → {result.right}, found {result.found}\n")
                sys.stdout.write(f"    {result.sentence}\n")
    content = summary(cases)
    sys.stdout.write(json.dumps(content, indent=1) + "\n")
    if options.out is not None:
        write_text(options.out, json.dumps({"model": options.model, "seeds": seed, **content}, indent=1) + "\n")


def summary(cases: Sequence[Case]) -> dict[str, Any]:
    """Count verdicts: over all cases, over those that the model misreads, and by mistake."""
    misread = [each for each in cases if each.right != [[]]]
    by_mistake = {
        name: {
            "needed": sum(all(name in right for right in each.right) for each in misread),
            "named": sum(all(name in right for right in each.right) and name in each.found for each in misread),
        }
        for name in NAMES
    }
    return {
        "photos": len(cases),
        "misread": len(misread),
        "verdicts": dict(Counter(each.verdict for each in cases)),
        "verdicts of misread": dict(Counter(each.verdict for each in misread)),
        "one cause": dict(Counter(each.verdict for each in misread if len(each.right[0]) == 1)),
        "two causes": dict(Counter(each.verdict for each in misread if len(each.right[0]) == 2)),
        "right when corrected": sum(each.mended for each in misread),
        "by mistake": by_mistake,
    }


if __name__ == "__main__":
    main()
