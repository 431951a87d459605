"""Write the live view's constants for the browser, and what its tests expect: `python tools/write_live_numbers.py`.

``src/digitlab/apps/web/browser/live-constants.js`` holds the constants of ``digitlab/live``, which the page without a
server uses, too. ``tests/apps/web/static/live-from-python.json`` holds films (detections and times of frames, and what
the frames show), and what Python's tracker and its parts say about them.
``tests/static_page/test_live_numbers.py`` fails if either has changed.
"""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from digitlab.live import Steadiness, Tracker, digit_filter, frame_reading, ink, matching, tracks
from digitlab.live.digit_filter import ANSWERS, DigitFilter, Seen
from digitlab.live.frame_reading import Detection

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from digitlab.values import Box

ROOT = Path(__file__).parents[1]
CONSTANTS = ROOT / "src" / "digitlab" / "apps" / "web" / "browser" / "live-constants.js"
TARGET = ROOT / "tests" / "apps" / "web" / "static" / "live-from-python.json"

WIDTH, HEIGHT = 320, 240  # of a film's frames, in pixels
RATES = (3, 8, 20, 60)  # frames per second
SECONDS = 7.5
PAPER, INK, HAND = 224, 40, (200, 150, 120)  # grey levels; a colour
DIMMED = 150  # brightness in 256ths while the light is dimmed
STEPS = 6  # in which a digit is drawn
LARGE, LARGER = 9, 3  # scenes that are shown in larger frames too, and the factor
_STROKES = {  # in 40ths of a digit's width, 60ths of its height
    4: ((26, 3), (6, 38), (36, 40), (27, 18), (25, 57)),
    7: ((5, 6), (35, 4), (20, 34), (15, 57)),
    2: ((6, 14), (19, 4), (33, 16), (24, 34), (5, 54), (35, 56)),
    1: ((17, 4), (22, 57)),
}


# The constants -------------------------------------------------------------------------------------------------------


def constants() -> str:
    """Generate the module of constants: JavaScript."""
    belief = DigitFilter(Steadiness()).belief
    groups = {
        "STEADINESS": asdict(Steadiness()),
        "FILTER": _of(digit_filter)
        | {"RATES": vars(digit_filter)["_rates"](Steadiness()).tolist(), "STATES": belief[0].tolist()},
        "INK": _of(ink) | {"AROUND": vars(frame_reading)["_AROUND"]},
        "MATCHING": _of(matching),
        "TRACKS": _of(tracks),
    }
    lines = [
        "// The constants of digitlab/live, written by tools/write_live_numbers.py: change them there, in Python.",
        "// biome-ignore-all format: as the tool writes it",
    ]
    for name, group in groups.items():
        inside = "".join(f"  {key}: {json.dumps(value)},\n" for key, value in group.items())
        lines.append(f"\nexport const {name} = {{\n{inside}}};")
    return "\n".join(lines) + "\n"


