"""The least certain digits as one page, to be looked over by a person; what is typed comes back as a file.

The page loads nothing and sends nothing: pictures, script and style stand in it, and only that script may run (the page
names its digest). The corrections that it saves hold the digits themselves, so that file is all `read_corrections`
needs. Written without the extra ``train``: no jinja2, every text is escaped here.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from digitlab.archives.doubts import show_doubts
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from digitlab.archives.doubts import Doubt, Shown

__all__ = ["write_review"]


def write_review(
    doubts: Sequence[Doubt], out: Path, *, seen: int, tell: Callable[[int, int], None] | None = None
) -> int:
    """Write the page; returns how many digits are on it: those of pictures that have gone are left out.

    seen: how many digits were read in all
    tell: called with how many are drawn, and of how many

    Raises:
        StorageError: when it cannot be written.
    """
    shown = list(show_doubts(doubts, tell))
    templates = resources.files("digitlab.archives").joinpath("templates")
    script = templates.joinpath("review.js").read_text("utf-8")
    # "</script>" must not end the block early, whatever a file is called.
    content = json.dumps([_content(each) for each in shown], separators=(",", ":")).replace("<", "\\u003c")
    page = string.Template(templates.joinpath("review.html").read_text("utf-8")).substitute(
        style=templates.joinpath("review.css").read_text("utf-8"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        content=content,
        name=hashlib.sha256(content.encode()).hexdigest()[:16],
        about=html.escape(_about(len(shown), seen)),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(shown)


def _about(shown: int, seen: int) -> str:
    if not shown:
        return "No digit was found in these pictures, so there is nothing to look over."
    return f"The {shown:,} least certain of {seen:,} marks, the least certain first."


def _content(shown: Shown) -> dict[str, Any]:
    doubt = shown.doubt
    return {
        "path": doubt.path,
        "line": doubt.line,
        "position": doubt.position,
        "read": doubt.digit,
        "confidence": round(doubt.confidence, 4),
        "guess": doubt.guess,
        "second": doubt.second,
        "second_confidence": None if doubt.second_confidence is None else round(doubt.second_confidence, 4),
        "box": list(doubt.box),
        "crop": shown.crop,
        "frame": [round(share, 4) for share in shown.frame],
        "glyph": shown.glyph,
    }
