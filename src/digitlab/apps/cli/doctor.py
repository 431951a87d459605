"""`digitlab doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform

from digitlab.apps.cli.console import say, table
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.extras import EXTRAS, install_command

__all__ = ["doctor"]

# The packages that reading needs: package → the module whose presence shows that it is installed.
_READING = {"numpy": "numpy", "onnxruntime": "onnxruntime", "opencv-python-headless": "cv2", "pillow": "PIL"}


@options_of()
def doctor() -> int:
    """Report what is installed, what each extra would add, and what machine this is.

    Exit code 1 if reading cannot work.

    For example:
    digitlab doctor
    """
    from digitlab import privacy
    from digitlab.storage import cache_folder
    from digitlab.version import VERSION

    say(
        f"digitlab {VERSION}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {counted(os.cpu_count() or 1, 'core')}"
    )
    say(f"cache: {cache_folder()}")
    say(f"privacy: {privacy.describe()}")
    say(f"bfloat16 products: {_bfloat16()}")
    say()
    parts = [[package, _version(package, module)] for package, module in _READING.items()]
    say(table(["reading", "version"], parts))
    say()
    _say_extras()
    return 1 if any(version == "missing" for _, version in parts) else 0


def _say_extras() -> None:
    rows = []
    for name, extra in EXTRAS.items():
        missing = extra.missing
        if missing and extra.asked_for:
            rows.append((name, "in part", f"{extra.purpose}; missing: {', '.join(missing)}"))
        else:
            rows.append((name, "no" if missing else "yes", extra.purpose))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    say("extras (reading needs none of them):")
    for name, here, purpose in rows:
        say(f"  {name:{widths[0]}}  {here:{widths[1]}}  {purpose}")
    wanting = [name for name, here, _ in rows if here != "yes"]
    if wanting:
        say(f"to add one, e.g. {wanting[0]}: {install_command(wanting[0])}")
    for name in wanting:
        if EXTRAS[name].note:
            say(f"{name} is {EXTRAS[name].note}")


def _version(package: str, module: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # OpenCV and ONNX Runtime are distributed under several names
        return "installed, under another name" if importlib.util.find_spec(module) else "missing"


def _bfloat16() -> str:
    if importlib.util.find_spec("keras") is None:
        return "not checked (training is not installed)"
    from digitlab.training.precision import processor_multiplies_bfloat16

    if not processor_multiplies_bfloat16():
        return "no; training uses float32"
    return "yes; training uses them where they make a network faster"
