"""Write src/digitlab/api/keywords.py: the keywords of `digitlab.train` and others, generated from declared settings.

    python tools/api_keywords.py
    python tools/api_keywords.py --check     # only report whether it is up to date

Editors complete keywords from that file; at run time, they are taken from the declarations themselves.
"""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

from digitlab.reading.constraints import Constraints
from digitlab.training.config import TrainingConfig
from digitlab.transfer_learning.settings import Transfer
from digitlab.tuning.settings import Tuning

OUT = Path(__file__).parents[1] / "src" / "digitlab" / "api" / "keywords.py"
DECLARED = {"TrainingKeywords": TrainingConfig, "TransferKeywords": Transfer, "TuningKeywords": Tuning,
            "ReadingKeywords": Constraints}  # fmt: skip
_HEAD = '''"""The keywords that functions take beside their own: written by tools/api_keywords.py."""

from __future__ import annotations

from typing import {typing}
{more}
'''


def written() -> str:
    """Generate the content of the module."""
    names = ", ".join(f'"{name}"' for name in sorted(DECLARED))
    body = f"__all__ = [{names}]\n" + "".join(_class(name, kind) for name, kind in DECLARED.items())
    typing = [name for name in ("Any", "Literal") if re.search(rf"\b{name}\b", body)]
    late = "Mapping[" in body
    more = "\nif TYPE_CHECKING:\n    from collections.abc import Mapping\n" if late else ""
    names_of_typing = ", ".join(["TYPE_CHECKING"] * late + [*typing, "TypedDict"])
    return _HEAD.format(typing=names_of_typing, more=more) + body


def _class(name: str, declaring: type) -> str:
    rows = "\n".join(f"    {each.name}: {_optional(str(each.type))}" for each in fields(declaring))
    about = f'"""The settings of `{declaring.__name__}`; None leaves one as it is."""'
    return f"\n\nclass {name}(TypedDict, total=False):\n    {about}\n\n{rows}\n"


def _optional(kind: str) -> str:
    return kind if kind.endswith("| None") else f"{kind} | None"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if OUT.read_text("utf-8") == written() else f"{OUT}: renew it with python tools/api_keywords.py")
    OUT.write_text(written(), "utf-8")
