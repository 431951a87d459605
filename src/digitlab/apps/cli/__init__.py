"""The command `digitlab`: one verb a module, each imported when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cyclopts

__all__ = ["main", "make_app"]

# Verb → module and function. The modules import only what a signature needs, so that the help of all of them is quick.
_VERBS = {
    "classify": "reading:classify",
    "read": "reading:read",
    "live": "live:live",
    "camera-server": "camera_server:camera_server",
    "serve": "serve:serve",
    "train": "train:train",
    "evaluate": "evaluate:evaluate",
    "compare": "compare:compare",
    "report": "report:report",
    "label-errors": "label_errors:label_errors",
    "inspect": "inspect:inspect",
    "transfer": "transfer:transfer",
    "export": "export:export",
    "ensemble": "ensemble:ensemble",
    "import": "import_:import_",
    "data": "data:app",
    "study": "study:app",
    "tune": "tune:tune",
    "bench": "bench:app",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
}

# Module → the extra that brings it: what a base installation lacks is said in one line, whichever verb misses it.
_EXTRAS = {
    **dict.fromkeys(("google", "h5py", "jinja2", "keras", "lmdb", "matplotlib", "onnx"), "train"),
    **dict.fromkeys(("scipy", "sklearn", "tensorflow", "tomli_w"), "train"),
    **dict.fromkeys(("ai_edge_litert", "openvino"), "export"),
    "Ice": "ice",
    "optuna": "tune",
    "pyarrow": "ray",
    **dict.fromkeys(("PySide6", "shiboken6"), "desktop"),
    **dict.fromkeys(("fastapi", "pydantic", "python_multipart", "starlette", "uvicorn", "websockets"), "web"),
}

_FIRST_STEPS = """\
First steps:
  digitlab read photo.jpg                 digits in a picture
  digitlab train --epochs 3               train S0's network on MNIST
  digitlab evaluate runs/…                measure it again
  digitlab data show mnist --out grid.png
"""


def make_app(verb: str | None = None) -> cyclopts.App:
    """The command with its verbs; when one of them is asked for, only its module is imported."""
    import cyclopts

    import digitlab

    app = cyclopts.App(
        "digitlab",
        help="Handwritten digits, from the first epoch to the live camera.",
        help_epilogue=_FIRST_STEPS,
        help_format="plaintext",
        version=digitlab.__version__,
        default_parameter=cyclopts.Parameter(negative_iterable=()),
        result_action="return_value",
    )
    for name, place in _VERBS.items():
        module, _, function = f"digitlab.apps.cli.{place}".partition(":")
        if verb in _VERBS and verb != name:
            app.command(f"{module}:{function}", name=name)
            continue
        target = getattr(importlib.import_module(module), function)
        settings = {} if isinstance(target, cyclopts.App) else {"help_epilogue": ""}
        app.command(target, name=name, **settings)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code: 0 done, 1 the answer is "no", 2 wrong use or bad input."""
    from cyclopts import CycloptsError

    from digitlab.apps.cli.console import complain
    from digitlab.errors import DigitlabError, MissingExtraError

    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        result = make_app(arguments[0] if arguments else None)(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        complain(_one_line(str(error)) + " (digitlab --help shows what is possible)")
        return 2
    except DigitlabError as error:
        complain(str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        complain(str(MissingExtraError(extra, needed_for=f"`digitlab {' '.join(arguments[:1])}`")))
        return MissingExtraError.exit_code
    return result if isinstance(result, int) else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """The entry point of the installed command."""
    import warnings

    from digitlab import privacy
    from digitlab.apps.cli.console import advise

    privacy.keep_folders()
    warnings.showwarning = lambda message, *_, **__: advise(f"digitlab: note: {message}")
    try:
        code = run()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)