def _of(module: ModuleType) -> dict[str, Any]:
    """Return a module's own constants, for JSON, by their names without the leading underscore."""
    own = {name: value for name, value in vars(module).items() if name[0] == "_" or name in module.__all__}
    plain = {name.lstrip("_"): _plain(value) for name, value in own.items() if name.isupper()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:
    """Convert a constant to JSON's types; return None for what JavaScript cannot use: a slice, an OpenCV kernel."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype == np.float64 else None
    if isinstance(value, dict):  # of observations
        return {key: {"answer": seen.answer, "changed": seen.changed} for key, seen in value.items()}
    return value if isinstance(value, int | float | tuple) else None


# Films ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """What a frame shows, and what the reader finds in it.

    marks: of each digit its sketch's number, and where the sketch's upper left corner is
    hand: the part of the frame that a hand covers
    light: in 256ths
    found: of each detection its box, digit (-1: declined), confidence and score
    """

    marks: tuple[tuple[int, int, int], ...] = ()
    hand: Box | None = None
    light: int = 256
    found: tuple[tuple[Box, int, float, float], ...] = ()


def sketches() -> tuple[NDArray[np.uint8], ...]:
    """Draw the strokes of 4 (in STEPS steps), 7, 2 and 1: 0 (paper) … 255 (ink), each uint8 (60, 40)."""
    parts = [_sketch(_STROKES[4], (step + 1) / STEPS) for step in range(STEPS)]
    return *parts, *(_sketch(_STROKES[digit], 1.0) for digit in (7, 2, 1))


def _sketch(points: tuple[tuple[int, int], ...], share: float) -> NDArray[np.uint8]:
    picture = np.zeros((60, 40), np.uint8)
    lengths = [float(np.hypot(x1 - x0, y1 - y0)) for (x0, y0), (x1, y1) in itertools.pairwise(points)]
    left = share * sum(lengths)
    for ((x0, y0), (x1, y1)), length in zip(itertools.pairwise(points), lengths, strict=True):
        part = min(1.0, max(0.0, left / length))
        if part > 0.0:
            end = round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0))
            cv2.line(picture, (x0, y0), end, 255, 4, cv2.LINE_AA)
        left -= length
    return picture


SKETCHES = sketches()
FOUR, SEVEN, TWO, ONE = range(STEPS - 1, STEPS + 3)
_BOXES = {
    number: tuple(int(each) for each in cv2.boundingRect((sketch > 100).astype(np.uint8)))
    for number, sketch in enumerate(SKETCHES)
}


def scene_at(at: float, *, misread: bool) -> Scene:
    """Return what the film shows after this many seconds; misread: whether the reader takes the 4 for a 9."""
    if at < 0.4 or at >= 6.8:
        return Scene()
    if at < 1.0:  # a 4 is being drawn
        step = min(STEPS - 1, int((at - 0.4) / 0.6 * STEPS))
        read = (1, 0.7, 0.8) if step < 4 else (4, 0.8, 0.95)
        return _scene((step, 60, 80, *read)) if step > 0 else Scene(((step, 60, 80),))
    right = round(60 * min(0.8, max(0.0, at - 2.4)))  # from 2.4 s on the page is pulled to the right
    if at < 3.8:
        scene = _scene((FOUR, 60 + right, 80, 9 if misread else 4, 0.9 if misread else 0.97, 1.0))
        return replace(scene, light=DIMMED) if 3.3 <= at < 3.6 else scene
    seven, two = (SEVEN, 108, 80, 7, 0.96, 0.99), (TWO, 168, 84, 2, 0.93, 0.98)
    if at < 4.7:  # replaced
        return _scene(seven)
    if 5.4 <= at < 5.7:  # a hand covers the 2
        return replace(_scene(seven, two), hand=(155, 70, 230, 240), found=_scene(seven).found)
    return _scene(seven, two) if at < 6.1 else _scene(two)  # the 7 is erased, at last the 2 as well


def scene_at_edge(at: float) -> Scene:
    """Return what another film shows: a 1 jumps to the frame's left edge, and a stroke lies over it for a moment."""
    left = 60 if at < 1.0 else 30 if at < 1.5 else 0  # no box overlaps the one before
    scene = _scene((ONE, left, 80, 1, 0.97, 0.99))
    if 2.0 <= at < 2.3:
        return Scene((*scene.marks, (TWO, 6, 84)), found=(((6, 82, 42, 141), 4, 0.7, 0.9),))
    return scene


def _scene(*digits: tuple[int, int, int, int, float, float]) -> Scene:
    found = []
    for sketch, x, y, digit, confidence, score in digits:
        left, top, wide, high = _BOXES[sketch]
        found.append(((x + left, y + top, x + left + wide, y + top + high), digit, confidence, score))
    return Scene(tuple(each[:3] for each in digits), found=tuple(found))


def frame_of(scene: Scene) -> NDArray[np.uint8]:
    """Draw a scene, on paper with a fixed texture: uint8 (HEIGHT, WIDTH, 3)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grey = PAPER + (7 * x + 13 * y + x * y % 5) % 9
    for number, left, top in scene.marks:
        part = grey[top : top + 60, left : left + 40]
        part -= (part - INK) * SKETCHES[number].astype(np.int64) // 255
    picture = np.repeat(grey[..., None], 3, axis=2)
    if scene.hand is not None:
        x0, y0, x1, y1 = scene.hand
        picture[y0:y1, x0:x1] = HAND
    return np.asarray(picture * scene.light // 256, np.uint8)


def detections_of(scene: Scene, image: NDArray[np.uint8]) -> list[Detection]:
    """Return what the reader finds in a scene."""
    detections = []
    for box, digit, confidence, score in scene.found:
        rest = (1.0 - confidence) / 9.0
        probabilities = tuple(confidence if each == digit else rest for each in range(10))
        detections.append(Detection(box, 0, None if digit < 0 else digit, probabilities, score, image))
    return detections


def times() -> dict[str, list[float]]:
    """Return the frames' times of each film, in seconds: at a rate each, and one with uneven and lost frames."""
    at = {str(rate): [round(each / rate, 4) for each in range(round(SECONDS * rate))] for rate in RATES}
    gaps = np.random.default_rng(5).choice([0.02, 0.045, 0.0625, 0.11, 0.3], 120)
    return at | {"uneven": [round(float(each), 4) for each in np.cumsum(gaps) if each < SECONDS]}


def films() -> dict[str, Any]:
    """Show films to the tracker; return of each its scenes, and of each frame its scene and what the tracker says."""
    shown = {}
    for name, at in times().items():
        misread = next(each for each in at if each >= 1.9)  # one frame
        shown[name] = _shown([(now, scene_at(now, misread=now == misread)) for now in at])
    for rate in (8, 30):
        at = [round(each / rate, 4) for each in range(3 * rate)]
        shown[f"{rate}, at the edge"] = _shown([(now, scene_at_edge(now)) for now in at])
    return shown


def _shown(film: list[tuple[float, Scene]]) -> dict[str, Any]:
    tracker, scenes, frames = Tracker(whole=True), list[Scene](), []
    for now, scene in film:
        if scene not in scenes:
            scenes.append(scene)
        image = frame_of(scene)
        tracker.add(detections_of(scene, image), now, image)
        frames.append([now, scenes.index(scene), tracker.steady, tracker.drawing])
    return {"scenes": [asdict(each) for each in scenes], "frames": frames}


# What the parts say --------------------------------------------------------------------------------------------------


def beliefs() -> list[dict[str, Any]]:
    """Return observations of one place, and the belief after each."""
    rng, belief, steps = np.random.default_rng(3), DigitFilter(Steadiness()), []
    for _ in range(40):
        answer = ANSWERS[rng.choice(len(ANSWERS), p=(0.5, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05))]
        changed = None if answer == "covered" else bool(rng.random() < 0.15)
        shares = rng.dirichlet(np.ones(10) * 0.2).round(4).tolist() if answer in ANSWERS[:3] else []
        seconds = float(rng.choice([0.0, 0.0167, 0.0334, 0.0625, 0.1, 0.3333, 2.0]))
        belief.step(seconds, Seen(answer, changed, shares))
        states, classes = ([float(each) for each in part.round(12)] for part in belief.belief)
        steps.append(
            {
                "seconds": seconds,
                "seen": {"answer": answer, "changed": changed, "probabilities": shares},
                "states": states, "classes": classes, "stood": round(belief.stood, 12),
            }
        )  # fmt: skip
    return steps


def comparisons(scenes: list[Scene]) -> list[list[Any]]:
    """Compare the patch of each detection of some scenes with other scenes: what became of it, and how many pixels."""
    found = []
    for before, after in itertools.product([*scenes[2::4], *scenes[-4:]], scenes):
        image = frame_of(after)
        for box, *_ in before.found:
            patch = ink.cut_patch(frame_of(before), box, vars(frame_reading)["_AROUND"])
            assert patch is not None  # noqa: S101 - it lies in the frame
            outside = -20, box[1], box[2] - box[0] - 20, box[3]  # a part of it is not in the frame
            for there in (box, outside) if before is after else (box,):
                sight, count = ink.compared(patch, image, there)
                found.append([scenes.index(before), scenes.index(after), list(box), list(there), sight, count])
    return found


def large_frames(scenes: list[Scene]) -> list[bool]:
    """Show the scenes, of which each pixel is LARGER pixels wide and high, ten a second; return in which is new ink."""
    seen = ink.FrameInk()
    large = [frame_of(scene).repeat(LARGER, axis=0).repeat(LARGER, axis=1) for scene in scenes]
    return [seen.new(np.asarray(each, np.uint8), place / 10, (0.0, 0.0)) for place, each in enumerate(large)]


def text() -> str:
    """Generate the content of the file."""
    scenes = list(dict.fromkeys(scene_at(each / 10, misread=False) for each in range(round(SECONDS * 10))))
    parts: dict[str, Any] = {
        "size": [WIDTH, HEIGHT], "levels": [PAPER, INK], "hand": HAND,
        "sketches": [base64.b64encode(each.tobytes()).decode() for each in SKETCHES],
        "beliefs": beliefs(),
        "scenes": [asdict(each) for each in scenes],
        "comparisons": comparisons(scenes),
        "larger": LARGER, "new": large_frames(scenes[:LARGE]),
        "films": films(),
    }  # fmt: skip
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(part)}" for key, part in parts.items()) + "\n}\n"


if __name__ == "__main__":
    CONSTANTS.write_text(constants(), encoding="utf-8")
    TARGET.write_text(text(), encoding="utf-8")
