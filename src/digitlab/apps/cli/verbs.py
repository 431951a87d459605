"""The verbs of `digitlab`: each one's function, its heading in the help, and other names that people try."""

from __future__ import annotations

import difflib
from pathlib import Path

__all__ = ["HEADINGS", "VERBS", "no_such_verb"]

# Heading of the help → verb → module and function. The modules import only what a signature needs, so that the help for
# all of them is fast.
HEADINGS: dict[str, dict[str, str]] = {
    "Read": {"read": "reading:read", "classify": "reading:classify", "sheet": "sheet:app"},
    "Train": {
        "train": "train:train",
        "tune": "tune:tune",
        "study": "study:app",
        "transfer": "transfer:transfer",
        "ensemble": "conversion:ensemble",
    },
    "Measure": {
        "evaluate": "evaluate:evaluate",
        "compare": "compare:compare",
        "runs": "runs:runs",
        "label-errors": "label_errors:label_errors",
        "bench": "bench:app",
    },
    "Look": {"inspect": "inspect:inspect", "diagnose": "diagnose:diagnose", "report": "report:report"},
    "Run": {
        "live": "live:live",
        "serve": "serve:serve",
        "page": "page:page",
        "camera-server": "camera_server:camera_server",
        "ros-node": "ros_node:ros_node",
    },
    "Data": {"data": "data:app"},
    "Tools": {
        "demo": "demo:demo",
        "doctor": "doctor:doctor",
        "export": "conversion:export",
        "import": "conversion:import_",
    },
}

VERBS: dict[str, str] = {verb: location for verbs in HEADINGS.values() for verb, location in verbs.items()}

_READ = ("read", "classify")

# Names that other programs use, or that a user might guess → the verbs here.
_MEANT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("detect", "identify", "infer", "ocr", "predict", "recognise", "recognize", "scan"), _READ),
    **dict.fromkeys(("accuracy", "eval", "measure", "score", "test", "validate"), ("evaluate",)),
    **dict.fromkeys(("fit", "learn", "resume"), ("train",)),
    **dict.fromkeys(("finetune", "fine-tune"), ("transfer",)),
    **dict.fromkeys(("optimise", "optimize", "search"), ("tune",)),
    **dict.fromkeys(("explain", "look", "show", "summary", "visualise", "visualize"), ("inspect",)),
    **dict.fromkeys(("camera", "gui", "video", "watch", "webcam"), ("live",)),
    **dict.fromkeys(("run", "server", "start", "ui", "web"), ("serve", "live")),
    **dict.fromkeys(("dataset", "datasets", "download", "filters"), ("data",)),
    **dict.fromkeys(("convert", "save"), ("export", "import", "data convert")),
    **dict.fromkeys(("check", "info", "version"), ("doctor",)),
    "benchmark": ("bench",),
    **dict.fromkeys(("form", "forms", "sheets", "omr"), ("sheet",)),
    **dict.fromkeys(("ros", "ros2", "rosnode", "rosrun"), ("ros-node",)),
    "load": ("import",),
    "list": ("runs", "data list", "study list"),
    "plot": ("report",),
    "reproduce": ("study",),
}


def no_such_verb(word: str, following: str | None = None) -> str:
    """Return the message for an unknown verb, with what was probably meant; ``following``: the word after it.

    >>> no_such_verb("predict")
    'there is no command "predict"; did you mean digitlab read or digitlab classify?'
    >>> no_such_verb("help", "train")
    'there is no command "help"; did you mean digitlab train --help?'
    """
    if word in ("help", "man", "usage"):
        meant = [f"{following} --help"] if following in VERBS else ["--help", "COMMAND --help"]
    elif Path(word).exists():
        meant = [f"read {word}"]
    else:
        similar = (
            [word] if word in _MEANT else difflib.get_close_matches(word.lower(), (*VERBS, *_MEANT), n=1, cutoff=0.65)
        )
        meant = [name for known in similar for name in _MEANT.get(known, (known,))]
    if not meant:
        return f'there is no command "{word}"; expected one of: {", ".join(VERBS)}'
    suggestions = " or ".join(f"digitlab {name}" for name in meant)
    return f'there is no command "{word}"; did you mean {suggestions}?'
